"""Times on the wire and in files."""

from __future__ import annotations

import math
import os
import time
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.errors import PayloadError
from athlete_monitor.wire import timestamps
from athlete_monitor.wire.timestamps import (
    EARLIEST,
    LATEST,
    file_stamp,
    format_timestamp,
    format_timestamps,
    parse_times,
    parse_timestamp,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def in_another_zone(monkeypatch):
    """Run each test east of Greenwich, where summer time is an hour more."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    forget()
    yield
    monkeypatch.undo()
    time.tzset()
    forget()


def forget() -> None:
    """The texts of seconds are remembered: a zone does not change while a process runs."""
    timestamps._whole_second.cache_clear()
    timestamps._second_text.cache_clear()


@pytest.mark.parametrize(
    ("text", "epoch"),
    [
        ("2026-01-15 11:00:00", 1768471200.0),
        ("2026-01-15T11:00:00", 1768471200.0),
        ("2026-01-15 11:00:00.250", 1768471200.25),
        ("2026-01-15 11:00:00,250", 1768471200.25),
        ("2026-01-15 11:00:00.123456789", 1768471200.123456789),
        ("2026-07-15 12:00:00", 1784109600.0),
        ("2026-01-15T10:00:00Z", 1768471200.0),
        ("2026-01-15T10:00:00.5Z", 1768471200.5),
        ("2026-01-15T11:00:00+01:00", 1768471200.0),
        ("2026-01-15T11:00:00+0100", 1768471200.0),
        ("2026-01-15T05:30:00 -04:30", 1768471200.0),
        ("2026-01-15t10:00:00z", 1768471200.0),
        ("2026-01-15T15:30:00+05:30", 1768471200.0),
        ("1768471200", 1768471200.0),
        ("1768471200.125", 1768471200.125),
        ("2026-01-15 10:00:00 UTC", 1768471200.0),
        ("2026-01-15T10:00:00.250000000000GMT", 1768471200.25),
        (1768471200, 1768471200.0),
        (1768471200.125, 1768471200.125),
    ],
)
def test_every_form_of_a_time_is_understood(text, epoch):
    assert parse_timestamp(text) == pytest.approx(epoch, abs=1e-6)


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-01-15", "11:00:00", "2026-13-01 00:00:00", "2026-02-30 00:00:00", "2026-01-15 24:01:00",
     "2026-01-15 11:00:60", "2026-01-15 11:00:00.", "2026-01-15  11:00:00", "2026-01-15 11:00:00\n",
     "1_768_471_200", "0x10", "1e400", "-5", "\uff12\uff10\uff12\uff16-01-15 11:00:00", "2026-01-15T11:00:00+99:00",
     "0000-00-00 00:00:00"],
)  # fmt: skip
def test_what_is_no_time_is_refused(text):
    with pytest.raises(PayloadError, match="`timestamp` is not understood"):
        parse_timestamp(text)


@pytest.mark.parametrize(
    "value", [0, -1, 5e9, 1e300, float("nan"), float("inf"), "1999-12-31 12:00:00", "2101-01-01 00:00:00"]
)
def test_times_of_other_centuries_are_out_of_range(value):
    with pytest.raises(PayloadError, match=r"`timestamp` is (?:not in the years 2000 to 2099|before the year 2000)"):
        parse_timestamp(value)


@pytest.mark.parametrize(
    ("value", "unit"), [(1.7e12, "milliseconds"), (1.7e15, "microseconds"), ("1700000000000000000", "nanoseconds")]
)
def test_an_epoch_in_another_unit_is_refused_by_its_name(value, unit):
    with pytest.raises(PayloadError, match=f"`timestamp` looks like {unit}; epoch seconds are expected"):
        parse_timestamp(value)


@given(st.floats(EARLIEST + 86_400, LATEST - 86_400))
def test_written_times_are_read_back_to_the_millisecond_wherever_they_are_read(t):
    text = format_timestamp(t)
    with zone("Australia/Lord_Howe"):
        assert abs(parse_timestamp(text) - t) <= 0.000501
        assert parse_times([text])[0] == pytest.approx(parse_timestamp(text), abs=1e-6)


@contextmanager
def zone(name: str) -> Iterator[None]:
    """Another zone for a while, then the one of all tests here."""
    _set_zone(name)
    yield
    _set_zone("Europe/Berlin")


def _set_zone(name: str) -> None:
    os.environ["TZ"] = name
    time.tzset()
    forget()


FORMS = {
    "local": lambda t: datetime.fromtimestamp(t).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],  # noqa: DTZ006 - local time
    "offset": format_timestamp,
    "utc": lambda t: datetime.fromtimestamp(t, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "epoch": lambda t: str(int(t)),
    "milliseconds": lambda t: str(int(t * 1000)),
    "half-hour zone": lambda t: datetime.fromtimestamp(t, timezone(timedelta(hours=5, minutes=30))).isoformat(" "),
    "mixed": lambda t: format_timestamp(t) if t % 2 else str(t),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("place", ["Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "UTC"])
@pytest.mark.parametrize(
    "start", ["2026-10-24T23:50:00Z", "2026-04-04T22:30:00Z", "2026-04-05T01:50:00Z", "2026-04-04T14:20:00Z",
              "2026-03-29T00:10:00Z", "2026-07-01T12:00:00Z"]
)  # fmt: skip
def test_a_column_over_a_change_of_the_clocks_is_read_without_a_jump(form, place, start):
    with zone(place):
        sent = parse_timestamp(start) + np.arange(0, 9000, 5.0)
        notes: list[str] = []
        read = parse_times([FORMS[form](t) for t in sent.tolist()], notes)
        np.testing.assert_allclose(read, sent, atol=1e-6)
        assert notes == (["the timestamps are epoch milliseconds"] if form == "milliseconds" else [])


@pytest.mark.parametrize("minutes", [-20, 10, 70])
def test_a_session_that_begins_or_ends_in_the_repeated_hour_follows_its_other_rows(minutes):
    """The hour from 02:00 to 03:00 comes twice: at 00:00 and at 01:00 UTC."""
    start = parse_timestamp("2026-10-25T00:00:00Z") + 60 * minutes
    sent = start + np.arange(0, 3600, 5.0)
    read = parse_times([FORMS["local"](t) for t in sent.tolist()])
    np.testing.assert_allclose(read, sent, atol=1e-6)


def test_cells_that_are_no_times_are_nan_and_the_others_are_read():
    cells = ["2026-01-15 11:00:00", "", "x", "2026-02-30 10:00:00", "1_768_471_200", " 2026-01-15T10:00:01Z ", "12"]
    read = parse_times(cells)
    assert read.tolist()[::5] == [1768471200.0, 1768471201.0]
    assert np.isnan(read).tolist() == [False, True, True, True, True, False, True]
    assert len(parse_times([])) == 0
    assert np.isnan(parse_times(["", ""])).all()


@given(st.lists(st.text(max_size=30) | st.from_regex(r"[0-9T:+Z .-]{0,30}"), max_size=6))
def test_no_column_of_texts_raises_or_reads_what_the_parser_of_one_refuses(cells):
    for cell, t in zip(cells, parse_times(cells), strict=True):
        if not math.isnan(t) and not any(text.strip().replace(".", "").isdigit() for text in cells):
            assert parse_timestamp(cell.strip()) == pytest.approx(t, abs=1e-5)


@given(st.floats(EARLIEST + 86_400, LATEST - 86_400))
def test_iso_times_with_zone_mean_one_moment(t):
    text = datetime.fromtimestamp(t, timezone.utc).isoformat()
    assert parse_timestamp(text) == pytest.approx(t, abs=1e-6)


def test_milliseconds_are_rounded_into_the_next_second():
    assert format_timestamp(1768471200.9996) == "2026-01-15 11:00:01.000+01:00"
    assert format_timestamp(1768471200.0004) == "2026-01-15 11:00:00.000+01:00"


def test_the_repeated_hour_is_written_with_two_offsets():
    assert format_timestamp(1792889400.0) == "2026-10-25 02:50:00.000+02:00"
    assert format_timestamp(1792893000.0) == "2026-10-25 02:50:00.000+01:00"


def test_file_names_carry_the_local_time():
    assert file_stamp(1768471200.5) == "2026_01_15-11_00_00"


@given(
    st.lists(st.floats(-1e9, 4e9) | st.integers(0, 40_000).map(lambda n: 1.75e9 + n / 8000), max_size=8),
    st.none() | st.integers(-1500, 1500).map(lambda minutes: 60 * min(max(minutes, -1439), 1439)),
)
def test_many_times_have_the_texts_of_each(times, offset_s):
    one_by_one = [format_timestamp(t, offset_s) for t in times]
    assert format_timestamps(np.array(times, dtype=np.float64), offset_s) == one_by_one
