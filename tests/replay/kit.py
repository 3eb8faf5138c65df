"""Session files, and an item that kills whoever computes it."""

from __future__ import annotations

import math
import os
import signal
from typing import TYPE_CHECKING

from athlete_monitor.athletes import Roster
from athlete_monitor.config import load_config
from athlete_monitor.replay.planning import planned
from athlete_monitor.replay.task import Context, ReplayItem
from athlete_monitor.wire.sample import Tags
from athlete_monitor.wire.session_files import SessionWriter
from tests.engine.kit import MAN, START, sample
from tests.helpers import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DAY_S = 86_400.0


def configured(root):
    return load_config(ROOT / "jetson_nano_4gb_config.yaml", root, environ={})


def session(folder: Path, athlete: int, since: float, seconds: int = 20) -> Path:
    """Write a session file at 2 Hz: a run with a strap, with two laps."""
    folder.mkdir(parents=True, exist_ok=True)
    with SessionWriter(folder, "training", athlete, f"{athlete:03}", START + since, MAN, ["speed_mps"]) as writer:
        for tick in range(2 * seconds):
            t, pace = tick / 2, 3.0 + 2.5 * math.sin(tick / 18 + athlete)
            tags = Tags(mode="training", session_phase=f"lap {1 + int(2 * t / seconds)}")
            channels = {
                "speed_mps": pace,
                "acc_x": pace,
                "acc_y": 0.1,
                "acc_z": 9.8 + pace,
                "heart_rate_bpm": 120 + 6 * pace,
            }
            writer.write([sample(since + t, f"{athlete:03}", athlete, seq=tick, tags=tags, **channels)])
    return writer.path


def season(folder: Path) -> list[str]:
    """Three athletes on a day, one of them twice, and on the next."""
    spans = [(1, 0, 9), (2, 4, 12), (3, 1, 5), (1, 5000, 7), (1, DAY_S, 6)]
    return [str(session(folder, *span)) for span in spans]


def context(root: Path) -> Context:
    return Context("test", configured(root), Roster())


def items_of(paths: list[str]) -> list[ReplayItem]:
    failed: list[str] = []
    found = [item for make in planned(paths, Roster(), failed.append) for item in make()]
    assert not failed
    return found


class Deadly:
    """A recording whose samples end the process that reads them."""

    def samples(self):
        os.kill(os.getpid(), signal.SIGKILL)
        return iter(())


def deadly() -> ReplayItem:
    return ReplayItem("deadly", "deadly.csv", "deadly.csv", recordings=(Deadly(),))  # type: ignore[arg-type]
