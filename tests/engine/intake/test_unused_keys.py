"""A device whose keys are misspelt beyond recognition is named, once."""

from __future__ import annotations

import json
import logging

from athlete_monitor.engine.counts import Counts
from athlete_monitor.engine.intake.guard import IntakeBudgets
from athlete_monitor.engine.intake.messages import Intake
from athlete_monitor.wire.codec import Decoder


def test_a_key_that_resembles_one_of_ours_is_shown_and_any_other_only_logged(caplog):
    caplog.set_level(logging.INFO)
    shown: list[str] = []
    intake = Intake(Decoder(), IntakeBudgets(250.0), Counts(), shown.append, 10)
    for device, extra in (("001", {"speed": 5.0}), ("001", {"speed": 6.0}), ("002", {"firmware": "1.2"})):
        payload = json.dumps({"device_id": device, "timestamp": 1.7e9, **extra}).encode()
        assert len(intake.samples(f"player/{device}/sensor/data", payload, 0.0)) == 1
    assert shown == ["device 001 sends keys that are not used: speed (did you mean speed_mps?)"]
    assert caplog.text.count("event=unused_keys") == 2
