"""The strap through the real engine: lost, back, counting steps, live and from a recording."""

from __future__ import annotations

import math
import random

import pytest

from athlete_monitor.engine.offline import run_recordings
from tests.engine.kit import GAME, TRAINING, LinearModel, Models, Recorded, feed, monitor_of, sample, spec_of
from tests.engine.test_monitor import DEFAULTS

CADENCE_SPM = 165.0
READINGS = {"good": 131.0, "lost": math.nan, "steps": CADENCE_SPM}


def session(*phases, tags=TRAINING):
    """A sample a second; each phase is what the strap does, and for how many seconds."""
    rng = random.Random(7)
    states = [state for state, seconds in phases for _ in range(seconds)]
    return [
        sample(
            t,
            seq=t,
            tags=tags,
            acc_x=rng.gauss(0.0, 2.0),
            acc_y=rng.gauss(0.0, 2.0),
            acc_z=9.8 + rng.gauss(0.0, 2.0),
            gyro_x=rng.gauss(0.0, 1.0),
            gyro_y=rng.gauss(0.0, 1.0),
            gyro_z=rng.gauss(0.0, 1.0),
            cadence_spm=CADENCE_SPM,
            heart_rate_bpm=READINGS[state],
        )
        for t, state in enumerate(states)
    ]


def run(samples):
    models = Models({1: LinearModel(spec_of(DEFAULTS), 1, 120.0)})
    monitor, told = monitor_of(DEFAULTS, models)
    for each in samples:
        feed(monitor, [each])
    monitor.end_all("test")
    recorded = run_recordings(DEFAULTS, [Recorded(samples)], models=models)
    assert recorded.figures == told.figures, "a recording gives what was live, to the last bit"
    return told


def test_a_strap_that_counts_steps_from_the_start_teaches_the_model_nothing():
    last = run(session(("steps", 365), tags=GAME)).figures[-1]
    assert last["heart_rate_source"] == "model"
    assert last["heart_rate_bpm"] == pytest.approx(last["model_heart_rate_bpm"], abs=1e-6)


def test_what_a_good_strap_showed_of_the_day_outlives_minutes_of_counted_steps():
    good, locked = (run(session(*phases)) for phases in ((("good", 300), ("lost", 65)), (("good", 300), ("steps", 65))))
    assert good.figures[-1]["heart_rate_source"] == locked.figures[-1]["heart_rate_source"] == "model_corrected"
    assert locked.figures[-1]["heart_rate_bpm"] == pytest.approx(good.figures[-1]["heart_rate_bpm"], abs=0.5)


def test_a_strap_that_comes_back_is_believed_again():
    told = run(session(("good", 60), ("lost", 30), ("good", 20)))
    sources = [figures["heart_rate_source"] for figures in told.figures]
    assert sources[50] == "sensor"
    assert sources[80] == "model_corrected"
    assert sources[-1] == "sensor"
