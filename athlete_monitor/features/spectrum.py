"""Spectrum of the acceleration's magnitude over the last seconds: dominant frequency and spectral energy.

Definition. The length of the acceleration is taken as linear between samples and averaged over bins of 0.1 s; so any
sample rate from 10 Hz up and irregular times give the same grid, and what is faster than the grid is averaged out. Of
the last 64 bins (6.4 s) the mean is removed, a Hann window is applied, and the power P at k / 6.4 Hz comes from a fast
Fourier transform. In the band from 0.47 to 5 Hz:

- spectral energy: 2 ΣP / (N Σw²), the mean square of the movement in the band, (m/s²)²;
- dominant frequency: the mean frequency of the largest P and of its two neighbours, weighted by P, Hz; 0 below a
  spectral energy of 0.05 (m/s²)²: nobody moves.

Both change every half second. Until the window is full, missing bins count as the mean. After a gap of more than one
second, forwards or backwards, the window begins again.

Sources: Bao and Intille 2004 (Pervasive Computing, LNCS 3001:1) for spectral energy and frequency features of
acceleration; Welch 1967 (IEEE Trans Audio Electroacoust 15:70) for the scale of a windowed periodogram. Every operation
is elementwise, in an order that depends on nothing but the row itself: see the package.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from athlete_monitor.arrays import BoolArray, FloatArray, IntArray

NAMES: Final = ("acc_dominant_frequency_hz", "acc_spectral_energy_m2ps4")

BINS: Final = 64
BIN_S: Final = 0.1
BINS_FOR_EACH_SPECTRUM: Final = 5
LONGEST_GAP_S: Final = 1.0
FIRST_LINE: Final = 3
"""First line of the band: 3 / 6.4 Hz."""
LEAST_ENERGY_M2PS4: Final = 0.05

_BIN, _FILLED, _TIME, _LEVEL, _SUM_S, _COVERED_S, _FREQUENCY, _ENERGY = range(BINS, BINS + 8)
WIDTH: Final = BINS + 8
"""Columns of the memory: the bins (the newest last), then number of the open bin, filled bins, time and level of the
last sample, integral and covered time of the open bin, and the two results."""

_LINES: Final = np.arange(FIRST_LINE, BINS // 2 + 1)
_LINE_HZ: Final = 1.0 / (BINS * BIN_S)


def _circle() -> tuple[FloatArray, FloatArray]:
    """Cosine and sine of 2 pi k / BINS, [BINS], by halving angles: square roots have the same bits everywhere."""
    cosine, sine = [1.0, -1.0], [0.0, 0.0]
    while (count := len(cosine)) < BINS:
        half = [math.copysign(math.sqrt((1.0 + c) * 0.5), count - 2 * k + 0.5) for k, c in enumerate(cosine)]
        high = [math.sqrt((1.0 - c) * 0.5) for c in cosine]
        cosine, sine = [*half, *(-c for c in half)], [*high, *(-s for s in high)]
    return np.array(cosine), np.array(sine)


def _reversed_bits() -> IntArray:
    """Order in which a fast Fourier transform takes its inputs."""
    digits = BINS.bit_length() - 1
    return np.array([int(f"{place:0{digits}b}"[::-1], 2) for place in range(BINS)])


COSINE, SINE = _circle()
_HANN: Final = 0.5 - 0.5 * COSINE
_ORDER: Final = _reversed_bits()
_SCALE: Final = 2.0 / (BINS * (0.375 * BINS))
"""2 / (N sum of w²); the squares of a Hann window of N points sum to 3 N / 8."""


def blank(rows: int) -> FloatArray:
    """Memory before the first sample, [rows, WIDTH]."""
    memory = np.zeros((rows, WIDTH))
    memory[:, _TIME] = np.nan
    return memory


def update(memory: FloatArray, t: FloatArray, level: FloatArray, present: BoolArray) -> FloatArray:
    """Advance the memory [k, WIDTH] by one sample of each row; return the columns of ``NAMES`` [k, 2].

    Args:
        memory: changed in place.
        t: time, s [k].
        level: length of the acceleration, m/s² [k].
        present: whether the row has a sample [k]; time that does not advance counts as none.
    """
    elapsed = t - memory[:, _TIME]
    begins = present & ~(np.abs(elapsed) <= LONGEST_GAP_S)  # also the first sample
    moves = present & (elapsed > 0.0) & ~begins
    if begins.any():
        _begin(memory, begins, t, level)
    if moves.any():
        _advance(memory, np.flatnonzero(moves), t, level)
    return memory[:, _FREQUENCY : _ENERGY + 1]


def _begin(memory: FloatArray, rows: BoolArray, t: FloatArray, level: FloatArray) -> None:
    memory[rows] = 0.0
    memory[rows, _TIME], memory[rows, _LEVEL] = t[rows], level[rows]
    memory[rows, _BIN] = np.floor(t[rows] / BIN_S)


def _advance(memory: FloatArray, rows: IntArray, t: FloatArray, level: FloatArray) -> None:
    """Close the bins that end before each row's sample, then open the one that holds it."""
    part, t, level = memory[rows], t[rows], level[rows]
    slope = (level - part[:, _LEVEL]) / (t - part[:, _TIME])
    while True:
        end = (part[:, _BIN] + 1.0) * BIN_S
        closing = np.flatnonzero(end <= t)
        if not len(closing):
            break
        part[closing] = _closed(part[closing], end[closing], slope[closing])
    _integrate(part, t, level)
    memory[rows] = part


def _closed(part: FloatArray, end: FloatArray, slope: FloatArray) -> FloatArray:
    """Close the open bin of every row at ``end``; renew the spectrum where it is due."""
    _integrate(part, end, part[:, _LEVEL] + slope * (end - part[:, _TIME]))
    covered = part[:, _COVERED_S]
    known = covered > 0.0
    mean = np.where(known, part[:, _SUM_S] / np.where(known, covered, 1.0), part[:, _LEVEL])
    part[:, : BINS - 1] = part[:, 1:BINS]
    part[:, BINS - 1] = mean
    part[:, _FILLED] = np.fmin(part[:, _FILLED] + 1.0, float(BINS))
    part[:, _BIN] += 1.0
    part[:, _SUM_S] = part[:, _COVERED_S] = 0.0
    due = np.flatnonzero(part[:, _BIN] % BINS_FOR_EACH_SPECTRUM == 0.0)
    if len(due):
        part[due, _FREQUENCY], part[due, _ENERGY] = _spectrum(part[due, :BINS], part[due, _FILLED])
    return part


def _integrate(part: FloatArray, t: FloatArray, level: FloatArray) -> None:
    """Add the straight line from the last point to this one to the open bin."""
    span = t - part[:, _TIME]
    part[:, _SUM_S] += (part[:, _LEVEL] + level) * 0.5 * span
    part[:, _COVERED_S] += span
    part[:, _TIME], part[:, _LEVEL] = t, level


def _spectrum(bins: FloatArray, filled: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Dominant frequency, Hz, and spectral energy, (m/s²)², of rows of bins [k, BINS], the last ``filled`` known."""
    known = np.arange(BINS) >= BINS - filled[:, None]
    held = np.where(known, bins, 0.0)
    moving = np.where(known, bins - (_sum(held) / filled)[:, None], 0.0)
    power = _power(moving)
    energy = _sum_of_lines(power) * _SCALE
    top = np.argmax(power, axis=1)
    frequency = _centre(power, top)
    return np.where(energy >= LEAST_ENERGY_M2PS4, frequency, 0.0), energy


def _centre(power: FloatArray, top: IntArray) -> FloatArray:
    """Mean frequency of the line ``top`` and its neighbours in the band, weighted by power, Hz."""
    row = np.arange(len(power))
    left, right = np.maximum(top - 1, 0), np.minimum(top + 1, power.shape[1] - 1)
    below = np.where(top > left, power[row, left], 0.0)
    above = np.where(right > top, power[row, right], 0.0)
    total = below + power[row, top] + above
    line = top + FIRST_LINE + (above - below) / np.where(total > 0.0, total, 1.0)
    centre: FloatArray = line * _LINE_HZ
    return centre


def _power(rows: FloatArray) -> FloatArray:
    """Squares of the spectrum of windowed rows [k, BINS] in the band, [k, lines]: radix-2 decimation in time."""
    real = (rows * _HANN).take(_ORDER, axis=1)
    imaginary = np.zeros_like(real)
    size = 2
    while size <= BINS:
        half = size // 2
        cosine, sine = COSINE[:: BINS // size][:half], SINE[:: BINS // size][:half]
        a, b = real.reshape(len(rows), -1, size), imaginary.reshape(len(rows), -1, size)
        a_odd, b_odd = a[..., half:], b[..., half:]
        turned_a = a_odd * cosine + b_odd * sine
        turned_b = b_odd * cosine - a_odd * sine
        real = np.concatenate([a[..., :half] + turned_a, a[..., :half] - turned_a], axis=2)
        imaginary = np.concatenate([b[..., :half] + turned_b, b[..., :half] - turned_b], axis=2)
        size *= 2
    real, imaginary = real.reshape(len(rows), BINS), imaginary.reshape(len(rows), BINS)
    real, imaginary = real[:, _LINES], imaginary[:, _LINES]
    squares: FloatArray = real * real + imaginary * imaginary
    return squares


def _sum(rows: FloatArray) -> FloatArray:
    """Sum of each row of [k, BINS], by halves."""
    while rows.shape[1] > 1:
        half = rows.shape[1] // 2
        rows = rows[:, :half] + rows[:, half:]
    return rows[:, 0]


def _sum_of_lines(power: FloatArray) -> FloatArray:
    """Sum over the band; the line at half the bins' rate has no mirror image and counts half."""
    padded = np.zeros((len(power), BINS))
    padded[:, : power.shape[1]] = power
    padded[:, power.shape[1] - 1] *= 0.5
    return _sum(padded)
