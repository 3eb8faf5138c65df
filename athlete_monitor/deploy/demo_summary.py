"""The output of a demonstration after training and at its end."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table

from athlete_monitor.deploy.status import model
from athlete_monitor.models.store import ModelStore

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from athlete_monitor.config import Config

COLUMNS: Final = ("athlete", "min", "bpm", "from", "TRIMP", "kcal", "m", "impacts", "error")
PLAIN_WIDTH: Final = 100
MEANINGS: Final = (
    "from: most frequent source of the heart rate; error: mean model error against the strap, bpm;\n"
    "-: unknown; the session's summary gives the reason"
)
MID_VISIT: Final = 11
MID_VISIT_NOTE: Final = (
    "Athlete 11's recording begins in the middle of a visit: the model does not know the effort before it, so its "
    "error is larger than in a session that is recorded from its start."
)


def print_models(config: Config, athletes: Sequence[int]) -> None:
    """Print the error of each model on held-out data, beside that of always guessing the athlete's median."""
    store = ModelStore.from_config(config)
    for athlete in athletes:
        found = model(store, athlete)
        if found is None or "problem" in found:
            print(f"   athlete {athlete:>3}: no model; its heart rate comes from the strap or the squad's model")
            continue
        median = found["baselines_bpm"].get("median")
        beside = "" if median is None else f"; always guessing the median: {median:.1f}"
        channels = ", ".join(found["channels"])
        print(f"   athlete {athlete:>3}: held-out error {found['mae_bpm']:.1f} bpm{beside} ({channels})", flush=True)


def print_sessions(config: Config, athletes: Sequence[int]) -> bool:
    """Print a table of each athlete's latest session; false if one has none."""
    files = {athlete: latest_summary(config.paths.prediction_outputs, athlete) for athlete in athletes}
    table = Table(title="Summary", title_justify="left", box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for name in COLUMNS:
        table.add_column(name, justify="left" if name in {"athlete", "from"} else "right", no_wrap=name != "athlete")
    for athlete, file in files.items():
        table.add_row(*(cells(json.loads(file.read_text())) if file else [f"{athlete}: no session arrived"]))
    notes = [MEANINGS, *([MID_VISIT_NOTE] if files.get(MID_VISIT) else [])]
    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)
    console.print("", table, "", *notes, sep="\n")
    return all(files.values())


def latest_summary(outputs: Path, athlete: int) -> Path | None:
    """Return the newest session summary of an athlete."""
    files = outputs.glob(f"A{athlete}_*/A{athlete}_D*_session_summary_*.json")
    return max(files, key=lambda file: file.stat().st_mtime, default=None)


def cells(summary: Mapping[str, Any]) -> list[str]:
    """Return a session's row; an unknown value is a dash."""
    sources: Mapping[str, float] = summary["heart_rate_source_s"]
    error = (summary.get("model_error") or {}).get("mae_bpm")
    return [
        f"{summary['athlete_id']} {summary['name']}",
        _number(summary["duration_s"] / 60, 1),
        _number(summary["heart_rate_mean_bpm"]),
        max(sources, key=lambda source: sources[source]),
        _number(summary["trimp"], 1),
        _number(summary["energy_kcal"]),
        _number(summary["distance_m"]),
        _number(summary["impact_alerts"]),
        _number(error, 1),
    ]


def _number(value: float | None, digits: int = 0) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
