"""What alarm rules cost: 20 rules once a second, for squads of several sizes, as a share of the engine's time.

Prints JSON. The values come from records as the engine makes them, so the cost of reading them is in it. The engine's
time is that of messages, steps and figures at 10 Hz, without models, broker, journal and files: the share of the whole
engine is smaller. Processor time throughout, so that a busy machine changes little.

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
SECONDS = 6
SAMPLE = (
    '{"device_id":"%04d","athlete_id":%d,"timestamp":%.3f,"seq":%d,"acc_x":1.2,"acc_y":0.5,"acc_z":9.81,"gyro_x":0.1,'
    '"gyro_y":0.2,"gyro_z":0.3,"heart_rate_bpm":%d,"age":25,"weight":75,"height":180,"gender":1,"mode":"training"}'
)


def main() -> None:
    """Measure and print."""
    print(json.dumps({str(size): cost(size) for size in (30, 300, 1000)}, indent=2))


def cost(size: int) -> dict[str, float]:
    """Return milliseconds of one evaluation and its percent of the engine's time."""
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
        began = time.process_time()
        keeper.tick(None, 1.75e9 + second)
        took.append(time.process_time() - began)
    median_s = statistics.median(took[5:])
    engine_s = engine_time(size)
    return {
        "rules": RULES,
        "evaluation_ms": round(1e3 * median_s, 3),
        "engine_ms_per_s": round(1e3 * engine_s, 1),
        "percent_of_the_engine": round(100 * median_s / (engine_s + median_s), 2),
    }


def engine_time(size: int) -> float:
    """Return the processor time that a second of ``size`` athletes at 10 Hz takes, from message to figures, s."""
    from athlete_monitor.athletes import Roster
    from athlete_monitor.config import load_config
    from athlete_monitor.engine.build import build_monitor

    monitor = build_monitor(load_config(ROOT / "jetson_nano_4gb_config.yaml", environ={}), Roster(), [])
    took = []
    for second in range(SECONDS):
        messages = [
            (
                f"player/{n:04}/sensor/data",
                SAMPLE % (n, n, 1.75e9 + second + tick / 10, 10 * second + tick, 120 + n % 40),
            )
            for tick in range(10)
            for n in range(1, size + 1)
        ]
        began = time.process_time()
        for number, (topic, payload) in enumerate(messages, 1):
            monitor.receive(topic, payload.encode(), float(second))
            if number % size == 0:
                monitor.advance()
        took.append(time.process_time() - began)
    return statistics.median(took[1:])


def _session(number: int) -> Any:  # noqa: ANN401 - what the rules need of a session
    return SimpleNamespace(number=number, athlete_id=number, device_t=1.75e9, mode="training")


def _nobody(*_: object) -> None:
    """Nobody is informed."""


def _nowhere(_: int) -> tuple[None, None]:
    return None, None


if __name__ == "__main__":
    main()
