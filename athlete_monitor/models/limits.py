"""Limits of a loader: memory, times, and the check that a manifest must pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from athlete_monitor.config import Config
    from athlete_monitor.models.manifest import Manifest


def accept_all(manifest: Manifest) -> None:
    """Accept every manifest."""


@dataclass(frozen=True)
class LoaderLimits:
    """Memory limit of the models, intervals of checks, and the check of manifests.

    ``accept`` raises ModelError for a manifest that must not be used (see ``schema.features_check``); ``newest_file``
    records which signed models have been used (``newest.Newest``); ``at_once`` is how many models of athletes who come
    together are loaded before they are served, and not in the background (``live.LiveModels``).
    """

    total_model_memory_bytes: int = 600_000_000
    memory_warning_percent: float = 85.0
    missing_ttl_s: float = 30.0
    reload_check_s: float = 5.0
    accept: Callable[[Manifest], None] = accept_all
    newest_file: Path | None = None
    at_once: int = 8

    @classmethod
    def from_config(cls, config: Config, accept: Callable[[Manifest], None] = accept_all) -> LoaderLimits:
        """The limits of ``model_loading`` and ``performance``."""
        loading = config.model_loading
        return cls(
            total_model_memory_bytes=int(loading.total_model_memory_mb * 1e6),
            memory_warning_percent=config.performance.memory_warning_threshold,
            missing_ttl_s=loading.missing_ttl_s,
            reload_check_s=loading.reload_check_s,
            accept=accept,
            newest_file=config.paths.journal.with_name("models_served.json"),
        )
