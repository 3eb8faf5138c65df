"""One frozen, validated tree of settings for each YAML file, one module for each part of it.

All problems of a file are reported together, one line each, with file, line, key, value and what is allowed. Relative
paths in the file are relative to the file's own folder, or to ``root`` if one is given.
"""

from athlete_monitor.config.bridge import Bridge
from athlete_monitor.config.broker import Mqtt, Sensors, Tls
from athlete_monitor.config.checking import read_plain, read_yaml_model, validate
from athlete_monitor.config.document import Document, read_yaml
from athlete_monitor.config.features import FeatureEngineering, Features
from athlete_monitor.config.fields import Allowed, Section, allowed, allowed_in
from athlete_monitor.config.folders import Paths
from athlete_monitor.config.live import Archive, Athletes, Engine, Impacts, Outputs, Team, TrainingLoad
from athlete_monitor.config.loading import config_from_args, load_config
from athlete_monitor.config.machine import Jetson, Logging, Performance
from athlete_monitor.config.models import ModelLoading
from athlete_monitor.config.schema import REMOVED, Config
from athlete_monitor.config.screen import Corner, Dashboard, Pitch, ScreenTls
from athlete_monitor.config.training import MODEL_KINDS, Backup, Monitoring, PredictionCheck, Retraining, Training
from athlete_monitor.config.updating import updated
from athlete_monitor.project import DEFAULT_CONFIG

__all__ = [
    "DEFAULT_CONFIG",
    "MODEL_KINDS",
    "REMOVED",
    "Allowed",
    "Archive",
    "Athletes",
    "Backup",
    "Bridge",
    "Config",
    "Corner",
    "Dashboard",
    "Document",
    "Engine",
    "FeatureEngineering",
    "Features",
    "Impacts",
    "Jetson",
    "Logging",
    "ModelLoading",
    "Monitoring",
    "Mqtt",
    "Outputs",
    "Paths",
    "Performance",
    "Pitch",
    "PredictionCheck",
    "Retraining",
    "ScreenTls",
    "Section",
    "Sensors",
    "Team",
    "Tls",
    "Training",
    "TrainingLoad",
    "allowed",
    "allowed_in",
    "config_from_args",
    "load_config",
    "read_plain",
    "read_yaml",
    "read_yaml_model",
    "updated",
    "validate",
]
