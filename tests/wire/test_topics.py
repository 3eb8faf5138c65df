"""Names of topics."""

from __future__ import annotations

import pytest
from paho.mqtt.client import topic_matches_sub

from athlete_monitor.wire import topics


def test_a_device_is_read_from_its_own_topic_and_from_no_shared_one():
    assert topics.device_of(topics.sensor_data("007")) == "007"
    assert topics.device_of("sensor/data") is None


def test_the_filters_match_exactly_the_topics_of_samples():
    named = [topics.sensor_data("007"), "sensor/data"]
    other = [topics.metrics("007"), topics.events("007"), topics.session("007"), topics.status("007"),
             topics.ENGINE_STATUS, topics.ENGINE_STATS, topics.model_updated(7)]  # fmt: skip
    matched = [t for t in named + other if any(topic_matches_sub(f, t) for f in topics.SENSOR_FILTERS)]
    assert matched == named


@pytest.mark.parametrize(
    ("topic", "athlete"),
    [("models/7/updated", 7), ("models/default/updated", "default"), ("models/x/updated", None), ("models/7", None),
     ("models/-7/updated", None), ("models/٣/updated", None), ("player/7/updated", None), ("models//updated", None),
     (f"models/{'7' * 5000}/updated", None)],
)  # fmt: skip
def test_the_athlete_of_a_new_model_is_read_from_the_topic(topic, athlete):
    assert topics.athlete_of(topic) == athlete
    if athlete is not None:
        assert topics.model_updated(athlete) == topic
        assert topic_matches_sub(topics.MODEL_UPDATED_FILTER, topic)
