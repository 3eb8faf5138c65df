"""Bad straps on real runs: how soon steps and frozen readings are found out, and how often a good strap is accused.

A model of the first runs is asked about all later ones. Into each later run a fault is written, and the minute rule of
``squad/cadence_lock.py`` is applied to every second. Without a fault, every accusation is a false alarm; so it is with
all heart rates (the strap's and the model's) moved to the cadence, as in runners whose heart rate is equal to it.

    python benchmarks/straps.py FOLDER
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from accuracy import Bench, replayed  # type: ignore[import-not-found]  # beside this script

from athlete_monitor.config import DEFAULT_CONFIG, load_config
from athlete_monitor.features import FeatureSpec
from athlete_monitor.physiology.heart_rate import HeartRateFilter
from athlete_monitor.recordings.formats.runs import read_run
from athlete_monitor.squad.cadence_lock import CadenceLock
from athlete_monitor.squad.heart_rate_source import ModelHeartRate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from athlete_monitor.arrays import FloatArray

KNOWN = 14
BEGIN_S = 900.0
LENGTHS_S = (30.0, 60.0, 120.0, 300.0)


@dataclass(frozen=True)
class Run:
    """A run, a row a second: seconds, strap, model, cadence (bpm and steps a minute)."""

    t: FloatArray
    strap: FloatArray
    model: FloatArray
    cadence: FloatArray


def later_runs(folder: Path) -> tuple[list[Run], tuple[float, float]]:
    """The runs after the first ``KNOWN`` with what a model of those says of them, and the ends of its interval."""
    config = load_config(DEFAULT_CONFIG)
    spec = FeatureSpec.from_config(config.feature_engineering)
    bench = Bench(config.training, spec, ("speed", "cadence", "grade"))
    rows = replayed([read_run(path, 1.0) for path in sorted(folder.glob("*.csv.gz"))], config, bench)
    trained = bench.trained(rows[:KNOWN])
    place = spec.names(bench.groups).index("cadence_spm_ewma_2s")
    runs = [Run(s.t - s.t[0], s.y, trained.model.predict(s.X), s.X[:, place].astype(np.float64)) for s in rows[KNOWN:]]
    return runs, (trained.interval.q10, trained.interval.q90)


def accused(runs: Sequence[Run], ends: tuple[float, float]) -> list[FloatArray]:
    """Whether the strap is not believed at each second [n] of each run: 0 or 1, NaN where a reading was refused."""
    clean, lock = HeartRateFilter(len(runs)), CadenceLock(len(runs))
    found = [np.full(len(run.t), np.nan) for run in runs]
    for i in range(max(len(run.t) for run in runs)):
        rows = np.array([row for row, run in enumerate(runs) if i < len(run.t)])
        t, reading, bpm, cadence = (
            np.array([getattr(runs[row], name)[i] for row in rows]) for name in ("t", "strap", "model", "cadence")
        )
        model = ModelHeartRate(bpm, bpm + ends[0], bpm + ends[1])
        strap = clean.update(rows, t, reading, (model.low_bpm, model.high_bpm))
        shown = lock.check(rows, t, cadence, strap, model)
        for place in np.flatnonzero(strap.accepted):
            found[rows[place]][i] = float(not shown.accepted[place])
    return found


def with_fault(run: Run, length_s: float, wrong: Callable[[Run], FloatArray]) -> Run:
    """The run with ``wrong`` readings for so long."""
    during = (run.t >= BEGIN_S) & (run.t < BEGIN_S + length_s)
    return replace(run, strap=np.where(during, wrong(run), run.strap))


def frozen(run: Run) -> FloatArray:
    """The reading at the beginning of the fault, without end."""
    return np.full(len(run.t), run.strap[np.searchsorted(run.t, BEGIN_S)])


FAULTS: dict[str, Callable[[Run], FloatArray]] = {
    "cadence": lambda run: np.round(run.cadence),
    "half the cadence": lambda run: np.round(0.5 * run.cadence),
    "frozen": frozen,
    "frozen 25 bpm too high": lambda run: frozen(run) + 25.0,
}


def at_cadence(run: Run) -> Run:
    """The same run of a person whose heart rate is about the cadence: strap and model are moved alike."""
    away = float(np.median(run.cadence) - np.median(run.strap))
    return replace(run, strap=run.strap + away, model=run.model + away)


def double(run: Run) -> Run:
    """The same run with a sensor that counts strides, half of the steps, and heart rates near twice that number."""
    return replace(at_cadence(run), cadence=0.5 * run.cadence)


def false_alarms(runs: Sequence[Run], ends: tuple[float, float]) -> dict[str, float]:
    """Hours, accused seconds and accused runs."""
    found = [np.nan_to_num(part) for part in accused(runs, ends)]
    return {
        "hours": round(sum(float(run.t[-1]) for run in runs) / 3600.0, 1),
        "accused_s": float(sum(part.sum() for part in found)),
        "accused_runs": float(sum(bool(part.any()) for part in found)),
        "runs": float(len(runs)),
    }


def caught(runs: Sequence[Run], ends: tuple[float, float], length_s: float, fault: str) -> dict[str, float | None]:
    """Share of runs in which the fault is found out, after how long, and how long the accusation lasts after it."""
    long = [run for run in runs if run.t[-1] > BEGIN_S + length_s + 60.0]
    after, lasts, seen = [], [], 0
    faulty = [with_fault(run, length_s, FAULTS[fault]) for run in long]
    for run, part in zip(long, accused(faulty, ends), strict=True):
        bad = part == 1.0
        during = bad & (run.t >= BEGIN_S) & (run.t < BEGIN_S + length_s)
        seen += bool(during.any())
        if during.any():
            after.append(float(run.t[during][0]) - BEGIN_S)
            lasts.append(float((bad & (run.t >= BEGIN_S + length_s)).sum()))
    return {
        "caught": round(seen / len(long), 2),
        "after_s": round(float(np.median(after)), 0) if after else None,
        "accused_afterwards_s": round(float(np.median(lasts)), 0) if lasts else None,
    }


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the folder of the runs")
    runs, ends = later_runs(parser.parse_args().folder)
    result = {
        "interval_bpm": ends,
        "false_alarms": false_alarms(runs, ends),
        "false_alarms_heart_rate_at_cadence": false_alarms([at_cadence(run) for run in runs], ends),
        "false_alarms_heart_rate_at_twice_the_strides": false_alarms([double(run) for run in runs], ends),
        "caught": {
            fault: {f"{length:.0f}": caught(runs, ends, length, fault) for length in LENGTHS_S} for fault in FAULTS
        },
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
