"""The time zone of the box: a tablet may be set to another, and shows the box's time."""

from __future__ import annotations

import os
import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

LOCALTIME: Final = Path("/etc/localtime")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}")


def zone_of_the_box(now_s: float, given: str | None = None, localtime: Path = LOCALTIME) -> dict[str, Any]:
    """Return the zone's name, None where nothing says it, and how far it is ahead of UTC at a moment.

    Args:
        now_s: epoch seconds.
        given: as the environment's ``TZ``; None reads that.
        localtime: the link that names the zone where ``TZ`` does not.

    >>> zone_of_the_box(1_790_000_000.0, "Europe/Berlin")["name"]
    'Europe/Berlin'
    """
    wanted = os.environ.get("TZ", "") if given is None else given
    name = wanted.removeprefix(":") or str(localtime.resolve()).rpartition("/zoneinfo/")[2]
    offset = datetime.fromtimestamp(now_s, timezone.utc).astimezone().utcoffset()
    return {
        "name": name if _NAME.fullmatch(name) else None,
        "offset_s": 0 if offset is None else offset.total_seconds(),
    }
