"""An athlete's training data: which sessions are usable, which channel groups they share, and which rows have these."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.features import GROUPS
from athlete_monitor.training.errors import TooFewSessionsError, TrainingError, brief
from athlete_monitor.training.rows import AthleteData, SessionRows, Unusable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from athlete_monitor.features import FeatureSpec

USUAL_SHARE: Final = 0.5
"""A session holds a group if the group is available in at least this share of its rows."""

LEAST_SESSION_ROWS: Final = 30
SHARED_ROWS_LIMIT: Final = 0.2
LEAST_SPREAD_BPM: Final = 0.5


def assemble(
    athlete_id: int,
    found: Iterable[SessionRows | Unusable],
    spec: FeatureSpec,
    sessions_to_use: int,
    min_sessions: int,
    min_rows: int,
) -> AthleteData:
    """Choose the latest usable sessions, the groups that they share, and the rows that have these groups.

    Raises:
        TooFewSessionsError: fewer usable sessions than ``min_sessions``.
        TrainingError: too few rows, no channel but the heart rate, or a constant heart rate.
    """
    usable, unusable = _sort_out(found)
    usable, repeated = _apart(usable)
    moving = sorted(usable, key=lambda session: float(session.t[0]))
    groups, usable, without = _common_groups(moving)
    usable = usable[-sessions_to_use:]
    columns = spec.columns(groups)
    needed = np.array([group in groups for group in GROUPS])
    kept = [session.keep(np.logical_and.reduce(session.available[:, needed], axis=1), columns) for session in usable]
    sessions, too_short = _sort_out(kept)
    data = AthleteData(athlete_id, groups, tuple(sessions), (*unusable, *repeated, *without, *too_short))
    _check_enough(data, min_sessions, min_rows)
    return data


def enough(data: AthleteData, min_sessions: int, min_rows: int) -> AthleteData:
    """Leave out sessions that have lost nearly all of their rows.

    Raises:
        TrainingError: as for ``assemble``, for what is left.
    """
    sessions, lost = _sort_out(data.sessions)
    data = replace(data, sessions=tuple(sessions), unusable=(*data.unusable, *lost))
    _check_enough(data, min_sessions, min_rows)
    return data


def _sort_out(found: Iterable[SessionRows | Unusable]) -> tuple[list[SessionRows], list[Unusable]]:
    usable, unusable = [], []
    for item in found:
        if isinstance(item, Unusable):
            unusable.append(item)
        elif len(item) < LEAST_SESSION_ROWS:
            reason = f"only {len(item)} rows with a clean heart rate, {LEAST_SESSION_ROWS} are needed"
            unusable.append(Unusable(item.file, item.sha256, "; ".join((reason, *item.notes))))
        else:
            usable.append(item)
    return usable, unusable


def _apart(sessions: Iterable[SessionRows]) -> tuple[list[SessionRows], list[Unusable]]:
    """Leave out sessions that share minutes or measurements with a better one: held-out data must be independent.

    The better one has more usable rows, and contains most information of the other. Among equals the first name is
    kept, so that the choice is the same each time.
    """
    kept: list[SessionRows] = []
    left_out = []
    for session in sorted(sessions, key=lambda session: (-len(session), session.file)):
        reason = next(filter(None, (_shared(session, better) for better in kept)), "")
        if reason:
            left_out.append(Unusable(session.file, session.sha256, reason))
        else:
            kept.append(session)
    return kept, left_out


def _shared(session: SessionRows, better: SessionRows) -> str:
    """What a session has in common with a better one, and what to do; empty if nothing."""
    advice = (
        f", which has {len(better)} usable rows against {len(session)}; "
        f"if {session.file} is the better one, move the other out of its folder and train with --force"
    )
    if session.t[0] <= better.t[-1] and better.t[0] <= session.t[-1]:
        return f"overlaps in time with {better.file}{advice}"
    share = float(np.isin(session.prints, better.prints).mean())
    return f"repeats {share:.0%} of the measurements of {better.file}{advice}" if share > SHARED_ROWS_LIMIT else ""


def _held_groups(session: SessionRows) -> set[str]:
    share = session.available.mean(axis=0)
    return {group for group, part in zip(GROUPS, share.tolist(), strict=True) if part >= USUAL_SHARE}


def _common_groups(
    sessions: Sequence[SessionRows],
) -> tuple[tuple[str, ...], list[SessionRows], list[Unusable]]:
    """Choose the groups for training: held by the latest session that measured any, and by most rows of the others.

    Returns the groups, the sessions that hold all of them, and those that do not, each with the reason.
    """
    held = [_held_groups(session) for session in sessions]
    latest = next((groups for groups in reversed(held) if groups), set[str]())
    choices = sorted({tuple(group for group in GROUPS if group in latest & groups) for groups in held} - {()})
    if not choices:
        return (), [], [_without_movement(session) for session in sessions]
    rows = {choice: sum(len(s) for s, g in zip(sessions, held, strict=True) if g >= set(choice)) for choice in choices}
    chosen = max(choices, key=lambda choice: (rows[choice] * len(choice), len(choice)))
    usable = [session for session, groups in zip(sessions, held, strict=True) if groups >= set(chosen)]
    left = [
        _without_movement(session) if not groups else _without_groups(session, sorted(set(chosen) - groups))
        for session, groups in zip(sessions, held, strict=True)
        if not groups >= set(chosen)
    ]
    return chosen, usable, left


def _without_movement(session: SessionRows) -> Unusable:
    reason = f"measures only the heart rate; one of {', '.join(GROUPS)} is needed for training"
    return Unusable(session.file, session.sha256, reason)


def _without_groups(session: SessionRows, missing: Sequence[str]) -> Unusable:
    return Unusable(session.file, session.sha256, f"has no {', '.join(missing)}, which the other sessions have")


def _check_enough(data: AthleteData, min_sessions: int, min_rows: int) -> None:
    why = brief([f"{item.file}: {item.reason}" for item in data.unusable], "; ")
    because = f" ({why})" if why else ""
    if len(data.sessions) < max(min_sessions, 1):
        raise TooFewSessionsError(f"{len(data.sessions)} usable sessions, {max(min_sessions, 1)} are needed{because}")
    if not data.groups:
        raise TrainingError(f"there is no channel except the heart rate; one of {', '.join(GROUPS)} is needed{because}")
    if data.rows < min_rows:
        raise TrainingError(f"{data.rows} rows with a clean heart rate, {min_rows} are needed{because}")
    y = np.concatenate([session.y for session in data.sessions])
    if float(y.std()) < LEAST_SPREAD_BPM:
        raise TrainingError(
            f"the heart rate is constant ({float(np.median(y)):.0f} bpm): it cannot be used for training"
        )
