"""Evaluation of a model on held-out data.

The latest whole session is held out; if there is only one, its last part in time. Rows are never held out at random:
neighbouring rows are nearly equal, and a test row between two training rows tests nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from athlete_monitor.models.manifest import Holdout, ResidualQuantiles
from athlete_monitor.training.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athlete_monitor.arrays import Float32Array, FloatArray
    from athlete_monitor.training.rows import AthleteData, SessionRows

SplitKind = Literal["latest_session", "last_part_of_session", "other_athletes"]
LAST_PART: Final = "last_part_of_session"
INTERVAL: Final = (0.1, 0.9)
COVERED: Final = 0.75
"""So much must the interval cover of what did not make it, at least. With 0.78, models of six to twelve runs had
intervals that covered 91 to 97 % of later runs; with 0.75 it is 88 to 95 %, 10 % narrower."""

WIDENINGS: Final = (1.0, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0, 2.5, 3.0)
LEAST_COVERAGE_ROWS: Final = 20
LEAST_TRAINING_ROWS: Final = 60
RIDGE_ALPHA: Final = 10.0


@dataclass(frozen=True)
class Split:
    """Training rows and test rows. Axis 0 is time, older first.

    ``earlier`` are the training sessions; ``held_out`` is the SHA-256 of the session of the test rows.
    """

    earlier: tuple[SessionRows, ...]

    train_X: Float32Array
    train_y: FloatArray
    test_X: Float32Array
    test_y: FloatArray
    test_t: FloatArray
    kind: SplitKind
    held_out: str


def split(data: AthleteData, fraction: float) -> Split:
    """Hold out the latest session, or the last ``fraction`` (in time) of the only one.

    Raises:
        TrainingError: a side has too few rows.
    """
    *earlier, last = data.sessions
    if earlier:
        train_X = np.concatenate([session.X for session in earlier])
        train_y = np.concatenate([session.y for session in earlier])
        parts = Split(tuple(earlier), train_X, train_y, last.X, last.y, last.t, "latest_session", last.sha256)
    else:
        begin = last.t[-1] - fraction * (last.t[-1] - last.t[0])
        n = int(np.searchsorted(last.t, begin))
        begun = last.keep(last.t < begin, last.columns)
        parts = Split((begun,), begun.X, begun.y, last.X[n:], last.y[n:], last.t[n:], LAST_PART, last.sha256)
    least = min(len(parts.train_y), 2 * len(parts.test_y))
    if least < LEAST_TRAINING_ROWS:
        raise TrainingError(
            f"{len(parts.train_y)} training rows and {len(parts.test_y)} test rows; "
            f"{LEAST_TRAINING_ROWS} and {LEAST_TRAINING_ROWS // 2} are needed"
        )
    return parts


def judge(
    measured: FloatArray,
    predicted: FloatArray,
    baselines: Mapping[str, float | None],
    kind: str,
    coverage_80: float | None,
) -> Holdout:
    """Figures of one prediction on held-out rows [n], bpm; errors are measured - predicted, as everywhere."""
    error = measured - predicted
    spread = float(((measured - measured.mean()) ** 2).mean())
    return Holdout(
        mae_bpm=float(np.abs(error).mean()),
        rmse_bpm=float(np.sqrt((error * error).mean())),
        bias_bpm=float(error.mean()),
        r2=1.0 - float((error * error).mean()) / spread if spread > 0.0 else None,
        correlation=_correlation(measured, predicted),
        coverage_80=coverage_80,
        baselines=dict(baselines),
        rows=len(measured),
        kind=kind,
    )


def _correlation(a: FloatArray, b: FloatArray) -> float | None:
    if a.std() == 0.0 or b.std() == 0.0:
        return None
    return float(np.clip(np.corrcoef(a, b)[0, 1], -1.0, 1.0))


def quantiles(residuals: FloatArray) -> ResidualQuantiles:
    """10 % and 90 % quantile of measured - predicted [n], bpm, each rounded outwards to a residual that occurred."""
    low = float(np.quantile(residuals, INTERVAL[0], method="lower"))
    return ResidualQuantiles(low, float(np.quantile(residuals, INTERVAL[1], method="higher")))


def interval_of(parts: Sequence[FloatArray]) -> tuple[ResidualQuantiles, float | None]:
    """The 80 % interval of residuals, and the share that it covers of residuals that did not make it.

    ``parts`` are sessions, athletes or times, each with its residuals. With few parts their own interval is too narrow:
    what differs between sessions hardly shows in two of them. So it is widened until intervals that are made, and
    widened, like this from all parts but one cover 80 % of the one, on average. The share is None with one part, or
    too few rows.
    """
    whole = quantiles(np.concatenate(parts))
    known = coverage(parts)
    if known is None:
        return whole, None
    for factor in WIDENINGS:
        covered = coverage(parts, factor) or 0.0
        if covered >= COVERED:
            break
    return widened(whole, factor), covered


def widened(interval: ResidualQuantiles, factor: float) -> ResidualQuantiles:
    """The interval around the same middle, ``factor`` times as wide.

    >>> widened(ResidualQuantiles(-4.0, 6.0), 2.0)
    ResidualQuantiles(q10=-9.0, q90=11.0)
    """
    if factor == 1.0:
        return interval
    middle, half = (interval.q10 + interval.q90) / 2.0, factor * (interval.q90 - interval.q10) / 2.0
    return ResidualQuantiles(middle - half, middle + half)


def coverage(parts: Sequence[FloatArray], factor: float = 1.0) -> float | None:
    """Share of residuals inside the interval that the other parts make, ``factor`` times as wide.

    The deployed interval comes from all of them; on its own rows it would cover 80 % by construction. Each part has the
    same weight. None with one part, or too few rows.
    """
    if len(parts) < 2 or min(len(part) for part in parts) < LEAST_COVERAGE_ROWS:
        return None
    shares = [
        _share_inside(part, widened(quantiles(np.concatenate([*parts[:place], *parts[place + 1 :]])), factor))
        for place, part in enumerate(parts)
    ]
    return float(np.mean(shares))


def _share_inside(residuals: FloatArray, interval: ResidualQuantiles) -> float:
    return float(((residuals >= interval.q10) & (residuals <= interval.q90)).mean())


def baseline_errors(parts: Split) -> dict[str, float | None]:
    """MAE (bpm) of the training rows' median, of their last value, and of ridge regression on the same features."""
    return {
        "median": _mae(parts.test_y, np.median(parts.train_y)),
        "last_value": _mae(parts.test_y, parts.train_y[-1]),
        "ridge": _mae(parts.test_y, ridge_predictions(parts.train_X, parts.train_y, parts.test_X)),
    }


def _mae(measured: FloatArray, predicted: FloatArray | np.floating | float) -> float:
    return float(np.abs(measured - predicted).mean())


def ridge_predictions(train_X: Float32Array, train_y: FloatArray, test_X: Float32Array) -> FloatArray:
    """Ridge regression on standardised features, penalty ``RIDGE_ALPHA`` for a thousand rows: a straight line."""
    from athlete_monitor.models.line import fit_line

    return fit_line(train_X, train_y, np.ones(len(train_y)), RIDGE_ALPHA).predict(test_X)
