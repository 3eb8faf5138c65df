"""Names of the MQTT topics: the only place that knows them.

The connection adds the prefix ``mqtt.topic_prefix`` to every topic and removes it from received ones. Here, and
everywhere else, topics have no prefix.

>>> sensor_data("007"), device_of("player/AA:BB:CC:00:11:22/sensor/data")
('player/007/sensor/data', 'AABBCC001122')
"""

from __future__ import annotations

import re
from typing import Final

from athlete_monitor.wire.keys import MAC_ADDRESS

SENSOR_FILTERS: Final = ("player/+/sensor/data", "sensor/data")
ENGINE_STATUS: Final = "engine/status"
ENGINE_STATS: Final = "engine/stats"
TEAM_CONTROL: Final = "team/control"
TEAM_CONTROL_RESULT: Final = "team/control/result"
TEAM_STATE: Final = "team/state"
TEAM_EVENTS: Final = "team/events"
LEAGUE_STATE: Final = "league/state"
"""Retained: how the squads of a league are doing, in its coordinator's words (``league/document.py``)."""
LINK_FILTER: Final = "player/+/link"
PHONE_FILTERS: Final = ("phone/+", "sensor-logger", "owntracks/+/+")
"""What phone apps publish: under the device's id, under Sensor Logger's own topic, under OwnTracks' user and device."""
STRAP_FILTER: Final = "strap/+"
JOINS_FILTER: Final = "phone/+/joins"
MODEL_UPDATED_FILTER: Final = "models/+/updated"

_PARTS_OF_SENSOR_TOPIC: Final = 4
_LONGEST_ID: Final = 9
_MAC_ADDRESS: Final = re.compile(MAC_ADDRESS)


def sensor_data(device_id: str) -> str:
    """Return the topic on which a device sends its samples."""
    return f"player/{device_id}/sensor/data"


def metrics(device_id: str) -> str:
    """Return the topic of a device's live metrics."""
    return f"player/{device_id}/metrics"


def events(device_id: str) -> str:
    """Return the topic of a device's impacts and alerts."""
    return f"player/{device_id}/events"


def session(device_id: str) -> str:
    """Return the topic of a device's session summaries."""
    return f"player/{device_id}/session"


def status(device_id: str) -> str:
    """Return the retained topic of a device's status: online, stale or offline."""
    return f"player/{device_id}/status"


def link(device_id: str) -> str:
    """Return the retained topic of a strap's or phone's connection to a bridge: ``wire.link.LinkMessage``."""
    return f"player/{device_id}/link"


def phone(device_id: str) -> str:
    """Return the topic on which a phone app sends what the bridge translates."""
    return f"phone/{device_id}"


def strap(device_id: str) -> str:
    """Return the topic on which a strap's samples go to the bridge of phones, which joins them with the phone's."""
    return f"strap/{device_id}"


def joins(device_id: str) -> str:
    """Return the topic on which the bridge of phones says that it joins what the device's strap sends."""
    return f"phone/{device_id}/joins"


def model_updated(athlete_id: int | str) -> str:
    """Return the topic that announces a new model of this athlete (or of ``default``)."""
    return f"models/{athlete_id}/updated"


def device_of(topic: str) -> str | None:
    """Return the device named by a sensor topic; None for ``sensor/data``, where the payload names it."""
    parts = topic.split("/")
    return plain_device(parts[1]) if len(parts) == _PARTS_OF_SENSOR_TOPIC else None


def plain_device(device_id: str) -> str:
    """Return a device id without the colons of a MAC address; any other id as it is."""
    return device_id.replace(":", "") if ":" in device_id and _MAC_ADDRESS.fullmatch(device_id) else device_id


def athlete_of(topic: str) -> int | str | None:
    """Return the athlete named by a ``models/{id}/updated`` topic, ``"default"``, or None for any other topic."""
    parts = topic.split("/")
    if len(parts) != 3 or parts[0] != "models" or parts[2] != "updated":
        return None
    name = parts[1]
    if name == "default":
        return name
    return int(name) if name.isascii() and name.isdigit() and len(name) <= _LONGEST_ID else None
