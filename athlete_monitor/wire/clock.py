"""Correction of a recording's clock: rows are put in order, and steps of the clock are removed.

A recorder's clock may be set while it records: by GPS, by a phone, by hand. Rows that only arrived late are put in
order, rows that were written twice are removed, and the rows after a step of the clock are moved so that time continues
by one usual interval, as in the live stream. Pauses are preserved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from athlete_monitor.arrays import BoolArray, FloatArray, IntArray

DAY_S: Final = 86_400.0
MINUTE_S: Final = 60.0
AGREEING: Final = 5
"""Consecutive rows after which a time that goes back is a step of the clock; fewer rows only arrived late."""
SET_AT_START: Final = 0.1
"""A jump of more than a day means that the clock was set, if at most this share of the rows is on one side of it."""


@dataclass(frozen=True)
class Straight:
    """The corrected rows.

    Attributes:
        rows: indices of the remaining rows, in the order of time.
        t: their times, never falling.
        notes: what was done, one sentence each.
    """

    rows: IntArray
    t: FloatArray
    notes: tuple[str, ...]


def straighten(t: FloatArray, values: FloatArray, lines: IntArray) -> Straight:
    """Put rows in the order of time and remove steps of the clock.

    Args:
        t: epoch seconds as recorded [n].
        values: what was measured [n, channels]; identifies rows that were written twice.
        lines: the line of each row in its file, for the notes [n].

    >>> straighten(np.array([5.0, 6.0, 8.0, 7.0, 9.0]), np.arange(5.0)[:, None], np.arange(5) + 2).rows
    array([0, 1, 3, 2, 4])
    """
    steps = np.diff(t)
    if not len(steps) or ((steps >= 0.0) & (steps <= DAY_S)).all():
        return Straight(np.arange(len(t)), t, ())
    rows = np.flatnonzero(~_repeated(t, values))
    notes = [f"{len(t) - len(rows)} rows occur twice; one of each is ignored"] if len(rows) < len(t) else []
    parts = np.split(rows, _steps(t[rows]))
    kept = [part for part in parts if len(part) >= AGREEING] or parts
    lost = sum(map(len, parts)) - sum(map(len, kept))
    if lost:
        notes.append(f"{lost} rows whose time does not fit the rows around them are ignored")
    ordered = [part[np.argsort(t[part], kind="stable")] for part in kept]
    late = sum(int((np.diff(t[part]) < 0).sum()) for part in kept)
    if late:
        notes.append(f"the time goes back {late} times for a few rows; the rows are put in order")
    shifts = _shifts([t[part] for part in ordered], _usual_s(t))
    notes += _step_notes(t, kept, shifts, lines)
    moved = [t[part] + shift for part, shift in zip(ordered, shifts, strict=True)]
    return Straight(np.concatenate(ordered), np.concatenate(moved), tuple(notes))


def _repeated(t: FloatArray, values: FloatArray) -> BoolArray:
    """Rows that repeat an earlier row: they were sent twice after a lost connection."""
    late = t < np.maximum.accumulate(t)
    repeated = np.zeros(len(t), dtype=bool)
    if not late.any():
        return repeated
    seen: set[tuple[float, bytes]] = set()
    for row, (at, is_late) in enumerate(zip(t.tolist(), late.tolist(), strict=True)):
        key = (at, values[row].tobytes())
        repeated[row] = key in seen and (is_late or repeated[row - 1])
        seen.add(key)
    return repeated


def _steps(t: FloatArray) -> list[int]:
    """The first row after each step of the clock."""
    interval = np.diff(t)
    back = np.flatnonzero(interval < 0.0) + 1
    ahead = np.flatnonzero(interval > MINUTE_S) + 1
    set_back = [row for row in back.tolist() if not _catches_up(t, row)]
    return sorted([*set_back, *(row for row in ahead.tolist() if _is_set_ahead(t, row) or _comes_back(t, row))])


def _is_set_ahead(t: FloatArray, row: int) -> bool:
    return bool(t[row] - t[row - 1] > DAY_S and min(row, len(t) - row) < SET_AT_START * len(t))


def _comes_back(t: FloatArray, row: int) -> bool:
    """Whether only a few rows from here are ahead of all others."""
    before, following = t[row - 1], t[row + 1 : row + AGREEING]
    return bool(((following >= before) & (following - before < 0.5 * (t[row] - before))).any())


def _catches_up(t: FloatArray, row: int) -> bool:
    """Whether the rows from here only arrived late: soon the time is where it was before."""
    before = t[row - 1]
    following = t[row : row + AGREEING + 1]
    if len(following) <= AGREEING and following.max() <= before:
        return True
    return bool((np.diff(following) > 0.5 * (before - t[row])).any() and following.max() >= before)


def _usual_s(t: FloatArray) -> float:
    intervals = np.diff(t)
    usual = intervals[(intervals > 0.0) & (intervals <= DAY_S)]
    return float(np.median(usual)) if len(usual) else 1.0


def _shifts(times: list[FloatArray], usual_s: float) -> list[float]:
    """Return the offset of each part that makes all follow each other; the longest part is not moved."""
    anchor = max(range(len(times)), key=lambda part: len(times[part]))
    shifts = [0.0] * len(times)
    for part in range(anchor + 1, len(times)):
        gap = times[part][0] - times[part - 1][-1]
        shifts[part] = shifts[part - 1] + (0.0 if 0.0 <= gap <= DAY_S else usual_s - gap)
    for part in range(anchor - 1, -1, -1):
        gap = times[part + 1][0] - times[part][-1]
        shifts[part] = shifts[part + 1] - (0.0 if 0.0 <= gap <= DAY_S else usual_s - gap)
    return [float(shift) for shift in shifts]


def _step_notes(t: FloatArray, parts: list[IntArray], shifts: list[float], lines: IntArray) -> list[str]:
    notes = []
    for before, after, shift, other in zip(parts, parts[1:], shifts[1:], shifts, strict=False):
        if shift != other:
            by = float(t[after[0]] - t[before[-1]])
            way = f"{-by:g} s back" if by < 0 else f"{by:g} s ahead"
            notes.append(f"the clock jumps {way} on line {lines[after[0]]}; the rows are moved so that time continues")
    return notes
