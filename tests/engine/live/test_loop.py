from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.config import DEFAULT_CONFIG, load_config
from athlete_monitor.engine.intake.guard import IntakeBudgets
from athlete_monitor.engine.intake.inbox import Inbox
from athlete_monitor.engine.live import loop as loops
from athlete_monitor.engine.live.loop import Loop
from athlete_monitor.engine.live.pace import Throughput
from athlete_monitor.engine.live.stats import Lags
from athlete_monitor.engine.stepping import HOLD_S, RUN_HOLD_SHARE
from athlete_monitor.wire.codec import encode_sample
from athlete_monitor.wire.topics import sensor_data
from tests.engine.kit import monitor_of, sample

CONFIG = load_config(DEFAULT_CONFIG)


class Upkeep:
    """Nothing is due."""

    due_s = 0.0

    def begin(self, now_s: float) -> None:
        pass

    def look(self, now_s: float) -> None:
        pass


def a_loop():
    inbox = Inbox(1000, 100, "sensor/data")
    monitor, _ = monitor_of(CONFIG, guard=IntakeBudgets(CONFIG.engine.max_rate_hz))
    upkeep: Any = Upkeep()
    return Loop(inbox, monitor, upkeep, Lags(), 0.0), inbox, monitor


def put(inbox: Inbox, device: str, t: float, *, arrived_s: float = 0.0, is_qos_1: bool = True) -> None:
    payload = encode_sample(sample(t, device, None, seq=round(10 * t), heart_rate_bpm=120.0))
    inbox.put(sensor_data(device), payload, arrived_s, is_qos_1=is_qos_1)


def rounds(loop: Loop, count: int) -> None:
    left = iter(range(count - 1, -1, -1))
    loop.run(lambda _elapsed_s: next(left) == 0)


def test_running_sessions_do_not_wait_for_the_beginnings_of_others(monkeypatch):
    monkeypatch.setattr(loops, "BEGIN_S", 0.0)
    loop, inbox, monitor = a_loop()
    put(inbox, "running", 0.0)
    rounds(loop, 2)
    for device in range(5):
        put(inbox, f"new{device}", 0.0)
    put(inbox, "running", 0.1)
    rounds(loop, 1)
    assert monitor.sessions["running"].stream.quality.received == 2
    assert sorted(monitor.sessions) == ["new0", "running"]
    rounds(loop, 4)
    assert sorted(monitor.sessions) == ["new0", "new1", "new2", "new3", "new4", "running"]


def test_what_a_device_sends_before_its_session_begins_is_used_in_order(monkeypatch):
    monkeypatch.setattr(loops, "BEGIN_S", 0.0)
    loop, inbox, monitor = a_loop()
    for t in (0.0, 0.1, 0.2):
        put(inbox, "a", t)
        put(inbox, "b", t)
        rounds(loop, 1)
    rounds(loop, 3)
    counts = [session.stream.quality for session in monitor.book.view]
    assert [(each.received, each.lost, each.late) for each in counts] == [(3, 0, 0)] * 2


def test_a_device_that_has_waited_for_too_long_begins_with_its_newest_message():
    loop, inbox, monitor = a_loop()
    for t in (0.0, 0.1, 0.2):
        put(inbox, "a", t, arrived_s=-1e6, is_qos_1=False)
    rounds(loop, 2)
    assert monitor.sessions["a"].start_t == sample(0.2).t
    assert (inbox.counts().overflowed, inbox.counts().messages) == (2, 3)


ARRIVALS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 100), st.booleans()), max_size=60)


@given(ARRIVALS, st.integers(0, 110))
def test_an_overloaded_inbox_drops_the_oldest_of_every_device_and_keeps_the_newest(arrivals, before_s):
    inbox = Inbox(1000, 100, "sensor/data")
    arrivals.sort(key=lambda each: each[1])
    for token, (topic, arrived_s, is_qos_1) in enumerate(arrivals, 1):
        inbox.put(topic, bytes(arrived_s), float(arrived_s), token, is_qos_1=is_qos_1)
    tokens = inbox.shed(float(before_s), before_s - 30.0)
    kept = inbox.take()
    assert inbox.counts().overflowed == len(tokens)
    assert sorted([*tokens, *(each[2] for row in kept.values() for each in row)]) == [*range(1, len(arrivals) + 1)]
    for topic in {topic for topic, *_ in arrivals}:
        last = max(token for token, (name, *_) in enumerate(arrivals, 1) if name == topic)
        oldest = kept[topic][0]
        assert kept[topic][-1][2] == last
        assert len(kept[topic]) == 1 or oldest[1] >= (before_s - 30.0 if oldest[3] else before_s)


def test_a_device_that_catches_up_with_what_it_stored_loses_nothing_that_waits_behind_it():
    inbox = Inbox(1000, 100, "sensor/data")
    for device in ("stored", "other"):
        for tick in range(3):
            inbox.put(device, b"x", float(tick))
    assert inbox.oldest_s({"stored", "other"}) == float("inf")
    assert inbox.oldest_s({"stored"}) == 0.0
    inbox.shed(2.0, 2.0, {"stored"})
    assert {topic: len(messages) for topic, messages in inbox.take().items()} == {"stored": 3, "other": 1}


def test_topics_take_turns_where_not_all_messages_can_be_taken():
    inbox = Inbox(1000, 100, "sensor/data")
    for tick in range(3):
        for device in "abc":
            inbox.put(device, b"x", float(tick))
    assert [list(inbox.take(1, (), 2)) for _ in range(3)] == [["a", "b"], ["c", "a"], ["b", "c"]]


def test_no_more_is_taken_out_of_the_inbox_than_is_used_in_half_a_second(monkeypatch):
    monkeypatch.setattr(loops, "ASSUMED_PER_S", 1000.0)
    loop, inbox, monitor = a_loop()
    devices = [f"d{number}" for number in range(90)]
    for device in devices:
        put_batch(inbox, device, 0, time.monotonic())
    while len(monitor.sessions) < len(devices):
        rounds(loop, 1)
    monitor.advance()
    loop._throughput = Throughput(1000.0)
    for begin in (10, 20):
        for device in devices:
            put_batch(inbox, device, begin, time.monotonic())
    loop._receive()
    assert 400 <= monitor.stepper.queued <= 600


def test_what_follows_dropped_messages_does_not_wait_for_them():
    loop, inbox, monitor = a_loop()
    put(inbox, "a", 0.0)
    rounds(loop, 2)
    for t in (0.1, 0.2, 0.3):
        put(inbox, "a", t, arrived_s=t, is_qos_1=False)
    inbox.shed(0.25, 0.0)
    rounds(loop, 2)
    monitor.advance()
    assert monitor.sessions["a"].received == 2
    assert monitor.sessions["a"].stream.quality.lost == 2


def put_batch(inbox: Inbox, device: str, begin: int, arrived_s: float) -> None:
    samples = [
        {"timestamp": sample(0.0).t + number / 10, "seq": number, "heart_rate_bpm": 120.0}
        for number in range(begin, begin + 10)
    ]
    inbox.put(sensor_data(device), msgspec.json.encode({"device_id": device, "samples": samples}), arrived_s)


def test_of_an_overloaded_engine_few_samples_wait_outside_the_inbox_and_the_newest_are_used(monkeypatch):
    for limit in ("STEP_S", "WIDE_S", "LATE_S"):
        monkeypatch.setattr(loops, limit, 0.0)  # each round is late after one step, each message at once
    inbox = Inbox(1000, 100, "sensor/data")
    monitor, _ = monitor_of(CONFIG, guard=IntakeBudgets(CONFIG.engine.max_rate_hz))
    upkeep: Any = Upkeep()
    loop = Loop(inbox, monitor, upkeep, Lags(), 0.0, lambda now_s, waived: inbox.shed(now_s, 0.0, waived))
    devices = [f"d{number}" for number in range(12)]
    longest = 0
    for message in range(30):
        for device in devices:
            put_batch(inbox, device, 10 * message, time.monotonic())
        rounds(loop, 3)
        longest = max(longest, *(len(session.queue) for session in monitor.book.view))
    dropped = inbox.counts().overflowed
    rounds(loop, 50)
    assert longest <= loops.CROWDED_SAMPLES + 10
    assert dropped > len(devices)
    for session in monitor.book.view:
        assert session.last_t == sample(0.0).t + 29.9
        assert session.received + session.stream.quality.lost == 300


def test_batches_of_devices_that_send_one_after_another_share_their_steps():
    loop, inbox, monitor = a_loop()
    for device in ("a", "b"):
        put_batch(inbox, device, 0, 0.0)
    rounds(loop, 5)
    before, later_s = monitor.counts.steps, time.monotonic() + 1e6
    put_batch(inbox, "a", 10, later_s)
    rounds(loop, 5)
    assert (monitor.counts.steps, monitor.stepper.waiting) == (before, 1)
    assert monitor.stepper.due_s == pytest.approx(later_s + 0.9 * RUN_HOLD_SHARE, abs=1e-3)
    put_batch(inbox, "b", 10, later_s)
    rounds(loop, 5)
    assert (monitor.counts.steps, monitor.stepper.waiting) == (before + 10, 0)


def test_a_batch_waits_for_no_more_than_a_share_of_the_time_that_it_covers():
    loop, inbox, monitor = a_loop()
    for device in ("a", "b"):
        put_batch(inbox, device, 0, 0.0)
    rounds(loop, 5)
    put_batch(inbox, "a", 10, time.monotonic() - 0.9 * RUN_HOLD_SHARE)
    rounds(loop, 1)
    assert monitor.sessions["a"].last_t == sample(0.0).t + 1.9


def test_of_single_samples_only_one_that_causes_an_output_does_not_wait():
    loop, inbox, monitor = a_loop()
    for device in ("a", "b"):
        put(inbox, device, 0.0)
        put(inbox, device, 0.1)
    rounds(loop, 5)
    later_s, waits = time.monotonic() + 1e6, []
    for tenth in range(2, 12):
        put(inbox, "a", tenth / 10, arrived_s=later_s)
        rounds(loop, 5)
        waits.append(round(monitor.stepper.due_s - later_s, 6))
    assert waits == sorted(waits, reverse=True)
    assert set(waits) == {HOLD_S, 0.0}
