"""Cached rows equal replayed ones, and whatever changes their meaning replays them again."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from athlete_monitor.config import DEFAULT_CONFIG, load_config
from athlete_monitor.features import FeatureSpec
from athlete_monitor.training import dataset, replaying, row_cache
from athlete_monitor.training.dataset import extract
from athlete_monitor.training.row_cache import RowCache
from athlete_monitor.training.rows import SessionRows, Unusable
from athlete_monitor.training.sessions import Candidates, SessionFile, candidates
from athlete_monitor.training.work import Gathered, Made, gather_group, read_group, train_one
from tests.training.builders import write_session

SPEC = FeatureSpec()


@pytest.fixture
def config(tmp_path):
    usual = load_config(DEFAULT_CONFIG, root=tmp_path)
    few = usual.retraining.model_copy(update={"min_samples_threshold": 60})
    return usual.model_copy(update={"retraining": few})


def entries(config):
    return sorted(config.paths.models_root.glob("Player*_rows/*.npz"))


@pytest.fixture
def reads(monkeypatch):
    """The files that are read."""
    names = []
    load_track = replaying.load_track

    def counted(file, athlete_id):
        names.append(file.name)
        return load_track(file, athlete_id)

    monkeypatch.setattr(dataset, "load_track", counted)
    return names


def gathered(config, spec=SPEC, **options):
    return gather_group([candidates(config, 1)], spec, config, **options)[0]


def test_the_rows_of_the_second_time_are_those_of_the_first_to_the_last_bit_without_reading(tmp_path, config, reads):
    for number in (1, 2):
        write_session(tmp_path, number=number, seconds=100)
    first = gathered(config)
    assert len(reads) == len(entries(config)) == 2
    second = gathered(config)
    assert len(reads) == 2
    for one, other in zip(first.sessions, second.sessions, strict=True):
        for name in SessionRows.__dataclass_fields__:
            a, b = getattr(one, name), getattr(other, name)
            assert (a.dtype, a.tobytes()) == (b.dtype, b.tobytes()) if isinstance(a, np.ndarray) else a == b


def test_a_new_session_is_read_and_those_that_are_gone_are_forgotten(tmp_path, config, reads):
    gone = write_session(tmp_path, number=1, seconds=100)
    write_session(tmp_path, number=2, seconds=100)
    gathered(config)
    gone.unlink()
    new = write_session(tmp_path, number=3, seconds=100)
    assert [session.file[:3] for session in gathered(config).sessions] == ["TR2", "TR3"]
    assert reads[2:] == [new.name]
    assert len(entries(config)) == 2


def test_other_features_another_rate_and_another_time_zone_make_the_rows_anew(tmp_path, config, reads, monkeypatch):
    write_session(tmp_path, seconds=100)
    gathered(config)
    gathered(config, replace(SPEC, jerk=False))
    slower = config.training.model_copy(update={"rows_per_second": 0.5})
    gathered(config.model_copy(update={"training": slower}))
    gathered(config)
    assert len(reads) == 4
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    gathered(config)
    assert len(reads) == 5


@pytest.mark.parametrize("damage", [lambda content: b"", lambda content: content[:-9], lambda content: content[::-1]])
def test_a_damaged_entry_is_made_anew(tmp_path, config, reads, damage):
    write_session(tmp_path, seconds=100)
    whole = gathered(config)
    (entry,) = entries(config)
    content = entry.read_bytes()
    entry.write_bytes(damage(content))
    assert gathered(config).sessions[0].X.tobytes() == whole.sessions[0].X.tobytes()
    assert len(reads) == 2
    assert entry.read_bytes() == content


def test_a_session_without_a_single_row_is_kept_too(tmp_path, config):
    path = write_session(tmp_path, seconds=40, heart=lambda bpm: np.where(np.arange(len(bpm)) == 3, 250.0, np.nan))
    cache = RowCache(config.paths.models_root, SPEC, 1.0)
    asked = [Candidates(1, (SessionFile(path, "a" * 64),))]
    for _ in range(2):
        ((rows,),) = extract(asked, SPEC, 1.0, 100, cache)
        assert isinstance(rows, SessionRows)
        assert len(rows) == 0


def test_a_session_that_cannot_be_read_is_reported_each_time(tmp_path, config):
    path = write_session(tmp_path, seconds=100, heart=lambda bpm: np.full_like(bpm, np.nan))
    cache = RowCache(config.paths.models_root, SPEC, 1.0)
    for _ in range(2):
        ((item,),) = extract([Candidates(1, (SessionFile(path, "a" * 64),))], SPEC, 1.0, 100, cache)
        assert isinstance(item, Unusable)
        assert item.reason == "holds no heart rate"


def test_a_folder_that_cannot_be_written_and_a_dry_run_only_cost_time(tmp_path, config, reads):
    write_session(tmp_path, seconds=100)
    gathered(config, writes=False)
    assert not entries(config)
    config.paths.models_root.mkdir(parents=True, exist_ok=True)
    (config.paths.models_root / "Player1_rows").write_text("in the way", encoding="utf-8")
    assert len(gathered(config).sessions) == 1
    assert len(reads) == 2


def test_rows_are_computed_anew_after_a_change_of_any_module_that_computes_them():
    """A renamed or new module must not leave entries of an earlier program valid."""
    texts = {pattern: set(row_cache._PACKAGE.glob(pattern)) for pattern in row_cache._PROGRAM_TEXT}
    assert [pattern for pattern, found in texts.items() if not found] == []
    code = "import sys, athlete_monitor.training.dataset, athlete_monitor.wire.session_reader; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    names = [name.split(".") for name in loaded if name.startswith("athlete_monitor.")]
    places = {row_cache._PACKAGE.joinpath(*name[1:]).with_suffix(".py") for name in names}
    computing = {place for place in places if place.parent.name in {"features", "physiology", "wire"}}
    assert computing - set().union(*texts.values()) == {row_cache._PACKAGE / "physiology" / "reasons.py"}


def read_for_training(config, **options) -> Gathered:
    (found,) = read_group([candidates(config, 1)], SPEC, config, **{"sampled": False, **options})
    assert isinstance(found, Gathered)
    return found


def made(found, config) -> Made:
    result = train_one(found, SPEC, config)
    assert isinstance(result, Made)
    return result


def test_rows_that_are_kept_on_disk_are_not_passed_on_and_train_the_same_model(tmp_path, config, reads):
    for number in (1, 2):
        write_session(tmp_path, number=number, seconds=400)
    write_session(tmp_path, number=3, lines=[])
    beside, kept = read_for_training(config, writes=False), read_for_training(config, sampled=True)
    assert (kept.data, beside.data is None) == (None, False)
    assert kept.facts == beside.facts
    assert [item.file[:3] for item in kept.unreadable] == ["TR3"]
    reads.clear()
    one, other = made(kept, config), made(beside, config)
    assert reads == []
    assert (one.facts, one.finished.artifacts.pickle) == (other.facts, other.finished.artifacts.pickle)


def test_rows_that_are_gone_by_then_are_read_once_more(tmp_path, config, reads):
    write_session(tmp_path, seconds=400)
    found = read_for_training(config)
    for path in entries(config):
        path.unlink()
    assert made(found, config).facts == found.facts
    assert len(reads) == 2
