"""Time in which the engine did not run is not silence of the devices."""

from __future__ import annotations

import time
from types import SimpleNamespace

from athlete_monitor.config import DEFAULT_CONFIG, load_config
from athlete_monitor.engine.live.standstill import Standstill
from athlete_monitor.engine.team import alarms, keeper, members
from tests.engine.kit import monitor_of, sample
from tests.engine.team.box import Box

CONFIG = load_config(DEFAULT_CONFIG)
LIMITS = CONFIG.engine


def one_session():
    monitor, told = monitor_of(CONFIG)
    monitor.accept(sample(0.0, "001", 1), 10.0)
    return monitor, told, Standstill([monitor.excuse])


def test_a_stopped_engine_neither_reports_silence_nor_ends_sessions():
    monitor, _, standstill = one_session()
    for now_s in (10.0, 10.2, 10.2 + 10 * LIMITS.idle_s):
        standstill.look(now_s)
        monitor.tick(now_s)
    assert monitor.sessions["001"].status == "online"


def test_silence_before_and_after_a_standstill_counts():
    monitor, _, standstill = one_session()
    stopped_s = 10.0 + LIMITS.stale_s - 0.5
    for now_s in (stopped_s, stopped_s + 60.0):  # the first look follows a silence
        standstill.look(now_s)
        monitor.tick(now_s)
    assert monitor.sessions["001"].status == "online"
    monitor.tick(stopped_s + 61.0)
    assert monitor.sessions["001"].status == "stale"


def test_a_device_that_falls_silent_just_after_a_standstill_is_noticed_in_time():
    monitor, _, standstill = one_session()
    standstill.look(10.0)
    monitor.accept(sample(60.0, "001", 1), 70.0)  # used before the loop has noticed
    standstill.look(70.1)
    monitor.tick(70.1 + LIMITS.stale_s + 0.1)
    assert monitor.sessions["001"].status == "stale"


def test_no_alarm_of_silent_devices_after_a_standstill(tmp_path, monkeypatch):
    shift_s = 0.0
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + shift_s, time=time.time)
    for module in (alarms, keeper, members):
        monkeypatch.setattr(module, "time", clock)
    box = Box(tmp_path / "journal.sqlite3")
    box.run(3.0)
    shift_s = 300.0
    box.team.excuse(300.0, clock.monotonic())
    box.team.tick()
    assert box.sent.state["alarms"] == []
    shift_s = 600.0
    box.team.tick()
    assert [alarm["rule"] for alarm in box.sent.state["alarms"]] == ["device_silent"]
    box.stop()
