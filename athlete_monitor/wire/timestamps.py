"""Times on the wire and in files: local text, ISO 8601 with zone, or epoch seconds; inside, always epoch seconds."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from functools import lru_cache
from typing import Final

from athlete_monitor.errors import PayloadError

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=timezone.utc).timestamp()
LATEST: Final = datetime(2100, 1, 1, tzinfo=timezone.utc).timestamp()

_FORM: Final = re.compile(
    r"(?P<second>\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)(?:[.,](?P<fraction>\d{1,9}))? ?(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
_CACHED_SECONDS: Final = 4096


def parse_timestamp(value: str | float) -> float:
    """Return epoch seconds.

    Args:
        value: ``YYYY-MM-DD HH:MM:SS[.ffffff]`` in local time, ISO 8601 with a zone, or epoch seconds.

    Raises:
        PayloadError: not a time, or outside the years 2000 to 2099.
    """
    t = _parse_text(value) if isinstance(value, str) else float(value)
    if not EARLIEST <= t < LATEST:
        raise PayloadError("timestamp out of range")
    return t


def _parse_text(text: str) -> float:
    match = _FORM.fullmatch(text)
    if match is None:
        raise PayloadError("timestamp not understood")
    fraction = match["fraction"]
    second = _whole_second(match["second"], match["zone"] or "")
    return second + float(f"0.{fraction}") if fraction else second


@lru_cache(maxsize=_CACHED_SECONDS)
def _whole_second(text: str, zone: str) -> float:
    """Return the epoch of a whole second; samples of one second share the work."""
    try:
        moment = datetime.fromisoformat(text + _iso_zone(zone))
        return moment.timestamp()
    except (ValueError, OverflowError, OSError):
        raise PayloadError("timestamp not understood") from None


def _iso_zone(zone: str) -> str:
    if zone in {"", "Z"}:
        return "+00:00" if zone else ""
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return f"{zone[0]}{digits[:2]}:{digits[2:]}"


def format_timestamp(t: float) -> str:
    """Return ``YYYY-MM-DD HH:MM:SS.mmm`` in local time, rounded to the millisecond."""
    millis = round(t * 1000)
    return f"{_second_text(millis // 1000)}.{millis % 1000:03d}"


@lru_cache(maxsize=_CACHED_SECONDS)
def _second_text(second: int) -> str:
    return datetime.fromtimestamp(second).strftime("%Y-%m-%d %H:%M:%S")  # noqa: DTZ006 - local time is the contract


def file_stamp(t: float) -> str:
    """Return ``YYYY_MM_DD-HH_MM_SS`` in local time, as file names carry it."""
    return datetime.fromtimestamp(t).strftime("%Y_%m_%d-%H_%M_%S")  # noqa: DTZ006 - local time is the contract
