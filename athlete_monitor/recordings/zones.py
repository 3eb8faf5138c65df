"""Time zones as a user names them."""

from __future__ import annotations

import re
from datetime import timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_OFFSET = re.compile(r"(?:UTC|GMT)?(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d\d))?", re.ASCII)


def zone_of(text: str) -> tzinfo:
    """Return a zone by its name or offset.

    Raises:
        ValueError: it is neither; the text says what is allowed.

    >>> zone_of("+05:30"), zone_of("UTC")
    (datetime.timezone(datetime.timedelta(seconds=19800)), datetime.timezone.utc)
    """
    bare = text.strip()
    if bare.upper() in {"UTC", "Z", "GMT"}:
        return timezone.utc
    match = _OFFSET.fullmatch(bare)
    if match and int(match["hours"]) <= 14 and int(match["minutes"] or 0) < 60:
        offset = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"] or 0))
        return timezone(offset if match["sign"] == "+" else -offset)
    try:
        return ZoneInfo(bare)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f"{text!r} is not a time zone; allowed: a name such as Europe/Berlin, or an offset such as +02:00"
        raise ValueError(message) from None
