from __future__ import annotations

import errno
import fcntl
import json
import math
import sqlite3
import zlib
from functools import partial

import msgspec
import numpy as np
import pytest

from athlete_monitor.archive.columns import column
from athlete_monitor.config import load_config
from athlete_monitor.engine.journal import journal as journal_module
from athlete_monitor.engine.journal.cells import COLUMNS
from athlete_monitor.engine.journal.earlier import PastLoad
from athlete_monitor.engine.journal.file import UnavailableError, connect
from athlete_monitor.engine.journal.journal import Journal
from athlete_monitor.engine.journal.keeper import JournalSink, resume_all, snapshot
from athlete_monitor.engine.sessions.history import LoadHistory
from athlete_monitor.errors import MonitorError
from athlete_monitor.system.clock import is_trusted
from athlete_monitor.wire.codec import encode_sample
from tests.engine.kit import START, LinearModel, Models, feed, monitor_of, spec_of, stream
from tests.helpers import ROOT, wait_until

CONFIG = load_config(ROOT / "jetson_nano_4gb_config.yaml", environ={})
DAY_S = 86_400.0


def journal_at(path, now_s=lambda: START + 100, **rest):
    journal = Journal(path, now_s, period_s=0.02, **rest)
    journal.start()
    return journal


def rows(path, query):
    with sqlite3.connect(path) as connection:
        return connection.execute(query).fetchall()


def run(path, samples, *, memories=True):
    journal = journal_at(path)
    sink = JournalSink(journal)
    monitor, _ = monitor_of(CONFIG, Models(default=LinearModel(spec_of(CONFIG))), begin=sink.begin)
    monitor.sink.add(sink)
    feed(monitor, samples)
    for session in monitor.sessions.values():
        session.memory_t = -1e9 if memories else session.last_t
        session.snapshot_t = -1.0
    snapshot(journal, monitor)
    journal.stop()
    return monitor


def resumed(path, silent_s=1.0):
    journal = Journal(path, lambda: START + 100)
    monitor, told = monitor_of(CONFIG, Models(default=LinearModel(spec_of(CONFIG))))
    (last_s,) = {each.arrived_s for each in journal.open_sessions()}
    resume_all(journal, monitor, 50.0, last_s + silent_s, CONFIG.engine)
    journal.stop()
    return monitor, told


def test_a_session_goes_on_after_a_restart_as_if_nothing_had_happened(tmp_path):
    samples = stream(seconds=40)
    path = tmp_path / "journal.sqlite3"
    run(path, samples[:200])
    monitor, told = resumed(path)
    feed(monitor, samples[200:], now_s=51.0)
    monitor.end_all("test")
    whole, told_whole = monitor_of(CONFIG, Models(default=LinearModel(spec_of(CONFIG))))
    feed(whole, samples)
    whole.end_all("test")
    assert told.summaries == told_whole.summaries
    assert told.figures[-1] == told_whole.figures[-1]


@pytest.mark.parametrize(
    ("remembered", "used", "waiting", "lost"),
    [(50, 155, 30, None), (1, 140, 60, 150), (20, 90, 20, 89), (100, 101, 5, 40)],
)
def test_a_kill_changes_no_total_and_no_count(tmp_path, remembered, used, waiting, lost):
    """What averages have seen is older than the totals, and what was taken and not used yet is sent again."""
    samples = [each for each in stream(seconds=22) if each.seq != lost]
    models = Models(default=LinearModel(spec_of(CONFIG)))
    whole, told_whole = monitor_of(CONFIG, models)
    feed(whole, samples)
    whole.end_all("test")
    path = tmp_path / "journal.sqlite3"
    journal = journal_at(path)
    killed, _ = monitor_of(CONFIG, models, begin=JournalSink(journal).begin)
    feed(killed, samples[:remembered])
    snapshot(journal, killed, whole=True)
    feed(killed, samples[remembered:used])
    for each in samples[used : used + waiting]:
        killed.accept(each, 0.0)
    snapshot(journal, killed)
    journal.stop()
    last_t = killed.sessions["001"].last_t
    again, told = resumed(path)
    feed(again, [each for each in samples if each.t > last_t], now_s=51.0)
    again.end_all("test")
    (found,), (expected,) = told.summaries, told_whole.summaries
    del found["model_error"], expected["model_error"]  # the features' averages have missed some samples
    assert found == expected


def test_a_first_sample_that_is_acknowledged_is_in_the_journal(tmp_path):
    path = tmp_path / "journal.sqlite3"
    acknowledged: list[int] = []
    journal = journal_at(path)
    journal.committed = acknowledged.extend
    killed, _ = monitor_of(CONFIG, begin=JournalSink(journal).begin)
    first, *later = stream(seconds=3)
    killed.receive("player/001/sensor/data", encode_sample(first), 0.0, token=7)
    killed.advance()
    snapshot(journal, killed)
    wait_until(lambda: acknowledged == [7], what="the acknowledgement")
    journal.stop()
    again, told = resumed(path)
    feed(again, later, now_s=51.0)
    again.end_all("test")
    quality = told.summaries[0]["quality"]
    assert (quality["received"], quality["lost"]) == (1 + len(later), 0)


def test_without_memories_totals_go_on_and_features_begin_anew(tmp_path):
    path = tmp_path / "journal.sqlite3"
    before = run(path, stream(seconds=20), memories=False)
    trimp = before.squad.trimp.total(np.array([before.sessions["001"].row]))
    monitor, _ = resumed(path)
    session = monitor.sessions["001"]
    assert monitor.squad.trimp.total(np.array([session.row])) == trimp
    assert session.received == 200


def test_averages_of_another_width_start_again_and_totals_and_counts_go_on(tmp_path, caplog):
    path = tmp_path / "journal.sqlite3"
    before = run(path, stream(seconds=20)).sessions["001"]
    with sqlite3.connect(path) as connection:  # as an engine with other features would have left it
        memory = msgspec.msgpack.decode(zlib.decompress(connection.execute("SELECT state FROM memories").fetchone()[0]))
        narrower = {**memory, "features": memory["features"][:-8]}
        connection.execute("UPDATE memories SET state = ?", (zlib.compress(msgspec.msgpack.encode(narrower)),))
    monitor, _ = resumed(path)
    session = monitor.sessions["001"]
    assert monitor.squad.clock.measured_s(np.array([session.row])) > 0.0
    assert session.mode == before.mode
    assert session.received == before.received == 200
    assert [line for line in caplog.messages if "averages_start_again" in line and "another version" in line]
    assert not [line for line in caplog.messages if "state_not_restored" in line]


def test_a_session_goes_on_over_an_update_that_adds_and_drops_figures(tmp_path):
    path = tmp_path / "journal.sqlite3"
    before = run(path, stream(seconds=20), memories=False)
    row = np.array([before.sessions["001"].row])
    renamed = ["clock.of_an_older_version" if name == "clock.missing_s" else name for name in before.squad.layout]
    with sqlite3.connect(path) as connection:  # as an engine of another version would have left it
        connection.execute("DELETE FROM layouts")
        connection.execute("INSERT INTO layouts VALUES (1, ?)", (json.dumps(renamed),))
        state = zlib.decompress(connection.execute("SELECT state FROM totals").fetchone()[0])
        progress, _, *rest = msgspec.msgpack.decode(state)
        connection.execute(
            "UPDATE totals SET state = ?", (zlib.compress(msgspec.msgpack.encode((progress, 1, *rest))),)
        )
    monitor, _ = resumed(path)
    now = np.array([monitor.sessions["001"].row])
    assert monitor.squad.trimp.total(now) == before.squad.trimp.total(row)
    assert monitor.squad.clock.measured_s(now) == before.squad.clock.measured_s(row) > 0.0
    assert monitor.squad.clock.missing_s(now) == 0.0


def test_a_session_silent_for_too_long_is_closed_and_summarised(tmp_path):
    path = tmp_path / "journal.sqlite3"
    run(path, stream(seconds=20))
    monitor, told = resumed(path, silent_s=CONFIG.engine.idle_s + 1)
    assert not monitor.sessions
    assert told.summaries[0]["end_reason"] == "interrupted"
    assert told.summaries[0]["quality"]["received"] == 200


def test_seconds_and_events_and_ends_are_kept(tmp_path):
    path = tmp_path / "journal.sqlite3"
    journal = journal_at(path)
    sink = JournalSink(journal)
    monitor, _ = monitor_of(CONFIG, begin=sink.begin)
    monitor.sink.add(sink)
    feed(monitor, stream(seconds=20))
    monitor.end_all("test")
    journal.stop()
    assert rows(path, "SELECT COUNT(*) FROM session_seconds")[0][0] in {20, 21}
    assert rows(path, "SELECT end_t IS NOT NULL, load_trimp > 0 FROM sessions") == [(1, 1)]
    assert rows(path, "SELECT COUNT(*) FROM totals") == [(0,)]


def damage(path, begin, end=None):
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(begin)
        file.write(b"\xa5" * ((end or size) - begin))


def filled(path, sessions=3):
    journal = journal_at(path)
    sink = JournalSink(journal)
    monitor, _ = monitor_of(CONFIG, begin=sink.begin)
    monitor.sink.add(sink)
    feed(monitor, [each for n in range(sessions) for each in stream(f"{n:03}", n + 1, seconds=15)])
    monitor.end_all("test")
    journal.stop()


@pytest.mark.parametrize("region", [(0, 100), (16, 20), (100, 4096), (4096, None), (0, None), (6000, 9000)])
def test_a_journal_damaged_anywhere_is_moved_aside_in_one_line_and_a_new_one_begins(tmp_path, region):
    path = tmp_path / "journal.sqlite3"
    filled(path)
    damage(path, *region)
    before = path.read_bytes()
    told = []
    journal = Journal(path, lambda: START, period_s=0.02, notify=lambda text, bad: told.append((text, bad)))
    assert journal.open_sessions() == []
    assert journal.past_loads() == {}
    journal.start()
    journal.begin("s1", "001", 1, START, {})
    journal.stop()
    (aside,) = tmp_path.glob("journal.damaged-*.sqlite3")
    assert aside.read_bytes() == before
    assert len(told) == 1
    assert str(path) in told[0][0]
    assert aside.name in told[0][0]
    assert "\n" not in told[0][0]
    assert rows(path, "SELECT session_id FROM sessions") == [("s1",)]


def test_a_journal_cut_short_is_moved_aside(tmp_path):
    path = tmp_path / "journal.sqlite3"
    filled(path)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2 + 77)
    told = []
    Journal(path, lambda: START, notify=lambda text, bad: told.append(text))
    assert len(told) == 1
    assert list(tmp_path.glob("journal.damaged-*.sqlite3"))


def test_a_journal_that_is_something_else_is_moved_aside_and_kept(tmp_path):
    path = tmp_path / "journal.sqlite3"
    path.write_bytes(b"this is no database, but long enough to look like one" * 100)
    Journal(path, lambda: 0.0).stop()
    (aside,) = tmp_path.glob("journal.damaged-*.sqlite3")
    assert aside.read_bytes().startswith(b"this is no database")


def test_a_journal_of_a_newer_program_is_moved_aside_unchanged(tmp_path):
    path = tmp_path / "journal.sqlite3"
    filled(path, 1)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=9")
    connection.close()
    told = []
    Journal(path, lambda: START, notify=lambda text, bad: told.append(text)).stop()
    (aside,) = tmp_path.glob("journal.newer-*.sqlite3")
    assert rows(aside, "PRAGMA user_version") == [(9,)]
    assert rows(aside, "SELECT COUNT(*) FROM sessions") == [(1,)]
    assert "version 9" in told[0]


def test_a_journal_that_is_damaged_while_it_is_used_is_replaced_and_running_sessions_go_on(tmp_path):
    path = tmp_path / "journal.sqlite3"
    told = []
    journal = journal_at(path, notify=lambda text, bad: told.append(text))
    number = journal.begin("s1", "001", 1, START, {"profile": {}})
    wait_until(lambda: rows(path, "SELECT COUNT(*) FROM sessions") == [(1,)], what="the session")
    journal._file.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damage(path, 4096)
    journal._file.connection.execute("PRAGMA shrink_memory")
    journal._file.connection.execute("PRAGMA cache_size=0")
    journal.second(number, START + 1, cells(120))
    wait_until(lambda: told, what="the notice")
    journal.second(number, START + 2, cells(121))
    journal.stop()
    assert "moved to journal.damaged-" in told[0]
    assert rows(path, "SELECT session_id FROM sessions") == [("s1",)]
    assert rows(path, "SELECT heart_rate_bpm FROM session_seconds")[-1] == (121.0,)


def cells(heart_rate_bpm):
    """A second of which only the heart rate is known."""
    known = {"heart_rate_bpm": column("heart_rate_bpm").scale * heart_rate_bpm}
    return [known.get(name, math.nan) for name in COLUMNS]


@pytest.mark.parametrize("replaced", [False, True])
def test_a_journal_that_is_deleted_while_it_is_used_is_noticed_and_begun_anew(tmp_path, replaced):
    path = tmp_path / "journal.sqlite3"
    told = []
    journal = journal_at(path, notify=lambda text, bad: told.append(text))
    number = journal.begin("s1", "001", 1, START, {"profile": {}})
    journal.second(number, START + 1, cells(120))
    wait_until(lambda: rows(path, "SELECT COUNT(*) FROM session_seconds") == [(1,)], what="the first second")
    path.rename(tmp_path / "gone") if replaced else path.unlink()
    wait_until(lambda: told, what="the notice")
    journal.second(number, START + 2, cells(121))
    journal.stop()
    assert len(told) == 1
    assert "deleted or replaced while in use" in told[0]
    assert rows(path, "SELECT session_id, heart_rate_bpm FROM session_seconds") == [("s1", 121.0)]


def test_a_locked_journal_is_tried_again_and_nothing_is_lost(tmp_path):
    path = tmp_path / "journal.sqlite3"
    filled(path, 1)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    told, clock = [], [START]
    journal = journal_at(path, now_s=lambda: clock[0], notify=lambda text, bad: told.append((text, bad)))
    assert journal.failing
    assert journal.open_sessions() == []
    number = journal.begin("s9", "009", 9, START, {"profile": {}})
    journal.second(number, START + 1, cells(120))
    other.execute("ROLLBACK")
    other.close()
    clock[0] += 10
    wait_until(lambda: not journal.failing, what="the recovery")
    journal.stop()
    assert [bad for _, bad in told] == [True, False]
    assert "locked" in told[0][0]
    assert rows(path, "SELECT COUNT(*) FROM sessions") == [(2,)]
    assert rows(path, "SELECT heart_rate_bpm FROM session_seconds WHERE session_id = 's9'") == [(120.0,)]


def test_a_journal_on_a_file_system_without_locks_is_not_said_to_be_in_use(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    path = tmp_path / "journal.sqlite3"
    filled(path, 1)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr(fcntl, "lockf", refuse)
    with pytest.raises(UnavailableError, match="its file system has no locks"):
        connect(path, 0.0)
    monkeypatch.undo()
    with pytest.raises(UnavailableError, match="locked by another program"):
        connect(path, 0.0)
    other.close()


def test_a_row_that_does_not_fit_does_not_keep_out_the_others(tmp_path):
    path = tmp_path / "journal.sqlite3"
    journal = journal_at(path)
    journal.put("INSERT INTO events VALUES (?, ?, ?, ?)", (1, None, "impact", "{}"))
    journal.event(1, 5.0, "impact", {})
    journal.stop()
    assert rows(path, "SELECT t FROM events") == [(5.0,)]
    assert journal.lost == 1


def test_a_full_disk_costs_nothing_that_can_be_written_later(tmp_path):
    told = []
    path = tmp_path / "journal.sqlite3"
    journal = Journal(path, lambda: START, period_s=0.02, notify=lambda text, bad: told.append((text, bad)))
    connection = journal._file.connection
    assert connection is not None
    (page_size,) = connection.execute("PRAGMA page_size").fetchone()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count={pages}")
    journal.start()
    numbers = [journal.begin(f"s{i}", "001", 1, START + i, {"filler": "x" * page_size}) for i in range(5)]
    wait_until(lambda: journal.failing, what="the alarm")
    for i in range(1000):
        journal.snapshot(numbers[0], START + i, b"totals", None)
    connection.execute("PRAGMA max_page_count=100000")
    wait_until(lambda: not journal.failing, what="the recovery")
    journal.stop()
    assert len(rows(path, "SELECT * FROM sessions")) == 5
    assert rows(path, "SELECT last_t FROM totals WHERE session = 1") == [(START + 999,)]
    assert [bad for _, bad in told] == [True, False]


@pytest.mark.parametrize(("later_days", "are_kept"), [(29, True), (31, False), (20_000, True), (-20_000, True)])
def test_old_seconds_are_deleted_but_not_by_a_clock_that_is_years_off(tmp_path, monkeypatch, later_days, are_kept):
    monkeypatch.setattr(journal_module, "is_trusted", partial(is_trusted, synchronised=lambda: None))
    path = tmp_path / "journal.sqlite3"
    filled(path)
    now_s = [START]
    journal = journal_at(path, lambda: now_s[0], keep_days=30)
    for passed_s in (0, 60, later_days * DAY_S):  # the first two sort the seconds into their table
        now_s[0] = START + passed_s
        journal.put("UPDATE sessions SET device_id = ?", (str(passed_s),))
        wait_until(partial(rows, path, f"SELECT 1 FROM sessions WHERE device_id = '{passed_s}'"))
    journal.stop()
    assert bool(rows(path, "SELECT 1 FROM seconds")) == are_kept
    assert rows(path, "SELECT 1 FROM sessions")


def test_the_history_of_load_counts_overlapping_sessions_of_two_devices_once():
    loads = [PastLoad(START - day * DAY_S, START - day * DAY_S + 3600, 50.0) for day in range(40, 0, -1)]
    twice = [PastLoad(load.start_t + 60, load.end_t + 60, 10.0) for load in loads]
    running = PastLoad(START, START + 3600, 50.0)
    one, reasons = LoadHistory({1: loads}).figures(1, running)
    two, _ = LoadHistory({1: loads + twice}).figures(1, running)
    assert one == two
    assert one["acwr"] == pytest.approx(1.0)
    assert one["monotony"] is None
    assert "monotony" in reasons


def test_a_recording_that_is_sent_twice_is_two_sessions_and_blocks_nothing(tmp_path):
    path = tmp_path / "journal.sqlite3"
    for _ in range(3):
        journal = journal_at(path)
        sink = JournalSink(journal)
        monitor, _ = monitor_of(CONFIG, Models(default=LinearModel(spec_of(CONFIG))), begin=sink.begin)
        monitor.sink.add(sink)
        feed(monitor, stream(seconds=5))
        monitor.end_all("test")
        journal.stop()
        assert not journal.failing
    ids = [name for (name,) in rows(path, "SELECT session_id FROM sessions WHERE end_t IS NOT NULL ORDER BY id")]
    assert ids == [ids[0], f"{ids[0]}_2", f"{ids[0]}_3"]


def test_a_journal_that_cannot_be_made_is_told_in_one_line(tmp_path):
    (tmp_path / "file").write_text("in the way")
    for path in (tmp_path / "file" / "journal.sqlite3", tmp_path):
        with pytest.raises(MonitorError, match="cannot be opened"):
            Journal(path, lambda: 0.0)


def test_a_session_that_was_stopped_in_an_orderly_way_goes_on_and_is_no_past_load(tmp_path):
    path = tmp_path / "journal.sqlite3"
    samples = stream(seconds=40)
    journal = journal_at(path)
    sink = JournalSink(journal)
    monitor, _ = monitor_of(CONFIG, begin=sink.begin)
    monitor.sink.add(sink)
    feed(monitor, samples[:200])
    snapshot(journal, monitor, whole=True)
    monitor.pause_all("shutdown")
    journal.stop()
    assert rows(path, "SELECT end_t IS NOT NULL FROM sessions") == [(1,)]
    journal = Journal(path, lambda: START + 100)
    reopened = journal.reopen(START + 100 - CONFIG.engine.idle_s)
    assert journal.past_loads() == {}
    again, told = monitor_of(CONFIG)
    resume_all(journal, again, 50.0, START + 101, CONFIG.engine, reopened)
    assert again.sessions["001"].was_paused
    feed(again, samples[200:], now_s=51.0)
    again.end_all("test")
    journal.stop()
    assert told.summaries[0]["quality"]["received"] == 400
    assert told.summaries[0]["duration_s"] == 39.9


def test_a_session_that_was_stopped_long_ago_stays_ended(tmp_path):
    path = tmp_path / "journal.sqlite3"
    journal = journal_at(path)
    sink = JournalSink(journal)
    monitor, _ = monitor_of(CONFIG, begin=sink.begin)
    monitor.sink.add(sink)
    feed(monitor, stream(seconds=20))
    snapshot(journal, monitor, whole=True)
    monitor.pause_all("shutdown")
    journal.stop()
    journal = Journal(path, lambda: START + 10_000)
    assert journal.reopen(START + 9_000) == frozenset()
    assert journal.open_sessions() == []
    assert len(journal.past_loads()[1]) == 1
    journal.stop()
    assert rows(path, "SELECT COUNT(*) FROM totals") == [(0,)]


def test_tokens_come_back_when_their_transaction_is_on_the_disk(tmp_path):
    journal = Journal(tmp_path / "journal.sqlite3", lambda: START, period_s=0.02)
    done: list[int] = []
    journal.committed = done.extend
    journal.used([1, 2])
    assert done == []
    journal.start()
    wait_until(lambda: done == [1, 2], what="the commit")
    journal.stop()
