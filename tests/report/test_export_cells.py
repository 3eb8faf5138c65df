"""What a cell may hold and what no file may: each format is read back by a library that is not ours."""

from __future__ import annotations

import io
import json
import math
import zipfile

import fitdecode
import gpxpy
import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.archive import DeviceSession
from athlete_monitor.errors import MonitorError
from athlete_monitor.report.export import command, workbook, writers
from athlete_monitor.report.export.activities import fit, gpx, tcx
from athlete_monitor.report.export.activity import COLUMNS, Activity
from athlete_monitor.report.export.tables import ExportColumn, Table
from athlete_monitor.report.export.writers import WRITERS
from tests.report.test_export import TRAINING_CENTER

HOSTILE = (
    "a\x00b\x0bc", "\\", "]]>&<", "=1+1", "@x", "محمد", "a\u200cb", "\ud800x", "x\u202ey", "n" * 40_000, "",
    "\ufffe", "😀" * 40_000, 'a,b=c "d"\\',
)  # fmt: skip
UNKNOWN = (math.nan, math.inf, -math.inf, np.float64("nan"))
ZIP64 = 45
"""What a reader must know of the format, in tenths."""
KNOWN = (1e300, 10**17, -2.5, True, np.float64(3.5), np.int64(4))


def table(values, texts=("Ada",), name="seconds"):
    columns = (
        ExportColumn("name", is_text=True),
        ExportColumn("t_s"),
        ExportColumn("value"),
        ExportColumn("text", is_text=True),
    )
    rows = [(text, -3e9 + row, value, text) for row, (text, value) in enumerate((t, v) for t in texts for v in values)]
    return Table(name, columns, iter(rows))


def read(form, path):
    if form == "xlsx":
        return [row[2] for row in openpyxl.load_workbook(path).worksheets[0].iter_rows(min_row=2, values_only=True)]
    if form == "influx":
        lines = path.read_text().splitlines()
        return [line.rpartition(" value=")[2].split(",")[0] if " value=" in line else None for line in lines]
    frame = {"csv": pd.read_csv, "parquet": pd.read_parquet, "json": lambda p: pd.DataFrame(json.loads(p.read_text()))}
    return [None if value != value else value for value in frame[form](path)["value"].tolist()]  # noqa: PLR0124 - NaN


@pytest.mark.parametrize("form", WRITERS)
def test_a_number_that_is_none_is_unknown_in_every_format(tmp_path, form):
    pytest.importorskip("pyarrow") if form == "parquet" else None
    WRITERS[form](table((*UNKNOWN, 1.5)), tmp_path / "t.xlsx")
    assert [value if value is None else float(value) for value in read(form, tmp_path / "t.xlsx")] == [*[None] * 4, 1.5]


@pytest.mark.parametrize("form", WRITERS)
def test_no_text_and_no_number_stops_an_export(tmp_path, form):
    pytest.importorskip("pyarrow") if form == "parquet" else None
    count = WRITERS[form](table(KNOWN, HOSTILE), tmp_path / "t.xlsx")
    assert count == len(read(form, tmp_path / "t.xlsx")) == len(KNOWN) * len(HOSTILE)


def test_no_tag_of_the_line_protocol_is_empty(tmp_path):
    WRITERS["influx"](table((1.0,), ("\\", "\\\\", "")), tmp_path / "t.xlsx")
    assert "name=" not in (tmp_path / "t.xlsx").read_text()


@pytest.mark.parametrize("letter", ["a", "é", "😀"])
def test_a_cell_of_excel_holds_as_many_characters_as_excel_counts(tmp_path, letter):
    WRITERS["xlsx"](table((1.0,), (letter * 40_000,)), tmp_path / "t.xlsx")
    text = openpyxl.load_workbook(tmp_path / "t.xlsx").worksheets[0]["D2"].value
    assert set(text) == {letter}
    assert workbook.LONGEST_TEXT - 1 <= len(text.encode("utf-16-le")) // 2 <= workbook.LONGEST_TEXT


def test_a_workbook_has_no_64_bit_part_and_continues_before_it_would_need_one(tmp_path, monkeypatch):
    monkeypatch.setattr(workbook, "LARGEST_PART", 100_000)
    WRITERS["xlsx"](table([float(number) for number in range(2_000)]), tmp_path / "t.xlsx")
    sheets = pd.read_excel(tmp_path / "t.xlsx", sheet_name=None)
    assert len(sheets) > 1
    assert [value for sheet in sheets.values() for value in sheet["value"]] == list(range(2_000))
    content = (tmp_path / "t.xlsx").read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        for part in file.infolist():
            version = part.header_offset + 4
            assert int.from_bytes(content[version : version + 2], "little") < ZIP64


def test_a_long_table_is_several_parquet_files_and_a_shorter_one_removes_those_it_does_not_need(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow", reason="pyarrow is an optional extra")
    monkeypatch.setattr(writers, "BATCH_ROWS", 5)
    monkeypatch.setattr(writers, "FILE_GROUPS", 2)
    (tmp_path / "t_2.parquet").write_bytes(b"somebody else's")
    for rows, files in ((95, 3), (81, 3), (80, 2), (0, 1)):
        assert command.write_table(table(range(rows)), tmp_path / "t.parquet", "parquet") == rows
        found = [tmp_path / "t.parquet", *command.parts_after(tmp_path / "t.parquet")]
        assert len(found) == files
        assert pd.concat([pd.read_parquet(path) for path in found])["value"].tolist() == list(range(rows))
    assert {path.name for path in tmp_path.iterdir()} == {"t.parquet", "t_2.parquet"}


def test_an_export_that_breaks_off_leaves_what_was_there_and_nothing_else(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow", reason="pyarrow is an optional extra")
    monkeypatch.setattr(writers, "BATCH_ROWS", 5)
    monkeypatch.setattr(writers, "FILE_GROUPS", 1)
    command.write_table(table(range(50)), tmp_path / "t.parquet", "parquet")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def broken():
        yield from table(range(70)).rows
        raise MonitorError("the archive cannot be read")

    with pytest.raises(MonitorError):
        command.write_table(Table("t", table(()).columns, broken()), tmp_path / "t.parquet", "parquet")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def walk(name, lap):
    session = DeviceSession(1, "A1", "001", 1, 0.0, 9.0, None, name, None, None)
    seconds = {column: np.full(3, 50.0) for column in COLUMNS}
    return Activity(session, name, {"t": np.arange(3.0) + 1.7e9, **seconds}, [(lap, 1.7e9, 1.7e9 + 2)])


@settings(max_examples=40)
@given(st.text(st.characters()), st.sampled_from(HOSTILE))
def test_any_name_makes_a_valid_activity(name, lap):
    found = walk(name, lap)
    TRAINING_CENTER.validate(io.BytesIO(tcx(found)))
    assert len(gpxpy.parse(gpx(found).decode()).tracks[0].segments[0].points) == 3
    with fitdecode.FitReader(io.BytesIO(fit(found)), check_crc=fitdecode.CrcCheck.RAISE) as frames:
        assert sum(isinstance(frame, fitdecode.FitDataMessage) and frame.name == "record" for frame in frames) == 3
