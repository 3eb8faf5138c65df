from __future__ import annotations

from athlete_monitor.athletes import Athlete, Roster
from athlete_monitor.config import load_config
from athlete_monitor.engine.build import build_monitor
from athlete_monitor.engine.intake.guard import Guard
from athlete_monitor.engine.intake.inbox import Inbox
from athlete_monitor.engine.intake.newcomers import AT_ONCE, FORGOTTEN_S, MOST_HELD, Newcomers
from athlete_monitor.engine.sinks.sink import Collected
from tests.engine.kit import sample
from tests.helpers import ROOT

CONFIG = load_config(ROOT / "jetson_nano_4gb_config.yaml", environ={})


def live_monitor(roster=None):
    told = Collected()
    return build_monitor(CONFIG, roster or Roster(), [told], guard=Guard(250.0)), told


def test_a_new_name_in_every_message_begins_a_few_sessions_and_memory_stays_bounded():
    monitor, told = live_monitor()
    for number in range(AT_ONCE + 2 * MOST_HELD):
        monitor.accept(sample(number / 1000, f"x{number}", None, acc_z=9.8), number / 1000)
    assert AT_ONCE <= len(monitor.sessions) <= AT_ONCE + 10
    assert monitor.counts.refused_devices >= MOST_HELD - 10
    assert len([each for each in told.notices if "new devices" in each]) == 1


def test_thousands_of_devices_that_go_on_sending_lose_no_sample():
    monitor, _ = live_monitor()
    for tick in range(3):
        for number in range(AT_ONCE + 200):
            monitor.accept(sample(tick / 10, f"d{number}", number + 1, seq=tick, acc_z=9.8), tick / 10)
        monitor.advance()
    assert len(monitor.sessions) == AT_ONCE + 200
    assert monitor.counts.samples == 3 * (AT_ONCE + 200)
    assert monitor.counts.refused_devices == 0


def test_a_device_of_the_roster_never_waits_for_a_second_message():
    monitor, _ = live_monitor(Roster((Athlete(id=7, device="007", name="Ada", sex="female"),)))
    for number in range(AT_ONCE + 50):
        monitor.accept(sample(0.0, f"x{number}", None, acc_z=9.8), 0.0)
    monitor.accept(sample(0.0, "007", 7, acc_z=9.8), 0.0)
    assert "007" in monitor.sessions


def test_a_batch_is_one_message_and_a_late_second_message_begins_anew():
    newcomers = Newcomers(at_once=0)
    assert newcomers.admit(sample(0.0, "b"), 5.0) == ()
    assert newcomers.admit(sample(0.1, "b"), 5.0) == ()
    assert len(newcomers.admit(sample(0.2, "b"), 6.0)) == 3
    assert newcomers.admit(sample(0.0, "c"), 5.0) == ()
    assert newcomers.admit(sample(0.1, "c"), 5.1 + FORGOTTEN_S) == ()
    assert (newcomers.held, newcomers.forgotten) == (1, 1)


def test_strangers_who_fill_the_inbox_do_not_keep_a_known_device_out():
    inbox = Inbox(10, 100, "sensor/data")
    inbox.expects = lambda topic: topic == "player/007/sensor/data"
    for number in range(200):
        inbox.put(f"player/x{number}/sensor/data", b"{}", 0.0)
    inbox.put("player/007/sensor/data", b"{}", 0.0)
    assert "player/007/sensor/data" in inbox.take()
    assert inbox.counts().refused_topics == 100
