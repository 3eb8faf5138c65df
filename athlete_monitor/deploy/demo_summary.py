"""What a demonstration prints when it has trained, and when it ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from athlete_monitor.deploy.status import model
from athlete_monitor.models.store import ModelStore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from athlete_monitor.config import Config


def print_models(config: Config, athletes: Sequence[int]) -> None:
    """Print how wrong each model was on what it had not seen, beside the athlete's median."""
    store = ModelStore.from_config(config)
    for athlete in athletes:
        found = model(store, athlete)
        if found is None or "problem" in found:
            print(f"   athlete {athlete:>3}: no model; its heart rate comes from the strap or the squad's model")
            continue
        median = found["baselines_bpm"].get("median")
        beside = "" if median is None else f", the median alone {median:.1f}"
        channels = ", ".join(found["channels"])
        print(f"   athlete {athlete:>3}: held-out error {found['mae_bpm']:.1f} bpm{beside} ({channels})", flush=True)


def print_sessions(config: Config, athletes: Sequence[int]) -> bool:
    """Print the summary of each athlete's latest session; false where one has none."""
    print("\nSessions")
    complete = True
    for athlete in athletes:
        file = latest_summary(config.paths.prediction_outputs, athlete)
        complete &= file is not None
        print(f"   athlete {athlete:>3}: {describe(json.loads(file.read_text())) if file else 'no session arrived'}")
    return complete


def latest_summary(outputs: Path, athlete: int) -> Path | None:
    """Return the newest session summary of an athlete."""
    files = outputs.glob(f"A{athlete}_*/A{athlete}_D*_session_summary_*.json")
    return max(files, key=lambda file: file.stat().st_mtime, default=None)


def describe(summary: dict[str, Any]) -> str:
    """Return one line for a session summary."""
    return json.dumps(summary)[:100]
