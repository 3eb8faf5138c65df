"""Small sessions to train on, made without the simulator: effort in bouts, heart rate following with a lag."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

HEADER = (
    "timestamp,athlete_id,age,weight,height,gender,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z,"
    "heart_rate,session_phase,intensity_level,mode"
)


def rows(seconds, seed, athlete_id=1, start="2026-05-01 10:00:00", rate_hz=2, heart=None, rest_bpm=60.0):
    """Lines of a session file: bouts of effort, and a heart rate that follows them with a lag of 40 s."""
    rng = np.random.default_rng(seed)
    n = seconds * rate_hz
    bouts = np.repeat(rng.uniform(0.0, 6.0, seconds // 60 + 1), 60 * rate_hz)[:n]
    bouts[: 5 * rate_hz] = 0.0  # the heart begins at rest, so movement does too
    acc = rng.normal(0.0, 1.0, (n, 3)) * (0.2 + bouts[:, None])
    acc[:, 2] += 9.80665
    gyro = rng.normal(0.0, 0.3, (n, 3)) * (0.2 + bouts[:, None])
    bpm = np.empty(n)
    level = rest_bpm
    for i in range(n):
        level += (rest_bpm + 18.0 * bouts[i] - level) / (40.0 * rate_hz)
        bpm[i] = level
    bpm += rng.normal(0.0, 1.0, n)
    if heart is not None:
        bpm = heart(bpm)
    times = np.datetime64(start.replace(" ", "T"), "ms") + (np.arange(n) * 1000 // rate_hz).astype("timedelta64[ms]")
    return [
        f"{str(times[i]).replace('T', ' ')},{athlete_id},25,75,180,Male,"
        + ",".join(f"{v:.4f}" for v in (*acc[i], *gyro[i]))
        + f",{'' if np.isnan(bpm[i]) else f'{bpm[i]:.1f}'},main,Medium,training"
        for i in range(n)
    ]


def write_session(root: Path, athlete_id=1, number=1, lines=None, **options) -> Path:
    """A training session of an athlete below ``root``, one a day."""
    start = options.pop("start", f"2026-05-{number:02d} 10:00:00")
    made = rows(
        options.pop("seconds", 900), options.pop("seed", 100 * athlete_id + number), athlete_id, start, **options
    )
    folder = root / "athlete_training_data" / f"player_{athlete_id}"
    folder.mkdir(parents=True, exist_ok=True)
    stamp = start.replace("-", "_").replace(" ", "-").replace(":", "_")
    path = folder / f"TR{number}_A{athlete_id}_D{athlete_id:03d}_{stamp}.csv"
    path.write_text("\n".join([HEADER, *(made if lines is None else lines)]) + "\n", encoding="utf-8")
    return path
