import json
from typing import Any

import pytest

from athlete_monitor.sim.uplink import LEAD_MESSAGES, Echo, Uplink, batch_for_lead, lead_limit_s
from athlete_monitor.wire import topics
from athlete_monitor.wire.codec import Decoder
from athlete_monitor.wire.sample import Sample

T0 = 1.7e9


class Link:
    """A connection that keeps what is published; refuses while it is not connected, unless QoS 1 may wait."""

    def __init__(self):
        self.connected, self.published, self.flushes = True, [], 0

    def publish(self, topic, payload, qos=0, *, retain=False):
        self.published.append((topic, payload, qos))
        return self.connected or qos == 1

    def flush(self, timeout_s):
        self.flushes += 1
        return True

    def stop(self):
        self.connected = False


class Engine:
    """A ``Stop`` whose every wait lets the engine answer with a metrics message ``step_s`` further on."""

    def __init__(self, step_s=1.0, answers=10**9):
        self.echo: Any = None
        self.t, self.waits, self.step_s, self.answers = T0, 0, step_s, answers

    def __bool__(self):
        return False

    def wait(self, seconds):
        self.waits += 1
        if self.waits <= self.answers:
            self.t += self.step_s
            self.echo.heard(topics.metrics("001"), json.dumps({"timestamp": self.t, "x": 1}).encode())
        return False


def echo(engine, lead_s=5.0):
    told: list[str] = []
    engine.echo = Echo(lead_s, engine, told.append)
    return engine.echo, told


def uplink_over(link: Any, qos: int, *, hold: bool) -> Uplink:
    never: Any = Engine()
    return Uplink(link, qos, None, never, hold=hold)


def samples(seconds, device="001"):
    return [Sample(device, T0 + n / 10, seq=n) for n in range(seconds * 10)]


def test_the_publisher_stays_close_ahead_of_the_engine():
    engine = Engine()
    ahead, _ = echo(engine)
    for sample in samples(60):
        ahead.admit(sample)
        assert sample.t - engine.t <= 5.0 + 0.11
    assert engine.waits >= 54


def test_what_is_not_metrics_of_a_known_device_is_not_an_answer():
    engine = Engine(answers=0)
    ahead, _ = echo(engine)
    ahead.admit(samples(1)[0])
    for topic, payload in [
        (topics.metrics("002"), b'{"timestamp": 1800000000}'),
        (topics.metrics("001"), b"{"),
        (topics.metrics("001"), b'{"t": 5}'),
        (topics.metrics("001"), b'{"timestamp": "never"}'),
    ]:
        ahead.heard(topic, payload)
    assert ahead._answers == 0


def test_an_engine_that_is_not_there_is_waited_for_once(monkeypatch):
    clock = iter(range(10**6))
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    engine = Engine(answers=0)
    ahead, told = echo(engine)
    for sample in samples(600):
        ahead.admit(sample)
    assert 1 <= engine.waits <= 5
    assert told == []


def test_an_engine_that_falls_silent_is_told_and_welcome_back(monkeypatch):
    clock = iter(range(10**6))
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    engine = Engine(answers=20)
    ahead, told = echo(engine)
    for sample in samples(60):
        ahead.admit(sample)
    assert len(told) == 1
    assert "has not answered for" in told[0]
    waits = engine.waits
    ahead.heard(topics.metrics("001"), json.dumps({"timestamp": T0 + 10}).encode())
    engine.answers = 10**9
    engine.t = T0 + 60
    ahead.admit(Sample("001", T0 + 70))
    assert engine.waits == waits + 1


def test_a_gap_in_a_recording_is_not_waited_for():
    engine = Engine()
    ahead, _ = echo(engine)
    for sample in samples(3):
        ahead.admit(sample)
    ahead.admit(Sample("001", T0 + 5000.0))
    assert engine.waits == 0


@pytest.mark.parametrize(("devices", "rate_hz"), [(1, 10.0), (30, 10.0), (30, 200.0), (1000, 10.0), (1, 1.0)])
def test_the_lead_fits_into_the_brokers_queue_and_lets_the_engine_answer(sample_config, devices, rate_hz):
    config = sample_config()
    per_message = batch_for_lead(config, devices, rate_hz)
    lead = lead_limit_s(config, devices, rate_hz / per_message)
    assert lead >= 1.0 / config.outputs.metrics_rate_hz + config.engine.late_tolerance_s + 0.5
    assert lead * devices * rate_hz / per_message <= LEAD_MESSAGES * 1.01
    assert lead * rate_hz / per_message <= config.engine.queue_per_device


def test_messages_are_payloads_of_their_device():
    link = Link()
    uplink = uplink_over(link, 0, hold=False)
    batch = samples(1)
    uplink.send(batch[:1])
    uplink.send(batch)
    uplink.send([Sample("001", T0, end=True)])
    assert [topic for topic, _, _ in link.published] == ["player/001/sensor/data"] * 3
    assert [len(Decoder().decode(payload, "001")) for _, payload, _ in link.published] == [1, 10, 1]
    assert [qos for _, _, qos in link.published] == [0, 0, 1]
    assert (uplink.sent, uplink.unsent) == (3, 0)


def test_without_a_broker_samples_are_counted_as_not_sent():
    link = Link()
    link.connected = False
    uplink = uplink_over(link, 0, hold=False)
    uplink.send(samples(1)[:1])
    assert (uplink.sent, uplink.unsent) == (0, 1)
    assert not uplink.close(1.0)


def test_at_full_speed_acknowledgements_are_waited_for():
    link = Link()
    uplink = uplink_over(link, 1, hold=True)
    for sample in samples(100):
        uplink.send([sample])
    assert link.flushes == 2
