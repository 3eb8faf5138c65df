"""The model of one athlete: evaluated on held-out data, then fitted to all data."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.models.kind import Task
from athlete_monitor.models.kinds import kind_of
from athlete_monitor.training.day_form import estimate
from athlete_monitor.training.evaluation import Split, baseline_errors, interval_of, judge, split
from athlete_monitor.training.gain import Gain, beats_chance, gain_over

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import Float32Array, FloatArray, IntArray
    from athlete_monitor.config import Training
    from athlete_monitor.models.day import DayForm
    from athlete_monitor.models.kind import Kind
    from athlete_monitor.models.manifest import Holdout, ResidualQuantiles
    from athlete_monitor.training.rows import AthleteData, SessionRows

HALF_LIFE_SESSIONS: Final = 8.0

MOST_FOLDS: Final = 4
INTERVAL_TREES: Final = 20
INTERVAL_ROWS: Final = 4000
"""Groups of sessions that are held out in turn, and trees and rows of the models that are only for evaluation."""

JUDGING_TREES: Final = 30
"""Trees of a model that is only judged on held-out rows: on forty runs its error is within 0.05 bpm of one of sixty."""

FIRST_SHARE: Final = 0.55
"""Share of the learned part of a single session that a first model learns from, to be judged on the rest of it."""

LEAST_FIRST_ROWS: Final = 100
"""Rows of a first model that may be judged in a single session."""

LEAST_TO_CHOOSE: Final = 3
"""Number of sessions before the latest that is needed to choose between kinds."""

AGREEMENT_ROWS: Final = 1000
CURVE_POINTS: Final = 600


@dataclass(frozen=True)
class Curve:
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
    ``gain`` is how much better than the athlete's median it is, on all that was held out in turn.
    """

    kind: Kind
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
    curve: Curve
    importance: FloatArray
    seconds: float

    def without_rows(self) -> Trained:
        """The same without the rows that only publishing needs."""
        none = self.test_y[:0].copy()
        return replace(
            self,
            test_X=self.test_X[:0].copy(),
            test_y=none,
            test_t=none,
            test_predicted=none,
            check_rows=self.check_rows[:1].copy(),
        )


def fit(sessions: Sequence[SessionRows], settings: Training, rises: IntArray, kind: str) -> Any:  # noqa: ANN401
    """Fit a model of a kind to sessions, oldest first."""
    return kind_of(kind).fit(task(sessions, settings, rises))


def task(sessions: Sequence[SessionRows], settings: Training, rises: IntArray) -> Task:
    """The training rows: every n-th row of each session, so that all fit in ``max_rows``.

    A session has half the weight of one that is ``HALF_LIFE_SESSIONS`` newer, because form and sensors change.
    """
    sessions = [session.learned for session in sessions]
    step = max(1, -(-sum(map(len, sessions)) // settings.max_rows))
    lengths = [len(session.y[::step]) for session in sessions]
    number = np.repeat(np.arange(len(sessions)), lengths)
    weight = 0.5 ** ((len(sessions) - 1 - number) / HALF_LIFE_SESSIONS)
    return Task(
        X=np.concatenate([session.X[::step] for session in sessions]),
        y=np.concatenate([session.y[::step] for session in sessions]),
        weight=weight / weight.mean(),
        session=number,
        rises=rises,
        shape=settings,
    )


def judging(settings: Training) -> Training:
    """The settings of a model that is judged on held-out rows and not published."""
    return settings.model_copy(update={"n_estimators": min(settings.n_estimators, JUDGING_TREES)})


def train_athlete(data: AthleteData, settings: Training, rises: IntArray) -> Trained:
    """Evaluate a model on held-out data, then fit the one to deploy to all data.

    The kind is chosen on sessions before the one that it is evaluated on.

    Raises:
        TrainingError: too few rows on one side.
    """
    began = time.perf_counter()
    parts = split(data, settings.holdout_fraction)
    chosen, unseen = choose_kind(data.sessions, settings, rises)
    if len(data.sessions) == 1:
        unseen = _middle(parts.earlier[0], judging(settings), rises, chosen)
    predicted = fit(parts.earlier, judging(settings), rises, chosen).predict(parts.test_X)
    last = _held_out(data.sessions, parts, predicted)
    unseen = [*unseen, last] if unseen or len(data.sessions) > 1 else _halves(last)
    residuals = [each.residual for each in unseen]
    interval, covered = interval_of(residuals)
    holdout = judge(parts.test_y, predicted, baseline_errors(parts), parts.kind, covered)
    kind, final = kind_of(chosen), fit(data.sessions, settings, rises, chosen)
    check = task(data.sessions, settings, rises).X
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
        check_rows=check[spread(len(check), AGREEMENT_ROWS)],
        curve=_curve(parts, predicted),
        importance=kind.importance(final),
        seconds=time.perf_counter() - began,
    )


@dataclass(frozen=True)
class Unseen:
    """The errors of a model on a held-out session.

    Seconds since its start [n], strap − model [n], and the improvement over the median of the training heart rates:
    |strap − median| − |strap − model| [n], all bpm.
    """

    t: FloatArray
    residual: FloatArray
    gain: FloatArray


def _unseen(session: SessionRows, predicted: FloatArray, median: float) -> Unseen:
    residual = session.y - predicted
    return Unseen(session.t - session.t[0], residual, np.abs(session.y - median) - np.abs(residual))


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
    found = _unseen(middle, fit([first], settings, rises, kind).predict(middle.X), float(np.median(first.y)))
    return [replace(found, t=middle.t - begun.t[0])]


def choose_kind(sessions: Sequence[SessionRows], settings: Training, rises: IntArray) -> tuple[str, list[Unseen]]:
    """The first configured kind, unless another is significantly better on earlier sessions; and the held-out errors.

    The latest session is not used. With too few sessions to choose, it is the last configured kind, the most cautious
    one: on single visits with a smart shirt a forest constrained to rise with effort was better than trees and a line
    for four of four people, by 1.3 to 1.6 bpm.
    """
    quick = settings.model_copy(
        update={
            "n_estimators": min(settings.n_estimators, INTERVAL_TREES),
            "max_rows": min(settings.max_rows, INTERVAL_ROWS),
        }
    )
    if len(sessions) <= LEAST_TO_CHOOSE:
        return settings.kinds[-1], left_out(sessions, quick, rises, settings.kinds[-1])
    usual, *others = settings.kinds
    unseen = {usual: left_out(sessions, quick, rises, usual)}
    if len(unseen[usual]) < LEAST_TO_CHOOSE:
        return usual, unseen[usual]
    unseen |= {kind: left_out(sessions, quick, rises, kind) for kind in others}
    errors = {kind: np.array([np.abs(each.residual).mean() for each in found]) for kind, found in unseen.items()}
    best = min(errors, key=lambda kind: float(errors[kind].mean()))
    chosen = best if best != usual and beats_chance(errors[usual] - errors[best]) else usual
    return chosen, unseen[chosen]


def left_out(sessions: Sequence[SessionRows], settings: Training, rises: IntArray, kind: str) -> list[Unseen]:
    """Errors of models of the other sessions on each session except the latest; neighbouring sessions form a group.

    One session has one day's bias; differences between sessions need several. Used only if the others hold at least
    half as many rows.
    """
    earlier = range(len(sessions) - 1)
    known = len(sessions) - 1 if len(sessions) - 1 >= LEAST_TO_CHOOSE else len(sessions)
    rows = sum(len(session) for session in sessions[:known])
    found: list[Unseen] = []
    for fold in np.array_split(np.array(earlier, dtype=np.int64), min(len(earlier), MOST_FOLDS) or 1):
        places = set(fold.tolist())
        if not places or 3 * sum(len(sessions[place]) for place in places) > 2 * rows:
            continue
        others = [session for place, session in enumerate(sessions[:known]) if place not in places]
        model, median = fit(others, settings, rises, kind), float(np.median(np.concatenate([o.y for o in others])))
        found += [_unseen(sessions[p], model.predict(sessions[p].X), median) for p in sorted(places)]
    return found


def spread(n: int, most: int) -> IntArray:
    """At most ``most`` of the indices 0 ... n - 1, evenly from first to last."""
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).astype(np.int64)


def _curve(parts: Split, predicted: FloatArray) -> Curve:
    shown = spread(len(predicted), CURVE_POINTS)
    return Curve(parts.test_t[shown] - parts.test_t[0], parts.test_y[shown], predicted[shown])
