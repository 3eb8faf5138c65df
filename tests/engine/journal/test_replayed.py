from __future__ import annotations

import pytest

from athlete_monitor.archive import Archive
from athlete_monitor.config import load_config
from athlete_monitor.engine.journal.replayed import open_replay
from athlete_monitor.engine.offline import run_recordings
from athlete_monitor.squad.prediction import NoModels
from tests.engine.kit import START, Recorded, sample
from tests.helpers import ROOT

CONFIG = load_config(ROOT / "jetson_nano_4gb_config.yaml", environ={})


def recording(device, since, seconds=30):
    return Recorded(
        [
            sample(since + tick / 10, f"{device:03}", device, seq=tick, speed_mps=4.0, acc_z=9.8)
            for tick in range(seconds * 10)
        ]
    )


def replay(path, *recordings):
    sink = open_replay(path, 400, lambda _text, _bad: None)
    assert sink is not None
    run_recordings(CONFIG, recordings, models=NoModels(), sink=sink, begin=sink.begin)
    sink.stop()
    return sink


def test_replayed_sessions_are_archived_once_and_overlapping_ones_are_one_team_session(tmp_path):
    path = tmp_path / "journal.sqlite3"
    replay(path, recording(1, 0), recording(2, 10), recording(3, 5000))
    archive = Archive(path)
    sessions = archive.sessions()
    assert [session.athlete_id for session in sessions] == [1, 2, 3]
    assert sessions[0].team_session == sessions[1].team_session != sessions[2].team_session
    assert archive.part(sessions[0].number, [(START, START + 60)])["distance_m"] == pytest.approx(4.0 * 29, abs=4)
    assert replay(path, recording(1, 0)).skipped == 1
    assert len(archive.sessions()) == 3


def test_a_replayed_session_falls_into_a_period_that_was_recorded_without_any_device(tmp_path):
    path = tmp_path / "journal.sqlite3"
    replay(path)
    import sqlite3

    with sqlite3.connect(path) as connection:
        connection.execute(
            "INSERT INTO team_sessions (id, start_t, end_t) VALUES ('T', ?, ?)", (START - 10, START + 900)
        )
        connection.execute(
            "INSERT INTO periods (id, team_session, name, kind, whose, start_t, end_t)"
            " VALUES ('p', 'T', 'half', 'half', '{}', ?, ?)",
            (START + 10, START + 20),
        )
    connection.close()
    replay(path, recording(1, 0))
    archive = Archive(path)
    (session,) = archive.sessions(team_session="T")
    (period,) = archive.periods("T")
    part = archive.part(session.number, [(period.start_t, period.end_t or 0)])
    assert part["distance_m"] == pytest.approx(40.0, abs=0.5)
