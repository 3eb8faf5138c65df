"""A real run through the engine, against sums made with nothing but a loop."""

from __future__ import annotations

import math

import numpy as np
import pytest

from athlete_monitor.arrays import HEART_RATE, SPEED
from athlete_monitor.athletes import Athlete, Roster
from athlete_monitor.config import load_config
from athlete_monitor.wire.session_reader import read_session
from tests.engine.kit import feed, monitor_of
from tests.helpers import ROOT

CONFIG = load_config(ROOT / "jetson_nano_4gb_config.yaml", environ={})
REST, HIGHEST = 50.0, 190.0
(RUN,) = (ROOT / "examples" / "stream" / "player_12").glob("*.csv.gz")


@pytest.fixture(scope="module")
def recording():
    return read_session(RUN)


@pytest.fixture(scope="module")
def summary(recording):
    athlete = Athlete(id=12, device="012", sex="male", hr_max_bpm=HIGHEST, hr_rest_bpm=REST)
    monitor, told = monitor_of(CONFIG, roster=Roster((athlete,)))
    feed(monitor, list(recording.samples(0, 900)))
    monitor.end_all("test")
    return told.summaries[0]


def steps(recording):
    return np.minimum(np.diff(recording.t[:900]), 2.0)


def test_its_training_impulse(recording, summary):
    total = 0.0
    for seconds, bpm in zip(steps(recording), recording.values[1:900, HEART_RATE], strict=True):
        x = min(max((bpm - REST) / (HIGHEST - REST), 0.0), 1.0)
        total += seconds / 60 * x * 0.64 * math.exp(1.92 * x) if not math.isnan(bpm) else 0.0
    assert summary["trimp"] == pytest.approx(total, rel=0.01)


def test_its_zones_add_up_to_the_measured_time(summary):
    assert sum(summary["time_in_zones_s"].values()) == pytest.approx(summary["measured_s"], abs=10)
    assert summary["heart_rate_source_s"]["sensor"] > 0.95 * summary["measured_s"]


def test_its_distance(recording, summary):
    total = float(np.nansum(steps(recording) * recording.values[1:900, SPEED]))
    assert summary["distance_m"] == pytest.approx(total, rel=0.02)


def test_nothing_is_told_of_what_was_not_measured(summary):
    for name in ("player_load", "impacts", "hrv_rmssd_ms", "model_error"):
        assert summary[name] is None
        assert summary["reasons"][name]
