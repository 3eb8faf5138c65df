"""Home Assistant: athletes as devices of a home, by its MQTT discovery."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from athlete_monitor.config.fields import Allowed, Section

DiscoveryPrefix = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*$", max_length=128),
    Allowed("levels of a topic such as homeassistant (letters, digits, _ -), at most 128 characters"),
]


class HomeAssistant(Section):
    """MQTT discovery for Home Assistant: a device for each athlete."""

    enabled: bool = Field(description="Announce athletes to Home Assistant; switching it off removes them there.")
    discovery_prefix: DiscoveryPrefix = Field(
        description="Home Assistant's discovery prefix; no topic_prefix before it."
    )
    figures: tuple[str, ...] | None = Field(
        strict=False, min_length=1, description="Keys of the figures that become sensors; null: all single numbers."
    )
