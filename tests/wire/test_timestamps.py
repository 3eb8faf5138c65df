"""Times on the wire and in files."""

from __future__ import annotations

import time
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.errors import PayloadError
from athlete_monitor.wire import timestamps
from athlete_monitor.wire.timestamps import EARLIEST, LATEST, file_stamp, format_timestamp, parse_timestamp


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
        (1768471200, 1768471200.0),
        (1768471200.125, 1768471200.125),
    ],
)
def test_every_form_of_a_time_is_understood(text, epoch):
    assert parse_timestamp(text) == pytest.approx(epoch, abs=1e-6)


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-01-15", "11:00:00", "2026-13-01 00:00:00", "2026-02-30 00:00:00", "2026-01-15 24:01:00",
     "2026-01-15 11:00:60", "2026-01-15 11:00:00.", "2026-01-15  11:00:00", "2026-01-15 11:00:00\n", "1768471200",
     "\uff12\uff10\uff12\uff16-01-15 11:00:00", "2026-01-15T11:00:00+99:00", "0000-00-00 00:00:00"],
)  # fmt: skip
def test_what_is_no_time_is_refused(text):
    with pytest.raises(PayloadError, match="timestamp not understood"):
        parse_timestamp(text)


@pytest.mark.parametrize(
    "value", [0, -1, 1e18, float("nan"), float("inf"), "1999-12-31 12:00:00", "2101-01-01 00:00:00"]
)
def test_times_of_other_centuries_are_out_of_range(value):
    with pytest.raises(PayloadError, match="timestamp out of range"):
        parse_timestamp(value)


@given(st.floats(EARLIEST + 86_400, LATEST - 86_400))
def test_written_times_are_read_back_to_the_millisecond(t):
    local = datetime.fromtimestamp(t).astimezone()
    if local.utcoffset() == datetime.fromtimestamp(t + 3600).astimezone().utcoffset():
        back = parse_timestamp(format_timestamp(t))
        assert abs(back - t) <= 0.000501 or abs(abs(back - t) - 3600) < 1  # the hour that autumn repeats


@given(st.floats(EARLIEST + 86_400, LATEST - 86_400))
def test_iso_times_with_zone_mean_one_moment(t):
    text = datetime.fromtimestamp(t, timezone.utc).isoformat()
    assert parse_timestamp(text) == pytest.approx(t, abs=1e-6)


def test_milliseconds_are_rounded_into_the_next_second():
    assert format_timestamp(1768471200.9996) == "2026-01-15 11:00:01.000"
    assert format_timestamp(1768471200.0004) == "2026-01-15 11:00:00.000"


def test_file_names_carry_the_local_time():
    assert file_stamp(1768471200.5) == "2026_01_15-11_00_00"
