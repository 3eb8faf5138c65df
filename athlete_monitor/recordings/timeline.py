"""Times of a recording as devices write them, put in order; every repair is noted."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.dates import EARLIEST, LATEST
from athlete_monitor.recordings.plural import plural

if TYPE_CHECKING:
    from datetime import tzinfo

    from athlete_monitor.arrays import BoolArray, FloatArray, IntArray
    from athlete_monitor.recordings.imported import Imported

SESSION_GAP_S: Final = 3 * 3600.0
"""A longer gap separates two sessions of one file."""
_LONG_AGO_S: Final = 2 * 86_400.0
_CLOCK_SET_S: Final = 12 * 3600.0
_FIRST_ROWS_SHARE: Final = 0.2
_MANY_STEPS_BACK: Final = 20
_MANY_STEPS_AHEAD: Final = 100
"""No clock is set so often: these rows are days apart."""
_SAME_MS: Final = 0.0005
_MOSTLY: Final = 0.9
"""Of the times with several rows, the share that can be joined; of fewer, the rows are readings of a faster sensor."""
_FEW_ROWS: Final = 20
"""So many rows may be of one second."""


def ordered(recording: Imported) -> Imported:
    """Return the recording with increasing times.

    A clock that was set during the session is repaired: earlier rows move to just before the moment at which it was
    set. Rows that are only out of order are sorted. Rows of one time that hold different measurements become one row.
    Rows with whole seconds that share their second are spread over it. If rows repeat a time, the one with more
    measurements is kept.

    Raises:
        RecordingError: all rows have the same time.
    """
    timed = _of_this_century(_clock_set(_with_times(recording)))
    if len(timed.t) < 2:
        return timed
    if len(timed.t) > _FEW_ROWS and not np.ptp(timed.t):
        raise RecordingError(
            f"{recording}: all its {len(timed.t):,} rows have the same time: a spreadsheet may have rounded it"
        )
    return _deduplicated(_spread(_joined(_sorted(timed))))


def sessions(recording: Imported) -> list[Imported]:
    """Return the recording cut where it pauses for hours."""
    cuts = np.flatnonzero(np.diff(recording.t) > SESSION_GAP_S) + 1
    if not len(cuts):
        return [recording]
    parts = [recording.rows(index) for index in np.split(np.arange(len(recording.t)), cuts)]
    note = f"pauses for more than {SESSION_GAP_S / 3600:g} h: imported as {len(parts)} sessions"
    return [
        dataclasses.replace(_own_beats(part, recording, index), totals={}).noted(note)
        for index, part in enumerate(parts)
    ]


def _own_beats(part: Imported, whole: Imported, number: int) -> Imported:
    """Beats stay with the session in which they were measured."""
    cuts = np.concatenate([[0], np.flatnonzero(np.diff(whole.t) > SESSION_GAP_S) + 1, [len(whole.t)]])
    low, high = int(cuts[number]), int(cuts[number + 1])
    return dataclasses.replace(part, rr={row - low: beats for row, beats in whole.rr.items() if low <= row < high})


def in_zone(recording: Imported, zone: tzinfo | None) -> Imported:
    """Return the recording with the zone's offset at its start, unless it knows its own."""
    known = recording.t[(recording.t >= EARLIEST) & (recording.t < LATEST)]
    if zone is None or recording.offset_s is not None or not len(known):
        return recording
    offset = datetime.fromtimestamp(float(known[0]), zone).utcoffset()
    return recording if offset is None else dataclasses.replace(recording, offset_s=round(offset.total_seconds()))


def usual_step_s(t: FloatArray) -> float:
    """Return the usual interval between rows, s; 1 if there is none.

    >>> usual_step_s(np.array([0.0, 1.0, 2.0, 9.0]))
    1.0
    """
    steps = np.diff(t)
    steps = steps[steps > 0]
    return float(np.median(steps)) if len(steps) else 1.0


def _with_times(recording: Imported) -> Imported:
    good = np.isfinite(recording.t)
    return recording if good.all() else recording.rows(np.flatnonzero(good))


def _clock_set(recording: Imported) -> Imported:
    """Repair a clock that was set while the device recorded."""
    t = recording.t.copy()
    steps = np.diff(t)
    if (steps < -_SAME_MS).sum() > _MANY_STEPS_BACK or (len(steps) and (steps <= 0).all()):
        return recording
    notes = []
    usual = usual_step_s(t)
    ahead = steps > _CLOCK_SET_S
    for row in np.flatnonzero((steps < -_SAME_MS) | (ahead & (ahead.sum() <= _MANY_STEPS_AHEAD))).tolist():
        jump = float(t[row + 1] - t[row])
        if _is_late(t, row) or _is_repeat(recording, t, row) or not _is_set(t, row, jump):
            continue
        t[: row + 1] += jump - usual
        rows = plural(row + 1, "row before it moves", "rows before it move")
        notes.append(f"the clock was set at row {row + 2} of the recording: {rows} {_span(jump - usual)}")
    return dataclasses.replace(recording, t=t).noted(*notes)


def _of_this_century(recording: Imported) -> Imported:
    beyond = (recording.t < EARLIEST) | (recording.t >= LATEST)
    if not beyond.any():
        return recording
    left_out = f"{plural(int(beyond.sum()), 'row has', 'rows have')} a time outside 2000 to 2099 and are left out"
    return recording.rows(np.flatnonzero(~beyond)).noted(left_out)


def _is_set(t: FloatArray, row: int, jump: float) -> bool:
    """Whether a jump is a clock being set, not a pause: it goes back, or just a few rows before it differ."""
    if jump < 0:
        return True
    few = row + 1 <= max(_FIRST_ROWS_SHARE * len(t), 1)
    return (few and jump > _LONG_AGO_S) or t[row] < EARLIEST


def _is_late(t: FloatArray, row: int) -> bool:
    """Whether only the next row is out of order: a clock that was set back stays behind for some rows."""
    return row + 2 < len(t) and bool(t[row + 1] < t[row] < t[row + 2])


def _is_repeat(recording: Imported, t: FloatArray, row: int) -> bool:
    """Whether rows from here repeat rows that were already sent, as after a reconnect."""
    again = t[row + 1]
    first = int(np.searchsorted(np.sort(t[: row + 1]), again - _SAME_MS))
    if first > row or abs(np.sort(t[: row + 1])[first] - again) > _SAME_MS:
        return False
    old = int(np.flatnonzero(np.abs(t[: row + 1] - again) <= _SAME_MS)[0])
    compared = [(column[old], column[row + 1]) for column in recording.channels.values()]
    known = [(a, b) for a, b in compared if not (np.isnan(a) or np.isnan(b))]
    return bool(known) and all(a == b for a, b in known)


def _span(seconds: float) -> str:
    magnitude = abs(seconds)
    way = "back" if seconds < 0 else "forward"
    amount = f"{magnitude / 86_400:,.1f} days" if magnitude >= 86_400 else f"{magnitude:,.1f} s"
    return f"{way} by {amount}"


def _sorted(recording: Imported) -> Imported:
    steps = np.diff(recording.t)
    if (steps >= 0).all():
        return recording
    note = "rows run from the newest to the oldest; they are put in order"
    if (steps > 0).any():
        note = f"{plural(int((steps < 0).sum()), 'step', 'steps')} back in time: the rows are put in order"
    return recording.rows(np.argsort(recording.t, kind="stable")).noted(note)


def _joined(recording: Imported) -> Imported:
    """Join rows of one time that hold different channels: some devices write a row for each sensor."""
    group = np.cumsum(np.concatenate([[True], np.diff(recording.t) > _SAME_MS])) - 1
    size = np.bincount(group)
    several = size > 1
    known = {name: np.bincount(group[~np.isnan(column)], minlength=len(size)) for name, column in _measured(recording)}
    fits = several & np.all([count < 2 for count in known.values()], axis=0)
    if not fits.any() or fits.sum() < _MOSTLY * several.sum():
        return recording
    first = np.concatenate([[0], np.cumsum(size)[:-1]])
    kept = np.concatenate([first[fits], np.flatnonzero(~fits[group])])
    note = (
        f"{plural(int(size[fits].sum()), 'row', 'rows')} that hold different measurements of the same times are joined"
    )
    joined = dataclasses.replace(
        recording,
        channels={name: _of_groups(column, group, fits, known[name]) for name, column in recording.channels.items()},
        rr={int(first[group[row]]) if fits[group[row]] else row: beats for row, beats in recording.rr.items()},
    )
    return joined.rows(np.sort(kept)).noted(note)


def _measured(recording: Imported) -> list[tuple[str, FloatArray]]:
    """Return the channels, and the beats as one more."""
    beats = np.full(len(recording.t), np.nan)
    beats[list(recording.rr)] = 1.0
    return [*recording.channels.items(), ("", beats)]


def _of_groups(column: FloatArray, group: IntArray, fits: BoolArray, known: IntArray) -> FloatArray:
    """Return a column in which each row of a joined group has the only measurement of its group."""
    only = np.bincount(group, weights=np.nan_to_num(column), minlength=len(known))
    return np.where(fits[group], np.where(known > 0, only, np.nan)[group], column)


def _spread(recording: Imported) -> Imported:
    """Spread rows that share a whole second, or a batch's single time, evenly up to the next one."""
    t = recording.t
    starts = np.flatnonzero(np.concatenate([[True], np.diff(t) > 0]))
    sizes = np.diff(np.append(starts, len(t)))
    usual = int(np.median(sizes))
    if usual < 2 or len(starts) < 3:
        return recording
    step = usual_step_s(t)
    room = np.minimum(np.diff(t[starts], append=t[-1] + step), step)
    rows = np.repeat(np.where(sizes < usual, usual, sizes), sizes)
    place = np.arange(len(t)) - np.repeat(starts, sizes)
    note = f"rows that share a time are spread evenly ({usual} in {step:g} s)"
    return dataclasses.replace(recording, t=t + place / rows * np.repeat(room, sizes)).noted(note)


def _deduplicated(recording: Imported) -> Imported:
    first = np.concatenate([[True], np.diff(recording.t) > _SAME_MS])
    if first.all():
        return recording
    group = np.cumsum(first) - 1
    measured = sum((~np.isnan(column)).astype(np.int64) for column in recording.channels.values())
    order = np.lexsort((np.arange(len(group)), -np.asarray(measured), group))
    keep = np.sort(order[np.concatenate([[True], np.diff(group[order]) > 0])])
    count = len(recording.t) - len(keep)
    repeats = plural(count, "row repeats the time of another and is", "rows repeat the time of others and are")
    return _without_beats_of_repeats(recording, keep).noted(f"{repeats} left out")


def _without_beats_of_repeats(recording: Imported, keep: IntArray) -> Imported:
    kept = set(keep.tolist())
    same = {row: beats for row, beats in recording.rr.items() if row in kept or beats not in _near(recording, row)}
    return dataclasses.replace(recording, rr=same).rows(keep)


def _near(recording: Imported, row: int) -> list[tuple[float, ...]]:
    return [recording.rr[other] for other in (row - 1, row + 1) if other in recording.rr]
