"""Distance, time and entries in bands of speed."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from athlete_monitor.arrays import every, places, some
from athlete_monitor.figures import Figure, columns
from athlete_monitor.physiology.limits import SPEED_BAND_NAMES, SPEED_BANDS
from athlete_monitor.physiology.reasons import SPEED_NEEDS
from athlete_monitor.physiology.speed import JITTER_S
from athlete_monitor.physiology.squad_state import SquadState

if TYPE_CHECKING:
    from athlete_monitor.arrays import BoolArray, FloatArray, IntArray
    from athlete_monitor.physiology.speed import MotionStep

ENTRY_HELD_S: Final = 0.5
"""An entry into a band counts when the athlete stays in it for this time."""

_NAMES: Final = tuple(
    f"{what}_{band}" for what in ("metres", "seconds", "entries") for band in range(1, SPEED_BANDS + 1)
)


class SpeedBands(SquadState):
    """Distance, time and number of entries in each of five bands of speed, by the athlete's own limits.

    The speed changes evenly between two readings, so a step is shared out among the bands that it passes. Distances add
    up to the distance of the session and times to the time with a known speed. An entry counts when the athlete stays
    in a band for 0.5 s; leaving it for less does not count as another entry.
    """

    FIELDS = MappingProxyType(
        {**dict.fromkeys((*_NAMES, "steps"), 0.0), **dict.fromkeys(("in", "settled", "since"), np.nan)}
    )

    ADDED = (*_NAMES, "steps")
    FIGURES: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "distance_in_speed_bands_m", "Distance in speed bands", "m", 0, "map", "difference", needs=SPEED_NEEDS,
            digits=1, members=SPEED_BAND_NAMES,
            equation="`band_1` to `band_5`: 0-2, 2-4, 4-5.5, 5.5-7 and 7 m/s or more, or the athlete's own limits",
        ),
        Figure(
            "time_in_speed_bands_s", "Time in speed bands", "s", 0, "map", "difference", needs=SPEED_NEEDS, digits=1,
            members=SPEED_BAND_NAMES, equation="adds up to the time with a known speed",
        ),
        Figure(
            "speed_band_entries", "Entries into speed bands", "", 0, "map", "difference", needs=SPEED_NEEDS, digits=0,
            members=SPEED_BAND_NAMES, equation="stays of 0.5 s or more in a band",
        ),
    )  # fmt: skip

    def update(self, step: MotionStep, limits_mps: FloatArray) -> None:
        """Take one step of some athletes; ``limits_mps`` [4, k] are the limits between their five bands."""
        state = self._open(step.rows)
        band = (step.speed_mps >= limits_mps).sum(axis=0)
        inside = state[_INSIDE]
        stays = (band == inside) & step.joined
        columns = np.arange(len(band))
        state[band, columns] += np.where(stays, step.distance_m, 0.0)
        state[SPEED_BANDS + band, columns] += np.where(stays, step.dt_s, 0.0)
        state[_STEPS] += 1.0
        if not every(stays):
            moved = places(~stays)
            part = state[:, moved]
            _pass_bands(part, step.take(moved), band[moved], limits_mps[:, moved])
            state[:, moved] = part
        if some(inside != state[_SETTLED]):
            _settle(state, step.t - state[_SINCE] >= ENTRY_HELD_S - JITTER_S)
        self._put(step.rows, state)

    def metres(self, rows: IntArray) -> FloatArray:
        """Distance in each band so far [5, k], m; NaN for athletes without speed."""
        return self._part(0, rows)

    def seconds(self, rows: IntArray) -> FloatArray:
        """Time in each band so far [5, k], s."""
        return self._part(1, rows)

    def entries(self, rows: IntArray) -> FloatArray:
        """Entries into each band so far [5, k]."""
        return self._part(2, rows)

    def values(self, rows: IntArray) -> FloatArray:
        """Values of ``FIGURES`` for ``rows`` [k]."""
        state = self._take(rows)
        metres, seconds, entries = state[: 3 * SPEED_BANDS].reshape(3, SPEED_BANDS, -1)
        found = {"distance_in_speed_bands_m": metres, "time_in_speed_bands_s": seconds, "speed_band_entries": entries}
        return np.where(state[3 * SPEED_BANDS] > 0.0, columns(self.FIGURES, found), np.nan)

    def _part(self, part: int, rows: IntArray) -> FloatArray:
        state = self._take(rows)
        return np.where(state[3 * SPEED_BANDS] > 0.0, state[part * SPEED_BANDS : (part + 1) * SPEED_BANDS], np.nan)


_STEPS: Final = 3 * SPEED_BANDS
_INSIDE: Final = _STEPS + 1
_SETTLED: Final = _STEPS + 2
_SINCE: Final = _STEPS + 3


def _pass_bands(state: FloatArray, step: MotionStep, band: IntArray, limits_mps: FloatArray) -> None:
    """Share the step of athletes who come into another band out among the bands that they pass."""
    metres, seconds, _ = state[: 3 * SPEED_BANDS].reshape(3, SPEED_BANDS, -1)
    top, bottom = np.maximum(step.from_mps, step.speed_mps), np.minimum(step.from_mps, step.speed_mps)
    upper, lower = np.minimum(top, limits_mps), np.maximum(bottom, limits_mps)
    span = top - bottom
    share = np.diff(np.vstack([np.zeros_like(span), np.clip(upper - bottom, 0.0, None), span]), axis=0)
    even = ~(span > 0.0)
    share /= np.where(even, np.nan, span)
    if some(even):
        share[:, even] = np.arange(SPEED_BANDS)[:, None] == band[even]
    in_band_s = share * step.dt_s
    seconds += np.where(step.dt_s > 0.0, in_band_s, 0.0)
    mean_mps = 0.5 * (np.vstack([bottom, lower]) + np.vstack([upper, top]))
    metres += np.where(in_band_s > 0.0, in_band_s * mean_mps, 0.0)
    _enter(state, step, band, limits_mps)


def _enter(state: FloatArray, step: MotionStep, band: IntArray, limits_mps: FloatArray) -> None:
    """Leave the band that an athlete was in, and enter another."""
    inside, since = state[_INSIDE], state[_SINCE]
    columns = np.arange(len(band))
    edges = np.vstack([np.full(len(band), -np.inf), limits_mps, np.full(len(band), np.inf)])
    was = np.where(np.isnan(inside), band, inside).astype(np.int64)
    rises = band > was
    left_t = step.crossed_t(np.where(rises, edges[was + 1, columns], edges[was, columns]))
    _settle(state, step.joined & (left_t - since >= ENTRY_HELD_S - JITTER_S))
    entered_t = step.crossed_t(np.where(rises, edges[band, columns], edges[band + 1, columns]))
    known = ~np.isnan(step.speed_mps)
    np.copyto(since, np.where(step.joined, entered_t, step.t), where=known)
    np.copyto(inside, band, where=known)


def _settle(state: FloatArray, held: BoolArray) -> None:
    """Count an entry of those who ``held`` [k] a band that is not the one that they settled in before."""
    inside, settled = state[_INSIDE], state[_SETTLED]
    index = places(held & (inside != settled) & ~np.isnan(inside))
    state[2 * SPEED_BANDS + inside[index].astype(np.int64), index] += 1.0
    settled[index] = inside[index]
