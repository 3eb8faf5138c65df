"""Session files as they come: edited, torn, of other clocks, or no session files at all."""

from __future__ import annotations

import codecs
import gzip
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from athlete_monitor.arrays import CADENCE, CHANNELS, HEART_RATE, SPEED
from athlete_monitor.errors import RecordingError
from athlete_monitor.wire import session_text
from athlete_monitor.wire.sample import NOT_MEASURED, SIMULATED, Sample, Tags, WireProfile
from athlete_monitor.wire.session_files import SessionWriter, extras_of, is_simulated
from athlete_monitor.wire.session_reader import Recording, read_session
from athlete_monitor.wire.timestamps import format_timestamp
from tests.helpers import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

HEADER = (
    "timestamp,athlete_id,age,weight,height,gender,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z,heart_rate,"
    "session_phase,intensity_level,mode,speed_mps,rr_intervals_ms"
)
START = 1_767_261_600.0


def line(second: float, heart_rate="120", speed="2.5", rr="500 501", athlete="5", timestamp=None) -> str:
    at = format_timestamp(START + second) if timestamp is None else timestamp
    return f"{at},{athlete},30,75,180,Male,,,,,,,{heart_rate},,,training,{speed},{rr}"


def file_of(
    folder: Path, lines: Sequence[str], header: str = HEADER, name: str = "TR1_A5_D005_2026_01_01-10_00_00.csv"
) -> Path:
    path = folder / name
    path.write_text("".join(f"{each}\n" for each in (header, *lines)), encoding="utf-8")
    return path


def read(folder: Path, lines, header=HEADER):
    return read_session(file_of(folder, lines, header))


LINES = [line(second) for second in range(20)]


@pytest.mark.parametrize(
    ("cell", "beats"),
    [
        ("500 501", (500.0, 501.0)),
        ("500;501", (500.0, 501.0)),
        ("500; 501 ;", (500.0, 501.0)),
        ("500 99 501 20000", (500.0, 501.0)),
        ("500 5x1 501", (500.0, 501.0)),
        ("1_000", ()),
        ("nan inf -5", ()),
        ("", ()),
    ],
)
def test_beats_are_separated_by_blank_or_semicolon_and_a_bad_one_is_left_out(tmp_path, cell, beats):
    session = read(tmp_path, [*LINES[:5], line(5, rr=cell), *LINES[6:]])
    assert session.rr.get(5, ()) == beats
    assert len(session) == 20
    assert session.skipped_rows == 0


def test_a_cell_that_is_no_number_costs_its_row_and_the_note_names_the_line_of_the_file(tmp_path):
    lines = [
        "",
        "",
        *LINES[:5],
        "",
        line(5, speed="1_110"),
        *LINES[6:10],
        "rubbish",
        line(10, speed="2,5"),
        *LINES[11:],
    ]
    session = read(tmp_path, lines)
    assert len(session) == 18
    assert session.notes == ("3 rows were not readable and ignored, the first on line 10",)


@pytest.mark.parametrize("damage", ["\0", "\r", "\0" * 40])
def test_bytes_that_no_text_has_cost_their_row_only(tmp_path, damage):
    session = read(tmp_path, [*LINES[:5], line(5, rr=f"500{damage}501"), *LINES[6:]])
    assert len(session) == 19
    assert "1 row was not readable and ignored, the first on line 7" in session.notes


@pytest.mark.parametrize("ends", ["\r\n", "\r"])
def test_line_ends_of_other_systems_are_line_ends(tmp_path, ends):
    path = file_of(tmp_path, LINES)
    path.write_bytes(path.read_text().replace("\n", ends).encode())
    assert len(read_session(path)) == 20


def test_a_mark_at_the_start_of_the_text_and_names_in_capitals_do_not_matter(tmp_path):
    path = file_of(tmp_path, LINES, header=HEADER.upper().replace(",", " , "))
    path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())
    assert len(read_session(path)) == 20


def test_a_header_repeated_in_the_middle_is_no_row(tmp_path):
    session = read(tmp_path, [*LINES[:10], HEADER, *LINES[10:]])
    assert len(session) == 20
    assert session.notes == ("the header is repeated on line 12",)


def test_an_alias_of_a_column_is_the_column(tmp_path):
    header = HEADER.replace("heart_rate", "heart_rate_bpm").replace("speed_mps", "step_rate_spm")
    session = read(tmp_path, LINES, header)
    assert session.values[0, HEART_RATE] == 120
    assert session.values[0, CADENCE] == 2.5
    assert np.isnan(session.values[0, SPEED])


@pytest.mark.parametrize("second", ["heart_rate_bpm", "heart_rate"])
def test_of_two_columns_for_one_channel_the_one_that_holds_something_counts(tmp_path, second):
    session = read(tmp_path, [f"{each}," for each in LINES], f"{HEADER},{second}")
    assert session.values[0, HEART_RATE] == 120
    session = read(tmp_path, [f"{line(s, heart_rate='')},130" for s in range(5)], f"{HEADER},{second}")
    assert session.values[0, HEART_RATE] == 130
    with pytest.raises(RecordingError, match=f"two columns with the same meaning: heart_rate and {second}"):
        read(tmp_path, [f"{each},130" for each in LINES], f"{HEADER},{second}")


def test_values_out_of_physical_range_are_left_out_and_counted(tmp_path):
    session = read(tmp_path, [*LINES[:5], line(5, heart_rate="999", speed="-3"), line(6, heart_rate="1e300")])
    assert np.isnan(session.values[5:, HEART_RATE]).all()
    assert np.isnan(session.values[5, SPEED])
    assert session.notes == ("3 values out of physical range are ignored (heart_rate, speed_mps)",)


@pytest.mark.parametrize(
    ("texts", "note"),
    [
        ([str(int(START) + s) for s in range(20)], None),
        ([f"{START + s + 0.25:.2f}" for s in range(20)], None),
        ([str((int(START) + s) * 1000) for s in range(20)], "the timestamps are epoch milliseconds"),
    ],
)
def test_epoch_numbers_are_times(tmp_path, texts, note):
    session = read(tmp_path, [line(0, timestamp=text) for text in texts])
    np.testing.assert_allclose(np.diff(session.t), 1.0)
    assert int(session.t[0]) == START
    assert session.notes == ((note,) if note else ())


def test_a_session_recorded_in_berlin_over_the_end_of_summer_is_the_same_on_a_box_in_utc(tmp_path):
    write = (
        "import sys; from pathlib import Path\n"
        "from athlete_monitor.wire.sample import Sample\n"
        "from athlete_monitor.wire.session_files import SessionWriter\n"
        "with SessionWriter(Path(sys.argv[1]), 'training', 5, '005', 1792886400.0) as w:\n"
        "    w.write(Sample('005', 1792886400.0 + 2 * i, (1.0,) * 22, 5, i) for i in range(4000))\n"
        "print(w.path)"
    )
    environ = os.environ | {"TZ": "Europe/Berlin"}
    done = subprocess.run(
        [sys.executable, "-c", write, str(tmp_path)], cwd=ROOT, env=environ, capture_output=True, text=True, check=True
    )
    path = Path(done.stdout.strip())
    assert "02:50:00.000+02:00" in path.read_text()
    assert "02:50:00.000+01:00" in path.read_text()
    session = read_session(path)
    assert session.t.tolist() == [1792886400.0 + 2 * i for i in range(4000)]
    assert session.notes == ()


def test_rows_of_one_second_are_spread_as_the_live_stream_spreads_them(tmp_path):
    lines = [line(0, timestamp=f"2026-01-01 10:00:0{second}") for second in range(3) for _ in range(7)]
    session = read(tmp_path, lines)
    assert np.diff(session.t) == pytest.approx(1 / 7, abs=1e-6)
    assert "rows share the timestamp of the previous row" in session.notes[0]


@pytest.mark.parametrize("by_s", [-3, -7200])
def test_rows_after_a_clock_that_was_set_back_go_on_from_those_before(tmp_path, by_s):
    session = read(tmp_path, [line(s + (by_s if s >= 12 else 0), speed=f"{s / 10}") for s in range(20)])
    assert np.diff(session.t) == pytest.approx(1.0)
    assert len(session.rr) == 20
    assert "on line 14" in session.notes[0]


FOREIGN = {
    "a FIT file": bytes((14, 16, 0, 0, 0, 0, 0, 0)) + b".FIT" + bytes(50),
    "a TCX file": b'  <?xml version="1.0"?>\n<TrainingCenterDatabase xmlns="x">',
    "a GPX file": b'<?xml version="1.0"?><gpx version="1.1">',
    "an XML file": b"<?xml version='1.0'?><a/>",
    "a JSON file": b'\n {"RIDE": 1}',
    "a ZIP archive": b"PK\x03\x04" + bytes(100),
    "a SQLite database": b"SQLite format 3\x00" + bytes(100),
    "text in UTF-16": (HEADER + "\n" + LINES[0] + "\n").encode("utf-16"),
    "text in UTF-16 (": (HEADER + "\n" + LINES[0] + "\n").encode("utf-16-le"),
    "a web page": b"<!DOCTYPE html><html></html>",
}


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize("packed", [False, True])
def test_another_kind_of_file_is_named_as_what_it_is(tmp_path, kind, packed):
    path = tmp_path / "TR1_A5_D005_2026_01_01-10_00_00.csv"
    path.write_bytes(gzip.compress(FOREIGN[kind]) if packed else FOREIGN[kind])
    with pytest.raises(RecordingError) as told:
        read_session(path)
    assert f"not a session file: it is {kind}" in str(told.value)


def test_a_file_whose_name_is_not_utf_8_is_read_and_its_errors_can_be_printed(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/TR1_A5_D005_2026_01_01-10_00_00_\xff.csv"))
    path.write_text("".join(f"{each}\n" for each in (HEADER, *LINES)))
    assert read_session(path).device_id == "005"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(RecordingError) as told:
        read_session(path)
    assert str(told.value).encode()


def test_members_of_a_gzip_file_follow_each_other(tmp_path):
    path = file_of(tmp_path, LINES)
    text = path.read_bytes()
    path.write_bytes(gzip.compress(text[:500]) + gzip.compress(text[500:]))
    assert len(read_session(path)) == 20


@pytest.mark.parametrize("path", ["", "missing.csv"])
def test_what_is_no_file_is_refused(tmp_path, path):
    with pytest.raises(RecordingError, match="cannot be read"):
        read_session(tmp_path / path)


def test_a_simulated_session_is_marked_in_its_file_and_in_what_is_read(tmp_path):
    sample = Sample("005", START, NOT_MEASURED, 5, 0, WireProfile(), Tags(source=SIMULATED))
    extra = tuple(extras_of(np.array([sample.values]), [sample]))
    with SessionWriter(tmp_path, "training", 5, "005", START, extra=extra) as writer:
        writer.write([sample])
    assert writer.path.read_text().splitlines()[0].endswith(",mode,source")
    assert read_session(writer.path).simulated
    assert is_simulated(writer.path)
    packed = writer.path.with_name(f"{writer.path.name}.gz")
    packed.write_bytes(gzip.compress(writer.path.read_bytes()))
    assert is_simulated(packed)
    real = file_of(tmp_path, LINES)
    assert not read_session(real).simulated
    assert not is_simulated(real)
    real.write_bytes(b"\x1f\x8b\x00")
    assert not is_simulated(real)
    assert not is_simulated(tmp_path / "missing")


def mutated(rng: random.Random, seed: bytes) -> bytes:
    """The file with some bytes flipped, cut, doubled, or replaced by what hurts."""
    data = bytearray(seed)
    tokens = [b",", b"\n", b"\r", b"\0", b'"', b";", b"1e999", b"-", b"nan", b"\xff\xfe", b"\xef\xbb\xbf", b"9" * 400,
              b"2026-10-25 02:30:00", b"1767261600", b"1767261600000", b"0000-00-00 00:00:00", b"_", b" ", b"\x1f\x8b",
              HEADER.encode(), b"acc_x", b"heart_rate_bpm", b"athlete_id,", b"+25:00", b"Z"]  # fmt: skip
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(data) + 1) if rng.random() < 0.7 else rng.randrange(min(len(data), len(HEADER)) + 1)
        kind = rng.randrange(4)
        if kind == 0 and at < len(data):
            data[at] = rng.randrange(256)
        elif kind == 1:
            del data[at : at + rng.randint(1, 60)]
        elif kind == 2:
            data[at:at] = data[at : at + rng.randint(1, 60)]
        else:
            data[at : at + rng.randint(0, 6)] = rng.choice(tokens)
    return bytes(data)


def read_or_refused(path: Path) -> Recording | None:
    try:
        return read_session(path)
    except RecordingError as error:
        words = str(error)
    assert "\n" not in words
    return None


@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_file_is_read_or_refused_in_one_line_and_nothing_else(tmp_path, seed):
    rng = random.Random(seed)
    path, read_count = file_of(tmp_path, LINES), 0
    text = path.read_bytes()
    for number in range(250):
        data = mutated(rng, text)
        path.write_bytes(gzip.compress(data)[: rng.randint(10, 2000)] if number % 10 == 0 else data)
        session = read_or_refused(path)
        if session is None:
            continue
        read_count += 1
        assert (np.diff(session.t) > 0).all()
        assert session.values.shape == (len(session.t), len(CHANNELS))
        assert not np.isinf(session.values).any()
        assert all(sample.t > 0 for sample in session.samples())
    assert read_count > 80


@pytest.mark.parametrize(
    "lines",
    [
        LINES,
        [*LINES[:5], "", *LINES[5:]],
        [*LINES[:5], HEADER, *LINES[5:]],
        [LINES[0] + ",1", LINES[1].rpartition(",")[0], *LINES[2:]],
        [*LINES[:3], line(3.0, heart_rate="high"), *LINES[4:]],
        [LINES[0]],
    ],
)
def test_a_file_is_read_the_same_in_one_piece_and_line_by_line_with_tags_and_without(tmp_path, monkeypatch, lines):
    path = file_of(tmp_path, lines)
    whole, bare = read_session(path), read_session(path, with_tags=False)
    monkeypatch.setattr(session_text, "_is_plain", lambda _head, _body: False)
    by_line = read_session(path)
    assert (whole.notes, whole.skipped_rows, whole.tags) == (by_line.notes, by_line.skipped_rows, by_line.tags)
    assert (bare.notes, bare.skipped_rows, bare.profile) == (whole.notes, whole.skipped_rows, whole.profile)
    for each in (bare, by_line):
        assert np.array_equal(each.t, whole.t)
        assert np.array_equal(each.values, whole.values, equal_nan=True)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_file_with_cells_in_quotes_is_the_same_session(tmp_path, end):
    def quoted(text: str) -> str:
        return ",".join(f'"{cell}"' if cell else cell for cell in text.split(","))

    (tmp_path / "plain").mkdir()
    expected = read(tmp_path / "plain", LINES)
    path = file_of(tmp_path, [quoted(each) for each in LINES], quoted(HEADER))
    path.write_text(path.read_text().replace("\n", end), newline="")
    found = read_session(path)
    np.testing.assert_array_equal(found.t, expected.t)
    np.testing.assert_array_equal(found.values, expected.values)
    assert found.notes == expected.notes


def test_a_quoted_cell_with_a_comma_costs_its_row_only(tmp_path):
    found = read(tmp_path, [*LINES[:5], line(5, heart_rate='"120,5"'), *LINES[6:]])
    assert len(found.t) == len(LINES) - 1
    assert any("on line 7" in note for note in found.notes)
