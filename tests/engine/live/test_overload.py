"""An engine that cannot use what arrives, with a real Mosquitto: what it shows is recent; all devices lose alike."""

from __future__ import annotations

import threading
import time
from collections import Counter
from statistics import median

import msgspec
import numpy as np
import pytest

from athlete_monitor.config import load_config
from athlete_monitor.engine.live.engine import LiveEngine
from athlete_monitor.engine.sinks.sink import Sink, Sinks
from athlete_monitor.wire import topics
from athlete_monitor.wire.mqtt import MqttLink
from tests.helpers import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.campaign]

DEVICES = 600
BATCH = 10
SECONDS = 14
OLDEST_SHARE = 0.5
"""Figures are not older than this share of the time in which the engine has been overloaded: without a bound of what
waits, those of the end are as old as four fifths of it."""


class Slow(Sink):
    """Takes 8 ms for the figures of an athlete, so that any machine can use 1,250 of the 6,000 samples a second."""

    def __init__(self) -> None:
        self.ages_s: list[float] = []
        self.by_device = Counter[str]()

    def metrics_all(self, outputs, payloads):
        now_t = time.time()
        for session in outputs.sessions:
            self.ages_s.append(now_t - session.last_t)
            self.by_device[session.device_id] += 1
        time.sleep(0.008 * len(outputs))


def batch(device: str, second: int, now_t: float) -> bytes:
    samples = [
        {"timestamp": now_t + (number + 1) / BATCH - 1.0, "seq": second * BATCH + number, "heart_rate_bpm": 120.0}
        for number in range(BATCH)
    ]
    return msgspec.json.encode({"device_id": device, "samples": samples})


def test_what_an_overloaded_engine_shows_is_recent_and_all_devices_lose_alike(mosquitto, make_config):
    mqtt = {"host": mosquitto.host, "port": mosquitto.port, "broker": "external"}
    config = load_config(make_config(mqtt=mqtt, model_loading={"runtime": "onnx"}), environ={})
    engine, slow = LiveEngine(config), Slow()
    sinks = engine.monitor.sink
    assert isinstance(sinks, Sinks)
    sinks.add(slow)
    running = threading.Thread(target=engine.run)
    running.start()
    sender = MqttLink(config.mqtt, "sender")
    sender.start(10.0)
    try:
        wait_until(lambda: engine.link.connected, 30, "the engine")
        began_s = time.monotonic()
        for second in range(SECONDS):
            for number in range(DEVICES):
                due_s = second + number / DEVICES
                time.sleep(max(0.0, began_s + due_s - time.monotonic()))
                device = f"{number:04}"
                sender.publish(topics.sensor_data(device), batch(device, second, time.time()))
        ages_s = np.array(slow.ages_s)
        inbox, stepper = engine.connection.inbox, engine.monitor.stepper
        wait_until(lambda: not len(inbox) and not stepper.waiting, 60, "the rest to be used")
    finally:
        engine.request_stop()
        running.join(60)
        sender.stop()
    assert inbox.counts().overflowed > DEVICES
    assert np.percentile(ages_s, 90) <= OLDEST_SHARE * SECONDS
    shown = [slow.by_device[f"{number:04}"] for number in range(DEVICES)]
    assert min(shown) >= 1
    assert max(shown) <= 3 * median(shown) + 3
