"""What the orientation filters cost for one sample, and how well they estimate the tilt, as JSON.

Cost: one step is one sample of every athlete of a squad at 100 Hz. ``library`` is the bare call of each library, and
``vectorised`` an update of the revised filter written in NumPy over the whole squad, without start-up and magnetometer,
for comparison. Accuracy: tilt error in degrees RMS after 10 s on the simulated motion of the tests.

    python benchmarks/fusion.py --seconds 1 --accuracy
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import ahrs
import imufusion
import numpy as np

from athlete_monitor.arrays import GRAVITY_MPS2
from athlete_monitor.fusion import AhrsMadgwick, ImuFusion, LowPassGravity, OrientationFilter, up_in_sensor_frame
from tests.simulated_motion import Motion, running, tilt_error_deg

if TYPE_CHECKING:
    from collections.abc import Callable

    from athlete_monitor.arrays import FloatArray

SIZES = (1, 30, 300, 1000)
FILTERS: dict[str, Callable[[int], OrientationFilter]] = {
    "imufusion": ImuFusion,
    "ahrs": AhrsMadgwick,
    "low_pass": LowPassGravity,
}
RATE_HZ = 100.0
SETTLED_S = 10.0


def microseconds(step: Callable[[int], object], seconds: float) -> float:
    """Median time of ``step(i)`` over about ``seconds``."""
    spent: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(spent) < 5:
        begun = time.perf_counter()
        step(len(spent))
        spent.append(time.perf_counter() - begun)
    return 1e6 * median(spent)


def squad_step(name: str, athletes: int) -> Callable[[int], object]:
    """A step of the named filter for a squad of ``athletes``."""
    rng = np.random.default_rng(0)
    acc = rng.normal((0.0, 0.0, GRAVITY_MPS2), 2.0, (athletes, 3))
    gyro = rng.normal(0.0, 1.0, (athletes, 3))
    rows, no_mag = np.arange(athletes), np.full((athletes, 3), np.nan)
    orientation = FILTERS[name](athletes)
    return lambda i: orientation.update(rows, np.full(athletes, i / RATE_HZ), acc, gyro, no_mag)


def library_steps() -> dict[str, Callable[[int], object]]:
    """The bare update of each library."""
    acc, gyro, upright = np.array([0.1, 0.2, 1.0]), np.array([0.1, 0.2, 0.3]), np.array([1.0, 0.0, 0.0, 0.0])
    revised, first = imufusion.Ahrs(), ahrs.filters.Madgwick()
    return {
        "imufusion": lambda _: revised.update_no_magnetometer(gyro, acc),
        "ahrs": lambda _: first.updateIMU(upright, gyro, acc, 0.01),
    }


def vectorised_step(athletes: int) -> Callable[[int], object]:
    """The revised filter's feedback and integration as array operations over the squad."""
    rng = np.random.default_rng(0)
    acc, gyro = rng.normal(0.0, 1.0, (3, athletes)), rng.normal(0.0, 1.0, (3, athletes))
    quaternion = np.zeros((4, athletes))
    quaternion[0] = 1.0

    def step(_: int) -> None:
        w, x, y, z = quaternion
        ux, uy, uz = up_in_sensor_frame(quaternion)
        ax, ay, az = acc / np.sqrt(acc[0] * acc[0] + acc[1] * acc[1] + acc[2] * acc[2])
        p, q, r = (0.5 / RATE_HZ) * (gyro + 0.5 * np.stack([ay * uz - az * uy, az * ux - ax * uz, ax * uy - ay * ux]))
        quaternion[:] = [
            w - x * p - y * q - z * r,
            x + w * p + y * r - z * q,
            y + w * q - x * r + z * p,
            z + w * r + x * q - y * p,
        ]
        quaternion[:] /= np.sqrt(quaternion[0] ** 2 + quaternion[1] ** 2 + quaternion[2] ** 2 + quaternion[3] ** 2)

    return step


def cost(seconds: float) -> dict[str, Any]:
    """Microseconds of a step and of a sample, by filter and size of the squad."""
    steps = {name: {k: microseconds(squad_step(name, k), seconds) for k in SIZES} for name in FILTERS}
    steps["vectorised"] = {k: microseconds(vectorised_step(k), seconds) for k in SIZES}
    return {
        "library_us_per_sample": {
            name: round(microseconds(step, seconds), 2) for name, step in library_steps().items()
        },
        "us_per_step": {name: {k: round(us, 1) for k, us in sizes.items()} for name, sizes in steps.items()},
        "us_per_sample": {name: {k: round(us / k, 2) for k, us in sizes.items()} for name, sizes in steps.items()},
    }


def tilt_rms_deg(name: str, motion: Motion) -> float:
    """Tilt error after settling, degrees RMS."""
    orientation, row, attitudes = FILTERS[name](1), np.array([0]), np.empty((len(motion.t), 4))
    no_mag = np.full((1, 3), np.nan)
    for i in range(len(motion.t)):
        at = slice(i, i + 1)
        orientation.update(row, motion.t[at], motion.acc_mps2[at], motion.gyro_rad_s[at], no_mag)
        attitudes[i] = orientation.quaternions(row)[0]
    settled: FloatArray = tilt_error_deg(attitudes, motion.up)[motion.t - motion.t[0] > SETTLED_S]
    return float(np.sqrt(np.mean(np.square(settled))))


def accuracy() -> list[dict[str, Any]]:
    """Tilt errors by rate and kind of motion, mean of four scenes."""
    motions = {"standing": (0.0, 0.0), "walking": (0.3, 0.5), "running": (1.0, 0.5), "running_with_surges": (1.0, 2.5)}
    return [
        {"motion": motion, "rate_hz": rate, **{name: round(mean_error(name, rate, *kind), 2) for name in FILTERS}}
        for motion, kind in motions.items()
        for rate in (10, 50)
    ]


def mean_error(name: str, rate_hz: float, effort: float, surge_mps2: float) -> float:
    """Mean of the tilt errors over four scenes, degrees RMS."""
    scenes = [running(seed, 60.0, rate_hz, effort=effort, surge_mps2=surge_mps2) for seed in range(4)]
    return float(np.mean([tilt_rms_deg(name, scene) for scene in scenes]))


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=0.5, help="for each filter and size of squad")
    parser.add_argument("--accuracy", action="store_true", help="measure the tilt error too (a minute)")
    args = parser.parse_args()
    print(json.dumps(cost(args.seconds) | ({"tilt_rms_deg": accuracy()} if args.accuracy else {}), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
