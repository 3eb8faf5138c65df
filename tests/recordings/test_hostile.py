"""Hostile and damaged files: one clear line, no memory beyond bounds, nothing read outside the file."""

from __future__ import annotations

import gzip
import io
import os
import random
import stat
import struct
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings import archives
from athlete_monitor.recordings.import_request import ImportRequest
from athlete_monitor.recordings.importing import import_files
from athlete_monitor.recordings.registry import all_formats
from athlete_monitor.recordings.source import from_path
from tests.recordings.fit_kit import running
from tests.recordings.mutations import cases, tried

if TYPE_CHECKING:
    from athlete_monitor.recordings.import_results import ImportResults

SAMPLES = Path(__file__).parent / "samples"
START = 1_777_881_600


def imported(root: Path, *paths: Path) -> ImportResults:
    return import_files(ImportRequest(paths, root / "t", root / "g", athlete_id=7), ())


def one_line(report: ImportResults) -> str:
    assert not report.done
    [cause] = report.failed
    assert "\n" not in cause
    return cause


BOMB = '<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(10)
)
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a SYSTEM "file:///etc/passwd">'
XML = {
    "bomb.gpx": BOMB + ']><gpx><trk><trkseg><trkpt lat="1" lon="2"><time>&k;</time></trkpt></trkseg></trk></gpx>',
    "outside.gpx": OUTSIDE + ']><gpx><trk><trkseg><trkpt lat="1" lon="2"><time>&a;</time></trkpt></trkseg></trk></gpx>',
    "bomb.tcx": BOMB + "]><TrainingCenterDatabase><Activities>&k;</Activities></TrainingCenterDatabase>",
    "outside.xml": OUTSIDE
    + "]><main><Metadata><GlobalConfig><FrameRate>&a;</FrameRate></GlobalConfig></Metadata></main>",
}


@pytest.mark.parametrize("name", XML)
def test_entities_in_xml_are_refused(tmp_path, name):
    (tmp_path / name).write_text(XML[name])
    assert "declares entities or a document type" in one_line(imported(tmp_path, tmp_path / name))


def test_xml_that_is_nested_deeply_is_refused(tmp_path):
    (tmp_path / "deep.gpx").write_text("<gpx>" + "<trk>" * 100_000)
    assert "nested too deeply" in one_line(imported(tmp_path, tmp_path / "deep.gpx"))


def test_a_fit_file_that_declares_four_gigabytes_is_read_as_far_as_it_goes(tmp_path):
    (tmp_path / "huge.fit").write_bytes(running(30).bytes(declared=0xFFFFFFFF))
    [done] = imported(tmp_path, tmp_path / "huge.fit").done
    assert done.figures.rows == 30


def test_a_fit_file_of_empty_messages_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("athlete_monitor.recordings.fit_messages.MOST_MESSAGES", 1000)
    body = bytes([0x40, 0, 0]) + struct.pack("<HB", 20, 0) + b"\0" * 5000
    (tmp_path / "empty.fit").write_bytes(struct.pack("<BBHI4s", 12, 16, 0, len(body), b".FIT") + body)
    assert "has more than 1,000 messages" in one_line(imported(tmp_path, tmp_path / "empty.fit"))


def test_a_compressed_bomb_is_cut_where_the_bound_is(tmp_path, monkeypatch):
    monkeypatch.setattr("athlete_monitor.recordings.source.MOST_STREAMED_BYTES", 2**20)
    rows = b"timestamp,hr\n" + b"1777881600,100\n" * 200_000
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(rows))
    source = from_path(tmp_path / "bomb.csv.gz")
    with pytest.raises(RecordingError, match="is longer than 1 MB"), source.opened(2**20) as stream:
        stream.read()


def archive(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return path


def test_an_archive_that_would_unpack_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MOST_ARCHIVE_BYTES", 1_000_000)
    path = archive(tmp_path / "bomb.zip", a=b"0" * 2_000_000)
    assert "would unpack to more than" in one_line(imported(tmp_path, path))


def test_archives_inside_archives_have_an_end(tmp_path):
    inner = b"nothing"
    for _ in range(6):
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as outer:
            outer.writestr("inner.zip", inner)
        inner = made.getvalue()
    (tmp_path / "nest.zip").write_bytes(inner)
    assert "opened to a depth of 3" in one_line(imported(tmp_path, tmp_path / "nest.zip"))


@pytest.mark.parametrize("cut", [30, 200, -10])
def test_a_damaged_archive_is_one_line(tmp_path, cut):
    path = archive(tmp_path / "cut.zip", **{"a.csv": (SAMPLES / "polar_flow.csv").read_bytes()})
    path.write_bytes(path.read_bytes()[:cut])
    assert "is a damaged archive" in one_line(imported(tmp_path, path))


def test_a_path_out_of_the_archive_is_read_and_nothing_is_written_there(tmp_path):
    (tmp_path / "in").mkdir()
    rows = b"timestamp,hr\n1777881600,100\n1777881601,101\n"
    path = archive(tmp_path / "in" / "out.zip", **{"../../evil.csv": rows})
    before = {file for file in tmp_path.rglob("*") if file.is_file()}
    report = imported(tmp_path, path)
    written = {file for file in tmp_path.rglob("*") if file.is_file()} - before
    assert all(file.parent.name == "player_7" for file in written)
    assert len(report.done) == 1


def workbook(path: Path, **parts: str) -> Path:
    """Write a valid workbook, some of its parts replaced or added."""
    made = cases()["workbook.xlsx"][1]["workbook.xlsx"]
    with zipfile.ZipFile(io.BytesIO(made)) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in dict.fromkeys([*old.namelist(), *(f"xl/{part}.xml" for part in parts if part != "sheet1")]):
            part = parts.get(Path(name).stem)
            new.writestr(name, old.read(name) if part is None else part)
    return path


SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:XFD1048576"/>'
HEAD = "".join(
    f'<c r="{place}" t="inlineStr"><is><t>{name}</t></is></c>' for place, name in (("A1", "timestamp"), ("B1", "hr"))
)


def a_row(number: int, last: str = "B") -> str:
    return f'<row r="{number}"><c r="A{number}"><v>{START + number}</v></c><c r="{last}{number}"><v>120</v></c></row>'


def test_the_size_that_a_sheet_declares_does_not_count(tmp_path):
    rows = "".join(a_row(number) for number in (2, 3, 100_000, 100_001))
    sheet = f'{SHEET}<sheetData><row r="1">{HEAD}</row>{rows}</sheetData></worksheet>'
    done = imported(tmp_path, workbook(tmp_path / "a.xlsx", sheet1=sheet)).done
    assert [session.figures.rows for session in done] == [2, 2]


def test_what_a_library_prints_about_damaged_styles_is_not_in_the_output(tmp_path, capsys):
    styles = (
        '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellStyleXfs/>'
        '<cellStyles><cellStyle name="Normal" xfId="7"/></cellStyles></styleSheet>'
    )
    report = imported(tmp_path, workbook(tmp_path / "a.xlsx", styles=styles))
    assert "is not a readable workbook" in one_line(report)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("bound", "said"),
    [("_MOST_CELLS", "million cells"), ("_MOST_BESIDE", "beside its"), ("_MOST_UNPACKED", "unpack to")],
)
def test_a_workbook_that_unpacks_to_too_much_is_one_line(tmp_path, monkeypatch, bound, said):
    monkeypatch.setattr(f"athlete_monitor.recordings.sheets.{bound}", 20_000)
    rows = "".join(a_row(number, "XFD") for number in range(2, 200))
    sheet = f'{SHEET}<sheetData><row r="1">{HEAD}</row>{rows}</sheetData></worksheet>'
    strings = "<sst>" + "<si><t>text</t></si>" * 2_000 + "</sst>"
    parts = {"sheet1": sheet} if bound == "_MOST_CELLS" else {"sharedStrings": strings}
    assert said in one_line(imported(tmp_path, workbook(tmp_path / "a.xlsx", **parts)))


@pytest.mark.parametrize("name", ["a.gpx", "a.tcx"])
@pytest.mark.parametrize("inside", ['name="{}"', "{}"])
def test_a_tag_or_a_text_of_megabytes_is_refused_and_not_read_over_and_over(tmp_path, monkeypatch, name, inside):
    monkeypatch.setattr("athlete_monitor.recordings.xml._LONGEST_TAG_BYTES", 2**20)
    root = {"a.gpx": "gpx", "a.tcx": "TrainingCenterDatabase"}[name]
    long = inside.format("a" * 3 * 2**20)
    trk = f"<trk {long}/>" if "=" in inside else f"<trk>{long}</trk>"
    (tmp_path / name).write_text(f"<{root}><a/><b/>{trk}</{root}>")
    assert "holds a tag or a text of more than 1 MB" in one_line(imported(tmp_path, tmp_path / name))


@pytest.mark.parametrize("declared", [0, 0x7FFFFFFF])
def test_the_size_that_a_fit_file_declares_does_not_count(tmp_path, declared):
    (tmp_path / "a.fit").write_bytes(running(30).bytes(declared=declared))
    [done] = imported(tmp_path, tmp_path / "a.fit").done
    assert done.figures.rows == 30


def test_a_table_of_ten_thousands_of_columns_is_one_line(tmp_path):
    names = "".join(f",c{place}" for place in range(20_000))
    (tmp_path / "a.csv").write_text(f"timestamp,hr{names}\n{START},100{',1' * 20_000}\n")
    assert "a.csv: is not recognised as a recording" in one_line(imported(tmp_path, tmp_path / "a.csv"))


def test_a_link_and_an_absolute_path_in_an_archive_stay_inside(tmp_path):
    link = zipfile.ZipInfo("link.csv")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.writestr(link, "/etc/passwd")
        made.writestr("/abs/run.csv", f"timestamp,hr\n{START},100\n{START + 1},101\n")
    [done] = imported(tmp_path, tmp_path / "a.zip").done
    assert done.figures.rows == 2
    assert done.path is not None
    assert done.path.is_relative_to(tmp_path)


@pytest.mark.parametrize("text", ['{{"RIDE":{0}', '{{"RIDE":{{"SAMPLES":{0}', "{0}"])
def test_json_of_any_depth_is_one_line(tmp_path, text):
    (tmp_path / "a.json").write_text(text.format('{"RIDE":[' * 50_000))
    assert "a.json: is not" in one_line(imported(tmp_path, tmp_path / "a.json"))


def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    assert "is not a regular file" in one_line(imported(tmp_path, tmp_path / "pipe.csv"))


def test_a_line_without_end_is_no_table(tmp_path):
    (tmp_path / "line.csv").write_text("timestamp,hr\n1777881600,100\n" + "1" * 400_000)
    assert "holds a line of more than" in one_line(imported(tmp_path, tmp_path / "line.csv"))


def test_json_that_is_nested_deeply_is_one_line(tmp_path):
    (tmp_path / "deep.json").write_text('{"time": 1, "heartrate": ' + "[" * 200_000)
    assert "is not valid JSON" in one_line(imported(tmp_path, tmp_path / "deep.json"))


def test_a_wav_that_declares_more_than_it_holds_is_one_line(tmp_path):
    folder = tmp_path / "shirt"
    folder.mkdir()
    (folder / "info.json").write_text('{"start_date": "2026-05-04T08:00:00"}')
    head = b"RIFF" + struct.pack("<I", 0xFFFFFFF0) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 64, 128, 2, 16)
    for axis in "XYZ":
        (folder / f"acceleration_{axis}.wav").write_bytes(head + b"data" + struct.pack("<I", 0xFFFFFF00) + b"\0" * 100)
    assert "acceleration_X.wav: holds 50 of" in one_line(imported(tmp_path, folder))


@pytest.mark.parametrize("name", cases())
def test_a_file_that_is_damaged_anywhere_is_read_or_refused_in_one_line(tmp_path, name):
    """The short form of ``benchmarks/import_fuzz.py``, which tries 20,000 for each reader."""
    for number in range(8):
        assert tried(tmp_path / "try", name, random.Random(f"daily {name} {number}")) in {"read", "refused"}


def test_every_reader_is_among_the_damaged_cases():
    assert {kind for kind, _ in cases().values()} == {known.kind for known in all_formats()}


LONG = 60_000
LONG_TABLES = {
    "a name of brackets": "[" * LONG + ",heart_rate\n1,2\n",
    "a name of blanks": "a" + " " * LONG + "b,heart_rate\n1,2\n",
    "a name of words": "a " * (LONG // 2) + ",heart rate x\n1,2\n",
    "a time of blanks": "timestamp,heart_rate\n2026-05-04" + " " * LONG + "x,120\n2026-05-04 10:00:00,120\n",
    "a setting of blanks": "# OpenField Export\n# "
    + " " * LONG
    + "x\n# CentisecTime : 1\nSeconds,Velocity\n0,1\n1,1\n",
    "a setting of commas": "# OpenField Export\n# Athlete: a" + "," * LONG + "x\nSeconds,Velocity\n0,1\n1,1\n",
    "a cell beyond the limit": f"timestamp,heart_rate\n{'1' * 140_000},120\n",
    "a cell of Polar beyond the limit": (
        f"Name,Sport,Date,Start time,Duration\nAnn,{'x' * 140_000},04-05-2026,10:00:00,00:10:00\n"
        "Sample rate,Time,HR (bpm)\n1,00:00:00,120\n"
    ),
    "a cell of digits": f"timestamp,heart_rate\n1777881600,{'1' * 2 * LONG}x\n1777881601,120\n",
    "zeros between the cells": "timestamp,heart_rate\n\0,\0\n2026-05-04 10:00:0\0000,\000120\n",
    "a name of Polar": (
        "Nimi,Laji,Päivä,Alku,Kesto,Matka (km),Syke (bpm),Vauhti (km/h),Huippu (km/h)\n"
        f"Ann,RUN,04.05.2026,10.00.00,00:03:19,1,1,1,1\nT,A,{'(' * LONG},N,V,K,K,A,M,L,T\n1,00:00:00,1,1,1,1,1,1,1,,\n"
    ),
}


@pytest.mark.parametrize("name", LONG_TABLES)
def test_texts_of_any_length_are_read_or_refused_in_time_that_grows_with_them(tmp_path, name):
    """The patterns for names, units and times once took minutes for these; the time is that of the whole suite."""
    (tmp_path / "a.csv").write_text(LONG_TABLES[name])
    report = imported(tmp_path, tmp_path / "a.csv")
    assert len(report.done) + len(report.failed) == 1


def test_an_entry_without_a_name_in_an_archive_is_left_out(tmp_path):
    rows = f"timestamp,hr\n{START},100\n{START + 1},101\n".encode()
    content = archive(tmp_path / "a.zip", **{"run.csv": rows, "x": b"?"}).read_bytes()
    content = content.replace(b"xPK\x05\x06", b"PK\x05\x06")  # the directory's last name, which becomes empty
    directory = content.rindex(b"PK\x01\x02")
    size = int.from_bytes(content[-10:-6], "little") - 1
    content = (
        content[: directory + 28] + b"\0\0" + content[directory + 30 : -10] + size.to_bytes(4, "little") + content[-6:]
    )
    (tmp_path / "b.zip").write_bytes(content)
    assert [done.figures.rows for done in imported(tmp_path, tmp_path / "b.zip").done] == [2]


@pytest.mark.parametrize("unit", ["<trk>" * 800, "x" * 4000, "[" * 3000])
def test_a_unit_of_any_length_is_a_short_line(tmp_path, unit):
    text = (SAMPLES / "openfield_10hz.csv").read_text()
    (tmp_path / "a.csv").write_text(text.replace("Kilometers", unit))
    cause = one_line(imported(tmp_path, tmp_path / "a.csv"))
    assert "is not known; allowed: m/s" in cause
    assert len(cause) < 1000


def test_positions_of_which_no_row_has_both_degrees_are_no_positions(tmp_path):
    rows = "".join(f"{START + n},{100 + n},{52.0 if n % 2 else ''},{'' if n % 2 else 13.0}\n" for n in range(8))
    (tmp_path / "a.csv").write_text(f"timestamp,hr,latitude,longitude\n{rows}")
    [done] = imported(tmp_path, tmp_path / "a.csv").done
    assert done.figures.rows == 8
    assert "x_m" not in done.figures.channels


@pytest.mark.parametrize("sensor", ["acc", "gyro"])
def test_axes_that_are_never_measured_together_have_no_magnitude(tmp_path, recwarn, sensor):
    rows = "".join(f"{START + n},{100 + n},{['1,,', ',1,', ',,1'][n % 3]}\n" for n in range(9))
    (tmp_path / "a.csv").write_text(f"timestamp,hr,{sensor}_x,{sensor}_y,{sensor}_z\n{rows}")
    [done] = imported(tmp_path, tmp_path / "a.csv").done
    assert not any("nan" in note for note in done.figures.notes)
    assert not recwarn.list
