"""Several device sessions of one athlete in one match or training: no moment counts twice, and none is lost."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.archive import Archive
from athlete_monitor.archive.records import DeviceSession
from athlete_monitor.athletes import Roster
from athlete_monitor.report.gather import curves, gather
from athlete_monitor.report.season import seasons
from athlete_monitor.report.worn import joined, worn
from tests.archive.kit import add_session
from tests.report.kit import DAY_S, START

SPEEDS = {1: 3.0, 2: 5.0, 3: 2.0}
"""Metres per second by device: each runs at another speed, so that the wrong one is seen."""


def rows(begin, seconds, device):
    """Figures of a device that counts from its own start."""
    return [
        (
            begin + n + 0.5,
            {
                "heart_rate_bpm": 100.0 + 10 * device, "distance_m": SPEEDS[device] * n, "trimp": 0.1 * device * n,
                "max_speed_mps": SPEEDS[device], "speed_mps": SPEEDS[device],
            },
        )
        for n in range(seconds)
    ]  # fmt: skip


def made(path, *spans, team="T", start=START, athlete=1):
    """Sessions (device, begin, end) of one athlete in one team session."""
    for place, (device, begin, end) in enumerate(spans):
        number = int(start - START) * 10 + 10 * athlete + place
        at = (start + begin, end - begin, device)
        add_session(
            path, number, rows(*at), athlete=athlete, team=team, start_t=start + begin, end_t=start + end,
        )  # fmt: skip
        last = rows(*at)[-1][1]
        summary = {
            "mode": "game", "trimp": last["trimp"], "distance_m": last["distance_m"],
            "heart_rate_mean_bpm": last["heart_rate_bpm"], "max_speed_mps": last["max_speed_mps"],
        }  # fmt: skip
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(
                "UPDATE sessions SET summary = ?, load_trimp = ? WHERE id = ?",
                (json.dumps(summary), summary["trimp"], number),
            )
    with closing(sqlite3.connect(path)) as connection, connection:
        end = max(end for _, _, end in spans)
        connection.execute(
            "INSERT INTO team_sessions (id, start_t, end_t, mode) VALUES (?, ?, ?, 'game')", (team, start, start + end)
        )
    return Archive(path)


def only(archive, team="T"):
    [one] = gather(archive, team, Roster(())).participants
    return one


def test_a_device_that_was_changed_loses_nothing_and_the_overlap_counts_once(tmp_path):
    archive = made(tmp_path / "j.sqlite3", (1, 0, 100), (2, 80, 300))
    one = only(archive)
    assert one.whole["duration_s"] == pytest.approx(300.0, abs=1.1)
    assert one.whole["distance_m"] == pytest.approx(3.0 * 79 + 5.0 * 219, abs=6.0)
    assert one.whole["heart_rate_bpm"] == pytest.approx((80 * 110 + 220 * 120) / 300, abs=0.2)
    t_s = curves(archive, one)["t"]
    assert (np.diff(t_s) > 0).all()
    assert t_s[-1] == START + 299.5


def test_a_device_worn_beside_another_counts_not_at_all(tmp_path):
    one = only(made(tmp_path / "j.sqlite3", (1, 0, 300), (2, 20, 200)))
    assert [each.session.number for each in one.devices] == [10]
    assert one.whole["distance_m"] == pytest.approx(3.0 * 299)


def test_an_athlete_who_left_and_came_back_is_compared_by_matches_and_not_by_halves(tmp_path):
    path = tmp_path / "j.sqlite3"
    for week in (0, 1):
        made(path, (1, 0, 100), (2, 200, 300), team=f"T{week}", start=START + 7 * DAY_S * week)
    archive = made(path, (3, 0, 50), team="NOW", start=START + 21 * DAY_S)
    one = only(archive, "NOW")
    assert len(one.earlier) == 2
    assert one.own_mean("distance_m") == pytest.approx(3.0 * 99 + 5.0 * 99)
    assert one.own_mean("heart_rate_mean_bpm") == pytest.approx(115.0)
    assert one.own_mean("max_speed_mps") == 5.0
    assert one.earlier[0]["mode"] == "game"


def test_the_season_counts_matches_and_adds_up_their_load(tmp_path):
    path = tmp_path / "j.sqlite3"
    made(path, (1, 0, 100), (2, 200, 300), team="T0")
    archive = made(path, (1, 0, 100), (2, 80, 300), team="T1", start=START + 7 * DAY_S)
    day = datetime.fromtimestamp(START + 8 * DAY_S).astimezone().date()
    [season] = seasons(archive, Roster(()), day, 56, None)
    assert [each.trimp for each in season.sessions] == pytest.approx(
        [0.1 * 99 + 0.2 * 99, 0.1 * 79 + 0.2 * 219], abs=0.2
    )
    assert season.bests["distance_m"][0] == pytest.approx(3.0 * 79 + 5.0 * 219, abs=6.0)


def test_a_match_without_a_known_load_has_none(tmp_path):
    path = tmp_path / "j.sqlite3"
    archive = made(path, (1, 0, 100), (2, 200, 300))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE sessions SET load_trimp = NULL")
    [one] = joined(archive, archive.sessions())
    assert one.load_trimp is None
    assert (one.start_t, one.end_t) == (START, START + 300)


SPANS = st.tuples(st.integers(0, 60), st.integers(0, 40)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(st.lists(SPANS, min_size=1, max_size=6))
def test_devices_cover_every_second_once(spans):
    sessions = [
        DeviceSession(n, str(n), "d", 1, float(start), float(end), "T", None, None, None)
        for n, (start, end) in enumerate(spans)
    ]
    found = worn(sessions, 0.0)
    for second in range(110):
        runs = any(start <= second + 0.5 < end for start, end in spans)
        counts = [
            each
            for each in found
            if max(each.start_t, each.session.start_t) <= second + 0.5 < min(each.end_t, each.session.end_t or 0.0)
        ]
        assert len(counts) == runs, second


def test_a_device_session_of_one_sample_counts_unless_another_runs():
    separate, beside = (DeviceSession(n, str(n), "d", 1, t, t, "T", None, None, None) for n, t in ((1, 5.0), (2, 50.0)))
    longer = DeviceSession(3, "3", "e", 1, 40.0, 60.0, "T", None, None, None)
    assert [each.session.number for each in worn([separate, beside, longer], 0.0)] == [1, 3]
