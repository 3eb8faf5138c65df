"""The last attempts: an athlete without a publishable model is not trained repeatedly on the same data.

What failed because memory, disk or workers were missing is no attempt: the same data may give a model the next time.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from athlete_monitor.errors import MonitorError
from athlete_monitor.system.files import replace_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Attempt:
    """The last attempt that published nothing: content of the sessions, the feature schema, and the result."""

    sessions: tuple[str, ...]
    schema: str
    status: str
    message: str


def read_attempts(path: Path) -> dict[str, Attempt]:
    """Attempts by athlete id; empty if the file is missing or damaged, which costs one training."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return {key: Attempt(**{**item, "sessions": tuple(item["sessions"])}) for key, item in document.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def write_attempts(path: Path, attempts: Mapping[str, Attempt]) -> None:
    """Replace the file atomically.

    Raises:
        MonitorError: it cannot be written.
    """
    document = {key: asdict(attempt) for key, attempt in sorted(attempts.items())}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, json.dumps(document, indent=1).encode() + b"\n")
    except OSError as error:
        raise MonitorError(f"{path}: cannot be written ({error.strerror})") from None
