"""The lines of the engine's log that matter to people beside the pitch: warnings and errors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_READ_BYTES: Final = 128 * 1024
_LINES: Final = 20
_LONGEST: Final = 300
_MATTERS: Final = re.compile(r"\b(warning|error|critical)\b", re.IGNORECASE)


def latest_warnings(path: Path) -> list[str]:
    """Return the last warnings and errors, newest first; nothing where there is no log."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _READ_BYTES))
            text = file.read(_READ_BYTES).decode("utf-8", "replace")
    except OSError:
        return []
    found = [line[:_LONGEST] for line in text.splitlines() if _MATTERS.search(line[:100])]
    return found[-_LINES:][::-1]
