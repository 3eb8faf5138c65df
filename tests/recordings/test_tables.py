"""Any other table: encodings, delimiters, decimal signs, times in every form, and what is refused."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import numpy as np
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.channels import GRAVITY_MPS2
from athlete_monitor.errors import ConfigError, RecordingError
from athlete_monitor.recordings import dates
from athlete_monitor.recordings import table as tables
from athlete_monitor.recordings.cells import number, numbers
from athlete_monitor.recordings.format import Options
from athlete_monitor.recordings.formats.generic import read
from athlete_monitor.recordings.mapping import load_mapping
from athlete_monitor.recordings.prepare import prepared
from athlete_monitor.recordings.source import from_path
from athlete_monitor.recordings.zones import zone_of

if TYPE_CHECKING:
    from pathlib import Path

    from athlete_monitor.recordings.imported import Imported

UTC_8 = 1_777_881_600.0  # 2026-05-04 08:00:00 UTC, 10:00 in Berlin
BERLIN = Options(zone=zone_of("Europe/Berlin"))


def table(folder: Path, text: str | bytes, name: str = "export.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def imported(folder: Path, text: str | bytes, options: Options = BERLIN, name: str = "export.csv") -> Imported:
    [recording] = read(from_path(table(folder, text, name)), options)
    [part] = prepared(recording)
    return part


ROWS = "timestamp,heart_rate,speed [km/h]\n2026-05-04 10:00:00,120,7.2\n2026-05-04 10:00:01,121,10.8\n"
GERMAN = "Zeitstempel;Herzfrequenz;Geschwindigkeit [km/h]\n04.05.2026 10:00:00;120;7,2\n04.05.2026 10:00:01;121;10,8\n"


@pytest.mark.parametrize(
    "data",
    [
        ROWS.encode(),
        b"\xef\xbb\xbf" + ROWS.encode(),
        ROWS.encode("utf-16"),
        ROWS.encode("utf-16-le"),
        ROWS.encode("utf-16-be"),
        ROWS.replace("\n", "\r\n").encode(),
        ROWS.replace("\n", "\r").encode(),
        ROWS.replace(",", ";").encode(),
        ROWS.replace(",", "\t").encode(),
        ROWS.replace(",", "|").encode(),
        ROWS.replace(",", ";").replace(".", ",").encode(),
        ROWS.replace("timestamp", "Timestamp").replace("heart_rate", "Heart Rate (bpm)").encode(),
        ("exported by somebody\n\n" + ROWS).encode(),
        ("# a comment, with commas\n# another\n" + ROWS).encode(),
        ROWS.replace("\n2026", "\n\n\n2026").encode(),
        ROWS.replace("speed [km/h]\n", "speed\n,bpm,km/h\n").encode(),
        ROWS.replace(",7.2", ",7.2,").replace(",10.8", ",10.8,").encode(),
        "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in ROWS.splitlines()).encode(),
        GERMAN.encode(),
        GERMAN.encode("cp1252"),
        GERMAN.replace("Herzfrequenz", "Hérzfrequenz").encode("cp1252"),
        ROWS.replace("2026-05-04 10", "2026-05-04T08").replace(":00,", ":00Z,").replace(":01,", ":01Z,").encode(),
    ],
    ids=range(22),
)
def test_the_same_table_is_read_however_it_is_written(tmp_path, data):
    part = imported(tmp_path, data)
    assert part.t.tolist() == [UTC_8, UTC_8 + 1]
    assert part.channels["heart_rate_bpm"].tolist() == [120, 121]
    assert part.channels["speed_mps"].tolist() == pytest.approx([2, 3])


TIMES = {
    "iso with offset": ("2026-05-04T10:00:00+02:00", "2026-05-04T10:00:01+02:00"),
    "iso without colon": ("2026-05-04 10:00:00.000 +0200", "2026-05-04 10:00:01.000 +0200"),
    "utc as a word": ("2026-05-04 08:00:00 UTC", "2026-05-04 08:00:01 UTC"),
    "epoch seconds": ("1777881600", "1777881601"),
    "epoch milliseconds": ("1777881600000", "1777881601000"),
    "epoch microseconds": ("1777881600000000", "1777881601000000"),
    "epoch nanoseconds": ("1777881600000000000", "1777881601000000000"),
    "day first": ("04/05/2026 10:00:00", "04/05/2026 10:00:01"),
    "dots": ("4.5.2026 10:00:00", "4.5.2026 10:00:01"),
    "name of the month": ("04-May-2026 10:00:00", "04-May-2026 10:00:01"),
    "twelve hours": ("04/05/2026 10:00:00 AM", "04/05/2026 10:00:01 AM"),
    "year first with slashes": ("2026/05/04 10:00:00", "2026/05/04 10:00:01"),
    "compact": ("20260504T080000Z", "20260504T080001Z"),
    "two digits of the year": ("04/05/26 10:00:00", "04/05/26 10:00:01"),
    "days of a spreadsheet": ("46146.4166666667", "46146.4166782407"),
}


@pytest.mark.parametrize("form", TIMES)
def test_times_are_read_in_every_form(tmp_path, form):
    first, second = TIMES[form]
    options = Options(zone=zone_of("Europe/Berlin"), day_first=True)
    part = imported(tmp_path, f"time,hr\n{first},120\n{second},121\n", options)
    assert part.t.tolist() == pytest.approx([UTC_8, UTC_8 + 1], abs=0.002)


@pytest.mark.parametrize(
    ("cells", "unit"),
    [
        (("0", "1"), "[s]"),
        (("0", "1000"), "[ms]"),
        (("0", "1000000"), "[us]"),
        (("00:00:00", "00:00:01"), ""),
        (("00:00.0", "00:01.0"), ""),
        (("0.0", "1.0"), ""),
    ],
)
def test_elapsed_times_count_from_the_start_that_is_given(tmp_path, cells, unit):
    text = f"elapsed {unit},hr\n{cells[0]},120\n{cells[1]},121\n"
    assert imported(tmp_path, text, Options(start_t=UTC_8)).t.tolist() == [UTC_8, UTC_8 + 1]
    with pytest.raises(RecordingError, match="give --start 'YYYY-MM-DD HH:MM:SS'"):
        imported(tmp_path, text)


def test_the_start_may_be_in_the_file_s_name(tmp_path):
    part = imported(tmp_path, "seconds,hr\n0,120\n1,121\n", name="run_2026-05-04_10-00-00.csv")
    assert part.t.tolist() == [UTC_8, UTC_8 + 1]


def test_a_date_and_a_time_of_day_may_be_two_columns(tmp_path):
    part = imported(tmp_path, "Date,Time,HR\n2026-05-04,23:59:59,120\n2026-05-05,00:00:00,121\n")
    assert np.diff(part.t).tolist() == [1.0]


def test_milliseconds_without_a_unit_are_recognised_by_their_steps_and_said(tmp_path):
    rows = "".join(f"{n * 100},120\n" for n in range(30))
    part = imported(tmp_path, "elapsed,hr\n" + rows, Options(start_t=UTC_8))
    assert part.t[-1] - part.t[0] == pytest.approx(2.9)
    assert "elapsed is taken as milliseconds: it counts in steps of 100" in part.notes


def test_a_date_with_two_readings_is_refused_with_both(tmp_path):
    with pytest.raises(RecordingError, match="can be 3 April 2026 or 4 March 2026; give --dates day-first or") as told:
        imported(tmp_path, "time,hr\n03/04/2026 10:00:00,120\n03/04/2026 10:00:01,121\n")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(("day_first", "month"), [(True, 4), (False, 3)])
def test_a_date_with_two_readings_is_read_as_the_user_says(tmp_path, day_first, month):
    text = "time,hr\n03/04/2026 10:00:00,120\n03/04/2026 10:00:01,121\n"
    part = imported(tmp_path, text, Options(day_first=day_first))
    assert datetime.fromtimestamp(part.t[0]).month == month  # noqa: DTZ006


@pytest.mark.parametrize(("date", "month", "day"), [("13/04/2026", 4, 13), ("04/13/2026", 4, 13), ("04/04/2026", 4, 4)])
def test_a_date_with_one_reading_is_read(tmp_path, date, month, day):
    part = imported(tmp_path, f"time,hr\n{date} 10:00:00,120\n{date} 10:00:01,121\n")
    local = datetime.fromtimestamp(part.t[0])  # noqa: DTZ006
    assert (local.month, local.day) == (month, day)


def test_the_hour_that_clocks_show_twice_goes_on(tmp_path):
    start = datetime(2026, 10, 25, 0, 30, tzinfo=timezone.utc)
    zone = zone_of("Europe/Berlin")
    moments = [(start + timedelta(minutes=minute)).astimezone(zone) for minute in range(0, 120, 2)]
    rows = "".join(f"{moment:%Y-%m-%d %H:%M:%S},120\n" for moment in moments)
    part = imported(tmp_path, "timestamp,heart_rate\n" + rows)
    assert np.diff(part.t).tolist() == [120.0] * 59
    assert part.t[0] == start.timestamp()


def test_a_time_of_another_millennium_is_left_out(tmp_path):
    cells = ("2026-05-04 10:00:00", "2026-05-04 10:00:01", "1777881602000", "2026-05-04 10:00:03")
    part = imported(tmp_path, "timestamp,hr\n" + "".join(f"{cell},120\n" for cell in cells))
    assert np.diff(part.t).tolist() == [1.0, 2.0]


def test_an_offset_in_the_file_is_kept(tmp_path):
    part = imported(tmp_path, "timestamp,hr\n2026-05-04 10:00:00+09:30,120\n2026-05-04 10:00:01+09:30,120\n")
    assert part.offset_s == 34_200


def test_a_cell_that_is_no_number_is_left_out_and_named_by_its_line(tmp_path):
    rows = "".join(f"2026-05-04 10:00:{s:02d},{'abc' if s == 7 else 120},1_1\n" for s in range(20))
    text = "timestamp,heart_rate,x\n\n\n" + rows.replace(",1_1", ",3")
    part = imported(tmp_path, text)
    assert part.notes[0] == "heart_rate: 1 cell is not a number and is left out (row 11: 'abc')"
    assert np.isnan(part.channels["heart_rate_bpm"]).sum() == 1


@pytest.mark.parametrize("cell", ["1_110", "0x10", "1e", "12:00", "--1", "\uff11\uff12", "nan()", "1 110", "1e308"])
def test_what_only_looks_like_a_number_is_none(cell):
    assert number(cell) is None


@given(st.lists(st.floats(-1e29, 1e29) | st.none()), st.sampled_from(".,"))
def test_numbers_are_read_back_whatever_the_decimal_sign(values, decimal):
    cells = ["" if value is None else repr(value).replace(".", decimal) for value in values]
    read_back, bad = numbers(cells, decimal)
    assert not bad
    np.testing.assert_array_equal(read_back, [np.nan if value is None else value for value in values])


def test_a_number_among_times_of_day_costs_its_row_and_moves_no_other(tmp_path):
    times = ["10:00:00", "10:00:01", "1e308", "10:00:03", "7", "10:00:05"]
    recording = imported(
        tmp_path, "time,hr\n" + "".join(f"{each},120\n" for each in times), Options(start_t=1_777_881_600.0)
    )
    assert np.diff(recording.t).sum() == 5
    assert "rows left out because their time of day is a plain number: 1" in recording.notes


def test_two_columns_that_disagree_are_refused(tmp_path):
    rows = "".join(f"2026-05-04 10:00:{s:02d},{120 + s},{140 - s}\n" for s in range(5))
    with pytest.raises(RecordingError, match=r"'hr' and 'pulse' are both heart_rate_bpm and differ in 5 of 5 rows"):
        imported(tmp_path, "timestamp,hr,pulse\n" + rows)


def test_two_columns_that_agree_are_one_and_it_is_said(tmp_path):
    rows = "".join(f"2026-05-04 10:00:{s:02d},{120 + s},{120 + s if s else ''}\n" for s in range(5))
    part = imported(tmp_path, "timestamp,hr,pulse\n" + rows)
    assert part.channels["heart_rate_bpm"].tolist() == [120, 121, 122, 123, 124]
    assert "of the columns 'hr' and 'pulse' for heart_rate_bpm, 'hr' is used: they agree" in part.notes


def test_the_same_column_twice_is_refused_where_it_differs(tmp_path):
    rows = "".join(f"2026-05-04 10:00:{s:02d},{120 + s},{100 + s}\n" for s in range(5))
    with pytest.raises(RecordingError, match="'hr' and 'hr' are both"):
        imported(tmp_path, "timestamp,hr,hr\n" + rows)


def many(header: str, row: str, count: int = 60) -> str:
    return header + "\n" + "".join(f"2026-05-04 10:{n // 60:02d}:{n % 60:02d},{row}\n" for n in range(count))


def test_acceleration_near_one_is_g_and_it_is_said(tmp_path):
    part = imported(tmp_path, many("timestamp,acc_x,acc_y,acc_z", "0.1,0,1"))
    assert np.nanmedian(part.channels["acc_z"]) == pytest.approx(GRAVITY_MPS2)
    assert "is taken as g and converted" in part.notes[0]


def test_a_fast_speed_for_long_is_in_kmh_and_it_is_said(tmp_path):
    part = imported(tmp_path, many("timestamp,speed", "18"))
    assert np.nanmedian(part.channels["speed_mps"]) == pytest.approx(5)
    assert "the speed is taken as km/h, since it is above 12.5 m/s for 100% of the time" in part.notes[0]


def test_a_speed_that_gives_four_times_the_distance_is_in_kmh(tmp_path):
    rows = "".join(f"2026-05-04 10:00:{s:02d},10.8,{3 * s}\n" for s in range(60))
    part = imported(tmp_path, "timestamp,speed,distance\n" + rows)
    assert np.nanmedian(part.channels["speed_mps"]) == pytest.approx(3)


def test_a_speed_whose_unit_is_told_is_kept_and_doubted(tmp_path):
    part = imported(tmp_path, many("timestamp,speed [m/s]", "18"))
    assert np.nanmedian(part.channels["speed_mps"]) == 18
    assert "the file's unit is kept" in part.notes[0]


def test_beats_may_be_separated_by_anything(tmp_path):
    cells = ("800 810", "820;830", '"840,850"')
    text = "timestamp,rr_intervals_ms\n" + "".join(f"2026-05-04 10:00:0{n},{cell}\n" for n, cell in enumerate(cells))
    assert imported(tmp_path, text).rr == {0: (800, 810), 1: (820, 830), 2: (840, 850)}


def test_a_table_of_1660_columns_gives_one_short_note(tmp_path):
    names = ",".join(f"kpi_{n}" for n in range(1660))
    part = imported(tmp_path, many(f"timestamp,hr,{names}", "120" + ",0" * 1660, 3))
    assert part.notes == ("columns left out: kpi_0, kpi_1, kpi_2, kpi_3, kpi_4 and 1,655 more",)


def test_lines_before_the_header_may_look_like_a_table(tmp_path):
    text = "sep=;\nName;Ada Example\nDate;04.05.2026\n\nDate & Time;Heart rate [1/min]\n"
    part = imported(
        tmp_path, text + "04.05.2026 10:00:00,000;120\n04.05.2026 10:00:01,000;121\n04.05.2026 10:00:02,000;122\n"
    )
    assert part.channels["heart_rate_bpm"].tolist() == [120, 121, 122]


@pytest.mark.parametrize(
    ("unit", "channel", "value"),
    [("mg", "acc_x", 9.80665), ("dps", "gyro_x", 17.4533), ("µT", "mag_x", 1000.0), ("m", "x_m", 1000.0)],
)
def test_an_axis_without_a_name_is_what_its_unit_says(tmp_path, unit, channel, value):
    part = imported(tmp_path, f"timestamp,X [{unit}]\n2026-05-04 10:00:00,1000\n2026-05-04 10:00:01,1000\n")
    assert part.channels[channel][0] == pytest.approx(value, rel=1e-4)


def test_a_phase_is_no_formula_and_has_no_control_characters(tmp_path):
    text = "timestamp,hr,phase\n2026-05-04 10:00:00,120,=cmd()\n2026-05-04 10:00:01,121,+first\x1b half\n"
    assert [tag.session_phase for tag in imported(tmp_path, text).tags] == ["cmd()", "first  half"]


def test_workbooks_are_read(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Time", "HR (bpm)", "Speed (km/h)"])
    for second in range(5):
        sheet.append([datetime(2026, 5, 4, 10, 0, second), 120 + second, 10.8])  # noqa: DTZ001
    book.save(tmp_path / "book.xlsx")
    [recording] = read(from_path(tmp_path / "book.xlsx"), BERLIN)
    assert recording.t.tolist() == [UTC_8 + second for second in range(5)]
    assert recording.channels["speed_mps"].tolist() == pytest.approx([3.0] * 5)


BAD = {
    "": "is empty",
    "\n\n": "is empty",
    "a,b\n1,2\n": "no column is a channel",
    "1,2\n3,4\n": "has no header row",
    "timestamp,hr\n": "holds no rows below its header",
    "timestamp,hr\nx,1\ny,2\n": "row 2: timestamp is not a time: 'x'",
    "foo,hr\n1,2\n": "the header lacks a timestamp; its columns: foo, hr",
    "timestamp,acc_x [furlong]\n1777881600,1\n": "unit 'furlong' is not known; allowed: m/s",
    "timestamp,hr\n1,120\n": "counts its time from a start that it does not give",
    "timestamp,hr\n32/13/2026 10:00,120\n": "32/13/2026 is not a date",
    "timestamp,hr\n1777881600,\n": "holds no measurement",
}


@pytest.mark.parametrize("text", BAD)
def test_what_cannot_be_read_is_one_line_that_says_why(tmp_path, text):
    with pytest.raises(RecordingError, match=BAD[text]) as told:
        imported(tmp_path, text)
    assert str(told.value).startswith(f"{tmp_path / 'export.csv'}: ")
    assert "\n" not in str(told.value)


def test_bytes_are_no_text(tmp_path):
    with pytest.raises(RecordingError, match="is not a text file"):
        imported(tmp_path, bytes(range(256)) * 10)


def test_a_mapping_says_which_column_is_what(tmp_path):
    mapping = table(
        tmp_path,
        "time: {column: Moment, unit: s}\nchannels:\n  heart_rate_bpm: Channel A\n"
        "  speed_mps: {column: 3, unit: km/h}\n"
        "start: 2026-05-04 10:00:00\nzone: Europe/Berlin\n",
        "map.yaml",
    )
    part = imported(
        tmp_path, "Moment,Channel A,V,W\n0,120,10.8,9\n1,121,10.8,9\n", Options(mapping=load_mapping(mapping))
    )
    assert part.t.tolist() == [UTC_8, UTC_8 + 1]
    assert part.channels["speed_mps"].tolist() == pytest.approx([3.0, 3.0])
    assert "columns left out: W" in part.notes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "not valid YAML"),
        ("- 1", "is not a mapping"),
        ("chanels: {}", "unknown key 'chanels'; allowed: time, date"),
        ("channels: {heartrate: x}", "unknown channel 'heartrate'; allowed: acc_x"),
        ("channels: {}", "channels must name at least one channel"),
        ("channels: {speed_mps: v}\ndates: sometimes", "dates must be day-first or month-first"),
        ("channels: {speed_mps: v}\nzone: Atlantis", "'Atlantis' is not a time zone"),
        ("channels: {speed_mps: v}\nstart: noon", "'noon'"),
    ],
)
def test_a_mapping_with_a_mistake_is_refused(tmp_path, text, said):
    with pytest.raises(ConfigError, match=said) as told:
        load_mapping(table(tmp_path, text, "map.yaml"))
    assert "\n" not in str(told.value)


def test_a_mapping_that_does_not_fit_names_the_columns(tmp_path):
    mapping = load_mapping(table(tmp_path, "time: t\nchannels: {speed_mps: v}\n", "map.yaml"))
    with pytest.raises(RecordingError, match="has no column 'v'; its columns: t, w"):
        imported(tmp_path, "t,w\n1,2\n", Options(mapping=mapping))


def test_a_long_table_is_read_in_blocks_and_keeps_its_line_numbers(tmp_path):
    rows = "".join(f"{UTC_8 + n / 100:.2f},0.1,0.2,{'x' if n == 29_999 else '9.8'}\n" for n in range(30_000))
    part = imported(tmp_path, "timestamp,acc_x,acc_y,acc_z\n" + rows)
    assert len(part) == 30_000
    assert part.notes == ("acc_z: 1 cell is not a number and is left out (row 30001: 'x')",)


@pytest.fixture(autouse=True)
def _utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    dates.local_epoch.cache_clear()
    yield
    monkeypatch.undo()
    time.tzset()
    dates.local_epoch.cache_clear()


def test_two_decimal_signs_in_a_table_are_named_as_the_cause(tmp_path):
    path = tmp_path / "run.csv"
    lines = (f"14.05.2026 10:00:{s:02d};{120 + s};1.0{s:02d};10,8\n" for s in range(30))
    path.write_text("Zeit;Puls;Distanz (m);Geschwindigkeit (km/h)\n" + "".join(lines))
    with pytest.raises(RecordingError, match="'10,8', not a number: other cells have another decimal sign"):
        read(from_path(path), Options())


def test_a_table_that_is_far_too_long_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "MOST_CELLS", 3_000)
    monkeypatch.setattr(tables, "rows_of", lambda *_: pytest.fail("it was read"))
    text = "time,hr\n" + "".join(f"{1_777_881_600 + n},{120 + n % 30}\n" for n in range(5000))
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(RecordingError) as refused:
        read(from_path(tmp_path / "a.csv"), Options())
    assert str(refused.value).endswith("rows, and at most 1,500 of its 2 columns are read; split it")


def test_a_file_that_is_too_long_is_refused_before_it_is_read(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"1\n" * 50_000)
    with pytest.raises(RecordingError, match="is longer than"), from_path(tmp_path / "a.csv").opened(70_000):
        pytest.fail("it was opened")


@pytest.mark.parametrize("cell", ["\u200e", "\u0301\u0301", "\u00a0\u0308", "\ufeff"])
def test_a_time_of_marks_that_nobody_sees_is_none(tmp_path, cell):
    rows = [f"{1_777_881_600 + n},{120 + n % 30}" for n in range(60)]
    rows[30] = f"{cell},120"
    path = tmp_path / "a.csv"
    path.write_text("time,hr\n" + "\n".join(rows), encoding="utf-8")
    [recording] = read(from_path(path), Options())
    assert len(recording.t) >= 59
