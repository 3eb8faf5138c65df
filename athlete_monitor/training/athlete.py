"""The model of one athlete: evaluated on held-out data, then fitted to all data."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.models.kinds import kind_of
from athlete_monitor.training.contest import Forward, Unseen, choose_kind, contested, unseen_of
from athlete_monitor.training.day_form import estimate
from athlete_monitor.training.evaluation import Split, baseline_errors, interval_of, judge, split
from athlete_monitor.training.evidence import Evidence
from athlete_monitor.training.fitting import fit, judging, task
from athlete_monitor.training.gain import Gain, gain_over

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import Float32Array, FloatArray, IntArray
    from athlete_monitor.config import Training
    from athlete_monitor.models.day import DayForm
    from athlete_monitor.models.kind import ModelKind
    from athlete_monitor.models.manifest import Holdout, ResidualQuantiles
    from athlete_monitor.training.rows import AthleteData, SessionRows

FIRST_SHARE: Final = 0.55
"""Share of the learned part of a single session that a first model learns from, to be judged on the rest of it."""

LEAST_FIRST_ROWS: Final = 100
"""Rows of a first model that may be judged in a single session."""

AGREEMENT_ROWS: Final = 1000
CURVE_POINTS: Final = 600


@dataclass(frozen=True)
class HeldOutCurve:
    """Held-out rows for the model card, thinned: seconds from the first, measured and predicted bpm."""

    seconds: FloatArray
    measured: FloatArray
    predicted: FloatArray


@dataclass(frozen=True)
class Trained:
    """A model that is ready for the gate.

    ``held_out`` is the SHA-256 of the session that it was judged on (empty where it was more than one), ``test_X`` and
    ``test_y`` are those rows, at ``test_t``, and what was predicted for them; ``check_rows`` are what exports are
    compared on; ``importance`` belongs to X's columns;
    ``model`` is None once it is finished (``finished.py``);
    ``gain`` is how much better than the athlete's median it is, on all that was held out in turn;
    ``chosen_on`` is how many of the sessions took part in the choice of the kind (0: there was no choice).
    """

    kind: ModelKind
    model: Any
    holdout: Holdout
    interval: ResidualQuantiles
    day: DayForm
    gain: Gain
    held_out: str
    test_X: Float32Array
    test_y: FloatArray
    test_t: FloatArray
    test_predicted: FloatArray
    check_rows: Float32Array
    curve: HeldOutCurve
    importance: FloatArray
    seconds: float
    chosen_on: int = 0

    def without_model(self) -> Trained:
        """The same without the model, and the rows that its exports are compared on."""
        return replace(self, model=None, check_rows=self.check_rows[:0].copy())

    def without_rows(self) -> Trained:
        """The same without the rows that only publishing needs."""
        none = self.test_y[:0].copy()
        return replace(self, test_X=self.test_X[:0].copy(), test_y=none, test_t=none, test_predicted=none)


def train_athlete(data: AthleteData, settings: Training, rises: IntArray, evidence: Evidence | None = None) -> Trained:
    """Evaluate a model on held-out data, then fit the one to deploy to all data.

    The kind is chosen on sessions before the one that it is evaluated on. With ``evidence`` nothing is fitted again
    that was fitted to the same rows before; the result is the same without.

    Raises:
        TrainingError: too few rows on one side.
    """
    began, evidence = time.perf_counter(), evidence or Evidence()
    parts = split(data, settings.holdout_fraction)
    chosen_on = contested(len(data.sessions))
    chosen, unseen = choose_kind(data.sessions[:chosen_on], settings, rises, evidence)
    forward = Forward(data.sessions, settings, rises, chosen, evidence)
    if len(data.sessions) == 1:
        unseen = _middle(parts.earlier[0], judging(settings), rises, chosen)
    unseen = [*unseen, *forward.between(chosen_on - 1, len(data.sessions) - 1)]
    predicted = evidence.judged(task(parts.earlier, settings, rises), chosen, parts.test_X)
    last = _held_out(data.sessions, parts, predicted)
    unseen = [*unseen, last] if unseen or len(data.sessions) > 1 else _halves(last)
    residuals = [each.residual for each in unseen]
    interval, covered = interval_of(residuals)
    holdout = judge(parts.test_y, predicted, baseline_errors(parts), parts.kind, covered)
    whole = task(data.sessions, settings, rises)
    kind = kind_of(chosen)
    final = kind.fit(whole)
    evidence.remember(whole, chosen, final)
    return Trained(
        kind=kind,
        model=final,
        holdout=holdout,
        interval=interval,
        day=estimate([(each.t, each.residual) for each in unseen]),
        gain=gain_over([each.gain for each in unseen], [each.t for each in unseen]),
        held_out=parts.held_out,
        test_X=parts.test_X,
        test_y=parts.test_y,
        test_t=parts.test_t,
        test_predicted=predicted,
        check_rows=whole.X[spread(len(whole.X), AGREEMENT_ROWS)],
        curve=_curve(parts, predicted),
        importance=kind.importance(final),
        seconds=time.perf_counter() - began,
        chosen_on=chosen_on,
    )


def _held_out(sessions: Sequence[SessionRows], parts: Split, predicted: FloatArray) -> Unseen:
    """The held-out session; of a single session its last part."""
    residual, median = parts.test_y - predicted, float(np.median(parts.train_y))
    gain = np.abs(parts.test_y - median) - np.abs(residual)
    return Unseen(parts.test_t - sessions[-1].t[0], residual, gain)


def _halves(part: Unseen) -> list[Unseen]:
    halves = zip(*(np.array_split(values, 2) for values in (part.t, part.residual, part.gain)), strict=True)
    return [Unseen(*half) for half in halves]


def _middle(begun: SessionRows, settings: Training, rises: IntArray, kind: str) -> list[Unseen]:
    """What a model of the first part of a single session says about the part before the held-out one.

    ``begun`` is the session without its held-out part. One part of a few minutes shows little; two show more, and how
    much parts differ.
    """
    early = begun.t < begun.t[0] + FIRST_SHARE * (begun.t[-1] - begun.t[0])
    if int(early.sum()) < LEAST_FIRST_ROWS:  # a model of less says little about one of the whole
        return []
    first, middle = begun.keep(early, begun.columns), begun.keep(~early, begun.columns)
    found = unseen_of(middle, fit([first], settings, rises, kind).predict(middle.X), float(np.median(first.y)))
    return [replace(found, t=middle.t - begun.t[0])]


def spread(n: int, most: int) -> IntArray:
    """At most ``most`` of the indices 0 ... n - 1, evenly from first to last."""
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).astype(np.int64)


def _curve(parts: Split, predicted: FloatArray) -> HeldOutCurve:
    shown = spread(len(predicted), CURVE_POINTS)
    return HeldOutCurve(parts.test_t[shown] - parts.test_t[0], parts.test_y[shown], predicted[shown])
