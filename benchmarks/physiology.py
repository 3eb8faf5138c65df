"""What one step of all the streaming metrics costs, for squads of several sizes, as JSON.

One step is one sample of every athlete, ten a second, running, with a strap that reports once a second. It holds the
clock, the strap's filter, the maximum, TRIMP, zones, energy, stress, PlayerLoad, impacts, gravity by low-pass, and
locomotion where there is speed. The filters with a gyroscope are measured in ``fusion.py``.

    python benchmarks/physiology.py --seconds 2
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

from athlete_monitor.arrays import GRAVITY_MPS2
from tests.physiology.accumulators import Samples, Whole, at

SIZES = (1, 30, 300, 1000)
STEPS = 100


def running_squad(athletes: int, *, speed: bool) -> Samples:
    """Ten seconds of a running squad."""
    rng = np.random.default_rng(0)
    shape = (athletes, STEPS)
    t = np.broadcast_to(1.75e9 + np.arange(STEPS) / 10, shape)
    reports = np.arange(STEPS) % 10 == 0
    nothing = np.full(shape, np.nan)
    return Samples(
        t=t,
        heart_rate_bpm=np.where(reports, rng.normal(150, 1, shape), np.nan),
        acc_mps2=rng.normal((0, 0, GRAVITY_MPS2), 5.0, (*shape, 3)),
        gyro_rad_s=rng.normal(0, 1, (*shape, 3)),
        speed_mps=rng.normal(4, 0.1, shape) if speed else nothing,
        x_m=nothing,
    )


def step_us(athletes: int, seconds: float, *, speed: bool) -> float:
    """Median microseconds of a step."""
    samples, rows = running_squad(athletes, speed=speed), np.arange(athletes)
    steps = [at(samples, rows, np.full(athletes, i)) for i in range(STEPS)]
    whole = Whole(athletes)
    whole.enter(rows)
    spent: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        begun = time.perf_counter()
        whole.update(rows, steps[len(spent) % STEPS])
        spent.append(time.perf_counter() - begun)
    return 1e6 * median(spent)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.0, help="for each size of squad")
    seconds = parser.parse_args().seconds
    kinds = {"us_per_step": False, "us_per_step_with_speed": True}
    result = {kind: {k: round(step_us(k, seconds, speed=speed), 1) for k in SIZES} for kind, speed in kinds.items()}
    print(json.dumps(result, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
