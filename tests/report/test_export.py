from __future__ import annotations

import json
import math
import re
import time
from dataclasses import replace
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path

import fitdecode
import gpxpy
import numpy as np
import openpyxl
import pandas as pd
import pytest
import xmlschema
from garmin_fit_sdk import Decoder, Profile, Stream
from hypothesis import given
from hypothesis import strategies as st
from tcxreader.tcxreader import TCXReader

from athlete_monitor.archive import Archive
from athlete_monitor.athletes import Roster
from athlete_monitor.config import DEFAULT_CONFIG, load_config
from athlete_monitor.engine.archiving import Archiver
from athlete_monitor.recordings.import_results import WrittenSession
from athlete_monitor.recordings.imported import Imported
from athlete_monitor.recordings.writing import write_session
from athlete_monitor.report.command import main
from athlete_monitor.report.export import fit_format, tables, workbook, writers
from athlete_monitor.report.export.activities import fit, gpx, tcx
from athlete_monitor.report.export.activity import COLUMNS, Activity, activity, laps_of
from athlete_monitor.report.export.cells import plain_text
from athlete_monitor.report.export.measured import at_seconds
from athlete_monitor.report.export.tables import TABLES, Selection
from athlete_monitor.report.export.writers import WRITERS, dictionary
from athlete_monitor.report.numbers import times
from athlete_monitor.squad.prediction import NoModels
from tests.report.kit import NAMES, SECONDS, START, make_archive, start_of

TABULAR = ("summaries", "periods", "seconds", "events")


@pytest.fixture(scope="module")
def selection(tmp_path_factory):
    archive = Archive(make_archive(tmp_path_factory.mktemp("export") / "journal.sqlite3"))
    return Selection(archive, Roster(()), {})


@pytest.mark.parametrize("name", TABULAR)
def test_csv_read_by_pandas_has_the_rows_of_the_table(selection, tmp_path, name):
    table = TABLES[name](selection)
    rows = list(TABLES[name](selection).rows)
    count = WRITERS["csv"](table, tmp_path / "t.csv")
    frame = pd.read_csv(tmp_path / "t.csv")
    assert len(frame) == count == len(rows)
    assert list(frame.columns) == [column.name for column in table.columns]


def test_the_seconds_hold_what_the_archive_holds(selection, tmp_path):
    WRITERS["csv"](TABLES["seconds"](selection), tmp_path / "s.csv")
    frame = pd.read_csv(tmp_path / "s.csv")
    ada = frame[(frame.athlete_id == 1) & (frame.team_session == "T5")]
    assert len(ada) == SECONDS
    assert ada.distance_m.to_numpy() == pytest.approx(2.1 * np.arange(SECONDS), abs=1e-3)
    assert set(ada.heart_rate_source) == {"sensor", "model"}
    first = datetime.fromisoformat(ada.time_local.iloc[0])
    assert first.utcoffset() is not None
    assert first.timestamp() == pytest.approx(start_of(5) + 0.5)
    assert pd.Timestamp(ada.time_utc.iloc[0]).timestamp() == pytest.approx(start_of(5) + 0.5)


def test_periods_of_an_athlete_add_up_to_the_whole_session(selection, tmp_path):
    WRITERS["csv"](TABLES["periods"](selection), tmp_path / "p.csv")
    frame = pd.read_csv(tmp_path / "p.csv")
    match = frame[(frame.athlete_id == 2) & (frame.team_session == "T5")].set_index("period")
    halves = match.loc[["1st half", "2nd half"], "distance_m"].sum()
    assert halves == pytest.approx(match.loc["whole session", "distance_m"], abs=0.01)


@pytest.mark.parametrize("name", ["seconds", "periods"])
def test_where_a_heart_rate_came_from_is_a_word(selection, tmp_path, name):
    WRITERS["csv"](TABLES[name](selection), tmp_path / "t.csv")
    assert set(pd.read_csv(tmp_path / "t.csv").heart_rate_source.dropna()) <= {"sensor", "model"}
    column = next(each for each in TABLES[name](selection).columns if each.name == "heart_rate_source")
    assert column.is_text


@pytest.mark.parametrize("name", TABULAR)
def test_only_columns_of_texts_hold_texts(selection, name):
    table = TABLES[name](selection)
    for row in table.rows:
        assert all(
            column.is_text or not isinstance(value, str) for column, value in zip(table.columns, row, strict=True)
        )


def test_json_is_valid_and_unknown_is_null(selection, tmp_path):
    WRITERS["json"](TABLES["summaries"](selection), tmp_path / "s.json")
    rows = json.loads((tmp_path / "s.json").read_text())
    assert any(row["trimp"] is None for row in rows)
    assert {row["name"] for row in rows} == set(NAMES.values())


def test_excel_opens_it_and_takes_no_name_for_a_formula(selection, tmp_path):
    WRITERS["xlsx"](TABLES["summaries"](selection), tmp_path / "s.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "s.xlsx")["summaries"]
    names = [row[1] for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert all(not str(name).startswith("=") for name in names)
    assert sheet.max_row == 1 + 6 * len(NAMES)


def test_a_table_that_is_longer_than_a_sheet_continues_in_the_next_one(selection, tmp_path, monkeypatch):
    monkeypatch.setattr(writers, "EXCEL_ROWS", 10)
    count = WRITERS["xlsx"](TABLES["summaries"](selection), tmp_path / "s.xlsx")
    book = pd.read_excel(tmp_path / "s.xlsx", sheet_name=None)
    assert count == 6 * len(NAMES) == 36
    assert {name: len(sheet) for name, sheet in book.items()} == {
        "summaries": 10, "summaries 2": 10, "summaries 3": 10, "summaries 4": 6,
    }  # fmt: skip


@pytest.mark.parametrize("value", ["a<b>&\"c'", " spaces ", "سلام", "x" * 40_000, 1.5, -7, True, None, 1e-9])
def test_excel_gives_back_each_kind_of_value(tmp_path, value):
    book = workbook.Workbook(tmp_path / "v.xlsx")
    with book.sheet("<&'\">") as write:
        write(["before", value, "after"])
    book.close()
    sheet = openpyxl.load_workbook(tmp_path / "v.xlsx").worksheets[0]
    [row] = sheet.iter_rows(values_only=True)
    assert row == ("before", value[: workbook.LONGEST_TEXT] if isinstance(value, str) else value, "after")


def test_parquet_keeps_types(selection, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is an optional extra")
    WRITERS["parquet"](TABLES["seconds"](selection), tmp_path / "s.parquet")
    table = parquet.read_table(tmp_path / "s.parquet")
    assert str(table.schema.field("distance_m").type) == "double"
    assert str(table.schema.field("name").type) == "string"


def test_line_protocol_parses_back(selection, tmp_path):
    count = WRITERS["influx"](TABLES["seconds"](selection), tmp_path / "s.lp")
    lines = (tmp_path / "s.lp").read_text().splitlines()
    assert len(lines) == count
    measurement, fields, stamp = _parsed(lines[0])
    assert measurement["measurement"] == "seconds"
    assert int(stamp) == round((start_of(0) + 0.5) * 1000)
    assert float(fields["distance_m"]) == 0.0


def _parsed(line):
    """A slow, literal parser of InfluxDB's line protocol."""
    parts, current, quoted, i = [], "", False, 0
    while i < len(line):
        c = line[i]
        if c == "\\" and not quoted:
            current += line[i + 1]
            i += 2
            continue
        if c == '"':
            quoted = not quoted
        if c == " " and not quoted:
            parts.append(current)
            current = ""
        else:
            current += c
        i += 1
    parts.append(current)
    head, fields, stamp = parts
    return {"measurement": head.split(",")[0]}, dict(each.split("=", 1) for each in fields.split(",")), stamp


def test_the_dictionary_explains_every_column(selection):
    table = TABLES["summaries"](selection)
    text = dictionary(table.columns, table.name, 1)
    assert all(f"`{column.name}`" in text for column in table.columns)


@pytest.mark.parametrize("text", ["=1+1", "+49", "-1", "@x", "\t=1", "a\x1bb\r\n"])
def test_a_cell_is_neither_formula_nor_control_character(text):
    clean = plain_text(text)
    assert not clean.startswith(("=", "+", "-", "@", "\t"))
    assert clean.isprintable()


def _activity(selection):
    session = next(each for each in selection.sessions() if each.team_session == "T5" and each.athlete_id == 2)
    found = activity(selection.archive, session, NAMES[2], selection.archive.periods("T5"))
    assert found is not None
    seconds = {**found.seconds, "latitude": 48.1 + np.arange(SECONDS) * 1e-5, "longitude": np.full(SECONDS, 11.5)}
    beats = [(found.start_t + 10, (800.0, 812.0, 790.0)), (found.start_t + 11, (805.0,))]
    return Activity(session, found.name, seconds, found.laps, beats)


def _listed(value):
    return [each for each in (value if isinstance(value, list) else [value]) if each]


def test_fit_is_read_back_by_two_decoders(selection, tmp_path):
    found = _activity(selection)
    path = tmp_path / "a.fit"
    path.write_bytes(fit(found))
    messages, errors = Decoder(Stream.from_file(str(path))).read()
    assert errors == []
    assert len(messages["record_mesgs"]) == SECONDS
    assert len(messages["lap_mesgs"]) == 2
    assert [value for each in messages["hrv_mesgs"] for value in _listed(each["time"])] == [
        0.8,
        0.812,
        0.79,
        0.805,
    ]
    with fitdecode.FitReader(str(path), check_crc=fitdecode.CrcCheck.RAISE) as frames:
        records = [f for f in frames if f.frame_type == fitdecode.FIT_FRAME_DATA and f.name == "record"]
    assert [r.get_value("heart_rate") for r in records] == np.round(found.seconds["heart_rate_bpm"]).tolist()
    assert records[-1].get_value("distance") == pytest.approx(found.seconds["distance_m"][-1], abs=0.01)
    assert records[5].get_value("trimp") == pytest.approx(found.seconds["trimp"][5])
    assert records[0].get_value("timestamp") == datetime.fromtimestamp(round(found.start_t), timezone.utc)


def test_the_beats_of_a_fit_file_follow_the_second_in_which_they_were_known(selection, tmp_path):
    found = _activity(selection)
    early = (found.start_t - 1.0, (700.0,))
    path = tmp_path / "a.fit"
    path.write_bytes(fit(replace(found, rr=[early, (found.start_t + 10, tuple(range(401, 408))), *found.rr[1:]])))
    with fitdecode.FitReader(str(path), check_crc=fitdecode.CrcCheck.RAISE) as frames:
        kept = [frame for frame in frames if isinstance(frame, fitdecode.FitDataMessage)]
    names = [frame.name for frame in kept if frame.name in {"record", "hrv"}]
    assert names[:2] == ["record", "hrv"]
    assert [place for place, name in enumerate(names[2:]) if name == "hrv"] == [10, 11, 13]
    beats = [beat for frame in kept if frame.name == "hrv" for beat in frame.get_value("time") if beat]
    assert beats == pytest.approx([0.7, *(each / 1000 for each in range(401, 408)), 0.805])


def test_the_extensions_have_the_prefixes_that_readers_look_for(selection):
    """GoldenCheetah compares ``gpxtpx:hr`` with its prefix, and takes "Other" without positions for swimming."""
    found = _activity(selection)
    seconds = {**found.seconds, "cadence_spm": np.full(SECONDS, 164.0)}
    track, center = gpx(replace(found, seconds=seconds)).decode(), tcx(replace(found, seconds=seconds)).decode()
    assert track.count("<gpxtpx:hr>") == track.count("<gpxtpx:cad>82<") == SECONDS
    assert center.count("<ns3:Speed>") == center.count("<ns3:RunCadence>82<") == SECONDS
    assert '<Activity Sport="Running">' in center
    TRAINING_CENTER.validate(center)


@pytest.mark.parametrize(("name", "value"), [("latitude", 91.0), ("longitude", 180.0), ("heart_rate_bpm", 300.0)])
def test_what_the_formats_do_not_allow_is_left_out(selection, name, value):
    found = _activity(selection)
    seconds = {**found.seconds, name: np.r_[value, found.seconds[name][1:]]}
    TRAINING_CENTER.validate(tcx(replace(found, seconds=seconds)).decode())
    points = gpxpy.parse(gpx(replace(found, seconds=seconds)).decode()).tracks[0].segments[0].points
    assert len(points) == SECONDS - (name != "heart_rate_bpm")


def _own(message, name):
    """The value of a developer field, by Garmin's decoder."""
    return message["developer_fields"][OWN_FIELDS.index(name)]


OWN_FIELDS = ("trimp", "player_load", "stress_percent", "period")


def test_fit_names_the_period_of_each_lap_and_units_of_own_figures(selection, tmp_path):
    path = tmp_path / "a.fit"
    path.write_bytes(fit(_activity(selection)))
    messages, _ = Decoder(Stream.from_file(str(path))).read()
    assert [_own(lap, "period") for lap in messages["lap_mesgs"]] == ["1st half", "2nd half"]
    described = {each["field_name"]: each.get("units") for each in messages["field_description_mesgs"]}
    assert tuple(described) == OWN_FIELDS
    assert described["stress_percent"] == "%"
    session, laps = messages["session_mesgs"][0], messages["lap_mesgs"]
    assert sum(lap["total_distance"] for lap in laps) == pytest.approx(session["total_distance"], abs=2.2)
    assert session["sport"] == "generic"
    assert messages["activity_mesgs"][0]["type"] == "manual"


def test_the_fields_of_fit_are_those_of_garmins_profile():
    for name, message in fit_format.MESSAGES.items():
        profile = Profile["messages"][message.number]
        assert profile["name"] == name
        for field_name, field in message.fields.items():
            known = profile["fields"][field.number]
            assert known["name"] == field_name
            stored = {"timestamp": 1, "position_lat": 1, "position_long": 1}.get(field_name, known["scale"][0])
            assert field.scale == (2**31 / 180 if "position" in field_name else stored), field_name
            assert field.offset in {known["offset"][0], -fit_format.EPOCH_S}
            assert known["base_type"] == field.base


@given(
    st.floats(allow_nan=True, allow_infinity=True), st.sampled_from(["uint8", "uint16", "sint32", "uint32", "float32"])
)
def test_a_value_that_a_fit_field_cannot_hold_is_unknown(value, base):
    stored = fit_format.stored(fit_format.Field(0, base), [value])
    kind = fit_format.BASES[base]
    raw = stored.view("<u4" if base == "float32" else stored.dtype)[0]
    if raw != kind.unknown:
        assert float(stored[0]) == pytest.approx(value, rel=1e-6, abs=0.5)
    elif math.isfinite(value) and base != "float32":
        limits = np.iinfo(stored.dtype)
        assert not limits.min <= round(value) <= limits.max or round(value) == kind.unknown


def test_three_years_between_two_samples_are_a_valid_fit_file(selection, tmp_path):
    found = _activity(selection)
    two = {name: values[[0, -1]].copy() for name, values in found.seconds.items()}
    two["t"][1] = two["t"][0] + 3 * 365 * 86_400.0
    path = tmp_path / "a.fit"
    path.write_bytes(fit(replace(found, seconds=two, laps=laps_of([], *two["t"]), rr=())))
    messages, errors = Decoder(Stream.from_file(str(path))).read()
    assert errors == []
    assert len(messages["record_mesgs"]) == 2
    assert "total_timer_time" not in messages["session_mesgs"][0]  # 49 days are the most that it holds
    assert list(fitdecode.FitReader(str(path), check_crc=fitdecode.CrcCheck.RAISE))


def test_tcx_is_read_back_by_an_independent_reader(selection, tmp_path):
    found = _activity(selection)
    path = tmp_path / "a.tcx"
    path.write_bytes(tcx(found))
    read = TCXReader().read(str(path))
    assert len(read.trackpoints) == SECONDS
    assert read.hr_max == round(found.seconds["heart_rate_bpm"].max())
    assert read.distance == pytest.approx(found.seconds["distance_m"][-1], abs=1)


TRAINING_CENTER = xmlschema.XMLSchema(Path(__file__).parent / "schemas" / "training_center_v2.xsd")


@pytest.mark.parametrize("row", [0, 5, 12])
def test_tcx_is_valid_by_its_schema(selection, row):
    session = list(selection.sessions())[row]
    found = activity(
        selection.archive, session, NAMES[session.athlete_id], selection.archive.periods(session.team_session or "")
    )
    assert found is not None
    TRAINING_CENTER.validate(tcx(found).decode())


def test_tcx_with_a_lap_without_any_second_and_without_a_heart_rate_is_valid(selection):
    found = _activity(selection)
    seconds = {**found.seconds, "heart_rate_bpm": np.full(SECONDS, np.nan)}
    empty = ("break", found.end_t + 1.0, found.end_t + 60.0)
    content = tcx(replace(found, seconds=seconds, laps=[*found.laps, empty])).decode()
    TRAINING_CENTER.validate(content)
    assert "<HeartRateBpm>" not in content


def test_the_schema_refuses_what_is_out_of_order(selection):
    found = tcx(_activity(selection)).decode()
    assert not TRAINING_CENTER.is_valid(found.replace("<Intensity>Active</Intensity>", ""))
    assert not TRAINING_CENTER.is_valid(found.replace('Sport="Running"', 'Sport="Football"'))


def test_positions_beats_and_cadence_come_from_the_session_file(tmp_path):
    recording = Imported(
        tmp_path,
        START + np.arange(30.0),
        {
            "speed_mps": np.full(30, 3.0), "cadence_spm": np.full(30, 164.0), "heart_rate_bpm": np.full(30, 120.0),
            "latitude": 52 + np.arange(30) * 3 / 111_277, "longitude": np.full(30, 13.0),
        },
        rr=dict.fromkeys(range(30), (500.0, 501.0)),
    )  # fmt: skip
    config = load_config(DEFAULT_CONFIG, tmp_path)
    write_session(recording, config.paths.data_root, 7, "007")
    archiver = Archiver(config, NoModels())
    archiver.add([WrittenSession(recording, 7, "007", "training")])
    archiver.close()
    assert main(["export", "--format", "fit", "--root", str(tmp_path), "--out", str(tmp_path / "fit")]) == 0
    [path] = (tmp_path / "fit").iterdir()
    messages, errors = Decoder(Stream.from_file(str(path))).read()
    assert errors == []
    records = messages["record_mesgs"]
    assert records[10]["position_lat"] / 2**31 * 180 == pytest.approx(52 + 10 * 3 / 111_277, abs=1e-5)
    assert records[10]["cadence"] == 82
    assert len([value for each in messages["hrv_mesgs"] for value in _listed(each["time"])]) == 60
    assert main(["export", "--format", "gpx", "--root", str(tmp_path), "--out", str(tmp_path / "gpx")]) == 0
    [path] = (tmp_path / "gpx").iterdir()
    assert len(gpxpy.parse(path.read_text()).tracks[0].segments[0].points) == 30


def test_gpx_leaves_out_the_sessions_without_positions_and_says_how_many(tmp_path, capsys):
    config, times = load_config(DEFAULT_CONFIG, tmp_path), np.arange(30.0)
    archiver = Archiver(config, NoModels())
    for number, places in ((1, {}), (2, {"latitude": 52 + times / 40_000, "longitude": np.full(30, 13.0)})):
        recording = Imported(tmp_path, START + times, {"speed_mps": np.full(30, 3.0), **places})
        write_session(recording, config.paths.data_root, number, f"00{number}")
        archiver.add([WrittenSession(recording, number, f"00{number}", "training")])
    archiver.close()
    options = ["export", "--format", "gpx", "--root", str(tmp_path), "--out"]
    assert main([*options, str(tmp_path / "both")]) == 0
    assert "1 gpx file, 1 session without positions left out (gpx needs them" in capsys.readouterr().out
    [path] = (tmp_path / "both").iterdir()
    assert gpxpy.parse(path.read_text()).get_points_no() == 30
    assert main([*options, str(tmp_path / "indoors"), "--players", "1"]) == 0
    said = capsys.readouterr()
    assert said.out.strip().endswith("an empty file")
    assert said.err == ""
    [path] = (tmp_path / "indoors").iterdir()
    assert (path.name, gpxpy.parse(path.read_text()).get_points_no()) == ("no_positions.gpx", 0)
    assert main(["export", "--format", "tcx", "--root", str(tmp_path), "--out", str(tmp_path / "tcx")]) == 0
    assert len(list((tmp_path / "tcx").iterdir())) == 2


def test_gpx_needs_positions_and_is_read_back(selection):
    found = _activity(selection)
    points = gpxpy.parse(gpx(found).decode()).tracks[0].segments[0].points
    assert len(points) == SECONDS
    assert points[3].latitude == pytest.approx(found.seconds["latitude"][3], abs=1e-6)
    nowhere = replace(found, seconds={**found.seconds, "latitude": np.full(SECONDS, np.nan)})
    assert (found.has_positions, nowhere.has_positions) == (True, False)
    assert gpxpy.parse(gpx(nowhere).decode()).get_points_no() == 0


def test_laps_follow_each_other_without_gap_or_overlap():
    laps = laps_of([("b", 50.0, 60.0), ("a", 10.0, 20.0), ("overlapping", 15.0, 55.0)], 0.0, 60.0)
    assert laps[0][1] == 0.0
    assert laps[-1][2] == 60.0
    assert all(one[2] == other[1] for one, other in pairwise(laps))


def test_a_range_without_sessions_gives_an_empty_valid_file(selection, tmp_path):
    empty = Selection(selection.archive, selection.roster, {}, from_t=0.0, to_t=1000.0)
    for form in ("csv", "json", "xlsx", "influx"):
        assert WRITERS[form](TABLES["seconds"](empty), tmp_path / f"e.{form}") == 0
    assert json.loads((tmp_path / "e.json").read_text()) == []
    assert pd.read_csv(tmp_path / "e.csv").empty
    assert set(COLUMNS) >= {"heart_rate_bpm", "speed_mps"}


@pytest.mark.parametrize("name", [name for name in TABLES if name not in {"samples", "rr"}])
def test_the_dictionary_explains_every_column_with_its_unit(selection, name):
    table = TABLES[name](selection)
    text = dictionary(table.columns, table.name, 3)
    for column in table.columns:
        assert column.meaning, column.name
        assert column.unit or column.is_text or column.name in {"athlete_id", "alert"}, column.name
        assert f"| `{column.name}` | {column.unit} | " in text


@pytest.mark.parametrize("name", TABULAR)
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_no_text_of_a_spreadsheet_begins_as_a_formula(selection, tmp_path, name, form):
    path = tmp_path / f"t.{form}"
    WRITERS[form](TABLES[name](replace(selection, to_t=start_of(1))), path)
    frame = pd.read_csv(path, dtype=str) if form == "csv" else pd.read_excel(path)
    for text in frame.to_numpy().ravel():
        if isinstance(text, str) and not re.fullmatch(r"-?[\d.]+(e-?\d+)?", text):
            assert text[0] not in "=+-@", text


def test_local_times_follow_the_clock_change(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        before, after = (times(t)[:2] for t in (1_792_889_999.5, 1_792_890_000.5))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert before == ("2026-10-25T00:59:59.500Z", "2026-10-25T02:59:59.500+02:00")
    assert after == ("2026-10-25T01:00:00.500Z", "2026-10-25T02:00:00.500+01:00")


def test_beats_that_one_sample_brought_have_moments_of_their_own(tmp_path):
    recording = Imported(
        tmp_path, START + np.arange(9.0), {"heart_rate_bpm": np.full(9, 120.0)}, rr={4: (500.0, 510.0), 5: (505.0,)}
    )
    write_session(recording, tmp_path, 7, "007")
    rows = list(TABLES["rr"](Selection(selection, Roster(()), {"training": tmp_path})).rows)  # type: ignore[arg-type]
    assert [row[6] for row in rows] == [500.0, 510.0, 505.0]
    assert [float(row[5] or 0.0) - START for row in rows] == pytest.approx([3.49, 4.0, 5.0])


def test_a_session_of_hours_is_read_in_pieces_without_losing_a_second(selection, tmp_path, monkeypatch):
    whole = list(TABLES["seconds"](selection).rows)
    monkeypatch.setattr(tables, "_PIECE_ROWS", 7)
    assert list(TABLES["seconds"](selection).rows) == whole
    bounded = replace(selection, from_t=start_of(5) + 3.0, to_t=start_of(5) + 40.0)
    assert len(list(TABLES["seconds"](bounded).rows)) == 37 * len(NAMES)


def test_of_two_periods_that_begin_together_the_longer_is_the_lap():
    laps = laps_of([("drill", 0.0, 10.0), ("half", 0.0, 20.0)], 0.0, 20.0)
    assert laps == [("half", 0.0, 20.0)]


def test_a_second_between_two_laps_belongs_to_one_of_them(selection):
    found = _activity(selection)
    middle = float(found.seconds["t"][100])
    laps = [("a", found.start_t, middle), ("b", middle, found.end_t)]
    text = tcx(replace(found, laps=laps)).decode()
    assert text.count("<Trackpoint>") == SECONDS
    assert text.split("</Lap>")[0].count("<Trackpoint>") == 100


@pytest.mark.parametrize(("age_s", "known"), [(2.9, True), (3.1, False)])
def test_a_measurement_counts_for_three_seconds(age_s, known):
    [value] = at_seconds(np.array([10.0 + age_s]), np.array([10.0]), np.array([7.0]))
    assert (value == 7.0) == known
