"""Many samples of one athlete in one call: the figures of one step after another, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from athlete_monitor.arrays import CHANNEL_INDEX, CHANNELS
from athlete_monitor.squad.batch import Batch
from athlete_monitor.squad.prediction import NoModels
from athlete_monitor.squad.timeline import Timeline
from tests.engine.kit import LinearModel, Models, spec_of
from tests.squad.test_skipping import CONFIG, GROUPS, START_T, remembered, squad_with

RATES_HZ = (0.3, 1.0, 5.0, 10.0, 100.0)
SOURCES = {"model": lambda: Models(default=LinearModel(spec_of(CONFIG))), "none": NoModels}
LEFT_OUT = np.array([0.0, 0.05, 0.5])


def recorded(rng, count, rate_hz, groups):
    """Times and values of a game: sprints, pauses, wrong fixes, blows, lost readings, a clock that trembles."""
    t = np.arange(count) / rate_hz + rng.normal(0.0, 0.02 / rate_hz, count) * rng.integers(2)
    t += np.cumsum(rng.choice([0.0, 0.7, 3.0, 14.0, 700.0], count, p=[0.96, 0.02, 0.01, 0.007, 0.003]))
    wave = np.sin(t / 7.0)
    values = rng.normal(0.0, 2.0, (count, len(CHANNELS)))
    known = {
        "acc_z": 9.8 + rng.normal(0.0, 2.0, count) + 60.0 * (rng.random(count) < 0.02),
        "heart_rate_bpm": np.round(150.0 + 40.0 * wave + 30.0 * (rng.random(count) < 0.03)),
        "speed_mps": np.fmax(4.5 + 4.5 * wave + rng.normal(0.0, 0.2, count) + 9.0 * (rng.random(count) < 0.02), 0.0),
        "x_m": 30.0 * np.cos(t / 9.0),
        "y_m": 20.0 * wave,
        "latitude": 48.0 + t / 4e4,
        "longitude": np.full(count, 11.0),
        "horizontal_accuracy_m": np.where(rng.random(count) < 0.1, 50.0, 3.0),
        "altitude_m": 500.0 + t,
        "distance_m": np.floor(4.0 * t),
        "cadence_spm": 165.0 + 10.0 * wave,
    }
    for name, column in known.items():
        values[:, CHANNEL_INDEX[name]] = column
    for group, names in GROUPS.items():
        lost = rng.random(count) < (rng.choice(LEFT_OUT) if group in groups else 2.0)
        for name in names:
            values[lost, CHANNEL_INDEX[name]] = np.nan
    return START_T + t, values


def beats(rng, rows, t):
    every = 3 + int(rng.integers(20))
    return tuple((row, float(t[i]), (520.0 + i % 7,)) for i, row in enumerate(rows) if i % every == 0)


def told(squad, row, present, due):
    """What a step brings: figures of each moment, and the variability where it is due."""
    figures = np.ascontiguousarray(squad.present_values(present).T)
    return [each.tobytes() for each in figures], [repr(squad.hrv.variability(row(i))) for i in due.tolist()]


def stepped(squad, row, t, values, modes, rr):
    """One step after another."""
    found = []
    for i in range(len(t)):
        one = slice(i, i + 1)
        batch = Batch(np.array([row]), t[one], values[one], modes[one], tuple((row, *b[1:]) for b in rr if b[0] == i))
        result = squad.step(batch)
        found.append((*told(squad, lambda _: row, result.present, result.due), result.impacts, len(result.due)))
    return found


def in_blocks(squad, row, t, values, modes, rr, length):
    """Blocks of a length."""
    timeline, found = Timeline(squad), []
    for begin in range(0, len(t), length):
        part = slice(begin, begin + length)
        rows = np.arange(len(t[part]))
        held = tuple((b[0] - begin, *b[1:]) for b in rr if begin <= b[0] < begin + length)
        result = timeline.run(row, Batch(rows, t[part], values[part], modes[part], held))
        found.append((*told(timeline, lambda i: i, result.present, result.due), result.impacts, len(result.due)))
        timeline.finish()
    return found


def check(seed, rate_hz, source, groups, length, count):
    rng = np.random.default_rng(seed)
    t, values = recorded(rng, count, rate_hz, groups)
    modes = np.sort(rng.integers(0, 3, count))
    rr = beats(rng, range(count), t) if "beats" in groups else ()
    (one, (row,)), (many, (same,)) = squad_with(SOURCES[source](), 1), squad_with(SOURCES[source](), 1)
    before = stepped(one, int(row), t, values, modes, rr)
    after = in_blocks(many, int(same), t, values, modes, rr, length)
    for place in range(3):
        joined = [[each for step in steps for each in step[place]] for steps in (before, after)]
        assert joined[0] == joined[1]
    assert sum(step[3] for step in before) == sum(step[3] for step in after)
    assert remembered(one, row) == remembered(many, same)


def test_a_sensor_that_sends_nonsense_costs_no_warning_and_has_the_figures_of_its_steps():
    rng = np.random.default_rng(2)
    t, values = recorded(rng, 90, 1.0, set(GROUPS))
    for name, scale in (
        ("gyro_x", 5.0),
        ("gyro_y", 5.0),
        ("acc_z", 60.0),
        ("speed_mps", 9.0),
        ("heart_rate_bpm", 99.0),
    ):
        values[:, CHANNEL_INDEX[name]] = np.abs(rng.normal(0.0, scale, 90))
    (one, (row,)), (many, (same,)) = squad_with(NoModels(), 1), squad_with(NoModels(), 1)
    modes = np.zeros(90, dtype=np.int64)
    with np.errstate(all="ignore"):
        stepped(one, int(row), t, values, modes, ())
    in_blocks(many, int(same), t, values, modes, (), 90)
    assert remembered(one, row) == remembered(many, same)


CASES = {
    "seed": st.integers(0, 2**32 - 1),
    "rate_hz": st.sampled_from(RATES_HZ),
    "source": st.sampled_from(sorted(SOURCES)),
    "groups": st.sets(st.sampled_from(sorted(GROUPS)), min_size=1),
    "length": st.sampled_from((1, 2, 17, 64, 300)),
}


@pytest.mark.parametrize("source", sorted(SOURCES))
@pytest.mark.parametrize("rate_hz", [1.0, 10.0])
def test_a_recording_with_every_channel_has_the_figures_of_its_steps(source, rate_hz):
    check(7, rate_hz, source, set(GROUPS), 64, 120)


@pytest.mark.parametrize("length", [3, 4, 9, len(CHANNELS)])
def test_a_block_has_the_figures_of_its_steps_where_it_has_as_many_moments_as_a_table_has_columns(length):
    check(11, 10.0, min(SOURCES), set(GROUPS), length, 4 * length)


@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(**CASES)
def test_blocks_have_the_figures_of_steps_one_after_another(**case):
    check(**case, count=80)


@pytest.mark.campaign
@pytest.mark.timeout(900)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(**CASES)
def test_blocks_of_many_recordings_have_the_figures_of_steps(**case):
    check(**case, count=300)
