from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from athlete_monitor.athletes import Athlete, Roster
from athlete_monitor.config import load_config
from athlete_monitor.engine.build import build_monitor
from athlete_monitor.engine.intake.guard import IntakeBudgets
from athlete_monitor.engine.intake.inbox import Inbox
from athlete_monitor.engine.intake.newcomers import AT_ONCE, FORGOTTEN_S, HELD_PER_DEVICE, MOST_HELD, PER_S, Newcomers
from athlete_monitor.engine.sinks.sink import Collected
from tests.engine.kit import sample
from tests.helpers import ROOT

CONFIG = load_config(ROOT / "jetson_nano_4gb_config.yaml", environ={})


def live_monitor(roster=None, max_devices=1000):
    told = Collected()
    config = CONFIG.model_copy(update={"engine": CONFIG.engine.model_copy(update={"max_devices": max_devices})})
    return build_monitor(config, roster or Roster(), [told], guard=IntakeBudgets(250.0)), told


def batch(device, number, size=10):
    """The bytes of a message with ``size`` samples, the ``number``-th of its device."""
    rows = (
        f'{{"timestamp":{1.75e9 + i / 10},"seq":{i},"acc_z":9.8}}' for i in range(number * size, number * size + size)
    )
    return f'{{"device_id":"{device}","samples":[{",".join(rows)}]}}'.encode()


def test_a_new_name_in_every_message_begins_a_few_sessions_and_memory_stays_bounded():
    monitor, told = live_monitor(max_devices=500)
    most_held = max(MOST_HELD, 500 * HELD_PER_DEVICE)
    arriving = sample(0.0, "x", None, acc_z=9.8)
    for number in range(AT_ONCE + most_held + 1000):
        monitor.accept(replace(arriving, device_id=f"x{number}"), number / 10_000)
    assert AT_ONCE <= len(monitor.sessions) <= AT_ONCE + 10
    assert monitor.counts.refused_devices >= 990
    assert len([each for each in told.notices if "new devices" in each]) == 1


def test_samples_of_devices_that_never_send_again_are_dropped_when_the_flood_is_over():
    monitor, _ = live_monitor()
    for number in range(AT_ONCE + 100):
        monitor.accept(sample(0.0, f"x{number}", None, acc_z=9.8), 0.0)
    monitor.tick(FORGOTTEN_S + 1.0)
    assert monitor.counts.refused_devices == 100


@pytest.mark.parametrize("size", [1, 10])
def test_a_league_that_begins_at_once_loses_no_sample_of_its_second_messages_or_its_first(size):
    monitor, _ = live_monitor()
    devices = [f"d{number}" for number in range(AT_ONCE + 200)]
    for number in range(2):
        for place, device in enumerate(devices):  # all of a round arrive at the same moment
            monitor.receive(f"player/{device}/sensor/data", batch(device, number, size), float(number), 1 + place)
    assert len(monitor.sessions) == len(devices)
    monitor.advance()
    assert monitor.counts.samples == 2 * size * len(devices)
    assert monitor.counts.refused_devices == 0


def test_a_device_of_the_roster_never_waits_for_a_second_message():
    monitor, _ = live_monitor(Roster((Athlete(id=7, device="007", name="Ada", sex="female"),)))
    for number in range(AT_ONCE + 50):
        monitor.accept(sample(0.0, f"x{number}", None, acc_z=9.8), 0.0)
    monitor.accept(sample(0.0, "007", 7, acc_z=9.8), 0.0)
    assert "007" in monitor.sessions


def test_a_device_that_may_not_begin_costs_nobody_else_a_place():
    newcomers = Newcomers(at_once=2)
    for second in range(50):
        newcomers.admit([sample(float(second), "refused")], float(second) / 100)
    assert newcomers.admit([sample(0.0, "other")], 0.5)


def test_a_batch_is_one_message_and_a_late_second_message_begins_anew():
    newcomers = Newcomers(at_once=0)
    assert newcomers.admit([sample(0.0, "b"), sample(0.1, "b")], 5.0) == ()
    assert len(newcomers.admit([sample(0.2, "b")], 5.0)) == 3
    assert newcomers.admit([sample(0.0, "c")], 5.0) == ()
    assert newcomers.admit([sample(0.1, "c")], 5.1 + FORGOTTEN_S) == ()
    assert (newcomers.held, newcomers.take_forgotten()) == (1, 1)


def test_an_end_begins_nothing_but_ends_a_device_that_waits():
    newcomers = Newcomers(at_once=0)
    end = sample(0.1, "b", end=True)
    assert newcomers.admit([end], 0.0) == [end]
    assert newcomers.admit([sample(0.0, "b")], 0.0) == ()
    assert newcomers.admit([end], 0.0)[-1] is end


@given(
    real=st.integers(0, 8),
    size=st.integers(1, 4),
    strangers=st.lists(st.integers(0, 12), min_size=1, max_size=12),
    at_once=st.integers(0, 3),
    most_held=st.integers(4, 40),
    order=st.randoms(use_true_random=False),
)
@settings(max_examples=60, deadline=None)
def test_whoever_sends_again_begins_whoever_does_not_waits_and_every_sample_is_accounted_for(
    real, size, strangers, at_once, most_held, order
):
    newcomers, begun, kept = Newcomers(at_once, most_held=most_held, most_names=200), set[str](), 0
    sent = Counter[str]()
    for second, flood in enumerate(strangers):
        devices = [f"r{n}" for n in range(real)] + [f"x{second}-{n}" for n in range(flood)]
        order.shuffle(devices)
        for device in devices:
            sent[device] += size
            admitted = newcomers.admit([sample(second + i / size, device) for i in range(size)], float(second))
            assert {each.device_id for each in admitted} <= {device}
            assert newcomers.held <= most_held
            kept += len(admitted)
            begun |= {each.device_id for each in admitted}
        if second:
            assert {f"r{n}" for n in range(real)} <= begun
    assert len([device for device in begun if device.startswith("x")]) <= at_once + len(strangers) * PER_S
    assert kept + newcomers.held + newcomers.take_forgotten() == sum(sent.values())
    if most_held >= sum([*strangers, real]) * size:
        real_samples = sum(count for device, count in sent.items() if device.startswith("r"))
        assert kept >= real_samples or len(strangers) == 1


def test_strangers_who_fill_the_inbox_do_not_keep_a_known_device_out():
    inbox = Inbox(10, 100, "sensor/data")
    inbox.expects = lambda topic: topic == "player/007/sensor/data"
    for number in range(200):
        inbox.put(f"player/x{number}/sensor/data", b"{}", 0.0)
    inbox.put("player/007/sensor/data", b"{}", 0.0)
    assert "player/007/sensor/data" in inbox.take()
    assert inbox.counts().refused_topics == 100


def test_a_first_message_is_not_shown_as_present_when_the_second_comes_much_later():
    newcomers = Newcomers(at_once=0)
    for device in "ab":
        assert not newcomers.admit([sample(0.0, device)], 0.0)
    assert [each.t for each in newcomers.admit([sample(2.0, "a")], 2.0)] == [sample(0.0).t, sample(2.0).t]
    newcomers.expire(9.0)  # the engine is late: the second message arrived long before it is used
    assert [each.t for each in newcomers.admit([sample(2.0, "b")], 2.0)] == [sample(2.0).t]
    assert newcomers.take_forgotten() == 1
