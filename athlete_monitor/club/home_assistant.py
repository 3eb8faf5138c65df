"""Home Assistant's discovery message of an athlete: it is retained, and becomes a device with its sensors.

Home Assistant's device discovery, from its version 2024.11 on: the message is published to
``{discovery_prefix}/device/{object_id}/config``, an empty one removes the device with all its sensors. Units and
classes are Home Assistant's own words: https://www.home-assistant.io/integrations/sensor/#device-class
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor import __version__
from athlete_monitor.catalogue import FIGURES, NUMBERS
from athlete_monitor.errors import ConfigError
from athlete_monitor.wire import topics

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from athlete_monitor.figures import Figure

CLASS_OF_UNIT: Final = {"m": "distance", "m/s": "speed", "s": "duration", "ms": "duration", "kJ": "energy",
                        "kcal": "energy", "Hz": "frequency"}  # fmt: skip
"""Home Assistant's device class of our units; any other unit is shown as it is, without a class."""
_TOTALS: Final = frozenset({"total", "count"})
_SINGLE: Final = frozenset({"difference"})
_UNSAFE: Final = re.compile(r"[^a-zA-Z0-9_-]+")
_STATUS_TEMPLATE: Final = "{{ 'offline' if value_json.status == 'offline' else 'online' }}"


@dataclass(frozen=True)
class Announced:
    """An athlete as Home Assistant sees them.

    Attributes:
        athlete_id: number of the athlete; 0 where nobody is assigned.
        device_id: the sensor that the athlete wears now.
        name: for people.
        box: name of the box.
    """

    athlete_id: int
    device_id: str
    name: str
    box: str

    @property
    def object_id(self) -> str:
        """Identifier that stays while the athlete changes devices: letters, digits, ``_`` and ``-``.

        >>> Announced(7, "007", "Ada", "box 3").object_id
        'athlete_monitor_box_3_36234839_a7'
        """
        who = f"a{self.athlete_id}" if self.athlete_id else f"d{self.device_id}"
        return f"athlete_monitor_{_safe(self.box)}_{who}"


def discovery_topic(prefix: str, object_id: str) -> str:
    """Return the topic of a device's discovery message, ``mqtt.topic_prefix`` not in front of it.

    >>> discovery_topic("homeassistant", "athlete_monitor_box3_a7")
    'homeassistant/device/athlete_monitor_box3_a7/config'
    """
    return f"{prefix}/device/{object_id}/config"


def chosen_figures(keys: Sequence[str] | None) -> tuple[Figure, ...]:
    """Return the figures that become sensors; None for all single numbers of the live messages.

    Raises:
        ConfigError: a key is not that of a single number in live messages.
    """
    offered = {key: figure for key, figure in NUMBERS.items() if figure.scope != "summary"}
    unknown = [key for key in keys or () if key not in offered]
    if unknown:
        why = " (it is no single number of the live messages)" if unknown[0] in FIGURES else ""
        allowed = ", ".join(offered)
        raise ConfigError(f"home_assistant.figures: {unknown[0]!r} is not allowed{why}; allowed: {allowed}")
    return tuple(offered.values()) if keys is None else tuple(offered[key] for key in dict.fromkeys(keys))


def discovery_message(whose: Announced, figures: Iterable[Figure], topic_prefix: str = "") -> dict[str, Any]:
    """Return the discovery message of an athlete.

    Args:
        whose: the athlete.
        figures: what becomes a sensor.
        topic_prefix: ``mqtt.topic_prefix``, the prefix of the topics of the box.
    """
    return {
        "device": {
            "identifiers": [whose.object_id],
            "name": whose.name,
            "manufacturer": "Athlete monitor",
            "model": f"athlete of {whose.box}",
            "sw_version": __version__,
        },
        "origin": {"name": "athlete-monitor", "sw_version": __version__},
        "state_topic": f"{topic_prefix}{topics.metrics(whose.device_id)}",
        "availability": [
            _availability(f"{topic_prefix}{topics.ENGINE_STATUS}", "{{ value_json.status }}"),
            _availability(f"{topic_prefix}{topics.status(whose.device_id)}", _STATUS_TEMPLATE),
        ],
        "availability_mode": "all",
        "components": {figure.key: _sensor(whose, figure) for figure in figures},
    }


def _name(figure: Figure) -> str:
    """Return the label, with the unit where two figures share it: energy in kJ and in kcal."""
    shared = sum(each.label == figure.label for each in NUMBERS.values()) > 1
    return f"{figure.label} ({figure.unit})" if shared and figure.unit else figure.label


def _availability(topic: str, template: str) -> dict[str, str]:
    return {
        "topic": topic,
        "value_template": template,
        "payload_available": "online",
        "payload_not_available": "offline",
    }


def _sensor(whose: Announced, figure: Figure) -> dict[str, Any]:
    optional = {"unit_of_measurement": figure.unit or None, "device_class": CLASS_OF_UNIT.get(figure.unit)}
    return {
        "platform": "sensor",
        "name": _name(figure),
        "unique_id": f"{whose.object_id}_{figure.key}",
        "value_template": f"{{{{ value_json.{figure.key} }}}}",
        "state_class": _state_class(figure),
        "suggested_display_precision": figure.decimals,
        **{key: value for key, value in optional.items() if value is not None},
    }


def _state_class(figure: Figure) -> str:
    """Return ``total_increasing`` for what a session adds up: a new session begins at 0, which that class allows."""
    return "total_increasing" if figure.kind in _TOTALS and figure.part in _SINGLE else "measurement"


def _safe(text: str) -> str:
    """Return a text as part of an identifier; a checksum distinguishes texts that would become equal."""
    plain = _UNSAFE.sub("_", text)
    return plain if plain == text else f"{plain}_{zlib.crc32(text.encode()):08x}"
