"""The models in service as the screen shows them: whose, how old, how wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from athlete_monitor.errors import MonitorError, PayloadError
from athlete_monitor.models.manifest import DEFAULT
from athlete_monitor.models.store import ModelStore
from athlete_monitor.wire.timestamps import parse_timestamp

if TYPE_CHECKING:
    from athlete_monitor.config import Config
    from athlete_monitor.models.manifest import AthleteId


def models(config: Config) -> list[dict[str, Any]]:
    """Return each model in service; one whose manifest is damaged is left out."""
    store = ModelStore.from_config(config)
    ids: list[AthleteId] = [*store.athlete_ids(), DEFAULT]
    found = (_model(store, one) for one in ids)
    return [one for one in found if one is not None]


def _model(store: ModelStore, athlete_id: AthleteId) -> dict[str, Any] | None:
    try:
        manifest = store.manifest(athlete_id)
    except (MonitorError, OSError):
        return None
    if manifest is None:
        return None
    return {
        "athlete": athlete_id,
        "trained_t": _time(manifest.created),
        "mae_bpm": manifest.holdout.mae_bpm,
        "sessions": len(manifest.sessions),
    }


def _time(text: str) -> float | None:
    try:
        return parse_timestamp(text)
    except PayloadError:
        return None
