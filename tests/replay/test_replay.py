"""Seasons computed by one or by many, once or in several runs."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.archive import Archive
from athlete_monitor.athletes import Roster
from athlete_monitor.batch.places import GroupAttempt, Here, Waiting
from athlete_monitor.batch.storage import Folder
from athlete_monitor.engine.archiving import Archiver
from athlete_monitor.errors import MonitorError
from athlete_monitor.recordings.opening import open_recordings
from athlete_monitor.replay.command import run_batch
from athlete_monitor.replay.planning import formulas_version, grouped, hash_of, settings_version
from athlete_monitor.replay.results import Result, decode, encode
from athlete_monitor.replay.task import ReplayItem, compute
from tests.replay.kit import DAY_S, configured, context, items_of, season, session

GPX = """<gpx version="1.1" creator="watch"><trk><name>{name}</name><trkseg>{points}</trkseg></trk></gpx>"""
POINT = '<trkpt lat="{lat:.6f}" lon="8.5"><time>2026-05-0{day}T10:00:{second:02d}Z</time></trkpt>'


def gpx(path: Path, day: int) -> str:
    points = "".join(POINT.format(lat=47 + second * 3e-5, day=day, second=second) for second in range(40))
    path.write_text(GPX.format(name=path.stem, points=points), encoding="utf-8")
    return str(path)


class Single(Here):
    """One recording after another."""

    def run(self, context, groups):
        return super().run(context, [[item] for group in groups for item in group])


class Interrupted(Here):
    """The power fails after two groups of one."""

    def run(self, context, groups):
        for number, item in enumerate(item for group in groups for item in group):
            if number == 2:
                raise KeyboardInterrupt
            yield from super().run(context, [[item]])


def rows_of(config):
    with sqlite3.connect(config.paths.journal) as connection:
        found = connection.execute("SELECT * FROM session_seconds ORDER BY session_id, t")
        names = [column[0] for column in found.description]
        rows = [
            {k: v for k, v in zip(names, row, strict=True) if k not in {"session", "team_session"}} for row in found
        ]
    connection.close()
    return rows


def content_of(config):
    """Whatever a reader of the archive sees, without numbers that count up."""
    archive = Archive(config.paths.journal)
    teams = archive.team_sessions()
    sessions = [(s.session_id, s.athlete_id, s.start_t, s.end_t, s.load_trimp, s.summary) for s in archive.sessions()]
    parts = [archive.part(s.number, [(s.start_t + 1, s.start_t + 4)]) for s in archive.sessions()]
    periods = [[(p.name, p.whose, p.start_t, p.end_t) for p in archive.periods(team.id)] for team in teams]
    archive.close()
    return rows_of(config), [(t.start_t, t.end_t, t.mode) for t in teams], sessions, parts, periods


def outputs_of(config):
    root = config.paths.prediction_outputs
    return {str(path.relative_to(root)): path.read_bytes() for path in root.glob("A*/*.json")}


def test_a_result_does_not_depend_on_what_is_computed_beside_it(tmp_path):
    items = items_of(season(tmp_path / "season"))
    beside = [outcome.content for outcome in compute(context(tmp_path), items)]
    alone = [compute(context(tmp_path), [item])[0].content for item in items]
    assert None not in beside
    assert beside == alone
    assert len(set(beside)) == len(items)


def test_the_archive_and_the_files_are_the_same_in_whatever_order_and_groups_they_were_computed(tmp_path):
    paths = season(tmp_path / "season")
    one, other = configured(tmp_path / "one"), configured(tmp_path / "other")
    batch = run_batch(one, paths, Here())
    assert (batch.exit_code, batch.merged.archived, batch.tally.computed) == (0, 5, 5)
    again = run_batch(other, paths[::-1], Single())
    assert content_of(one) == content_of(other)
    assert outputs_of(one) == outputs_of(other)
    assert len(outputs_of(one)) >= 5
    assert batch.merged.summaries == again.merged.summaries
    assert [each["athlete_id"] for each in batch.merged.summaries] == [1, 3, 2, 1, 1]


def test_a_batch_archives_what_an_import_archives(tmp_path):
    paths = season(tmp_path / "season")
    batch, imported = configured(tmp_path / "batch"), configured(tmp_path / "import")
    run_batch(batch, paths, Here())
    archiver = Archiver(imported)
    archiver.add(open_recordings([Path(path) for path in paths]))
    archiver.close()
    assert content_of(batch) == content_of(imported)


def test_later_sessions_know_the_load_of_earlier_ones_that_another_run_has_archived(tmp_path):
    paths = [str(session(tmp_path / "s", 1, day * DAY_S, 12)) for day in range(8)]
    twice, once = configured(tmp_path / "twice"), configured(tmp_path / "once")
    run_batch(twice, paths[:5], Here())
    batch = run_batch(twice, paths, Here())
    assert (batch.tally.computed, batch.tally.stored, batch.merged.archived, batch.merged.known) == (3, 5, 3, 5)
    run_batch(once, paths, Here())
    assert content_of(twice) == content_of(once)
    assert batch.merged.summaries[-1]["acute_load"] is not None


def test_an_interrupted_run_goes_on_where_it_stopped_and_ends_as_if_nothing_had_happened(tmp_path):
    paths = season(tmp_path / "season")
    config, whole = configured(tmp_path / "a"), configured(tmp_path / "b")
    with pytest.raises(KeyboardInterrupt):
        run_batch(config, paths, Interrupted())
    batch = run_batch(config, paths, Here())
    assert (batch.tally.stored, batch.tally.computed) == (2, 3)
    run_batch(whole, paths, Here())
    assert content_of(config) == content_of(whole)


def test_a_changed_file_is_computed_again_and_a_copied_one_is_not(tmp_path):
    path = Path(season(tmp_path / "season")[0])
    config = configured(tmp_path)
    run_batch(config, [str(path)], Here())
    copied = tmp_path / "copy" / path.name
    copied.parent.mkdir()
    shutil.copy(path, copied)
    batch = run_batch(config, [str(path), str(copied)], Here())
    assert (batch.tally.computed, len(batch.tally.keys)) == (0, 1)
    copied.write_bytes(b"\n".join(path.read_bytes().splitlines()[:-4]) + b"\n")
    assert run_batch(config, [str(copied)], Here()).tally.computed == 1


def test_what_cannot_be_read_is_one_line_and_stops_nothing(tmp_path):
    folder = tmp_path / "season"
    good = season(folder)
    broken = folder / "TR9_A1_D001_2026_05_01-10_00_00.csv"
    broken.write_bytes(Path(good[0]).read_bytes().split(b"\n")[0] + b"\nx,y,z\n")
    (folder / "notes.txt").write_text("no recording")
    said: list[str] = []
    batch = run_batch(configured(tmp_path), [str(folder), str(tmp_path / "none")], Here(), None, said.append)
    assert (batch.exit_code, batch.tally.computed) == (3, len(good))
    assert len(said) == 2
    assert sorted(line.partition(": ")[0] for line in said) == sorted([str(broken), str(tmp_path / "none")])
    assert run_batch(configured(tmp_path), [str(tmp_path / "none")], Here()).exit_code == 1


def test_strangers_in_other_formats_get_a_number_each_that_no_session_file_has(tmp_path):
    paths = [str(session(tmp_path / "s", 1, 0)), gpx(tmp_path / "ann.gpx", 3), gpx(tmp_path / "bob.gpx", 4)]
    batch = run_batch(configured(tmp_path), paths, Here())
    assert sorted(each["athlete_id"] for each in batch.merged.summaries) == [1, 2, 3]
    assert run_batch(configured(tmp_path), paths, Here()).tally.stored == 3


def test_a_damaged_result_is_named_and_the_others_are_archived(tmp_path):
    paths = season(tmp_path / "season")
    config = configured(tmp_path)
    results = tmp_path / "results"
    run_batch(config, paths[:1], Here(), str(results))
    [stored] = results.glob("*/*")
    stored.write_bytes(stored.read_bytes()[:-7])
    said: list[str] = []
    fresh = configured(tmp_path / "fresh")
    batch = run_batch(fresh, paths, Here(), str(results), said.append)
    assert (batch.exit_code, batch.merged.archived) == (3, 4)
    assert stored.name in said[0]


@given(cut=st.integers(0, 10_000), value=st.integers(0, 255))
def test_bytes_that_are_no_result_are_refused_in_one_line(result_bytes, cut, value):
    broken = result_bytes[: cut % len(result_bytes)] + bytes([value])
    with pytest.raises(MonitorError, match="damaged"):
        decode(broken)


@pytest.fixture(scope="module")
def result_bytes(tmp_path_factory):
    root = tmp_path_factory.mktemp("result")
    [outcome] = compute(context(root), items_of([str(session(root, 1, 0, 6))]))
    assert outcome.content is not None
    return outcome.content


def test_a_result_comes_back_to_the_last_bit(result_bytes):
    assert encode(decode(result_bytes)) == result_bytes
    assert decode(encode(Result((), ()))) == Result((), ())


@given(sizes=st.lists(st.integers(0, 300), max_size=60), workers=st.integers(1, 9))
def test_groups_hold_every_item_once_in_order_within_their_limits(sizes, workers):
    items = [ReplayItem(str(n), "", "", content=bytes(size * 2**20 // 300)) for n, size in enumerate(sizes)]
    groups = list(grouped(items, len(items), workers))
    assert [item for group in groups for item in group] == items
    assert all(groups)
    assert max(map(len, groups), default=0) <= max(1, -(-len(items) // workers))


def test_a_group_whose_worker_was_lost_is_tried_again_then_item_by_item_then_given_up():
    items = [ReplayItem("a", "a.csv", "a.csv"), ReplayItem("b", "b.csv", "b.csv")]
    waiting = Waiting(iter([items]))
    first = waiting.next()
    assert first == GroupAttempt(items)
    assert waiting.lost(first, "gone") == []
    second = waiting.next()
    assert second == GroupAttempt(items, 1)
    assert waiting.lost(second, "gone") == []
    singles = [waiting.next(), waiting.next()]
    assert [each.items for each in singles if each] == [[items[0]], [items[1]]]
    assert singles[0] is not None
    [given_up] = waiting.lost(singles[0], "gone")
    assert given_up.failure == "a.csv: gone, 3 times"
    assert waiting.next() is None


def test_results_of_other_settings_models_or_athletes_are_not_taken_for_these(tmp_path):
    config = configured(tmp_path)
    version = settings_version(config)
    assert settings_version(configured(tmp_path / "elsewhere")) == version
    other = config.model_copy(update={"impacts": config.impacts.model_copy(update={"alert_g": 9.5})})
    assert settings_version(other) != version
    models = config.paths.hb_tensors_updated
    models.mkdir(parents=True)
    (models / "hb_1_model.json").write_text("{}")
    assert settings_version(config) != version
    assert len(formulas_version()) == 16


def test_a_hash_of_parts_knows_where_one_ends():
    assert hash_of(b"ab", b"c") != hash_of(b"a", b"bc")


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(MonitorError, match="--results"):
        Folder(tmp_path / "file" / "below").put("x", b"")
    assert Folder(tmp_path / "none").names() == frozenset()
    assert not list(Roster())
