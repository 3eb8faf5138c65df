"""One frozen, validated tree of settings per YAML file.

Every problem of a file is reported at once, one line each, with file, line, YAML path, value and what is allowed.
Relative paths in the file are relative to the file's own folder, or to ``root`` where one is given.
"""

from __future__ import annotations

import os
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

import athlete_monitor
from athlete_monitor.arguments import DEFAULT_CONFIG
from athlete_monitor.errors import ConfigError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Hashable, Mapping

    from pydantic_core import ErrorDetails

MODEL_KINDS: Final = tuple(
    sorted(module.name for module in pkgutil.iter_modules([f"{athlete_monitor.__path__[0]}/models/kinds"]))
)
"""Kinds of model: the modules of ``models/kinds``, listed without importing them."""

M = TypeVar("M", bound=BaseModel)
S = TypeVar("S", bound="Section")


def _as_path(value: object) -> object:
    return Path(value) if isinstance(value, str) and value else value


def _with_slash(value: object) -> object:
    return f"{value.rstrip('/')}/" if isinstance(value, str) and value.strip("/") else value


FilePath = Annotated[Path, BeforeValidator(_as_path)]
TopicPrefix = Annotated[str, BeforeValidator(_with_slash), Field(pattern=r"^(?:[A-Za-z0-9_.-]+/)*$", max_length=128)]
Megabytes = Annotated[int, Field(ge=16, le=1_048_576)]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class Section(BaseModel):
    """A part of the tree: frozen, strict about types, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Paths(Section):
    """Where things live."""

    data_root: FilePath = Field(description="Training sessions, one folder for each athlete.")
    game_data_root: FilePath = Field(description="Match sessions, one folder for each athlete.")
    prediction_outputs: FilePath = Field(description="What the live engine writes for each athlete.")
    models_root: FilePath = Field(description="scikit-learn models, read by the trainer alone.")
    hb_tensors_updated: FilePath = Field(description="Models in service: the trainer publishes here.")
    hb_tensors_previous: FilePath = Field(description="Earlier versions of the models, for a rollback.")
    data_file_pattern: str = Field(description="Which files of a session folder are sessions (shell pattern).")
    journal: FilePath = Field(description="SQLite journal of the live engine: crash recovery and load history.")


class Training(Section):
    """How a personal model is trained and judged."""

    kinds: tuple[str, ...] = Field(
        min_length=1, strict=False, description="Kinds of model that may serve; with several, later sessions decide."
    )
    n_estimators: int = Field(ge=1, le=2000, description="Trees of a forest.")
    max_depth: int = Field(ge=1, le=32, description="Depth of a tree.")
    min_samples_split: int = Field(ge=2, le=10_000, description="Rows a node needs to be split.")
    min_samples_leaf: int = Field(ge=1, le=10_000, description="Rows a leaf keeps at least.")
    max_features: float = Field(gt=0, le=1, description="Share of the features tried at each split.")
    random_state: int = Field(ge=0, le=2**32 - 1, description="Seed: the same data give the same model.")
    n_jobs: int = Field(ge=1, le=256, description="Athletes trained at the same time.")
    backend: Literal["loky", "threading", "multiprocessing", "ray", "dask"] = Field(
        description="joblib backend that runs the athletes; a cluster's own backend must be registered first."
    )
    sessions_to_use: int = Field(ge=1, le=1000, description="Latest sessions of an athlete that are used.")
    min_sessions_required: int = Field(ge=1, le=1000, description="Sessions an athlete needs before training.")
    rows_per_second: float = Field(gt=0, le=10, description="Rows kept for each second: neighbours repeat each other.")
    holdout_fraction: float = Field(
        ge=0.1, le=0.5, description="Last part in time held out where an athlete has one session only."
    )
    use_games: bool = Field(description="Use match files too, where they hold a strap's heart rate.")

    @field_validator("kinds")
    @classmethod
    def _known(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [kind for kind in kinds if kind not in MODEL_KINDS]
        if unknown:
            msg = f"{unknown[0]!r} is no kind of model; known: {', '.join(MODEL_KINDS)}"
            raise ValueError(msg)
        return kinds


class Monitoring(Section):
    """Watching for new sessions."""

    poll_interval_secs: float = Field(ge=1, le=86_400, description="How often the watcher looks, s.")
    debounce_secs: float = Field(ge=0, le=3600, description="A session must be unchanged for so long, s.")
    auto_update_enabled: bool = Field(description="The watcher trains what is new; otherwise it only reports.")


class Jetson(Section):
    """Limits of the board."""

    device_detection: bool = Field(description="Look for CUDA where the device is 'auto'; false: 'auto' is the CPU.")
    memory_limit_mb: Megabytes = Field(description="Memory that training and the engine may use, MB.")
    batch_size: int = Field(ge=16, le=1_000_000, description="Steps read at a time when sessions become features.")
    gpu_memory_fraction: float = Field(gt=0, le=1, description="Share of the GPU's memory that torch may take.")


class Backup(Section):
    """Earlier versions of models."""

    enabled: bool = Field(description="Keep the version that a new model replaces.")
    keep_previous_versions: int = Field(ge=0, le=100, description="Versions kept for each athlete.")
    backup_on_update: bool = Field(description="Keep one at every publication, not only at the first of a day.")


class Retraining(Section):
    """When to train again, and what a new model must prove before it goes live."""

    min_samples_threshold: int = Field(ge=10, le=10_000_000, description="Rows with a clean heart rate needed.")
    force_retrain_on_new_data: bool = Field(description="Train whenever an athlete has a session not yet used.")
    max_rmse_threshold: float = Field(gt=0, le=200, description="Largest hold-out RMSE that goes live, bpm.")
    min_gain_over_median_bpm: float = Field(
        ge=-50, le=50, description="A model must beat the athlete's median by so much on the hold-out, bpm."
    )
    max_mae_increase_bpm: float = Field(
        ge=0, le=50, description="A model may be worse than the one in service by so much on the hold-out, bpm."
    )


class Logging(Section):
    """What is written about the run."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(description="Least serious line that is written.")
    log_to_file: bool = Field(description="Write log files.")
    log_file: FilePath = Field(description="The trainer's log.")
    console_output: bool = Field(description="Write log lines to the terminal too.")
    detailed_progress: bool = Field(description="Progress bar with the stage of each athlete, on a terminal.")
    logs_dir: FilePath = Field(description="The live engine's logs, one for each session.")


class Features(Section):
    """Which classic features are computed beside the averages of effort."""

    resultant: bool = Field(description="Length of the acceleration and rotation vectors.")
    rolling_stats: bool = Field(description="Rolling mean and deviation.")
    jerk: bool = Field(description="Change of the acceleration.")
    fft_features: bool = Field(description="Dominant frequency of the movement and its energy.")
    acc_components: tuple[Literal["acc_x", "acc_y", "acc_z"], ...] = Field(
        description="Axes that get rolling statistics of their own.", strict=False
    )


class FeatureEngineering(Section):
    """What a model sees."""

    enabled: bool = Field(description="false leaves the averages of effort alone, without the classic features.")
    rolling_window: int = Field(ge=2, le=1000, description="Short window, samples.")
    sampling_frequency: float = Field(ge=1, le=200, description="Rate of the samples that models are made for, Hz.")
    time_constants_s: tuple[float, ...] = Field(
        min_length=1, max_length=16, strict=False, description="Averaging times of effort, s."
    )
    features: Features


class PredictionCheck(Section):
    """Training keeps out of the way of a running match."""

    enabled: bool = Field(description="Look for a running engine before training.")
    prediction_script_names: tuple[str, ...] = Field(
        strict=False,
        description="Scripts that count as an engine, without a lock too, where they work in these folders.",
    )
    lockfile_path: FilePath = Field(description="Lock held by the running engine.")
    training_lockfile_path: FilePath = Field(description="Lock held by the running trainer.")
    check_interval_secs: float = Field(gt=0, le=3600, description="How often a waiting trainer looks, s.")
    max_wait_time_secs: float = Field(ge=0, le=86_400, description="How long it waits before it gives up, s.")
    force_training: bool = Field(description="Train at once. Publication is atomic, so this is safe.")


class Performance(Section):
    """Heat and memory."""

    enable_temperature_monitoring: bool = Field(description="Read the board's temperature.")
    temperature_warning_threshold: float = Field(ge=30, le=120, description="Warn from here on, °C.")
    temperature_critical_threshold: float = Field(ge=30, le=120, description="Slow down or pause from here on, °C.")
    memory_warning_threshold: float = Field(ge=10, le=100, description="The model cache shrinks from here on, %.")
    auto_performance_mode: bool = Field(description="Setup puts a Jetson into its performance mode (nvpmodel -m 0).")


class ModelLoading(Section):
    """Models in the live process."""

    models_directory: FilePath = Field(description="Where the live engine looks for models.")
    runtime: Literal["hummingbird", "onnx"] = Field(description="What runs a model.")
    cache_size: int = Field(ge=1, le=10_000, description="Models in memory at most.")
    device: Literal["auto", "cpu", "cuda"] = Field(description="Where a model runs.")
    enable_memory_monitoring: bool = Field(description="Measure memory, and shrink the cache under pressure.")
    preload_players: tuple[int, ...] | None = Field(strict=False, description="Models loaded at start.")
    max_model_memory_mb: Megabytes = Field(description="Largest single artifact, MB.")
    total_model_memory_mb: Megabytes = Field(description="All cached models together, MB.")
    missing_ttl_s: Seconds = Field(description="How long a missing model is remembered as missing, s.")
    reload_check_s: Seconds = Field(description="How often manifests are looked at for a change, s.")
    require_signature: bool = Field(description="Refuse a manifest that is not signed with the key.")
    signing_key_file: FilePath | None = Field(description="File with the key that signs and checks manifests.")


class Tls(Section):
    """Encryption of the connection to the broker."""

    enabled: bool = Field(description="Use TLS.")
    ca_file: FilePath | None = Field(description="Certificates that the broker is checked against.")
    cert_file: FilePath | None = Field(description="Own certificate, where the broker asks for one.")
    key_file: FilePath | None = Field(description="Key of the own certificate.")


class Mqtt(Section):
    """The broker and how to reach it."""

    broker: Literal["auto", "embedded", "external"] = Field(
        description="auto: host one on loopback if none answers; embedded: always; external: never."
    )
    host: str = Field(min_length=1, description="Broker's host.")
    port: Port = Field(description="Broker's port.")
    username: str | None = Field(description="User at the broker.")
    password_file: FilePath | None = Field(description="File whose first line is the password.")
    tls: Tls
    topic_prefix: TopicPrefix = Field(description="In front of every topic of this box, such as `club/`; none: empty.")
    keepalive_s: int = Field(ge=2, le=3600, description="Keep-alive of the connection, s.")
    reconnect_max_s: Seconds = Field(description="Longest pause between two attempts to connect, s.")
    qos: Literal[0, 1] = Field(description="Quality of service of samples.")
    persistent_session: bool = Field(description="The broker keeps QoS 1 samples while the engine is away.")


class Sensors(Section):
    """What the devices send and how it is understood."""

    acc_unit: Literal["m/s2", "g"] = Field(description="Unit of acceleration on the wire.")
    gyro_unit: Literal["rad/s", "deg/s"] = Field(description="Unit of rotation on the wire.")
    fusion: Literal["imufusion", "ahrs"] = Field(description="Orientation filter.")


class Athletes(Section):
    """Who is monitored."""

    roster: FilePath = Field(description="Roster file; where it is missing, the wire tells who an athlete is.")
    max_players: int = Field(
        ge=1, le=100_000, description="Highest athlete id of the simulator and of watched folders."
    )


class Engine(Section):
    """The live process."""

    prediction_rate_hz: float = Field(gt=0, le=200, description="Predictions for each athlete, Hz of sample time.")
    heart_rate_source: Literal["by_mode", "auto"] = Field(
        description="by_mode: strap in training, model in a game; auto: strap while it is good, else the model."
    )
    sensor_fresh_s: Seconds = Field(description="A strap's reading counts as present for so long, s.")
    idle_s: Seconds = Field(description="A session ends after so long without a sample, s.")
    stale_s: Seconds = Field(description="Status 'stale' after so long without a sample, s.")
    offline_s: Seconds = Field(description="Status 'offline' after so long without a sample, s.")
    late_tolerance_s: float = Field(ge=0, le=60, description="Samples late by up to this are put in order, s.")
    max_devices: int = Field(ge=1, le=1_000_000, description="Devices known at most; others are counted and dropped.")
    queue_per_device: int = Field(ge=1, le=1_000_000, description="Messages waiting for each device at most.")
    coalesce_ms: float = Field(ge=0, le=1000, description="Wait for further messages before a step, ms.")
    record: Literal["off", "training", "all"] = Field(description="Which arriving samples become session files.")
    stats_interval_s: Seconds = Field(description="How often the engine tells how it is doing, s.")


class Archive(Section):
    """What the journal keeps."""

    keep_days: int = Field(
        ge=1, le=4000, description="How long the figures of every second are kept, days; summaries stay for ever."
    )


class TrainingLoad(Section):
    """Session load, Banister TRIMP: where the next zone begins, and the rest that is commonly advised after it."""

    moderate_from: float = Field(gt=0, le=10_000, description="Load 'moderate' from this TRIMP on.")
    high_from: float = Field(gt=0, le=10_000, description="Load 'high' from this TRIMP on.")
    very_high_from: float = Field(gt=0, le=10_000, description="Load 'very high' from this TRIMP on.")
    recovery_h_low: float = Field(ge=0, le=240, description="Usual recovery after a low load, h.")
    recovery_h_moderate: float = Field(ge=0, le=240, description="Usual recovery after a moderate load, h.")
    recovery_h_high: float = Field(ge=0, le=240, description="Usual recovery after a high load, h.")
    recovery_h_very_high: float = Field(ge=0, le=240, description="Usual recovery after a very high load, h.")

    @model_validator(mode="after")
    def _ordered(self) -> TrainingLoad:
        if not self.moderate_from < self.high_from < self.very_high_from:
            msg = "moderate_from < high_from < very_high_from is required"
            raise ValueError(msg)
        return self


class Outputs(Section):
    """What the engine tells the world."""

    metrics_rate_hz: float = Field(gt=0, le=100, description="Metrics messages for each athlete, Hz of sample time.")
    realtime_file_interval_s: float = Field(
        ge=1, le=3600, description="Least time between two writes of a realtime file, s: memory cards wear."
    )
    training_load: TrainingLoad


class Impacts(Section):
    """Hits and falls."""

    alert_g: float = Field(ge=2, le=100, description="An impact from here on is an alert, g.")


class Corner(Section):
    """A corner of the pitch."""

    lat: float = Field(ge=-90, le=90, description="Latitude, degrees.")
    lon: float = Field(ge=-180, le=180, description="Longitude, degrees.")


class Pitch(Section):
    """The pitch: its size, and where it lies where devices send latitude and longitude."""

    length_m: float = Field(ge=10, le=500, description="Length along x_m, m.")
    width_m: float = Field(ge=5, le=500, description="Width along y_m, m.")
    corners: tuple[Corner, ...] | None = Field(
        strict=False,
        description="Its four corners, around it: (0, 0), (length, 0), (length, width), (0, width). null: unknown.",
    )

    @model_validator(mode="after")
    def _four(self) -> Pitch:
        if self.corners is not None and len(self.corners) != 4:
            msg = "four corners are required"
            raise ValueError(msg)
        return self


class ScreenTls(Section):
    """Encryption of the connection from browsers."""

    cert_file: FilePath | None = Field(description="Certificate; null: no encryption.")
    key_file: FilePath | None = Field(description="Key of the certificate.")


class Dashboard(Section):
    """The coach's screen: dashboard.py."""

    host: str = Field(min_length=1, description="Where it listens; beyond this machine it needs accounts.")
    port: Port = Field(description="Port of the screen.")
    accounts_file: FilePath | None = Field(description="Who may log in; null: no log-in, for this machine only.")
    tls: ScreenTls
    heart_rate_hidden_from: tuple[Literal["viewer", "coach"], ...] = Field(
        strict=False, description="Roles that do not see heart-rate figures."
    )
    language: Literal["en", "de"] = Field(description="Language of a screen that has not chosen one.")
    pitch: Pitch


class Config(Section):
    """The whole tree."""

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
    archive: Archive
    outputs: Outputs
    impacts: Impacts
    dashboard: Dashboard


REMOVED: Final[Mapping[str, str]] = {
    "paths.model_path": "file names are fixed: Player{id}_rf.pkl",
    "paths.hb_path": "file names are fixed: hb_{id}_model.zip",
    "paths.onnx_path": "file names are fixed: hb_{id}_model.onnx",
    "jetson.use_mixed_precision": "a forest compares thresholds: half precision would change its answers",
    "retraining.accuracy_threshold": "a regression has no accuracy: use max_rmse_threshold",
    "retraining.min_r2_threshold": "R² of a steady session is near zero for any model: use min_gain_over_median_bpm",
    "retraining.min_cv_score": "rows of one session are no independent folds: use min_gain_over_median_bpm",
    "memory_optimization": "moved to model_loading.total_model_memory_mb and performance.memory_warning_threshold",
    "model_performance": "models are always warmed up; preload with model_loading.preload_players",
    "model_logging": "moved to logging.level and engine.stats_interval_s",
    "jetson_model_optimization": "moved to model_loading.max_model_memory_mb and total_model_memory_mb",
    "environment": "set the variables in the environment itself: MODEL_CACHE_SIZE, MODEL_DEVICE, MODEL_DIRECTORY",
}
"""Keys of earlier configurations that no longer mean anything, with what took their place."""


@dataclass(frozen=True)
class Document:
    """A YAML file as read: its data, and the line on which each path begins."""

    path: Path
    data: Any
    lines: Mapping[tuple[str | int, ...], int]

    def line_of(self, location: tuple[str | int, ...]) -> int:
        """Return the line of the location, or of the closest parent that the file holds."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)


def read_yaml(path: Path) -> Document:
    """Read a YAML file without executing anything in it.

    Raises:
        ConfigError: the file cannot be read, is not YAML, or holds a key twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            lines: dict[tuple[str | int, ...], int] = {}
            if node is not None:
                _collect_lines(node, (), lines, path)
            data = loader.construct_document(node) if node is not None else {}
        finally:
            loader.dispose()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {error.start})") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}{_yaml_problem(error)}") from error
    return Document(path, data, lines)


def _yaml_problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "not readable"
    return f":{mark.line + 1}: not valid YAML ({problem})" if mark else f": not valid YAML ({problem})"


def _collect_lines(
    node: yaml.Node, location: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int], path: Path
) -> None:
    lines.setdefault(location, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            child = (*location, str(key.value))
            if child in lines:
                where = f"{path}:{key.start_mark.line + 1}"
                raise ConfigError(f"{where}: {_dotted(child)}: stands twice; the first is on line {lines[child]}")
            lines[child] = key.start_mark.line + 1
            _collect_lines(value, child, lines, path)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _collect_lines(value, (*location, index), lines, path)


def _dotted(location: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in location) or "(whole file)"


def validate(document: Document, model: type[M]) -> M:
    """Check a document against a model.

    Raises:
        ConfigError: one line for each problem.
    """
    if not isinstance(document.data, dict):
        raise ConfigError(f"{document.path}:1: (whole file): a mapping of sections is expected")
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        raise ConfigError("\n".join(_describe(document, problem) for problem in error.errors())) from None


def _describe(document: Document, problem: ErrorDetails) -> str:
    location = tuple(problem["loc"])
    dotted = _dotted(location)
    where = f"{document.path}:{document.line_of(location)}: {dotted}"
    if problem["type"] == "extra_forbidden":
        return f"{where}: {_unknown(dotted)}"
    if problem["type"] == "missing":
        return f"{where}: is missing"
    return f"{where}: {problem['input']!r} is not allowed ({problem['msg'].removeprefix('Value error, ')})"


def _unknown(dotted: str) -> str:
    if dotted in REMOVED:
        return f"is no longer a setting: {REMOVED[dotted]}"
    parent = _model_at(dotted.split(".")[:-1])
    allowed = f"; allowed here: {', '.join(parent.model_fields)}" if parent else ""
    return f"is not a known key{allowed}"


def _model_at(parts: list[str]) -> type[BaseModel] | None:
    model: type[BaseModel] = Config
    for part in parts:
        field = model.model_fields.get(part)
        annotation = field.annotation if field else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return None
        model = annotation
    return model


def load_config(
    path: Path = DEFAULT_CONFIG, root: Path | None = None, environ: Mapping[str, str] = os.environ
) -> Config:
    """Load a configuration file, apply the environment and make every path absolute.

    Args:
        path: the YAML file.
        root: where relative paths land; the file's folder when None.
        environ: overrides FORCE_TRAINING, USE_CUDA, MODEL_CACHE_SIZE, MODEL_DEVICE, MODEL_DIRECTORY, IDLE_TIME.

    Raises:
        ConfigError: the file or a variable is not valid.
    """
    document = read_yaml(path)
    config = validate(document, Config)
    return _absolute(_override(config, environ), (root or path.parent).resolve())


def read_yaml_model(path: Path, model: type[M]) -> M:
    """Read and check any YAML file against a model; used by the roster.

    Raises:
        ConfigError: one line for each problem.
    """
    return validate(read_yaml(path), model)


TRUE: Final = frozenset({"1", "true", "yes", "on"})
FALSE: Final = frozenset({"0", "false", "no", "off"})


def _flag(name: str, text: str) -> bool:
    if text.strip().lower() in TRUE | FALSE:
        return text.strip().lower() in TRUE
    raise ConfigError(f"environment: {name}: {text!r} is not allowed (1, true, yes, on, 0, false, no, off)")


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"environment: {name}: {text!r} is not allowed (a number)") from None


def _cache_size(text: str) -> int:
    number = _number("MODEL_CACHE_SIZE", text)
    if number != int(number):
        raise ConfigError(f"environment: MODEL_CACHE_SIZE: {text!r} is not allowed (a whole number)")
    return int(number)


def _overrides(environ: Mapping[str, str]) -> dict[tuple[str, str], tuple[str, Hashable]]:
    found: dict[tuple[str, str], tuple[str, Hashable]] = {}
    present = {name: text for name, text in environ.items() if text.strip()}
    if "USE_CUDA" in present:
        device = "cuda" if _flag("USE_CUDA", present["USE_CUDA"]) else "cpu"
        found["model_loading", "device"] = ("USE_CUDA", device)
    if "FORCE_TRAINING" in present:
        found["prediction_check", "force_training"] = (
            "FORCE_TRAINING",
            _flag("FORCE_TRAINING", present["FORCE_TRAINING"]),
        )
    if "MODEL_CACHE_SIZE" in present:
        found["model_loading", "cache_size"] = ("MODEL_CACHE_SIZE", _cache_size(present["MODEL_CACHE_SIZE"]))
    if "MODEL_DEVICE" in present:
        found["model_loading", "device"] = ("MODEL_DEVICE", present["MODEL_DEVICE"].strip().lower())
    if "MODEL_DIRECTORY" in present:
        found["model_loading", "models_directory"] = ("MODEL_DIRECTORY", present["MODEL_DIRECTORY"])
    if "IDLE_TIME" in present:
        found["engine", "idle_s"] = ("IDLE_TIME", _number("IDLE_TIME", present["IDLE_TIME"]))
    return found


def _override(config: Config, environ: Mapping[str, str]) -> Config:
    for (section, key), (variable, value) in _overrides(environ).items():
        part: Section = getattr(config, section)
        try:
            changed = type(part).model_validate({**part.model_dump(), key: value})
        except ValidationError as error:
            problem = error.errors()[0]["msg"]
            raise ConfigError(f"environment: {variable}: {value!r} is not allowed ({problem})") from None
        config = config.model_copy(update={section: changed})
    return config


def _absolute(section: S, root: Path) -> S:
    """Return the section with every relative path below ``root``."""
    updates: dict[str, Any] = {}
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Path):
            updates[name] = root / value.expanduser()
        elif isinstance(value, Section):
            updates[name] = _absolute(value, root)
    return section.model_copy(update=updates)


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that every program has: ``--config`` and ``--root``."""
    parser.add_argument(
        "--config", type=Path, default=DEFAULT_CONFIG, metavar="FILE", help="configuration (default: %(default)s)"
    )
    parser.add_argument(
        "--root", type=Path, metavar="DIR", help="folder of the configuration's relative paths (default: its own)"
    )


def config_from_args(args: argparse.Namespace) -> Config:
    """Load the configuration that ``--config`` and ``--root`` name.

    Raises:
        ConfigError: see ``load_config``.
    """
    return load_config(args.config, args.root)
