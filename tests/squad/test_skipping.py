"""The kernel skips the parts for which no athlete of a step has input: with the same results, to the last bit."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from athlete_monitor.arrays import CHANNEL_INDEX, CHANNELS
from athlete_monitor.athletes import Profile
from athlete_monitor.config import load_config
from athlete_monitor.engine.build import kernel_settings
from athlete_monitor.squad.batch import Batch
from athlete_monitor.squad.kernel import Squad
from athlete_monitor.squad.prediction import ModelBook, NoModels
from tests.engine.kit import LinearModel, Models, spec_of
from tests.helpers import ROOT

CONFIG = load_config(ROOT / "jetson_nano_4gb_config.yaml", environ={})
SETTINGS = kernel_settings(CONFIG)
GROUPS = {
    "acceleration": ("acc_x", "acc_y", "acc_z"),
    "rotation": ("gyro_x", "gyro_y", "gyro_z"),
    "strap": ("heart_rate_bpm",),
    "speed": ("speed_mps",),
    "metres": ("x_m", "y_m"),
    "degrees": ("latitude", "longitude"),
    "watch": ("cadence_spm", "distance_m", "altitude_m"),
    "beats": (),
}
EVERYTHING = tuple(GROUPS)
COMBINATIONS = [
    tuple(itertools.compress(GROUPS, chosen)) for chosen in itertools.product((False, True), repeat=len(GROUPS))
]
STEPS = 7
START_T = 1.75e9


def squad_with(models, athletes):
    squad = Squad(SETTINGS, ModelBook(models, SETTINGS.features))
    profile = Profile(1, sex="male", age_years=25, weight_kg=75.0, height_cm=180.0)
    return squad, np.array([squad.add(profile) for _ in range(athletes)])


def measured(number):
    """Values of all channels in one sample; some samples lack some of them."""
    rng = np.random.default_rng(number)
    known = dict(zip(CHANNELS, rng.normal(0.0, 2.0, len(CHANNELS)), strict=True))
    known |= {"acc_z": 80.0 if number == 3 else 9.8, "heart_rate_bpm": 150.0 + number, "speed_mps": 2.0 + number / 5}
    known |= {"latitude": 48.0 + number / 1e5, "longitude": 11.0, "distance_m": 3.0 * number, "cadence_spm": 170.0}
    lacks = (None, "speed", "acceleration", "strap", "degrees", None, "watch")[number]
    return {
        name: value for group, names in GROUPS.items() if group != lacks for name in names for value in [known[name]]
    }


def step(squad, rows, combinations, number):
    values = np.full((len(rows), len(CHANNELS)), np.nan)
    known = measured(number)
    for i, groups in enumerate(combinations):
        for name in (name for group in groups for name in GROUPS[group] if name in known):
            values[i, CHANNEL_INDEX[name]] = known[name]
    t = np.full(len(rows), START_T + number * (0.6 if number < 5 else 2.1))
    beats = tuple(
        (int(row), float(t[0]), (400.0,)) for row, groups in zip(rows, combinations, strict=True) if "beats" in groups
    )
    return squad.step(Batch(rows, t, values, np.full(len(rows), number % 3), beats))


def outputs(squad, rows, result):
    """All that is known of each athlete after a step."""
    impacts: dict[int, list[tuple[float, float, int]]] = {row: [] for row in rows.tolist()}
    for each in result.impacts:
        impacts[each.row].append((each.t, each.peak_g, each.band))
    figures = np.ascontiguousarray(squad.present_values(result.present).T)
    due = set(result.due.tolist())
    return [(figures[i].tobytes(), impacts[row], i in due) for i, row in enumerate(rows.tolist())]


def remembered(squad, row):
    memories = squad.memories(int(row))
    packed = {
        name: value.tobytes() if isinstance(value, np.ndarray) else repr(value) for name, value in memories.items()
    }
    return squad.totals(np.array([row])), squad.total_values(int(row)).tobytes(), packed


@pytest.mark.parametrize("models", [Models(default=LinearModel(spec_of(CONFIG))), NoModels()], ids=["models", "none"])
def test_an_athlete_alone_has_the_figures_of_one_beside_others_who_send_everything(models):
    combinations = COMBINATIONS if models.candidates(1) else COMBINATIONS[::5]
    together, rows = squad_with(models, len(combinations) + 1)
    alone = [squad_with(models, 1) for _ in combinations]
    for number in range(STEPS):
        joint = outputs(together, rows, step(together, rows, [*combinations, EVERYTHING], number))
        for place, (groups, (squad, row)) in enumerate(zip(combinations, alone, strict=True)):
            own = outputs(squad, row, step(squad, row, [groups], number))
            assert own == joint[place : place + 1], (groups, number)
    for place, (groups, (squad, row)) in enumerate(zip(combinations, alone, strict=True)):
        assert remembered(squad, row[0]) == remembered(together, rows[place]), groups


def test_rows_in_any_order_have_the_figures_of_rows_in_order():
    mixed = COMBINATIONS[::37]
    models = Models(default=LinearModel(spec_of(CONFIG)))
    (ordered, rows), (shuffled, same) = squad_with(models, len(mixed)), squad_with(models, len(mixed))
    order = np.random.default_rng(1).permutation(len(mixed))
    for number in range(STEPS):
        step(ordered, rows, mixed, number)
        step(shuffled, same[order], [mixed[i] for i in order], number)
    assert [remembered(ordered, row) for row in rows] == [remembered(shuffled, row) for row in same]
