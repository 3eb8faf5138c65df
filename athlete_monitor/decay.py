"""Exponential decay in elementary operations: the same bits on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray


def remaining(elapsed: FloatArray) -> FloatArray:
    """Weight that an average keeps after ``elapsed`` time constants: exp(-x), by its series, 1 at 0 and 0 at infinity.

    The exponential function of NumPy differs between machines in the last bit.
    """
    series = 1.0 + elapsed * 0.25
    series = 1.0 + elapsed * series * (1.0 / 3.0)
    series = 1.0 + elapsed * series * 0.5
    series = 1.0 + elapsed * series
    weight: FloatArray = 1.0 / series
    return weight
