"""Exponential decay in elementary operations: the same bits on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray


def remaining(elapsed: FloatArray) -> FloatArray:
    """Weight that an average keeps after ``elapsed`` time constants: exp(-x), by its series, 1 at 0 and 0 at infinity.

    The exponential function of NumPy differs between machines in the last bit.
    """
    series = elapsed * 0.25  # in place from here on: most of the time would go into new arrays
    series += 1.0
    for share in (1.0 / 3.0, 0.5, 1.0):
        series *= elapsed
        series *= share
        series += 1.0
    weight: FloatArray = 1.0 / series
    return weight
