"""A small squad, and the models that a pass makes of it as hashes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from athlete_monitor.config import Config, load_config
from athlete_monitor.models.manifest import DEFAULT
from athlete_monitor.training.pipeline import Pass, PassContext, PassOptions
from tests.helpers import ROOT
from tests.training.builders import write_session

if TYPE_CHECKING:
    from pathlib import Path

    from athlete_monitor.batch.places import Place


def configured(root: Path) -> Config:
    """A configuration with few trees and without a broker."""
    usual = load_config(ROOT / "jetson_nano_4gb_config.yaml", root, environ={})
    return usual.model_copy(
        update={
            "training": usual.training.model_copy(update={"n_estimators": 8, "n_jobs": 1}),
            "retraining": usual.retraining.model_copy(update={"min_samples_threshold": 120}),
            "mqtt": usual.mqtt.model_copy(update={"port": 9}),
        }
    )


def squad(root: Path) -> None:
    """Three athletes, two sessions each."""
    for athlete_id in (1, 2, 3):
        for number in (1, 2):
            write_session(root, athlete_id, number, seconds=400, rest_bpm=50.0 + 40.0 * (athlete_id % 2))


def trained(root: Path, place: Place | None = None) -> dict[str, str]:
    """Train the sessions below ``root``; the SHA-256 of each model's pickle and ONNX file by its name."""
    config = configured(root)
    outcomes = list(Pass(config, PassOptions(force=True), PassContext(cores=1, place=place)).run())
    lost = [outcome.line for outcome in outcomes if outcome.athlete_id != DEFAULT and not outcome.succeeded]
    assert lost == []
    folders = (config.paths.models_root.glob("*.pkl"), config.paths.hb_tensors_updated.glob("*.onnx"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for found in folders for path in found}
