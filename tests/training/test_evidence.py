"""What was fitted before is not fitted again, and nothing else is ever taken for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from athlete_monitor.features import FeatureSpec
from athlete_monitor.models.kinds import NAMES, kind_of
from athlete_monitor.training import evidence as module
from athlete_monitor.training.athlete import train_athlete
from athlete_monitor.training.contest import contested
from athlete_monitor.training.evidence import EvidenceFiles
from athlete_monitor.training.fitting import JUDGING_TREES, judging, task
from tests.training.test_evaluation import GROUPS, data, made

RISES = FeatureSpec().rises(GROUPS)


@pytest.fixture
def settings(quick):
    return quick(training={"kinds": ["random_forest"], "n_estimators": 3, "max_rows": 500}).training


@pytest.fixture
def files(tmp_path):
    return EvidenceFiles(tmp_path)


def days(count):
    return [made(str(day), 1e4 * day, n=200, seed=day) for day in range(count)]


def trained(sessions, settings, files):
    """What a pass makes of an athlete, and how many models it fitted only to judge them."""
    kept = files.load(1)
    found = train_athlete(data(*sessions), settings, RISES, kept)
    files.save(1, kept)
    return found, kept.fits


def facts(found):
    """Everything that is published of a model, as plain values."""
    predicted = found.model.predict(found.test_X).tobytes()
    return found.kind.name, found.holdout, found.interval, found.day, found.gain, predicted, found.chosen_on


@pytest.mark.parametrize("kind", NAMES)
def test_the_first_trees_of_a_model_are_the_model_of_fewer_trees(kind, settings):
    settings = settings.model_copy(update={"n_estimators": JUDGING_TREES + 1})
    *earlier, asked = days(4)
    whole = kind_of(kind).fit(task(earlier, settings, RISES))
    few = kind_of(kind).fit(task(earlier, judging(settings), RISES))
    parts = kind_of(kind).parts
    assert parts is not None
    assert parts(whole).first(JUDGING_TREES).predict(asked.X).tobytes() == few.predict(asked.X).tobytes()
    assert parts(whole).predict(asked.X).tobytes() == whole.predict(asked.X).tobytes()


@pytest.mark.parametrize("count", [2, 4])
def test_one_more_session_needs_one_more_model_and_gives_the_results_of_a_training_from_scratch(settings, files, count):
    known, more = days(count), days(count + 1)
    trained(known, settings, files)
    warm, fits = trained(more, settings, files)
    cold, all_fits = trained(more, settings, EvidenceFiles(files.root / "none"))
    assert contested(count) == contested(count + 1)
    assert fits == 0 < all_fits
    assert facts(warm) == facts(cold)
    assert trained(more, settings, files)[1] == 0


def change_a_heart_rate(sessions, _settings):
    y = sessions[0].y.copy()
    y[7] += 1.0
    return [replace(sessions[0], y=y), *sessions[1:]], _settings


def change_a_feature(sessions, _settings):
    X = sessions[0].X.copy()
    X[7, 0] += 1.0
    return [replace(sessions[0], X=X), *sessions[1:]], _settings


def remove_a_session(sessions, _settings):
    return sessions[1:], _settings


def exchange_two(sessions, _settings):
    first, second = (replace(a, t=b.t) for a, b in zip(sessions[:2], sessions[1::-1], strict=True))
    return [second, first, *sessions[2:]], _settings


def distrust_some_rows(sessions, _settings):
    false = np.arange(len(sessions[0])) < 20
    return [replace(sessions[0], false_beginning=false), *sessions[1:]], _settings


def deeper_trees(sessions, settings):
    return sessions, settings.model_copy(update={"max_depth": settings.max_depth - 1})


def another_seed(sessions, settings):
    return sessions, settings.model_copy(update={"random_state": 7})


def another_kind(sessions, settings):
    return sessions, settings.model_copy(update={"kinds": ("extra_trees",)})


CHANGES = (
    change_a_heart_rate,
    change_a_feature,
    remove_a_session,
    exchange_two,
    distrust_some_rows,
    deeper_trees,
    another_seed,
    another_kind,
)


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_a_model_is_fitted_again(settings, files, change):
    trained(days(4), settings, files)
    sessions, other = change(days(4), settings)
    warm, fits = trained(sessions, other, files)
    cold, _ = trained(sessions, other, EvidenceFiles(files.root / "none"))
    assert fits > 0
    assert facts(warm) == facts(cold)


def test_another_program_or_library_finds_nothing(settings, files, monkeypatch):
    trained(days(3), settings, files)
    monkeypatch.setattr(module, "_program", lambda: "another")
    assert trained(days(3), settings, files)[1] > 0


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-5],
        lambda content: content[:20] + b"\xff" + content[21:],
        lambda content: content[:999] + bytes([content[999] ^ 1]) + content[1000:],
        lambda content: b"PK" + content,
    ],
)
def test_a_damaged_file_counts_as_none_and_is_written_again(settings, files, damage):
    whole, _ = trained(days(3), settings, files)
    (path,) = files.root.glob("*/*")
    content = path.read_bytes()
    path.write_bytes(damage(content))
    again, fits = trained(days(3), settings, files)
    assert fits > 0
    assert facts(again) == facts(whole)
    assert path.read_bytes() == content


def test_what_another_athlete_left_is_not_found(settings, files):
    trained(days(3), settings, files)
    other = files.root / "Player2_rows"
    (files.root / "Player1_rows").rename(other)
    strangers = [made(str(day), 1e4 * day, n=200, seed=50 + day) for day in range(3)]
    kept = files.load(2)
    warm = train_athlete(data(*strangers), settings, RISES, kept)
    assert kept.fits > 0
    assert facts(warm) == facts(train_athlete(data(*strangers), settings, RISES))


def test_a_folder_that_cannot_be_written_and_a_dry_run_only_cost_time(settings, tmp_path):
    (tmp_path / "Player1_rows").write_text("in the way", encoding="utf-8")
    assert trained(days(2), settings, EvidenceFiles(tmp_path))[1] > 0
    dry = EvidenceFiles(tmp_path / "dry", writes=False)
    assert trained(days(2), settings, dry)[1] > 0
    assert trained(days(2), settings, dry)[1] > 0
    assert not dry.root.exists()


def test_only_what_was_used_is_kept(settings, files):
    names = []
    for count in (2, 3, 3, 2):
        trained(days(count), settings, files)
        names.append(set(files.load(1)._kept))
    assert names[1] == names[2] != names[0] == names[3]


def test_rows_whose_hash_is_kept_are_those_that_models_are_fitted_from():
    """A new module that fits models must be part of the key."""
    texts = {pattern: set(module._PACKAGE.glob(pattern)) for pattern in module._PROGRAM_TEXT}
    assert [pattern for pattern, found in texts.items() if not found] == []
    kinds = {module._PACKAGE / "models" / "kinds" / f"{name}.py" for name in NAMES}
    assert kinds <= set().union(*texts.values())
