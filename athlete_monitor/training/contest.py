"""Which kind of model suits an athlete, and how far models were off on each session that they had not seen.

The comparison of kinds, the contest, is held again once there are more than ``GROWTH`` times as many sessions as the
last time: at 1, 2, 4, 7, 11, 17, 26, 40 and so on. In between its result holds, and each newer session is judged by the
model of all sessions before it. So the result depends on the sessions only and not on when training took place, and
whatever was known before one more session is still valid after it (``training/evidence.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.training.evidence import Evidence
from athlete_monitor.training.fitting import quick, task
from athlete_monitor.training.gain import beats_chance

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from athlete_monitor.arrays import FloatArray, IntArray
    from athlete_monitor.config import Training
    from athlete_monitor.training.rows import SessionRows

GROWTH: Final = 1.5
MOST_FOLDS: Final = 4
"""Groups of sessions that are held out in turn."""

LEAST_IN_GROUP: Final = 4
"""Groups of so many sessions are judged by the sessions before them. A model of fewer errs because it has few data
more than because it is older: on later runs 7.6 bpm with one, 5.4 with two, 4.9 with four, 4.4 with eight, 4.2 with
twenty-eight."""

LEAST_TO_CHOOSE: Final = 3
"""Number of sessions before the latest that is needed to choose between kinds."""


@dataclass(frozen=True)
class Unseen:
    """The errors of a model on a held-out session.

    Seconds since its start [n], strap − model [n], and the improvement over the median of the training heart rates:
    |strap − median| − |strap − model| [n], all bpm.
    """

    t: FloatArray
    residual: FloatArray
    gain: FloatArray


def unseen_of(session: SessionRows, predicted: FloatArray, median: float) -> Unseen:
    """The errors on a session of a model that says ``predicted`` and learned from heart rates with this median."""
    residual = session.y - predicted
    return Unseen(session.t - session.t[0], residual, np.abs(session.y - median) - np.abs(residual))


def contested(sessions: int) -> int:
    """How many of the first sessions take part in the contest that is valid with ``sessions``.

    >>> [contested(sessions) for sessions in (1, 2, 3, 4, 6, 7, 10, 11, 40)]
    [1, 2, 2, 4, 4, 7, 7, 11, 40]
    """
    count = 1
    while (larger := int(GROWTH * count) + 1) <= sessions:
        count = larger
    return count


def choose_kind(
    sessions: Sequence[SessionRows], settings: Training, rises: IntArray, evidence: Evidence | None = None
) -> tuple[str, list[Unseen]]:
    """The first configured kind, unless another is significantly better on earlier sessions; and the held-out errors.

    The latest session is not used. With too few sessions to choose, it is the last configured kind, the most cautious
    one: on single visits with a smart shirt a forest constrained to rise with effort was better than trees and a line
    for four of four people, by 1.3 to 1.6 bpm.
    """
    few, evidence = quick(settings), evidence or Evidence()
    if len(sessions) <= LEAST_TO_CHOOSE:
        return settings.kinds[-1], left_out(sessions, few, rises, settings.kinds[-1], evidence)
    usual, *others = settings.kinds
    unseen = {usual: left_out(sessions, few, rises, usual, evidence)}
    if len(unseen[usual]) < LEAST_TO_CHOOSE:
        return usual, unseen[usual]
    unseen |= {kind: left_out(sessions, few, rises, kind, evidence) for kind in others}
    errors = {kind: np.array([np.abs(each.residual).mean() for each in found]) for kind, found in unseen.items()}
    best = min(errors, key=lambda kind: float(errors[kind].mean()))
    chosen = best if best != usual and beats_chance(errors[usual] - errors[best]) else usual
    return chosen, unseen[chosen]


def left_out(
    sessions: Sequence[SessionRows],
    settings: Training,
    rises: IntArray,
    kind: str,
    evidence: Evidence | None = None,
) -> list[Unseen]:
    """Errors of models of other sessions on each session except the latest; neighbouring sessions form a group.

    One session has one day's bias; differences between sessions need several. A group is judged by the sessions before
    it, as in use: a model that also knows newer ones errs less, and intervals that are learned from such errors are too
    narrow after half an hour. The first group is judged by the second, and small groups each by all others.
    Used only if the others hold at least half as many rows.
    """
    evidence = evidence or Evidence()
    earlier = range(len(sessions) - 1)
    known = len(sessions) - 1 if len(sessions) - 1 >= LEAST_TO_CHOOSE else len(sessions)
    folds = [fold.tolist() for fold in np.array_split(np.array(earlier), min(len(earlier), MOST_FOLDS) or 1)]
    found: list[Unseen] = []
    for number, places in enumerate(folds):
        others = [sessions[place] for place in _learned(folds, number, known)]
        judged = sum(len(sessions[place]) for place in places)
        if not places or judged > 2 * sum(map(len, others)):
            continue
        asked = [sessions[place] for place in places]
        median = float(np.median(np.concatenate([other.y for other in others])))
        answers = evidence.predictions(task(others, settings, rises), kind, [session.X for session in asked])
        found += [unseen_of(*pair, median) for pair in zip(asked, answers, strict=True)]
    return found


def _learned(folds: Sequence[Sequence[int]], number: int, known: int) -> list[int]:
    """Places of the sessions by which the fold of this number is judged, of the first ``known``."""
    if len(folds) < MOST_FOLDS or len(folds[-1]) < LEAST_IN_GROUP:
        return [place for place in range(known) if place not in folds[number]]
    return [place for fold in (folds[:number] or folds[1:2]) for place in fold]


@dataclass(frozen=True)
class Forward:
    """Sessions, each judged by a model of all sessions before it."""

    sessions: Sequence[SessionRows]
    settings: Training
    rises: IntArray
    kind: str
    evidence: Evidence

    def between(self, first: int, end: int) -> Iterator[Unseen]:
        """The errors on each of these sessions; without the oldest one, and those that outweigh all before them."""
        for place in range(max(first, 1), end):
            before, session = self.sessions[:place], self.sessions[place]
            if 2 * sum(map(len, before)) < len(session):
                continue
            answer = self.evidence.judged(task(before, self.settings, self.rises), self.kind, session.X)
            yield unseen_of(session, answer, float(np.median(np.concatenate([each.y for each in before]))))
