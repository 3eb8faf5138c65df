"""Over how many steps the usual interval of a device should be averaged: missing seconds of real recordings, as JSON.

Reads FIT files of watches, fixed and smart recording alike, and prints for each the time in steps of at most 10 s that
``SampleClock`` would count as missing if it averaged over so many steps.

    python benchmarks/usual_interval.py FILE.fit...
"""

from __future__ import annotations

import argparse
import json
import sys
from itertools import pairwise
from pathlib import Path

import fitdecode

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from athlete_monitor.physiology import clock

STEPS = (4, 8, 16)


def times_of(path: Path) -> list[float]:
    """Times of the records of a FIT file, s."""
    with fitdecode.FitReader(str(path), check_crc=fitdecode.CrcCheck.DISABLED) as reader:
        frames = [f for f in reader if isinstance(f, fitdecode.FitDataMessage) and f.name == "record"]
    return [frame.get_value("timestamp").timestamp() for frame in frames if frame.has_field("timestamp")]


def missing_s(times: list[float], steps: int) -> float:
    """Seconds missing in steps of at most 10 s when the usual interval is averaged over ``steps``."""
    usual, count, missing = np.zeros(1), np.ones(1), 0.0
    for before, now in pairwise(times):
        gap = np.array([max(now - before, 0.0)])
        missing += max(0.0, (gap - clock.longest_step_s(usual)).item()) if gap <= clock.LONGEST_STEP_S else 0.0
        clock.learn_usual(usual, count, gap)
        np.minimum(count, float(steps), out=count)
    return round(missing, 1)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    result = {}
    for path in parser.parse_args().files:
        times = times_of(path)
        result[path.name] = {
            "rows": len(times),
            "duration_s": times[-1] - times[0] if times else 0.0,
            "missing_s_by_steps": {steps: missing_s(times, steps) for steps in STEPS},
        }
    print(json.dumps(result, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
