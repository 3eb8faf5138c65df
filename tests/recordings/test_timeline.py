"""Times as devices write them: repeated, turned back, set in mid-session."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.imported import Imported
from athlete_monitor.recordings.timeline import in_zone, ordered, sessions
from athlete_monitor.recordings.zones import zone_of

START = 1_777_881_600.0


def recording(times: list[float], values: list[float] | None = None, rr=None) -> Imported:
    column = np.array(range(len(times)) if values is None else values, dtype=float)
    return Imported(Path("a.csv"), np.array(times, dtype=float), {"speed_mps": column}, rr or {})


def test_increasing_times_stay_as_they_are():
    times = [START, START + 1, START + 8]
    assert ordered(recording(times)).t.tolist() == times
    assert ordered(recording(times)).notes == ()


def test_a_repeated_second_is_left_out_once():
    found = ordered(recording([START, START + 1, START + 1, START + 2, START + 3]))
    assert (found.t - START).tolist() == [0, 1, 2, 3]
    assert found.notes == ("1 row repeats the time of another and is left out",)


def test_ten_rows_of_a_second_are_spread_and_none_is_a_repeat():
    found = ordered(recording([START + n // 10 for n in range(50)]))
    np.testing.assert_allclose(np.diff(found.t), 0.1, atol=1e-6)
    assert found.notes == ("rows that share a time are spread evenly (10 in 1 s)",)


def test_rows_sent_again_after_a_reconnect_are_left_out():
    times = [START + n for n in [*range(10), *range(5, 15)]]
    found = ordered(recording(times, [n % 100 for n in [*range(10), *range(5, 15)]]))
    assert (found.t - START).tolist() == list(range(15))
    assert found.channels["speed_mps"].tolist() == list(range(15))


def test_a_clock_that_goes_back_moves_the_rows_before_it():
    found = ordered(recording([START + n for n in range(10)] + [START + 7 + n for n in range(10)]))
    assert np.diff(found.t).tolist() == [1.0] * 19
    assert found.t[-1] == START + 16
    assert found.notes[0].startswith(
        "the clock was set at row 11 of the recording: 10 rows before it move back by 3.0 s"
    )


def test_one_row_that_comes_late_is_put_in_order_and_is_no_clock_that_was_set():
    found = ordered(recording([START + n for n in (0, 1, 2, 4, 3, 5, 6)]))
    assert (found.t - START).tolist() == list(range(7))
    assert found.notes == ("1 step back in time: the rows are put in order",)


@pytest.mark.parametrize("before", [0.0, 315_532_800.0, 946_684_800.0, START - 400 * 86_400])
def test_first_rows_of_another_year_move_to_the_session(before):
    found = ordered(recording([before + n for n in range(5)] + [START + n for n in range(100)]))
    assert np.diff(found.t).tolist() == [1.0] * 104
    assert "the clock was set at row 6" in found.notes[0]


def test_rows_from_the_newest_to_the_oldest_are_turned():
    found = ordered(recording([START + n for n in range(9, -1, -1)]))
    assert (found.t - START).tolist() == list(range(10))
    assert found.channels["speed_mps"].tolist() == list(range(9, -1, -1))


def test_a_pause_of_hours_makes_two_sessions_and_of_minutes_none():
    whole = recording([START, START + 1, START + 1000, START + 20_000, START + 20_001], rr={0: (800.0,), 4: (700.0,)})
    first, second = sessions(whole)
    assert [len(first), len(second)] == [3, 2]
    assert (first.rr, second.rr) == ({0: (800.0,)}, {1: (700.0,)})


@given(st.lists(st.floats(0, 2e9) | st.just(float("nan")) | st.integers(0, 50).map(lambda n: START + n), max_size=20))
def test_whatever_the_times_are_they_increase_in_the_end(times):
    whole = recording(times, rr={0: (800.0,)} if times else {})
    found = ordered(whole)
    assert (np.diff(found.t) > 0).all()
    assert all(len(column) == len(found.t) for column in found.channels.values())
    assert all(0 <= row < len(found.t) for row in found.rr)


def test_times_far_from_any_session_are_left_out_in_whatever_order():
    assert ordered(recording([1e17, 1e17, 1e17 - 800, START])).t.tolist() == [START]


def test_rows_that_are_days_apart_take_no_longer_than_others(monkeypatch):
    def compared(*_: object) -> bool:
        pytest.fail("every row is compared with all before it")

    monkeypatch.setattr("athlete_monitor.recordings.timeline._is_repeat", compared)
    days = [START + 86_400.0 * day for day in range(3000)]
    assert len(ordered(recording(days)).t) == 3000


def test_rows_that_all_have_the_same_time_are_refused():
    with pytest.raises(RecordingError, match=r"all its 50 rows have the same time: a spreadsheet may have rounded it"):
        ordered(recording([START + 0.88] * 50))


def test_rows_of_one_second_may_share_its_time():
    assert len(ordered(recording([START] * 10))) == 1


@pytest.mark.parametrize(
    ("day", "offset_h"), [("2026-03-29 00:30", 1), ("2026-03-29 12:00", 2), ("2026-10-25 00:30", 2)]
)
def test_a_zone_that_is_given_counts_with_its_offset_at_the_start(day, offset_h):
    zone = zone_of("Europe/Berlin")
    start = datetime.strptime(day, "%Y-%m-%d %H:%M").replace(tzinfo=zone).timestamp()
    assert in_zone(recording([start, start + 1]), zone).offset_s == offset_h * 3600
    assert in_zone(recording([start, start + 1]), None).offset_s is None


def apart(seconds: int = 10) -> Imported:
    """A second's heart rate, its speed, and its beats in three rows of one time."""
    none = float("nan")
    heart_rate = np.array([[100.0 + s, none, none] for s in range(seconds)]).ravel()
    speed = np.array([[none, 2.0 + s, none] for s in range(seconds)]).ravel()
    t = np.repeat(START + np.arange(float(seconds)), 3)
    beats = {3 * s + 2: (600.0 - s,) for s in range(seconds)}
    return Imported(Path("a.fit"), t, {"heart_rate_bpm": heart_rate, "speed_mps": speed}, beats)


def test_rows_of_one_time_that_hold_different_measurements_become_one_row():
    found = ordered(apart())
    assert (found.t - START).tolist() == list(range(10))
    assert found.channels["heart_rate_bpm"].tolist() == [100.0 + s for s in range(10)]
    assert found.channels["speed_mps"].tolist() == [2.0 + s for s in range(10)]
    assert found.rr == {s: (600.0 - s,) for s in range(10)}
    assert found.notes == ("30 rows that hold different measurements of the same times are joined",)


def test_readings_of_a_faster_sensor_are_not_joined():
    """Five rows a second, of which one also has a heart rate."""
    t = np.repeat(START + np.arange(10.0), 5)
    rate = np.where(np.arange(50) % 5 == 0, 120.0, np.nan)
    found = ordered(Imported(Path("a.csv"), t, {"speed_mps": np.arange(50.0), "heart_rate_bpm": rate}))
    assert len(found.t) == 50
    assert found.notes == ("rows that share a time are spread evenly (5 in 1 s)",)


@given(st.lists(st.sampled_from([(1.0, None), (None, 2.0), (1.0, 2.0), (None, None)]), min_size=2, max_size=40))
def test_no_measurement_of_a_channel_that_each_time_has_once_is_lost(kinds):
    """Each time has at most two rows, and of each channel at most one measurement."""
    rows = []
    for second, (rate, speed) in enumerate(kinds):
        rows += [(second, rate, None), (second, None, speed)]
    t, rate, speed = np.array([[np.nan if value is None else value for value in row] for row in rows]).T
    found = ordered(Imported(Path("a.csv"), START + t, {"heart_rate_bpm": rate, "speed_mps": speed}))
    assert (found.t - START).tolist() == list(range(len(kinds)))
    for name, column in (("heart_rate_bpm", rate), ("speed_mps", speed)):
        assert (~np.isnan(found.channels[name])).sum() == (~np.isnan(column)).sum()


def test_rows_that_share_a_time_are_spread_no_further_than_the_next_time():
    t = np.array([0.0, 0.0, 36.0, 36.0, 40.0, 40.0, 76.0, 76.0, 112.0]) + 1_777_881_600
    made = ordered(Imported(Path("a.csv"), t, {"heart_rate_bpm": np.arange(100.0, 109.0)}))
    assert len(made.t) == len(t)
    assert (np.diff(made.t) > 0).all()
