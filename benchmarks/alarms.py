"""What alarm rules cost: one evaluation of 20 rules, for squads of several sizes, as a share of one core at 1 Hz.

Prints JSON. The values come from records as the engine makes them, so the cost of reading them is in it.

    python benchmarks/alarms.py
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

RULES = 20
ROUNDS = 30


def main() -> None:
    """Measure and print."""
    print(json.dumps({str(size): cost(size) for size in (30, 300, 1000)}, indent=2))


def cost(size: int) -> dict[str, float]:
    """Return milliseconds of one evaluation and its percent of a second."""
    from athlete_monitor.catalogue import NUMBERS
    from athlete_monitor.engine.team.alarms import AlarmKeeper
    from athlete_monitor.team.alarms import Condition, Rule

    names = list(NUMBERS)
    rules = tuple(
        Rule(f"r{n}", (Condition(names[n], ">", 1e6), Condition(names[n + 1], "<", -1e6)), for_s=10.0)
        for n in range(RULES)
    )
    watched: Any = SimpleNamespace(rules=rules, look=lambda: False)
    keeper = AlarmKeeper(watched, lambda *_: [], _nobody, _nowhere)
    sessions = [_session(n) for n in range(1, size + 1)]
    rng = np.random.default_rng(1)
    took = []
    for second in range(ROUNDS):
        for session in sessions:
            values = dict(zip(names, rng.normal(0, 1, len(names)).tolist(), strict=True))
            keeper.follow(session, SimpleNamespace(**values, heart_rate_source="sensor", quality={"percent": 100.0}))
        keeper._due_s = 0.0  # noqa: SLF001 - now
        began = time.perf_counter()
        keeper.tick(None, 1.75e9 + second)
        took.append(time.perf_counter() - began)
    median_s = statistics.median(took[5:])
    return {"rules": RULES, "evaluation_ms": round(1e3 * median_s, 3), "percent_of_a_core": round(100 * median_s, 2)}


def _session(number: int) -> Any:  # noqa: ANN401 - what the rules need of a session
    return SimpleNamespace(number=number, athlete_id=number, device_t=1.75e9, mode="training")


def _nobody(*_: object) -> None:
    """Nobody is told."""


def _nowhere(_: int) -> tuple[None, None]:
    return None, None


if __name__ == "__main__":
    main()
