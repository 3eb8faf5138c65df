from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.dashboard.curves import as_document, heat, joined, thinned
from athlete_monitor.dashboard.history import RecentSeconds

TIMES = st.lists(st.integers(0, 5000), min_size=1, max_size=300, unique=True).map(sorted)


@given(TIMES, st.integers(10, 60))
def test_thinning_keeps_the_number_of_points_the_order_and_the_extent(times, points):
    t = np.array(times, dtype=float)
    thin = thinned(np.stack([t, 2.0 * t]), points)
    assert thin.shape[1] <= max(points, 1) + 1 or thin.shape[1] == len(times)
    assert (np.diff(thin[0]) > 0).all()
    assert t[0] <= thin[0, 0]
    assert thin[0, -1] <= t[-1]
    np.testing.assert_allclose(thin[1], 2.0 * thin[0])


def test_the_newest_seconds_follow_the_archive_once():
    archived = {"t": np.array([1.0, 2.0, 3.0]), "a": np.array([10.0, 20.0, 30.0])}
    table = joined(archived, ([2, 3, 4, 5], np.array([[21.0, 31.0, 40.0, 50.0]])), ["a"])
    assert table.tolist() == [[1, 2, 3, 4, 5], [10, 20, 30, 40, 50]]


def test_nulls_stay_nulls():
    table = np.array([[1.0, 2.0], [np.nan, 7.26]])
    assert as_document(table, ["a"], [1]) == {"t": [1.0, 2.0], "a": [None, 7.3]}


@given(st.lists(st.tuples(st.floats(-20, 130), st.floats(-20, 90)), max_size=50))
def test_every_second_on_the_pitch_is_in_one_cell_of_the_heat_map(places):
    x, y = np.array(places, dtype=float).reshape(-1, 2).T
    found = heat(x, y, (105.0, 68.0))
    inside = (x >= 0) & (x <= 105) & (y >= 0) & (y <= 68)
    assert sum(map(sum, found["rows"])) == inside.sum()
    assert found["outside"] == (~inside).sum()


@given(TIMES, st.integers(2, 20))
def test_a_track_keeps_the_latest_seconds_in_order(times, kept):
    track = RecentSeconds(1, kept)
    for seq, t in enumerate(times, 1):
        track.add(t, seq, [float(t)])
    found, values = track.since(0, [0])
    assert found == times[-kept:]
    assert values[0].tolist() == [float(t) for t in times[-kept:]]


def test_a_clock_that_jumps_back_begins_a_new_track():
    track = RecentSeconds(1, 10)
    track.add(100, 1, [1.0])
    track.add(50, 2, [2.0])
    assert track.since(0, [0])[0] == [50]


@given(TIMES, TIMES, st.integers(2, 400))
def test_what_is_filled_in_lies_before_what_is_kept_and_everything_stays_in_order(earlier, times, kept):
    track = RecentSeconds(1, kept)
    for seq, t in enumerate(times, 2):
        track.add(t, seq, [float(t)])
    before = track.since(0, [0])[0]
    track.fill(earlier, np.array([earlier], dtype=float))
    found, values = track.since(0, [0])
    older = [t for t in earlier if t < before[0]]
    assert found == (older + before)[-kept:]
    assert values[0].tolist() == found
    assert track.first_t == found[0]
    track.add(10_000, len(times) + 2, [1.0])
    assert track.since(0, [0])[0] == [*found, 10_000][-kept:]
    assert track.since(1, [0])[0] == [*before, 10_000][-kept:]
