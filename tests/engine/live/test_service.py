from __future__ import annotations

import socket

from athlete_monitor.config import load_config
from athlete_monitor.engine.intake.inbox import SHARED_TOPIC_FACTOR, TOPIC_BYTES, Inbox
from athlete_monitor.engine.live.heat import Heat
from athlete_monitor.engine.live.service import ServiceNotifier
from athlete_monitor.engine.live.stats import Lags
from athlete_monitor.engine.sinks.worker import Alarm, Worker
from tests.helpers import ROOT, wait_until


def test_the_service_manager_hears_ready_once_status_watchdog_and_the_end(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        address = str(tmp_path / "notify")
        manager.bind(address)
        notifier = ServiceNotifier({"NOTIFY_SOCKET": address})
        notifier.ready()
        notifier.ready()
        notifier.status("two\nlines")
        notifier.alive()
        notifier.stopping()
        heard = [manager.recv(100) for _ in range(4)]
        notifier.close()
    assert heard == [b"READY=1", b"STATUS=two lines", b"WATCHDOG=1", b"STOPPING=1"]


def test_without_a_service_manager_or_with_a_dead_one_nothing_happens(tmp_path):
    for environ in ({}, {"NOTIFY_SOCKET": str(tmp_path / "gone")}, {"NOTIFY_SOCKET": "relative"}):
        notifier = ServiceNotifier(environ)
        notifier.ready()
        notifier.close()


def test_the_inbox_drops_the_oldest_of_the_device_that_floods_and_bounds_the_topics():
    inbox = Inbox(per_topic=3, max_topics=2, shared_topic="sensor/data")
    for i in range(10):
        inbox.put("a", str(i).encode(), float(i))
    inbox.put("b", b"x", 0.0)
    inbox.put("c", b"x", 0.0)
    counts = inbox.counts()
    assert [payload for payload, *_ in inbox.take()["a"]] == [b"7", b"8", b"9"]
    assert (counts.messages, counts.overflowed, counts.refused_topics) == (12, 7, 1)
    assert inbox.take() == {}
    assert not inbox.wait(0.0)


def test_the_inbox_bounds_the_bytes_of_a_topic_and_gives_the_tokens_of_what_it_drops():
    inbox = Inbox(per_topic=1000, max_topics=9, shared_topic="sensor/data")
    large = bytes(TOPIC_BYTES // 4)
    dropped = [inbox.put("a", large, 0.0, token) for token in range(1, 7)]
    assert dropped == [[], [], [], [], [1], [2]]
    assert not any(inbox.put("sensor/data", large, 0.0, token) for token in range(4 * SHARED_TOPIC_FACTOR))
    assert inbox.put("sensor/data", large, 0.0, 99) == [0]
    assert len(inbox.take(2)["a"]) == 2
    assert inbox.put("a", large, 0.0, 7) == inbox.put("a", large, 0.0, 8) == []
    assert inbox.put("a", large, 0.0, 9) == [5]


def test_a_worker_goes_on_after_a_failure_and_says_so_once():
    told, seen = [], []

    def handle(items):
        seen.extend(items)
        if "bad" in items:
            raise OSError("no space left")

    worker = Worker("test", handle, limit=3, period_s=0.01, alarm=Alarm("writing", lambda text, bad: told.append(bad)))
    for item in (1, 2, 3, 4):
        worker.put(item)
    worker.start()
    wait_until(lambda: seen == [2, 3, 4], what="the items")
    worker.put("bad")
    wait_until(lambda: "bad" in seen, what="the bad one")
    worker.put("good")
    wait_until(lambda: "good" in seen, what="the good one")
    wait_until(lambda: not worker.alarm.raised, what="the recovery")
    worker.stop()
    assert worker.dropped == 1
    assert told == [True, False]


def test_lags_are_told_as_percentiles_and_start_anew():
    lags = Lags()
    lags.add([10.0 - i / 1000 for i in range(101)], 10.0)
    assert lags.take() == {"lag_p50_ms": 50.0, "lag_p99_ms": 99.0}
    assert lags.take() == {"lag_p50_ms": None, "lag_p99_ms": None}


def test_heat_slows_predictions_until_it_is_cool_again_and_says_each_change_once():
    limits = load_config(ROOT / "jetson_nano_4gb_config.yaml", environ={}).performance
    heat = Heat(limits, 10.0)
    told = [(heat.feel(celsius), heat.rate_hz) for celsius in (None, 50.0, 72.0, 73.0, 80.0, 85.0, 75.0, 69.0, 60.0)]
    assert [rate for _, rate in told] == [10, 10, 10, 10, 1, 1, 1, 10, 10]
    assert [said is not None for said, _ in told] == [False, False, True, False, True, False, False, True, False]
