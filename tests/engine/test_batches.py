"""A stream gives the same figures, to the last bit, whether its samples are sent one by one or in batches."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.config import load_config
from tests.engine.kit import START, monitor_of
from tests.helpers import ROOT

CONFIG = load_config(ROOT / "jetson_nano_4gb_config.yaml", environ={})
DEVICE = {"device_id": "001", "athlete_id": 1, "age": 25, "weight": 75, "height": 180, "gender": 1}


def item(number, t, **changes):
    """A sample as a device sends it."""
    return {
        "timestamp": START + t, "seq": number, "mode": "training", "session_phase": "main",
        "acc_x": math.sin(number), "acc_y": 0.5, "acc_z": 9.8 + 3 * math.sin(1.6 * number), "gyro_z": 0.1,
        "gyro_x": 0.3, "gyro_y": math.cos(number), "heart_rate_bpm": 120 + number % 7, **changes,
    }  # fmt: skip


ODD = st.sampled_from([
    *["none"] * 14, "missing", "twice", "same second", "late", "no number", "no pulse", "phase", "jump", "pause",
    "beats", "null", "profile",
])  # fmt: skip
CHANGES: dict[str, dict[str, Any]] = {
    "no number": {"seq": None}, "no pulse": {"heart_rate_bpm": None}, "null": {"acc_x": None, "contact": True},
    "beats": {"rr_intervals_ms": [480.0, 500.0]},
}  # fmt: skip
STREAMS = st.lists(st.tuples(ODD, st.booleans()), min_size=20, max_size=70)


def stream_of(steps):
    """Return the samples of a stream in batches: each step is what is odd about a sample, and whether a batch ends."""
    batches, batch, t, number, phase = [], [], 0.0, 0, "main"
    for odd, ends in steps:
        t += {"missing": 0.2, "same second": 0.0, "jump": 7.0, "pause": 700.0}.get(odd, 0.1)
        number += 2 if odd == "missing" else 1
        if odd == "phase":
            phase = "rest"
        batch.append(item(number, t, session_phase=phase, **CHANGES.get(odd, {})))
        if odd == "twice":
            batch.append(batch[-1])
        elif odd == "late":
            batch.append(item(max(0, number - 12), t - 1.2))
        if ends or odd == "profile":
            batches.append((dict(DEVICE, weight=80) if odd == "profile" else DEVICE, batch))
            batch = []
    return [*batches, (DEVICE, batch)] if batch else batches


def outcome(messages):
    """Return everything that the engine publishes about a stream: JSON of its figures, events and summaries."""
    monitor, told = monitor_of(CONFIG)
    for arrived_s, message in messages:
        monitor.receive("player/001/sensor/data", msgspec.json.encode(message), arrived_s)
        monitor.advance()
    monitor.end_all("test")
    return msgspec.json.encode([told.figures, told.events, told.summaries, monitor.counts.samples])


def one_by_one(batches):
    for number, (device, batch) in enumerate(batches):
        for each in sorted(batch, key=lambda sample: sample["timestamp"]):
            yield float(number), {**device, **each}


def in_batches(batches):
    for number, (device, batch) in enumerate(batches):
        yield float(number), {**device, "samples": batch}


@settings(max_examples=12, deadline=None)
@given(STREAMS)
def test_batches_and_single_messages_give_the_same_bytes(steps):
    batches = stream_of(steps)
    assert outcome(in_batches(batches)) == outcome(one_by_one(batches))


@pytest.mark.timeout(600)
@pytest.mark.campaign
@settings(max_examples=150, deadline=None)
@given(STREAMS)
def test_batches_and_single_messages_give_the_same_bytes_in_many_streams(steps):
    batches = stream_of(steps)
    assert outcome(in_batches(batches)) == outcome(one_by_one(batches))
