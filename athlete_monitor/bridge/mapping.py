"""The file of ``bridge.py map``: which foreign topics there are, and where in their JSON what is.

Units are those of ``channels.py``. Every problem of the file is one line with file, line and what is allowed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from athlete_monitor.bridge.json_path import WORDS, JsonPath
from athlete_monitor.channels import BY_NAME, RR_KEY
from athlete_monitor.config import Allowed, Section, read_yaml_model

if TYPE_CHECKING:
    from pathlib import Path

FILTER: Final = "an MQTT filter: a level is a text or +, and only the last one may be #"
BRACES: Final = re.compile(r"\{([^{}]*)\}")
RR_UNITS: Final = {"ms": 1.0, "s": 1000.0, "1/1024 s": 1000.0 / 1024.0}
TIME_UNITS: Final = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}


def _checked_path(text: str) -> str:
    JsonPath(text)
    return text


def _checked_filter(text: str) -> str:
    levels = text.split("/")
    plain = [level for level in levels[:-1] if level != "+"] + [level for level in levels[-1:] if level not in "+#"]
    if any(mark in level for level in plain for mark in "+#\0"):
        raise ValueError
    return text


def _with_path(given: object) -> object:
    return {"path": given} if isinstance(given, str) else given


PathText = Annotated[str, AfterValidator(_checked_path), Allowed(WORDS)]


class Value(Section):
    """Where a value is, and in which unit."""

    path: PathText
    unit: str | None = None
    factor: float = 1.0
    missing: Annotated[tuple[float, ...], Field(strict=False)] = ()


class Time(Section):
    """Where the time is: of the clock, or since the device was started."""

    path: PathText
    unit: Literal["s", "ms", "us", "ns"] | None = None
    clock: Literal["wall", "boot"] = "wall"


class Stream(Section):
    """One kind of foreign message.

    Attributes:
        topic: filter of topics, with ``+`` and ``#``.
        device: id of the device: a level of the topic in braces counted from 0 (``{1}``), a path in braces
            (``{$.tagId}``), or text around them.
        samples: where the list of samples is; without it the message is one sample.
        timestamp: when the sample was taken; without it the time of arrival.
        values: by channel, or ``rr_intervals_ms``.
    """

    topic: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_checked_filter), Allowed(FILTER)]
    device: Annotated[str, Field(min_length=1, max_length=100)]
    samples: PathText | None = None
    timestamp: Annotated[Time | None, BeforeValidator(_with_path)] = None
    values: dict[str, Annotated[Value, BeforeValidator(_with_path)]] = Field(min_length=1)

    @model_validator(mode="after")
    def _known(self) -> Stream:
        _check_device(self.device, self.topic)
        for name, value in self.values.items():
            _check(name, value)
        if self.timestamp is not None and self.timestamp.clock == "boot" and self.timestamp.unit is None:
            msg = "timestamp: a clock since boot needs its unit: s, ms, us or ns"
            raise ValueError(msg)
        return self


class MappingFile(Section):
    """The whole file."""

    streams: Annotated[tuple[Stream, ...], Field(strict=False)]

    @model_validator(mode="after")
    def _some(self) -> MappingFile:
        if not self.streams:
            msg = "streams: at least one is required"
            raise ValueError(msg)
        return self


def load_mapping(file: Path) -> MappingFile:
    """Read a mapping.

    Raises:
        ConfigError: it is not valid; one line for each problem.
    """
    return read_yaml_model(file, MappingFile)


def factor_of(name: str, value: Value) -> float:
    """Return what a foreign value is multiplied with, to be in the unit of its channel."""
    units = _units(name)
    return value.factor * (units[value.unit] if value.unit is not None else 1.0)


def _units(name: str) -> Any:  # noqa: ANN401 - a mapping of units
    return RR_UNITS if name == RR_KEY else BY_NAME[name].units


def _check_device(device: str, topic: str) -> None:
    """Refuse a device whose level no topic of this filter has."""
    levels = topic.count("/") + 1
    for name in BRACES.findall(device):
        if name.isdecimal() and not topic.endswith("#") and (len(name) > 3 or int(name) >= levels):
            msg = f"device: {{{name}}} is not a level of {topic}; allowed: {{0}} to {{{levels - 1}}}"
            raise ValueError(msg)


def _check(name: str, value: Value) -> None:
    if name != RR_KEY and name not in BY_NAME:
        msg = f"values: {name} is no channel; allowed: {', '.join([*BY_NAME, RR_KEY])}"
        raise ValueError(msg)
    if value.unit is not None and value.unit not in _units(name):
        msg = f"values: {name} is not measured in {value.unit}; allowed: {', '.join(_units(name))}"
        raise ValueError(msg)
