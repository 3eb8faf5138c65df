from __future__ import annotations

import sqlite3
import threading
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.archive import Archive, DeviceSession, Whose
from athlete_monitor.archive.address import address, has_tables
from athlete_monitor.archive.columns import column
from athlete_monitor.engine.journal.file import connect
from athlete_monitor.errors import MonitorError
from tests.archive.kit import START, add_session, figures_at

SECONDS = 400
MESSAGES = [(START + second + 0.25, figures_at(second)) for second in range(SECONDS)]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("archive") / "journal.sqlite3"
    add_session(path, 1, MESSAGES, team="T1")
    add_session(path, 2, [(t, figures_at(int(t) - START, seed=1)) for t, _ in MESSAGES[::2]], block=7, team="T1")
    return path


def expected(span, name):
    """The slow way: the values of the messages inside."""
    return [figures[name] for t, figures in MESSAGES if span[0] <= t < span[1] and figures[name] is not None]


def test_a_part_has_differences_of_totals_extremes_and_means(path):
    part = Archive(path).part(1, [(START + 100.25, START + 200.25)])
    span = (START + 100.25, START + 200.25)
    assert part["distance_m"] == pytest.approx(figures_at(200)["distance_m"] - figures_at(100)["distance_m"], abs=1e-3)
    assert part["distance_m_per_min"] == pytest.approx((part["distance_m"] or 0) / 100 * 60)
    assert part["sprints"] == 1
    assert part["time_in_zones_s__zone_2"] == pytest.approx(50)
    assert part["heart_rate_bpm"] == pytest.approx(np.mean(expected(span, "heart_rate_bpm")))
    assert part["speed_mps"] == pytest.approx(np.mean(expected(span, "speed_mps")))
    assert part["heart_rate_highest_bpm"] == max(expected(span, "heart_rate_bpm"))
    assert part["duration_s"] == 100


def test_a_running_maximum_is_the_end_where_it_rose_and_else_what_the_seconds_show(path):
    archive = Archive(path)
    rose, flat = archive.part(1, [(START + 100, START + 250)]), archive.part(1, [(START + 300, START + 320)])
    assert rose["max_speed_mps"] == pytest.approx(figures_at(249)["max_speed_mps"])
    assert figures_at(100)["max_speed_mps"] < figures_at(249)["max_speed_mps"] == figures_at(300)["max_speed_mps"]
    assert flat["max_speed_mps"] == pytest.approx(max(figures_at(second)["speed_mps"] for second in range(300, 320)))


@settings(max_examples=30)
@given(cuts=st.lists(st.floats(-5, SECONDS + 5), min_size=1, max_size=5), session=st.sampled_from([1, 2]))
def test_parts_add_up_to_the_whole_for_every_figure_that_adds(path, cuts, session):
    archive = Archive(path)
    edges = [START - 100.0, *(START + cut for cut in sorted(cuts)), START + SECONDS + 100.0]
    parts = [archive.part(session, [span]) for span in pairwise(edges)]
    whole = archive.part(session, [(edges[0], edges[-1])])
    for name, value in whole.items():
        if name == "duration_s" or column(name).adds:
            assert sum(part[name] or 0.0 for part in parts) == pytest.approx(value or 0.0, abs=1e-6)
            assert (value is None) == all(part[name] is None for part in parts)


@settings(max_examples=30)
@given(cut=st.floats(10, SECONDS - 10), gap=st.floats(0, 30))
def test_a_part_of_several_spans_is_the_sum_of_them_and_overlaps_count_once(path, cut, gap):
    archive = Archive(path)
    first, second = (START + cut - 10, START + cut), (START + cut + gap, START + cut + gap + 40)
    both = archive.part(1, [second, first, first])
    apart = [archive.part(1, [span]) for span in (first, second)]
    assert both["distance_m"] == pytest.approx(sum(part["distance_m"] or 0.0 for part in apart), abs=1e-6)


def test_seconds_come_back_as_they_were_published(path):
    seconds = Archive(path).seconds(1, START + 50, START + 60, ["distance_m", "trimp", "unheard_of"])
    assert list(seconds) == ["t", "distance_m", "trimp", "unheard_of"]
    np.testing.assert_allclose(seconds["t"], [START + second + 0.25 for second in range(50, 60)], atol=1e-3)
    assert seconds["distance_m"].tolist() == [figures_at(second)["distance_m"] for second in range(50, 60)]
    assert np.isnan(seconds["unheard_of"]).all()


def test_the_view_shows_the_same_to_any_program_that_reads_sqlite(path):
    with sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True) as connection:
        rows = connection.execute(
            "SELECT t, distance_m, heart_rate_source, athlete_id FROM session_seconds WHERE session = 1 ORDER BY t"
        ).fetchall()
    assert [row[1] for row in rows] == [figures["distance_m"] for _, figures in MESSAGES]
    assert rows[70][2:] == ("model", 1)


def test_a_clock_that_was_set_moves_the_whole_session(tmp_path):
    path = tmp_path / "journal.sqlite3"
    add_session(path, 1, MESSAGES, offset_s=-3600.0, start_t=MESSAGES[0][0] + 3600)
    archive = Archive(path)
    assert archive.seconds(1)["t"][0] == pytest.approx(MESSAGES[0][0] + 3600, abs=1e-3)
    late = archive.part(1, [(START + 3700.25, START + 3800.25)])
    assert late["distance_m"] == pytest.approx(figures_at(200)["distance_m"] - figures_at(100)["distance_m"], abs=1e-3)
    assert archive.part(1, [(START, START + 3500)])["distance_m"] is None


def test_a_gap_belongs_to_the_part_in_which_the_total_grew(tmp_path):
    path = tmp_path / "journal.sqlite3"
    messages = MESSAGES[:101]
    add_session(path, 1, [*messages, (START + 300.25, {"distance_m": 255.0})])
    archive = Archive(path)
    assert archive.part(1, [(START + 110, START + 290)])["distance_m"] == 0.0
    assert archive.part(1, [(START + 290, START + 310)])["distance_m"] == pytest.approx(
        255.0 - figures_at(100)["distance_m"], abs=1e-3
    )


def test_sessions_are_found_by_team_athlete_and_time(path):
    archive = Archive(path)
    assert [session.number for session in archive.sessions(team_session="T1")] == [1, 2]
    assert archive.sessions(athlete_id=2) == [
        DeviceSession(2, "s2", "002", 2, START + 0.25, None, "T1", "Athlete 2", None, None)
    ]
    assert archive.sessions(to_t=START - 1) == []
    assert archive.part(99, [(0, 9e9)])["distance_m"] is None


def test_an_archive_without_journal_is_empty_and_follows_one_that_appears(tmp_path):
    path = tmp_path / "journal.sqlite3"
    archive = Archive(path)
    assert archive.sessions() == []
    assert archive.team_sessions() == []
    add_session(path, 1, MESSAGES[:3])
    assert len(archive.sessions()) == 1
    path.rename(tmp_path / "aside")
    assert archive.sessions() == []


def test_the_records_of_a_team_session_come_back(path):
    connection = connect(path)
    connection.execute("INSERT INTO team_sessions VALUES ('T9', 5.0, NULL, 'game', 'Cup', NULL, 'Reds', 'MD')")
    connection.execute(
        "INSERT INTO periods VALUES ('p1', 'T9', '1st half', 'half', '{\"athletes\": [7, 9]}', 5.0, NULL, 0)"
    )
    connection.execute("INSERT INTO markers VALUES ('m1', 'T9', 6.0, 'goal', NULL)")
    connection.execute("INSERT INTO pitch VALUES ('T9', 7, 5.0, NULL, 'on')")
    connection.close()
    archive = Archive(path)
    team = archive.team_session("T9")
    assert team is not None
    assert (team.name, team.opponent, team.day_code, team.end_t) == ("Cup", "Reds", "MD", None)
    assert archive.periods("T9")[0].whose == Whose(athletes=(7, 9))
    assert archive.markers("T9")[0].text == "goal"
    assert archive.stints("T9")[0].state == "on"
    assert archive.team_sessions(from_t=4.0, to_t=6.0) == [team]


def test_several_threads_may_read_while_the_journal_is_written(tmp_path):
    path = tmp_path / "journal.sqlite3"
    add_session(path, 1, MESSAGES[:200])
    archive = Archive(path)
    failures: list[object] = []

    def read():
        sprints = [archive.part(1, [(START, START + 100)])["sprints"] for _ in range(10)]
        failures.extend(value for value in sprints if value != 1)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(2, 6):
        add_session(path, number, MESSAGES[:100])
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_journal_that_cannot_be_read_is_one_line(tmp_path):
    path = tmp_path / "journal.sqlite3"
    add_session(path, 1, MESSAGES[:3])
    connection = connect(path)
    connection.execute("PRAGMA user_version=7")
    connection.close()
    with pytest.raises(MonitorError, match="version 7, this program reads 2"):
        Archive(path).sessions()
    path.write_bytes(b"no journal at all" * 300)
    with pytest.raises(MonitorError, match="cannot be read") as caught:
        Archive(path).sessions()
    assert "\n" not in str(caught.value)


VERSION_1 = """
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY, session_id TEXT NOT NULL UNIQUE, device_id TEXT NOT NULL, athlete_id INTEGER NOT NULL,
    start_t REAL NOT NULL, began_s REAL NOT NULL, facts BLOB NOT NULL,
    end_t REAL, load_trimp REAL, summary BLOB);
CREATE TABLE seconds (
    session INTEGER NOT NULL, t INTEGER NOT NULL, heart_rate_bpm REAL, heart_rate_source TEXT, trimp REAL,
    energy_kj REAL, player_load REAL, distance_m REAL, stress_percent REAL);
CREATE TABLE events (session INTEGER NOT NULL, t REAL NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE totals (session INTEGER PRIMARY KEY, last_t REAL NOT NULL, arrived_s REAL NOT NULL, state BLOB NOT NULL);
CREATE TABLE memories (session INTEGER PRIMARY KEY, last_t REAL NOT NULL, state BLOB NOT NULL);
PRAGMA user_version=1;
"""


def test_what_another_program_has_locked_is_left_for_a_while_by_who_must_not_wait(tmp_path):
    path = tmp_path / "journal.sqlite3"
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("CREATE TABLE other (column)")
    lock.execute("BEGIN EXCLUSIVE")
    live = Archive(path, patience_s=0.01, rest_s=1000.0)
    with pytest.raises(MonitorError, match="locked"):
        live.team_sessions()
    lock.close()
    with pytest.raises(MonitorError, match="locked"):
        live.team_sessions()
    with pytest.raises(MonitorError, match="version 0"):
        Archive(path, patience_s=0.01).team_sessions()


def test_a_journal_of_version_1_is_migrated_and_loses_nothing(tmp_path):
    path = tmp_path / "journal.sqlite3"
    old = [
        (1 + second % 2, START + second, 120.0 + second % 40, ("sensor", "held", None)[second % 3], second / 7,
         second / 3, None, second * 1.234, 50.5)
        for second in range(500)
    ]  # fmt: skip
    with sqlite3.connect(path) as connection:
        connection.executescript(VERSION_1)
        for number in (1, 2):
            connection.execute(
                "INSERT INTO sessions VALUES (?, ?, '001', 1, ?, ?, '{}', ?, 12.5, '{\"name\": \"Ada\"}')",
                (number, f"s{number}", START, START, START + 500),
            )
        connection.executemany("INSERT INTO seconds VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", old)
        connection.execute("INSERT INTO events VALUES (1, 5.0, 'impact', '{\"kind\": \"impact\"}')")
        connection.execute("INSERT INTO totals VALUES (2, 5.0, 5.0, x'00')")
    connection.close()
    connect(path).close()
    archive = Archive(path)
    for number in (1, 2):
        mine = [row for row in old if row[0] == number]
        seconds = archive.seconds(number)
        assert seconds["t"].tolist() == [row[1] for row in mine]
        np.testing.assert_allclose(seconds["distance_m"], [row[7] for row in mine], atol=5e-4)
        np.testing.assert_allclose(seconds["trimp"], [row[4] for row in mine], atol=5e-4)
        assert np.isnan(seconds["player_load"]).all()
    assert archive.events(1)[0].kind == "impact"
    assert archive.sessions()[0].load_trimp == 12.5
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT COUNT(*) FROM totals").fetchone() == (1,)
        sources = connection.execute(
            "SELECT heart_rate_source FROM session_seconds WHERE session = 1 ORDER BY t LIMIT 3"
        )
        assert sources.fetchall() == [("sensor",), (None,), ("held",)]
    connection.close()


def test_a_file_that_got_no_tables_on_a_full_disk_is_an_empty_archive_until_it_has_some(tmp_path):
    path = tmp_path / "journal.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE unfinished (x)")
    connection.execute("DROP TABLE unfinished")
    connection.close()
    assert path.stat().st_size > 0
    archive = Archive(path)
    assert archive.sessions() == []
    add_session(path, 1, MESSAGES[:3])
    assert [each.number for each in archive.sessions()] == [1]


@pytest.mark.parametrize("name", ["box #3", "100%41", "who?mode=memory", "a&b"])
def test_every_name_of_a_folder_is_an_address(tmp_path, name):
    path = tmp_path / name / "journal.sqlite3"
    path.parent.mkdir()
    add_session(path, 1, MESSAGES[:3])
    with sqlite3.connect(address(path), uri=True) as connection:
        assert connection.execute("SELECT COUNT(*) FROM sessions").fetchone() == (1,)
        assert has_tables(connection)


@pytest.mark.parametrize("damaged", ['\'{"name": "A\'', "x'7b22ff'", "'[1]'", "7", "''"])
def test_a_damaged_cell_hides_nothing_else(tmp_path, damaged):
    path = tmp_path / "journal.sqlite3"
    for number in (1, 2):
        add_session(path, number, MESSAGES[:3], team="T1", end_t=START + 9)
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE sessions SET summary = {damaged}, facts = {damaged} WHERE id = 1")
        connection.execute('UPDATE sessions SET summary = \'{"name": "Bea"}\' WHERE id = 2')
        connection.execute(f"INSERT INTO events VALUES (1, 5.0, 'impact', {damaged})")
        connection.execute("INSERT INTO events VALUES (1, 6.0, 'impact', '{\"peak_g\": 9}')")
    archive = Archive(path)
    assert [(each.number, each.name) for each in archive.sessions()] == [(1, None), (2, "Bea")]
    assert [each.t for each in archive.events(1)] == [6.0]
    assert archive.recent_summaries(2, 5) == [{"name": "Bea"}]
    assert archive.recent_summaries(1, 5) == []
