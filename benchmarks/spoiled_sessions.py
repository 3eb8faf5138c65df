"""What a spoiled session does to a model that learns from it, and what leaving out the wrong minutes gives back.

A model of the first few of some runs is asked about the four runs after them; in the last of the runs that it learned
from, the strap reads half the heart rate for a while. Errors are means over several starts among forty runs, bpm: with
that session as it was, spoiled, and spoiled with the wrong minutes left out (``training/suspect.py``). ``found`` is the
share of wrong rows that are left out, ``lost`` how many right rows are, and ``untouched`` the rows that are left out of
the runs, and of shirts, as they are.

    python benchmarks/spoiled_sessions.py FOLDER
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
from athlete_monitor.recordings.formats.hexoskin import read_hexoskin
from athlete_monitor.recordings.formats.runs import read_run
from athlete_monitor.training.fitting import fit, judging
from athlete_monitor.training.rows import AthleteData, SessionRows
from athlete_monitor.training.suspect import without_suspects

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from athlete_monitor.arrays import BoolArray

KNOWN = (1, 2, 4, 8)
ASKED = 4
STARTS = range(0, 28, 9)
BEGIN_S = 900.0

FAULTS: dict[str, Callable[[SessionRows], BoolArray]] = {
    "half for ten minutes": lambda s: _seconds(s, BEGIN_S, BEGIN_S + 600.0),
    "half from the fifteenth minute on": lambda s: _seconds(s, BEGIN_S, np.inf),
    "half and right in turn from then on": lambda s: _seconds(s, BEGIN_S, np.inf) & ((s.t - s.t[0]) % 20.0 < 10.0),
    "half from the start": lambda s: _seconds(s, 0.0, np.inf),
}


def _seconds(session: SessionRows, first_s: float, end_s: float) -> BoolArray:
    since: BoolArray = (session.t - session.t[0] >= first_s) & (session.t - session.t[0] < end_s)
    return since


@dataclass(frozen=True)
class Trial:
    """Sessions of an athlete, and those that their model is asked about."""

    bench: Bench
    learned: Sequence[SessionRows]
    asked: Sequence[SessionRows]

    def error(self) -> float:
        """Mean absolute error on the sessions that are asked about, bpm."""
        known = [session for session in self.learned if len(session)]
        if not known:
            return float("nan")
        model = fit(known, judging(self.bench.settings), self.bench.rises, self.bench.settings.kinds[0])
        return float(np.mean([np.abs(session.y - model.predict(session.X)).mean() for session in self.asked]))

    def spoiled(self, wrong: BoolArray) -> Trial:
        """The same with half the heart rate in these rows of the last session."""
        *others, last = self.learned
        return replace(self, learned=[*others, replace(last, y=np.where(wrong, np.round(last.y / 2.0), last.y))])

    def trusted(self) -> Trial:
        """The same without the minutes that the trainer leaves out."""
        data = AthleteData(1, self.bench.groups, tuple(self.learned), ())
        return replace(self, learned=without_suspects(data, self.bench.spec).sessions)


def figures(trials: Sequence[Trial], fault: str) -> dict[str, float]:
    """Means over the trials."""
    found, lost, errors = [], 0, []
    for trial in trials:
        wrong = FAULTS[fault](trial.learned[-1])
        spoiled = trial.spoiled(wrong)
        trusted = spoiled.trusted()
        kept = np.isin(trial.learned[-1].t, trusted.learned[-1].t)
        found.append(float((~kept)[wrong].mean()) if wrong.any() else np.nan)
        rows = sum(map(len, trial.learned)) - int(wrong.sum())
        lost += rows - sum(map(len, trusted.learned)) + int((wrong & kept).sum())
        errors.append([trial.error(), spoiled.error(), trusted.error()])
    right, spoilt, without = np.nanmean(errors, axis=0).tolist()
    return {
        "right_bpm": round(right, 2),
        "spoiled_bpm": round(spoilt, 2),
        "left_out_bpm": round(without, 2),
        "found": round(float(np.nanmean(found)), 3),
        "lost": float(lost),
    }


def untouched(bench: Bench, rows: Sequence[SessionRows], known: int) -> int:
    """Rows that are left out of sessions as they are, ``known`` of them together."""
    count = 0
    for first in range(0, len(rows), known):
        trial = Trial(bench, rows[first : first + known], ())
        count += sum(map(len, trial.learned)) - sum(map(len, trial.trusted().learned))
    return count


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="holds runs/ and hexoskin/")
    folder = parser.parse_args().folder
    config = load_config(DEFAULT_CONFIG)
    spec = FeatureSpec.from_config(config.feature_engineering)
    bench, shirts = (
        Bench(config.training, spec, groups) for groups in (("speed", "cadence", "grade"), ("acceleration",))
    )
    runs = replayed([read_run(path, 1.0) for path in sorted((folder / "runs").glob("*.csv.gz"))], config, bench)
    people = sorted(path for path in (folder / "hexoskin").iterdir() if (path / "heart_rate.wav").exists())
    rate_hz = config.feature_engineering.sampling_frequency
    worn = replayed([read_hexoskin(path, rate_hz) for path in people], config, shirts)
    result = {
        f"one of {known}": {
            fault: figures([Trial(bench, runs[s : s + known], runs[s + known :][:ASKED]) for s in STARTS], fault)
            for fault in FAULTS
        }
        for known in KNOWN
    }
    kept = {f"runs, {known} together": untouched(bench, runs, known) for known in (*KNOWN, len(runs))}
    print(json.dumps(result | {"untouched": kept | {"shirts": untouched(shirts, worn, 1)}}, indent=1))


if __name__ == "__main__":
    main()
