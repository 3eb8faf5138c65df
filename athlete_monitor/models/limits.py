"""What bounds a loader: memory, times, and the check that a manifest must pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from athlete_monitor.models.manifest import Manifest


def accept_all(manifest: Manifest) -> None:
    """Refuse no manifest."""


@dataclass(frozen=True)
class Limits:
    """How much memory the models may hold, how often to look, and which manifests to accept.

    ``accept`` raises ModelError for a manifest that must not serve (see ``schema.features_check``); ``newest_file``
    remembers which signed models have served (``newest.Newest``).
    """

    total_model_memory_bytes: int = 600_000_000
    memory_warning_percent: float = 85.0
    missing_ttl_s: float = 30.0
    reload_check_s: float = 5.0
    accept: Callable[[Manifest], None] = accept_all
    newest_file: Path | None = None
