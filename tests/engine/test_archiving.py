"""Recordings into the archive, many side by side."""

from __future__ import annotations

import math
import os
import signal
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from athlete_monitor.archive import Archive
from athlete_monitor.config import load_config
from athlete_monitor.engine.archiving import Archiver
from athlete_monitor.engine.journal.replayed import open_replay
from athlete_monitor.engine.offline import run_recordings
from athlete_monitor.errors import MonitorError
from athlete_monitor.squad.prediction import NoModels
from athlete_monitor.wire.sample import Sample, Tags
from tests.engine.kit import START, Recorded, sample
from tests.helpers import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DAY_S = 86_400.0


def configured(root):
    return load_config(ROOT / "jetson_nano_4gb_config.yaml", root, environ={})


def recording(athlete, since, seconds=30, rate_hz=2, phases=(None,)):
    """Half of it is run, with a strap, beats and a position; each phase takes an equal part."""
    rows = []
    for tick in range(seconds * rate_hz):
        t = tick / rate_hz
        tags = TAGS[phases[int(t * len(phases) / seconds)]]
        pace = 3.0 + 2.5 * math.sin(t / 9 + athlete)
        rr = {"rr_intervals_ms": (480.0 + 40 * math.sin(t), 475.0)} if tick % rate_hz == 0 else {}
        rows.append(
            sample(
                since + t, f"{athlete:03}", athlete, seq=tick, tags=tags, speed_mps=pace, heart_rate_bpm=120 + 6 * pace,
                acc_x=0.3 * pace, acc_y=0.1, acc_z=9.8 + pace, x_m=t, y_m=pace, **rr,
            )
        )  # fmt: skip
    return Recorded(rows)


@dataclass(frozen=True)
class Deadly:
    """A recording that kills every process but the one that made it, as a kernel without memory does."""

    maker: int
    kept: Sequence[Sample]

    def samples(self) -> Iterator[Sample]:
        if os.getpid() != self.maker:
            os.kill(os.getpid(), signal.SIGKILL)
        return iter(self.kept)


TAGS = {name: Tags(mode="game", session_phase=name) for name in (None, "1st half", "2nd half", "lap 1", "lap 2")}


def archived(root, *recordings, **options):
    archiver = Archiver(configured(root), NoModels(), **options)
    archiver.add(recordings)
    archiver.close()
    return Archive(configured(root).paths.journal)


def replayed(root, *recordings):
    config = configured(root)
    sink = open_replay(config.paths.journal, 400, lambda _text, _bad: None)
    assert sink is not None
    run_recordings(config, recordings, models=NoModels(), sink=sink, begin=sink.begin)
    sink.stop()
    return Archive(config.paths.journal)


def rows_of(root):
    with sqlite3.connect(configured(root).paths.journal) as connection:
        found = connection.execute("SELECT * FROM session_seconds ORDER BY session_id, t")
        names = [column[0] for column in found.description]
        unlike = {"session", "team_session"}
        rows = [{k: v for k, v in zip(names, row, strict=True) if k not in unlike} for row in found]
    connection.close()
    return rows


def test_what_is_archived_side_by_side_equals_what_a_replay_archives(tmp_path):
    days = [recording(athlete, day * DAY_S, 40) for athlete in (1, 2) for day in range(2)]
    bulk, slow = archived(tmp_path / "a", *days), replayed(tmp_path / "b", *days)
    assert len(rows_of(tmp_path / "a")) == 4 * 40
    assert rows_of(tmp_path / "a") == rows_of(tmp_path / "b")
    for one, other in zip(
        sorted(bulk.sessions(), key=lambda s: s.session_id),
        sorted(slow.sessions(), key=lambda s: s.session_id),
        strict=True,
    ):
        assert one.load_trimp == other.load_trimp
        assert one.summary == other.summary


def test_several_processes_archive_what_one_archives(tmp_path):
    days = [
        recording(athlete, day * DAY_S, 12 + day, phases=("lap 1", "lap 2")) for athlete in (1, 2) for day in (0, 1)
    ]
    alone = archived(tmp_path / "a", *days)
    archived(tmp_path / "b", days[0])
    archiver = Archiver(configured(tmp_path / "b"), workers=2)
    progress: list[tuple[int, int]] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("athlete_monitor.engine.archiving.LEAST_FOR_A_WORKER", 1)
        archiver.add(days[:2], lambda *place: progress.append(place))
        archiver.add(days[2:])
    archiver.close()
    assert progress[0] == (0, len(days[1].kept))
    assert progress[-1] == (len(days[1].kept), len(days[1].kept))
    together = Archive(configured(tmp_path / "b").paths.journal)
    assert rows_of(tmp_path / "a") == rows_of(tmp_path / "b")
    ids = [sorted(archive.sessions(), key=lambda s: s.session_id) for archive in (alone, together)]
    assert [session.summary for session in ids[0]] == [session.summary for session in ids[1]]
    assert len(together.team_sessions()) == len(alone.team_sessions()) == 2


def test_a_process_that_is_lost_is_one_line_and_leaves_nothing(tmp_path):
    archiver = Archiver(configured(tmp_path), workers=2)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("athlete_monitor.engine.archiving.LEAST_FOR_A_WORKER", 1)
        with pytest.raises(MonitorError, match=r"was ended \(signal 9\); import again"):
            archiver.add([Deadly(os.getpid(), recording(1, 0).kept), recording(2, 0)])
    archiver.abandon()
    assert not archived(tmp_path).sessions()
    assert rows_of(tmp_path) == []


def test_recordings_in_blocks_are_archived_as_side_by_side(tmp_path):
    days = [recording(1 + day % 2, day * DAY_S, 60, phases=(None, "1st half", "lap 1")) for day in range(3)]
    blocks, steps = archived(tmp_path / "a", *days, few=len(days)), archived(tmp_path / "b", *days, few=0)
    assert len(rows_of(tmp_path / "a")) == 3 * 60
    assert rows_of(tmp_path / "a") == rows_of(tmp_path / "b")
    for one, other in zip(blocks.sessions(), steps.sessions(), strict=True):
        assert one.summary == other.summary
        assert one.summary is not None


def test_a_recording_that_takes_the_place_of_an_ended_one_is_archived_as_beside_it(tmp_path, monkeypatch):
    days = [recording(athlete, day * DAY_S, 20 + 7 * day) for athlete in (1, 2) for day in range(3)]
    together = archived(tmp_path / "a", *days)
    monkeypatch.setattr("athlete_monitor.engine.side_by_side.SIDE_BY_SIDE", 2)
    in_turn = archived(tmp_path / "b", *days)
    assert rows_of(tmp_path / "a") == rows_of(tmp_path / "b")
    assert [s.summary for s in together.sessions()] == [s.summary for s in in_turn.sessions()]


def test_later_sessions_know_the_load_of_earlier_ones_of_the_same_import(tmp_path):
    archive = archived(tmp_path, *(recording(1, day * DAY_S, 12, 1) for day in reversed(range(30))))
    last = max(archive.sessions(), key=lambda session: session.start_t)
    assert last.summary["chronic_load"] is not None
    assert "chronic_load" not in last.summary["reasons"]


def test_phases_of_a_match_become_periods_of_one_team_session(tmp_path):
    halves = ("1st half", "2nd half")
    archive = archived(
        tmp_path,
        recording(1, 0, 100, phases=halves),
        recording(2, 4, 100, phases=halves),
        recording(3, 1, 100, phases=("lap 1", "lap 2")),
    )
    [team] = archive.team_sessions()
    assert team.mode == "game"
    periods = {period.name: period for period in archive.periods(team.id)}
    assert sorted(periods) == ["1st half", "2nd half", "lap 1", "lap 2"]
    assert periods["1st half"].kind == "half"
    assert periods["1st half"].whose.athletes == (1, 2)
    assert periods["lap 2"].whose.athletes == (3,)
    assert periods["2nd half"].start_t == pytest.approx(START + 52, abs=1)


def test_laps_of_one_name_at_other_times_stay_apart(tmp_path):
    archive = archived(
        tmp_path, recording(1, 0, 100, 1, phases=("lap 1", "lap 2")), recording(2, 0, 280, 1, phases=("lap 1", "lap 2"))
    )
    [team] = archive.team_sessions()
    found = [(period.name, period.whose.athletes) for period in archive.periods(team.id)]
    assert len(found) == 4
    assert {athletes for _, athletes in found} == {(1,), (2,)}


def test_archiving_again_changes_nothing(tmp_path):
    archived(tmp_path, recording(1, 0))
    before = rows_of(tmp_path)
    archived(tmp_path, recording(1, 0))
    assert rows_of(tmp_path) == before
    assert len(archived(tmp_path).sessions()) == 1


def test_an_interrupted_import_leaves_nothing_and_can_be_repeated(tmp_path):
    archiver = Archiver(configured(tmp_path), NoModels())
    archiver.add([recording(1, 0)])
    archiver.abandon()
    assert not archived(tmp_path).sessions()
    assert rows_of(tmp_path) == []
    assert len(archived(tmp_path, recording(1, 0)).sessions()) == 1


def test_what_a_kill_has_left_is_replaced(tmp_path):
    whole = archived(tmp_path / "whole", recording(1, 0))
    killed = Archiver(configured(tmp_path), NoModels())
    killed.add([recording(1, 0)])
    killed._journal.flush()
    killed._journal._file.close()
    again = archived(tmp_path, recording(1, 0))
    [session] = again.sessions()
    assert session.summary == whole.sessions()[0].summary
    assert rows_of(tmp_path) == rows_of(tmp_path / "whole")


def test_a_journal_that_another_program_holds_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("athlete_monitor.engine.journal.file._BUSY_S", 0.05)
    monkeypatch.setattr("athlete_monitor.engine.journal.file.JournalFile.open.__kwdefaults__", {"busy_s": 0.05})
    archived(tmp_path)
    path = configured(tmp_path).paths.journal
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(MonitorError, match="locked by another program"):
        Archiver(configured(tmp_path), NoModels())
    holder.close()
