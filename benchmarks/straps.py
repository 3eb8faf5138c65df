"""Bad straps on real runs: how soon they are found out, how often a good one is accused, and what error is avoided.

A model of the first runs is asked about all later ones. Into each later run a fault is written, and every second goes
through the parts that choose the heart rate live: the filter of readings, ``squad/cadence_lock.py``, the day's form
and the choice of ``auto``. Without a fault, every accusation is a false alarm; so it is with all heart rates (the
strap's and the model's) moved to the cadence, as in runners whose heart rate is equal to it. Errors are |shown - true|
from the beginning of the fault to a minute after its end, without the check of bad straps and with it.

    python benchmarks/straps.py FOLDER
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from accuracy import Bench, replayed  # type: ignore[import-not-found]  # beside this script

from athlete_monitor.config import DEFAULT_CONFIG, load_config
from athlete_monitor.features import FeatureSpec
from athlete_monitor.models.day import constants
from athlete_monitor.physiology.heart_rate import HeartRateFilter
from athlete_monitor.recordings.formats.runs import read_run
from athlete_monitor.squad.cadence_lock import CadenceLock
from athlete_monitor.squad.heart_rate_source import ModelCorrection, ModelHeartRate, SessionMode, choose
from athlete_monitor.squad.prediction import Forms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.training.athlete import Trained

KNOWN = 14
BEGIN_S = 900.0
LENGTHS_S = (60.0, 300.0)
AFTER_S = 60.0


@dataclass(frozen=True)
class Run:
    """A run, a row a second: seconds, strap, model, cadence (bpm and steps a minute), and the heart rate itself.

    ``hills`` is 1 where an altitude shows hills.
    """

    t: FloatArray
    strap: FloatArray
    model: FloatArray
    cadence: FloatArray
    true: FloatArray
    hills: FloatArray


@dataclass(frozen=True)
class Seen:
    """What happened in a run: whether each reading was believed [n] (NaN: refused by the filter), and what was shown.

    ``unchecked`` is what would be shown without the check of bad straps.
    """

    accused: FloatArray
    shown: FloatArray
    unchecked: FloatArray


def later_runs(folder: Path) -> tuple[list[Run], Trained]:
    """The runs after the first ``KNOWN`` with what a model of those says of them, and that model."""
    config = load_config(DEFAULT_CONFIG)
    spec = FeatureSpec.from_config(config.feature_engineering)
    bench = Bench(config.training, spec, ("speed", "cadence", "grade"))
    rows = replayed([read_run(path, 1.0) for path in sorted(folder.glob("*.csv.gz"))], config, bench)
    trained = bench.trained(rows[:KNOWN])
    names = spec.names(bench.groups)
    place, hills = names.index("cadence_spm_ewma_2s"), next(i for i, name in enumerate(names) if "grade" in name)
    return [
        Run(
            s.t - s.t[0], s.y, trained.model.predict(s.X), s.X[:, place].astype(np.float64), s.y,
            (~np.isnan(s.X[:, hills])).astype(np.float64),
        )
        for s in rows[KNOWN:]
    ], trained  # fmt: skip


class Chain:
    """The parts that choose the heart rate, for many runs at once; with or without the check of bad straps."""

    def __init__(self, runs: int, trained: Trained, *, checks: bool) -> None:
        self._clean, self._correction = HeartRateFilter(runs), ModelCorrection(runs)
        self._lock = CadenceLock(runs) if checks else None
        self._form, self._ends = constants(trained.day)[:, None], trained.interval

    def step(self, rows: Any, now: Sequence[FloatArray]) -> FloatArray:  # noqa: ANN401 - indices
        """What is shown [k], and whether each reading is accused (NaN: there is none)."""
        t, reading, bpm, cadence, hills = now
        model = ModelHeartRate(bpm, bpm + self._ends.q10, bpm + self._ends.q90, hills > 0.0)
        strap = self._clean.update(rows, t, reading, (model.low_bpm, model.high_bpm))
        accepted = strap.accepted
        error = np.where(accepted, strap.bpm - bpm, np.nan)
        if self._lock is not None:
            strap = self._lock.check(rows, t, cadence, strap, model)
            doubtful = self._lock.doubtful(rows, t, strap, model) | ~strap.accepted
            error = np.where(doubtful, np.nan, error)
        forms = Forms(np.repeat(self._form, len(rows), axis=1), np.ones(len(rows)))
        self._correction.learn(rows, t, error, forms)
        age_s = t - self._clean.reading_t(rows)
        mode = np.full(len(rows), int(SessionMode.TRAINING))
        shown = choose("auto", mode, strap, age_s, model, lambda: self._correction.now(rows, t, forms))
        return np.array([shown.bpm, np.where(accepted, (~strap.accepted).astype(np.float64), np.nan)])


def watch(runs: Sequence[Run], trained: Trained) -> list[Seen]:
    """Go through all runs, a second at a time."""
    chains = [Chain(len(runs), trained, checks=checks) for checks in (True, False)]
    longest = max(len(run.t) for run in runs)
    found = np.full((2, 2, len(runs), longest), np.nan)
    for i in range(longest):
        rows = np.array([row for row, run in enumerate(runs) if i < len(run.t)])
        columns = [
            np.array([getattr(runs[row], name)[i] for row in rows])
            for name in ("t", "strap", "model", "cadence", "hills")
        ]
        for number, chain in enumerate(chains):
            found[number, :, rows, i] = chain.step(rows, columns).T
    return [
        Seen(found[0, 1, row, :n], found[0, 0, row, :n], found[1, 0, row, :n])
        for row, n in enumerate(len(run.t) for run in runs)
    ]


# ---------------------------------------------------------------------------------------------------------- the faults


def frozen(run: Run, _: np.random.Generator) -> FloatArray:
    """The reading at the beginning of the fault, without end."""
    return np.full(len(run.t), run.true[np.searchsorted(run.t, BEGIN_S)])


def drifting(run: Run, rng: np.random.Generator) -> FloatArray:
    """An optical sensor that follows smoothed steps, off by a few beats that wander."""
    wander = np.zeros(len(run.t))
    for i in range(1, len(run.t)):
        wander[i] = 0.97 * wander[i - 1] + rng.normal(0.0, 1.0)
    smooth = np.convolve(run.cadence, np.full(15, 1.0 / 15.0), mode="same")
    return np.round(smooth + wander)


def noisy(spread: float) -> Callable[[Run, np.random.Generator], FloatArray]:
    """A strap whose readings jump about the right value."""
    return lambda run, rng: np.round(run.true + rng.normal(0.0, spread, len(run.t)))


def after_a_gap(times: float) -> Callable[[Run, np.random.Generator], FloatArray]:
    """Two minutes without contact, then a multiple of the heart rate."""
    return lambda run, _: np.where(run.t < BEGIN_S + 120.0, np.nan, np.round(times * run.true))


def creeping(run: Run, _: np.random.Generator) -> FloatArray:
    """A strap that drifts away by a beat in four seconds, up to 40 bpm."""
    return np.round(run.true + np.clip((run.t - BEGIN_S) / 4.0, 0.0, 40.0))


def in_turn(run: Run, _: np.random.Generator) -> FloatArray:
    """Ten seconds right, ten seconds half."""
    return np.round(np.where(run.t % 20.0 < 10.0, 1.0, 0.5) * run.true)


FAULTS: dict[str, Callable[[Run, np.random.Generator], FloatArray]] = {
    "cadence": lambda run, _: np.round(run.cadence),
    "half the cadence": lambda run, _: np.round(0.5 * run.cadence),
    "cadence, drifting": drifting,
    "frozen": frozen,
    "frozen 12 bpm too high": lambda run, rng: frozen(run, rng) + 12.0,
    "frozen 25 bpm too high": lambda run, rng: frozen(run, rng) + 25.0,
    "half": lambda run, _: np.round(0.5 * run.true),
    "half after a gap": after_a_gap(0.5),
    "half and right in turn": in_turn,
    "creeping away": creeping,
    "noise of 5 bpm": noisy(5.0),
    "noise of 15 bpm": noisy(15.0),
    "noise of 40 bpm": noisy(40.0),
}


def with_fault(run: Run, length_s: float, fault: str) -> Run:
    """The run with wrong readings for so long."""
    during = (run.t >= BEGIN_S) & (run.t < BEGIN_S + length_s)
    wrong = FAULTS[fault](run, np.random.default_rng(7))
    return replace(run, strap=np.where(during, wrong, run.strap))


def at_cadence(run: Run) -> Run:
    """The same run of a person whose heart rate is about the cadence: strap and model are moved alike."""
    away = float(np.median(run.cadence) - np.median(run.strap))
    return replace(run, strap=run.strap + away, model=run.model + away)


def at_strides(run: Run) -> Run:
    """The same run with a sensor that counts strides, half of the steps, and heart rates near twice that number."""
    return replace(at_cadence(run), cadence=0.5 * run.cadence)


def by_a_stranger(run: Run) -> Run:
    """The same run with a model that is 40 bpm too low, as on a bicycle without sensors of it."""
    return replace(run, model=run.model - 40.0)


# --------------------------------------------------------------------------------------------------------- the figures


def false_alarms(runs: Sequence[Run], trained: Trained) -> dict[str, float]:
    """Hours, accused seconds, alarms (stretches) an hour, and accused runs."""
    found = [np.nan_to_num(seen.accused) for seen in watch(runs, trained)]
    hours = sum(float(run.t[-1]) for run in runs) / 3600.0
    alarms = sum(int((np.diff(part, prepend=0.0) > 0.0).sum()) for part in found)
    return {
        "hours": round(hours, 1),
        "accused_s": float(sum(part.sum() for part in found)),
        "alarms_per_hour": round(alarms / hours, 2),
        "accused_runs": float(sum(bool(part.any()) for part in found)),
        "runs": float(len(runs)),
    }


def caught(runs: Sequence[Run], trained: Trained, length_s: float) -> dict[str, dict[str, float | None]]:
    """For each fault, what ``of_fault`` says."""
    long = [run for run in runs if run.t[-1] > BEGIN_S + length_s + AFTER_S]
    faulty = [with_fault(run, length_s, fault) for fault in FAULTS for run in long]
    seen = watch(faulty, trained)
    count = len(long)
    return {
        fault: of_fault(faulty[k * count :][:count], seen[k * count :][:count], length_s)
        for k, fault in enumerate(FAULTS)
    }


def of_fault(runs: Sequence[Run], seen: Sequence[Seen], length_s: float) -> dict[str, float | None]:
    """Share of runs in which the fault is found out, after how long, and errors from its beginning to a minute after.

    ``strap_error_bpm`` is that of the readings themselves.
    """
    after, lasts, errors = [], [], []
    for run, part in zip(runs, seen, strict=True):
        bad, late = part.accused == 1.0, run.t >= BEGIN_S + length_s
        during = (run.t >= BEGIN_S) & ~late
        lasts.append(float((bad & late).sum()))
        if (bad & during).any():
            after.append(float(run.t[bad & during][0]) - BEGIN_S)
        judged = (run.t >= BEGIN_S) & (run.t < BEGIN_S + length_s + AFTER_S)
        errors.append([np.nanmean(np.abs(bpm - run.true)[judged]) for bpm in (part.unchecked, part.shown)])
    without, with_check = np.mean(errors, axis=0)
    return {
        "caught": round(len(after) / len(runs), 2),
        "after_s": round(float(np.median(after)), 0) if after else None,
        "accused_afterwards_s": round(float(np.mean(lasts)), 1),
        "error_unchecked_bpm": round(float(without), 1),
        "error_bpm": round(float(with_check), 1),
    }


FROM_THE_START: dict[str, Callable[[Run], FloatArray]] = {
    "half": lambda run: np.round(0.5 * run.true),
    "twice": lambda run: np.round(2.0 * run.true),
}


def from_the_start(runs: Sequence[Run], trained: Trained) -> dict[str, dict[str, float | None]]:
    """For faults of whole runs: share of runs in which it is found out, after how long, and errors of the whole run."""
    found = {}
    for fault, wrong in FROM_THE_START.items():
        faulty = [replace(run, strap=wrong(run)) for run in runs]
        seen = watch(faulty, trained)
        after = [
            float(run.t[part.accused == 1.0][0]) for run, part in zip(runs, seen, strict=True) if 1.0 in part.accused
        ]
        errors = [
            [np.nanmean(np.abs(bpm - run.true)) for bpm in (part.unchecked, part.shown)]
            for run, part in zip(runs, seen, strict=True)
        ]
        unchecked, checked = np.mean(errors, axis=0)
        found[fault] = {
            "caught": round(len(after) / len(runs), 2),
            "after_s": round(float(np.median(after)), 0) if after else None,
            "error_unchecked_bpm": round(float(unchecked), 1),
            "error_bpm": round(float(checked), 1),
        }
    return found


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the folder of the runs")
    runs, trained = later_runs(parser.parse_args().folder)
    print(json.dumps(figures(runs, trained), indent=1))


def figures(runs: Sequence[Run], trained: Trained) -> dict[str, Any]:
    """Everything that this script says."""
    return {
        "false_alarms": {
            "as they are": false_alarms(runs, trained),
            "heart rate at the cadence": false_alarms([at_cadence(run) for run in runs], trained),
            "heart rate at twice the strides": false_alarms([at_strides(run) for run in runs], trained),
            "a model that is 40 bpm too low": false_alarms([by_a_stranger(run) for run in runs], trained),
        },
        "from the start": from_the_start(runs, trained),
        "caught": {f"{length:.0f}": caught(runs, trained, length) for length in LENGTHS_S},
    }


if __name__ == "__main__":
    main()
