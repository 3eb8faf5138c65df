"""New models are announced to the engine without delaying the training."""

from __future__ import annotations

import json

from athlete_monitor.training.notify import UpdateNotifier
from athlete_monitor.wire.broker import open_broker
from athlete_monitor.wire.mqtt import MqttLink
from tests.helpers import wait_until
from tests.models.kit import draft


def test_models_that_were_published_before_the_broker_answered_are_announced_too(quick):
    settings = quick(mqtt={"broker": "embedded"}).mqtt
    noted: list[str] = []
    inbox: list[int] = []
    notifier = UpdateNotifier(settings, noted.append)
    notifier.published(draft(athlete_id=1))

    def received(_topic, payload):
        inbox.append(json.loads(payload)["athlete_id"])

    with open_broker(settings):
        wait_until(lambda: notifier._link is not None and notifier._link.connected, 30.0, "the connection")
        notifier.published(draft(athlete_id=2))
        notifier.close()
        reader = MqttLink(settings, "reader", on_message=received, subscriptions=[("models/+/updated", 1)])
        reader.start(10.0)
        wait_until(lambda: len(inbox) == 2, what="the retained messages")
        reader.stop()
    assert sorted(inbox) == [1, 2]
    assert noted == []


def test_without_a_broker_one_line_says_that_nothing_was_announced(quick):
    noted: list[str] = []
    notifier = UpdateNotifier(quick().mqtt, noted.append)
    notifier.published(draft(athlete_id=1))
    notifier.close()
    notifier.close()
    assert [line.split()[0] for line in noted] == ["event=not_announced"]


def test_a_password_file_that_is_missing_is_one_line_too(quick, tmp_path):
    noted: list[str] = []
    notifier = UpdateNotifier(
        quick(mqtt={"username": "trainer", "password_file": str(tmp_path / "none")}).mqtt, noted.append
    )
    for athlete_id in (1, 2):
        notifier.published(draft(athlete_id=athlete_id))
    notifier.close()
    assert len(noted) == 1
    assert noted[0].startswith("event=not_announced")
