"""The report of a run: JSON for programs, and an HTML page (the model card) beside it for people."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from athlete_monitor.errors import MonitorError
from athlete_monitor.system.files import replace_file
from athlete_monitor.training.card import render
from athlete_monitor.training.publication import feature_names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from athlete_monitor.features import FeatureSpec
    from athlete_monitor.training.outcome import TrainingOutcome

IMPORTANT: Final = 12


@dataclass(frozen=True)
class Run:
    """A finished run: when it started (ISO 8601), how long it took, its exit code and the outcomes."""

    started: str
    seconds: float
    exit_code: int
    outcomes: Sequence[TrainingOutcome]


def write_report(path: Path, run: Run, spec: FeatureSpec) -> None:
    """Write ``path`` (JSON) and the model card beside it (``.html``), each atomically.

    Raises:
        MonitorError: one cannot be written.
    """
    document = {
        "started": run.started,
        "seconds": round(run.seconds, 2),
        "exit_code": run.exit_code,
        "athletes": [describe(outcome, spec) for outcome in run.outcomes],
    }
    _write(path, json.dumps(document, indent=1, allow_nan=False).encode() + b"\n")
    _write(path.with_suffix(".html"), render(document, {str(o.athlete_id): o for o in run.outcomes}).encode())


def describe(outcome: TrainingOutcome, spec: FeatureSpec) -> dict[str, Any]:
    """An outcome as JSON values."""
    entry: dict[str, Any] = {
        "athlete_id": outcome.athlete_id,
        "status": outcome.status,
        "message": outcome.message,
        "notes": list(outcome.notes),
        "model_id": outcome.manifest.model_id if outcome.manifest else None,
        "deployed_mae_bpm": outcome.deployed_mae_bpm,
        "export_difference_bpm": outcome.agreement_bpm,
    }
    if outcome.product:
        entry |= _model(outcome, spec)
    return entry


def _model(outcome: TrainingOutcome, spec: FeatureSpec) -> dict[str, Any]:
    assert outcome.product is not None  # noqa: S101 - the caller's condition
    product, trained = outcome.product, outcome.product.trained
    names = feature_names(spec, product.athlete_id, product.groups)
    ranked = sorted(zip(trained.importance.tolist(), names, strict=True), reverse=True)[:IMPORTANT]
    return {
        "groups": list(product.groups),
        "sessions": msgspec.to_builtins(product.sessions),
        "holdout": msgspec.to_builtins(trained.holdout),
        "residual_quantiles": msgspec.to_builtins(trained.interval),
        "importance": {name: round(share, 4) for share, name in ranked},
        "training_seconds": round(trained.seconds, 2),
    }


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content)
    except OSError as error:
        raise MonitorError(f"{path}: the report cannot be written ({error.strerror})") from None
