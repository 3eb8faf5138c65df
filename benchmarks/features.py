"""What a step of the feature bank costs: one sample of each athlete, all channel groups present.

Prints JSON: µs for each update (median), and for each athlete in it, by squad size.

    python benchmarks/features.py --seconds 1
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from athlete_monitor.arrays import CHANNELS
from athlete_monitor.config import load_config
from athlete_monitor.features import FeatureBank, FeatureSpec

SQUADS = (1, 30, 60, 1000)


def step_us(spec: FeatureSpec, athletes: int, seconds: float) -> float:
    """Median cost of an update of ``athletes`` rows, µs."""
    bank, rows = FeatureBank(spec, athletes), np.arange(athletes)
    values = np.random.default_rng(0).normal(size=(athletes, len(CHANNELS)))
    spent: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or not spent:
        began = time.perf_counter()
        bank.update(rows, np.full(athletes, len(spent) * 0.1), values)
        spent.append(time.perf_counter() - began)
    return median(spent) * 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.0, help="for each squad size")
    args = parser.parse_args()
    spec = FeatureSpec.from_config(load_config().feature_engineering)
    costs = {athletes: step_us(spec, athletes, args.seconds) for athletes in SQUADS}
    result = {n: {"update_us": round(us, 1), "athlete_us": round(us / n, 2)} for n, us in costs.items()}
    print(json.dumps({"features": len(spec.names()), "squads": result}, indent=1))


if __name__ == "__main__":
    main()
