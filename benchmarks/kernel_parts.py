"""What each part of the kernel costs for a sample, by the width of a step: processor time of the calling thread.

A squad with acceleration, rotation and a strap at 10 Hz, stepped in groups of ``--width`` athletes. A narrow step costs
far more for a sample than a wide one, because a call of numpy costs a microsecond before it computes anything.

    python benchmarks/kernel_parts.py --athletes 2000                   # all in one step
    python benchmarks/kernel_parts.py --athletes 2000 --width 200       # as messages of ten samples arrive
    python benchmarks/kernel_parts.py --athletes 500 --config FILE      # with the models of a configuration
    python benchmarks/kernel_parts.py --athletes 500 --parts            # by part; measuring costs a third more
    KERNEL_TREE=../before python benchmarks/kernel_parts.py             # the kernel of another checkout
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

ROOT = Path(os.environ.get("KERNEL_TREE") or Path(__file__).resolve().parents[1])
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from athlete_monitor.squad.kernel import Squad

RATE_HZ = 10
WARM_S = 70
"""Sample time before measuring: the first minute of a session costs more."""
METHODS = ("update", "advance", "read", "predict", "serving", "forms", "learn", "now", "check", "doubtful", "hold")


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--athletes", type=int, default=500)
    parser.add_argument("--width", type=int, help="athletes in a step; all by default")
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--config", type=Path, help="a configuration with published models; none by default")
    parser.add_argument("--parts", action="store_true", help="the cost of each part too")
    options = parser.parse_args()
    squad, spent = make_squad(options), dict[str, float]()
    if options.parts:
        for name, part in list(vars(squad).items()):
            watch(name, part, spent)
    print(json.dumps(measure(squad, options, spent), indent=2))


def make_squad(options: argparse.Namespace) -> Squad:
    """Return a squad of athletes at different phases of their second."""
    from athlete_monitor.athletes import Profile
    from athlete_monitor.config import load_config
    from athlete_monitor.engine.build import kernel_settings, open_loader, source_of
    from athlete_monitor.squad.kernel import Squad
    from athlete_monitor.squad.prediction import ModelBook, NoModels

    config = load_config(options.config or ROOT / "jetson_nano_4gb_config.yaml", environ={})
    settings = kernel_settings(config)
    source: Any = source_of(open_loader(config), config) if options.config else NoModels()
    squad = Squad(settings, ModelBook(source, settings.features))
    body = Profile(1, sex="male", age_years=25, weight_kg=75, height_cm=180, hr_rest_bpm=55)
    for number in range(1, options.athletes + 1):
        squad.add(replace(body, athlete_id=number), 0.618 * number % 1.0)
    return squad


def watch(name: str, part: Any, spent: dict[str, float]) -> None:  # noqa: ANN401 - any part of a squad
    """Add up what the methods of a part take."""
    for method in METHODS:
        call = getattr(part, method, None)
        if callable(call) and hasattr(part, "__dict__"):
            setattr(part, method, timed(call, f"{name}.{method}", spent))


def timed(call: Any, name: str, spent: dict[str, float]) -> Any:  # noqa: ANN401
    """Return a call that adds its processor time to ``spent``."""

    def measured(*args: Any, **options: Any) -> Any:  # noqa: ANN401
        began = time.thread_time()
        result = call(*args, **options)
        spent[name] = spent.get(name, 0.0) + time.thread_time() - began
        return result

    return measured


def measure(squad: Squad, options: argparse.Namespace, spent: dict[str, float]) -> dict[str, Any]:
    """Step the squad; return the cost of a sample, µs."""
    from athlete_monitor.arrays import CHANNELS, HEART_RATE
    from athlete_monitor.squad.batch import Batch

    width = options.width or options.athletes
    values = np.full((options.athletes, len(CHANNELS)), np.nan)
    values[:, :6] = np.random.default_rng(0).normal(0.0, 3.0, (options.athletes, 6))
    took: list[float] = []
    for second in (0, *range(WARM_S - 1, WARM_S + options.seconds)):
        if second == WARM_S:
            spent.clear()
            took.clear()
        began = time.thread_time()
        for tick in range(RATE_HZ * second, RATE_HZ * (second + 1)):
            now = values * (1.0 + 0.1 * (tick % 7))
            now[:, HEART_RATE] = 120 + tick // 50 % 40
            for first in range(0, options.athletes, width):
                rows = np.arange(first, min(first + width, options.athletes))
                t = np.full(len(rows), 1.7e9 + tick / RATE_HZ)
                squad.step(Batch(rows, t, now[rows], np.ones(len(rows), dtype=np.int64)))
        took.append(time.thread_time() - began)
    samples = options.athletes * RATE_HZ
    parts = {name: round(1e6 * s / samples / options.seconds, 3) for name, s in spent.items()}
    return {
        "athletes": options.athletes,
        "width": width,
        "us_per_sample": {
            "median": round(1e6 * statistics.median(took) / samples, 2),
            "least": round(1e6 * min(took) / samples, 2),
        },
        "parts_us_per_sample": dict(sorted(parts.items(), key=lambda each: -each[1])[:25]),
    }


if __name__ == "__main__":
    main()
