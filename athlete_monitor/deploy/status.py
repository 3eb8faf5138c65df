"""``status``: settings, models, running programs, and the state of the board."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor import __version__
from athlete_monitor.athletes import Roster
from athlete_monitor.config import load_config
from athlete_monitor.deploy.engine_report import engine_report
from athlete_monitor.deploy.findings import NO_END, signs, terminal_width, wrapped
from athlete_monitor.deploy.listening import engine_state
from athlete_monitor.deploy.setup import folders
from athlete_monitor.errors import ModelError
from athlete_monitor.locks import holder, running_scripts
from athlete_monitor.models.store import ModelStore
from athlete_monitor.system.board import Board, read_board
from athlete_monitor.wire.session_files import athletes_with_sessions, list_sessions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athlete_monitor.config import Config
    from athlete_monitor.models.manifest import AthleteId

SCRIPTS: Final = ("main.py", "publisher.py", "sup_ml_rf_training.py")
DAY_S: Final = 86_400


JOURNAL_GROWTH: Final = "about 66 MB for 30 athletes and two hours with every sensor"


def status(config_file: Path, root: Path | None, *, as_json: bool) -> int:
    """Print the state of the system, for people or as JSON.

    Raises:
        ConfigError: the configuration or the roster is not valid.
    """
    config = load_config(config_file, root)
    state = gather(config, config_file, Path("/"))
    print(json.dumps(state, indent=2) if as_json else render(state, sys.stdout.encoding, terminal_width()))
    return 0


def gather(config: Config, config_file: Path, filesystem: Path) -> dict[str, Any]:
    """Collect everything that ``status`` reports, as JSON types."""
    board = read_board(filesystem)
    return {
        "configuration": str(config_file),
        "environment": _environment(board),
        "version": __version__,
        "settings": settings(config),
        "directories": {str(folder): folder.is_dir() for folder in folders(config)},
        "athletes": athletes(config),
        "default_model": model(ModelStore.from_config(config), "default"),
        "last_training": last_training(config),
        "locks": locks(config),
        "processes": [asdict(process) for process in running_scripts(SCRIPTS)],
        "engine": engine_state(config.mqtt, config.engine.stats_interval_s),
        "temperatures_c": board.temperatures_c,
        "retention_days": {**config.retention.model_dump(), "seconds_days": config.archive.keep_days},
        "journal": journal(config),
    }


def journal(config: Config) -> dict[str, Any]:
    """Return path and size of the journal, with its write-ahead log; null if there is none."""
    path = config.paths.journal
    files = [each for each in (path, path.with_name(f"{path.name}-wal")) if each.is_file()]
    size = sum(each.stat().st_size for each in files)
    return {"path": str(path), "size_mb": round(size / 1e6, 1) if files else None}


def _environment(board: Board) -> str:
    python = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    release = f", L4T {board.l4t}" if board.l4t else ""
    return f"{board.model or 'this machine'}{release}, {python}"


def settings(config: Config) -> dict[str, dict[str, Any]]:
    """Return the most important settings, in the order of the report."""
    features = config.feature_engineering
    return {
        "Training Parameters": {
            **_picked(config.training, "n_estimators", "max_depth", "n_jobs"),
            "sessions_to_use": config.training.sessions_in_words,
        },
        "Monitoring": _picked(config.monitoring, "poll_interval_secs", "auto_update_enabled"),
        "Jetson Optimizations": _picked(config.jetson, "device_detection", "memory_limit_mb", "gpu_memory_fraction"),
        "Feature Engineering": {
            **_picked(features, "enabled", "rolling_window", "sampling_frequency"),
            "features": [name for name, value in features.features if value],
        },
        "Dynamic Model Loading": {
            **_picked(config.model_loading, "runtime", "cache_size", "device", "enable_memory_monitoring"),
            "models_directory": str(config.model_loading.models_directory),
        },
    }


def _picked(section: object, *names: str) -> dict[str, Any]:
    return {name: getattr(section, name) for name in names}


def athletes(config: Config) -> list[dict[str, Any]]:
    """Return all known athletes: in the roster, with sessions, or with a model."""
    roster, store = Roster.load(config.athletes.roster), ModelStore.from_config(config)
    known = {athlete.id for athlete in roster} | set(store.athlete_ids())
    known |= set(athletes_with_sessions(config.paths.data_root)) | set(
        athletes_with_sessions(config.paths.game_data_root)
    )
    return [_athlete(number, roster, store, config) for number in sorted(known)]


def _athlete(number: int, roster: Roster, store: ModelStore, config: Config) -> dict[str, Any]:
    entry, pattern = roster.by_id(number), config.paths.data_file_pattern
    training = list_sessions(config.paths.data_root, number, "training", pattern)
    games = list_sessions(config.paths.game_data_root, number, "game", pattern)
    return {
        "id": number,
        "name": entry.name if entry else None,
        "device": entry.device if entry else None,
        "training_sessions": len(training),
        "game_sessions": len(games),
        "model": model(store, number),
    }


def model(store: ModelStore, athlete_id: AthleteId) -> dict[str, Any] | None:
    """Return the model's data from the manifest in service; None without one, ``problem`` if it is refused."""
    try:
        manifest = store.manifest(athlete_id)
    except ModelError as error:
        return {"problem": str(error)}
    if manifest is None:
        return None
    return {
        "created": manifest.created,
        "age_days": round((time.time() - datetime.fromisoformat(manifest.created).timestamp()) / DAY_S, 2),
        "mae_bpm": manifest.holdout.mae_bpm,
        "baselines_bpm": manifest.holdout.baselines,
        "holdout": manifest.holdout.kind,
        "channels": list(manifest.groups),
        "sessions": len(manifest.sessions),
    }


def last_training(config: Config) -> str | None:
    """Return when the trainer last wrote its log, ISO 8601 in UTC."""
    try:
        written = config.logging.log_file.stat().st_mtime
    except OSError:
        return None
    return datetime.fromtimestamp(written, timezone.utc).isoformat(timespec="seconds")


def locks(config: Config) -> dict[str, str | None]:
    """Return the holders of the locks of prediction and training; None for a free one."""
    files = {
        "prediction": config.prediction_check.lockfile_path,
        "training": config.prediction_check.training_lockfile_path,
    }
    return {name: str(found) if (found := holder(file)) else None for name, file in files.items()}


def render(state: Mapping[str, Any], encoding: str | None, width: int = NO_END) -> str:
    """Return the report for people, wrapped to lines of this width."""
    marks = signs(encoding)
    lines = [f"=== Athlete monitor: status ({state['configuration']}) ==="]
    lines += [f"Environment: {state['environment']}", f"Version: {state['version']}"]
    for section, values in state["settings"].items():
        lines += [f"{section}:", *(f"  - {name}: {_plain(value)}" for name, value in values.items())]
    lines += ["Directories:"]
    lines += [f"  - {folder}: {marks['ok' if there else 'fail']}" for folder, there in state["directories"].items()]
    lines += (
        []
        if all(state["directories"].values())
        else ["  setup, with the same --config and --root, creates what is missing"]
    )
    lines += ["Athletes:", *_athletes_lines(state, width)]
    lines += [] if state["athletes"] else ["  none yet: fill the roster, import recordings or run publisher.py"]
    lines += [f"  default model: {_model_text(state['default_model'])}"]
    lines += [f"Last training: {state['last_training'] or 'never'}", "Running:", *_running(state)]
    lines += engine_report(state["engine"], state["locks"]["prediction"])
    kept = ", ".join(f"{_words(kind)} {_days(days)}" for kind, days in state["retention_days"].items())
    size = state["journal"]["size_mb"]
    lines += [f"Kept: {kept}", f"Journal: {'none yet' if size is None else f'{size:g} MB'} ({JOURNAL_GROWTH})"]
    heat = ", ".join(f"{zone} {value:.0f} °C" for zone, value in state["temperatures_c"].items())
    text = wrapped("\n".join([*lines, f"Temperatures: {heat or 'no sensor'}"]), width)
    return text.encode(encoding or "ascii", "replace").decode(encoding or "ascii")


def _words(kind: str) -> str:
    return kind.removesuffix("_days").replace("_", " ")


def _days(days: int | None) -> str:
    return "forever" if days is None else f"{days} days"


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _athletes_lines(state: Mapping[str, Any], width: int) -> list[str]:
    """A line for each athlete, which says what serves those without a model of their own."""
    default = state["default_model"]
    instead = "the squad's" if default is not None and "problem" not in default else "none"
    return [_athlete_lines(athlete, instead, width) for athlete in state["athletes"]]


def _athlete_lines(athlete: Mapping[str, Any], instead: str, width: int) -> str:
    """One line; two if it does not fit, the second on the model."""
    name = athlete["name"] or (f"device {athlete['device']}" if athlete["device"] else "not in the roster")
    sessions = f"{athlete['training_sessions']} training, {athlete['game_sessions']} game sessions"
    model_text = f"model: {_model_text(athlete['model'], instead)}"
    line = f"  {athlete['id']:>4} {name:<24.24} {sessions}"
    return f"{line}; {model_text}" if len(line) + 2 + len(model_text) <= width else f"{line}\n    {model_text}"


def _model_text(found: Mapping[str, Any] | None, instead: str = "none") -> str:
    """A model in a few words; ``instead`` is what serves where it is missing or refused."""
    if found is None:
        return instead
    if "problem" in found:
        refused = f"refused ({found['problem']})"
        return refused if instead == "none" else f"{instead}; its own is {refused}"
    median = found["baselines_bpm"].get("median")
    beside = f" (median {median:.1f})" if median is not None else ""
    return f"error {found['mae_bpm']:.1f} bpm{beside}, {_age(found['age_days'])}, {'+'.join(found['channels'])}"


def _age(days: float) -> str:
    whole = int(days)
    return "new" if whole < 1 else f"{whole} day{'s' if whole > 1 else ''} old"


def _running(state: Mapping[str, Any]) -> list[str]:
    held = [f"  {name} lock: {who or 'free'}" for name, who in state["locks"].items()]
    return [*held, *(f"  pid {process['pid']}: {_command(process['command'])}" for process in state["processes"])]


def _command(line: str) -> str:
    """The script and its options, without the interpreter and the folder."""
    words = line.split(" ")
    script = next((place for place, word in enumerate(words) if Path(word).name in SCRIPTS), None)
    return line if script is None else " ".join([Path(words[script]).name, *words[script + 1 :]])
