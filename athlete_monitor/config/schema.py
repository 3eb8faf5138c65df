"""The whole tree of settings, and the keys of earlier configurations that no longer exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from athlete_monitor.config.box import Box
from athlete_monitor.config.bridge import Bridge
from athlete_monitor.config.broker import Mqtt, Sensors
from athlete_monitor.config.features import FeatureEngineering
from athlete_monitor.config.fields import Section
from athlete_monitor.config.folders import Paths
from athlete_monitor.config.home_assistant import HomeAssistant
from athlete_monitor.config.live import Archive, Athletes, Engine, Impacts, Outputs, Team
from athlete_monitor.config.machine import Jetson, Logging, Performance
from athlete_monitor.config.models import ModelLoading
from athlete_monitor.config.report import Report
from athlete_monitor.config.retention import Retention
from athlete_monitor.config.screen import Dashboard
from athlete_monitor.config.training import Backup, Monitoring, PredictionCheck, Retraining, Training

if TYPE_CHECKING:
    from collections.abc import Mapping


class Config(Section):
    """The whole tree."""

    box: Box
    paths: Paths
    training: Training
    monitoring: Monitoring
    jetson: Jetson
    backup: Backup
    retraining: Retraining
    logging: Logging
    feature_engineering: FeatureEngineering
    prediction_check: PredictionCheck
    performance: Performance
    model_loading: ModelLoading
    mqtt: Mqtt
    sensors: Sensors
    athletes: Athletes
    engine: Engine
    team: Team
    archive: Archive
    outputs: Outputs
    impacts: Impacts
    dashboard: Dashboard
    report: Report
    bridge: Bridge
    retention: Retention
    home_assistant: HomeAssistant


REMOVED: Final[Mapping[str, str]] = {
    "paths.model_path": "file names are fixed: Player{id}_rf.pkl",
    "paths.hb_path": "file names are fixed: hb_{id}_model.zip",
    "paths.onnx_path": "file names are fixed: hb_{id}_model.onnx",
    "jetson.use_mixed_precision": "a forest compares thresholds: half precision would change its predictions",
    "retraining.accuracy_threshold": "a regression has no accuracy: use max_rmse_threshold",
    "retraining.min_r2_threshold": "R² of a steady session is near zero for any model: use min_gain_over_median_bpm",
    "retraining.min_cv_score": "rows of one session are not independent folds: use min_gain_over_median_bpm",
    "memory_optimization": "moved to model_loading.total_model_memory_mb and performance.memory_warning_threshold",
    "model_performance": "models are always warmed up; preload with model_loading.preload_players",
    "model_logging": "moved to logging.level and engine.stats_interval_s",
    "jetson_model_optimization": "moved to model_loading.max_model_memory_mb and total_model_memory_mb",
    "environment": "set the variables in the environment itself: MODEL_CACHE_SIZE, MODEL_DEVICE, MODEL_DIRECTORY",
}
"""Keys of earlier configurations that are no longer used, with their replacements."""
