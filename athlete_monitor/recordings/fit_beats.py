"""Beats in FIT files: the intervals of ``hrv`` messages, and the memory of a strap in ``hr`` messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.recordings.fit_messages import FitFile, Messages

HRV, HR = 78, 132
_TICKS: Final = 1024.0


def hrv_beats(file: FitFile, records: Messages) -> dict[int, tuple[float, ...]]:
    """Return the beat intervals of ``hrv`` messages in ms, at the record that follows them in the file."""
    messages = file.of(HRV)
    rr: dict[int, tuple[float, ...]] = {}
    rows = np.minimum(np.searchsorted(records.position, messages.position), len(records) - 1)
    for row, beats in zip(rows.tolist(), messages.lists(0), strict=True):
        if len(beats):
            rr[row] = (*rr.get(row, ()), *beats.tolist())
    return rr


def strap_memory(file: FitFile) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the beats in a strap's memory: epoch seconds, filtered bpm, and ms since the beat before (NaN if lost)."""
    messages = file.of(HR)
    times: list[float] = []
    rates: list[float] = []
    breaks: list[int] = []
    reference: tuple[float, float] | None = None
    last = 0.0
    stamps, fractions = messages.timestamp, messages.number(0, scale=32768.0)
    rows = zip(stamps, fractions, messages.lists(9), messages.raw(10), messages.lists(6), strict=True)
    for stamp, fraction, full, packed, bpm in rows:
        beats = (full * 1.0).tolist() or _expanded(packed.tolist(), last)
        if not beats:
            continue
        if not np.isnan(stamp) and len(full):
            reference = (stamp + (0.0 if np.isnan(fraction) else fraction), beats[0])
        if reference is None:
            continue
        breaks += [len(times)] if len(full) else []
        times += [reference[0] + (beat - reference[1]) / _TICKS for beat in beats]
        rates += [*bpm.tolist()[: len(beats)], *[np.nan] * (len(beats) - len(bpm))]
        last = beats[-1]
    t = np.array(times)
    rr = np.diff(t, prepend=np.nan) * 1000
    rr[[place for place in breaks if place < len(rr)]] = np.nan
    rr[(rr < 200) | (rr > 3000)] = np.nan
    return t, np.array(rates), rr


def _expanded(packed: Sequence[int], last: float) -> list[float]:
    """Return the ticks in packed 12-bit numbers, each continuing from the one before it."""
    found: list[float] = []
    now = int(last)
    for place in range(0, len(packed) - 2, 3):
        low, middle, high = packed[place : place + 3]
        for value in (low | (middle & 0x0F) << 8, middle >> 4 | high << 4):
            now += (value - now) % 4096
            found.append(float(now))
    return found


def remembered(t: FloatArray, heard: FloatArray | None, memory_t: FloatArray, bpm: FloatArray) -> FloatArray:
    """Return the mean of the stored rates since the row before, else the watch's reading."""
    good = ~np.isnan(bpm) & (bpm > 0)
    order = np.argsort(memory_t[good], kind="stable")
    at, rate = memory_t[good][order], bpm[good][order]
    ends = np.searchsorted(at, t, "right")
    starts = np.concatenate([ends[:1] * 0, ends[:-1]])
    starts = np.maximum(starts, np.searchsorted(at, t - 5.0, "right"))
    sums = np.concatenate([[0.0], np.cumsum(rate)])
    count = ends - starts
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(count > 0, (sums[ends] - sums[starts]) / count, np.nan)
    return np.where(np.isnan(mean), np.full(len(t), np.nan) if heard is None else heard, mean)


def beats_by_row(t: FloatArray, memory_t: FloatArray, rr: FloatArray) -> dict[int, tuple[float, ...]]:
    """Return intervals in ms by the row, at times ``t``, in which their beats were."""
    rows = np.searchsorted(t, memory_t)
    found: dict[int, tuple[float, ...]] = {}
    for row, beat in zip(rows.tolist(), np.round(rr, 1).tolist(), strict=True):
        if row < len(t) and beat == beat:  # noqa: PLR0124 - not NaN
            found[row] = (*found.get(row, ()), beat)
    return found
