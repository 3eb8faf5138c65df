"""The memory of a streaming metric: one number per athlete and field, held for the whole squad."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from athlete_monitor.arrays import every

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from athlete_monitor.arrays import FloatArray, IntArray


class _Newest:
    """The rows that were asked for last: all metrics of a step ask for the same."""

    seen: tuple[IntArray | None, slice | None] = (None, None)


def side_by_side(rows: IntArray) -> slice | None:
    """The columns of ``rows`` [k] as a slice, if they follow each other; else None.

    >>> side_by_side(np.array([4])), side_by_side(np.array([2, 3, 4])), side_by_side(np.array([3, 2, 4]))
    (slice(4, 5, None), slice(2, 5, None), None)
    """
    seen, found = _Newest.seen
    if seen is not rows:
        found = _span(rows)
        _Newest.seen = rows, found
    return found


def _span(rows: IntArray) -> slice | None:
    count = len(rows)
    if not count:
        return None
    first = rows.item(0)
    if rows.item(-1) - first != count - 1 or not every(rows[1:] > rows[:-1]):
        return None
    return slice(first, first + count)


class SquadState:
    """A table of float64, one row per field and one column per athlete; NaN is "not known yet".

    Metrics derive from it, name their fields with their start values, and advance the columns of the athletes in a call
    with elementwise arithmetic, so that an athlete's figures never depend on the other athletes in the call. An athlete
    appears at most once in a call.
    """

    FIELDS: ClassVar[Mapping[str, float]]
    ADVANCES: ClassVar[str] = "update"
    """The method that takes a sample of each athlete."""
    ADDED: ClassVar[Collection[str]] = ()
    """Totals: fields to which that method adds once a sample, and which nothing in it depends on.

    ``LARGEST`` are those that keep the largest value by ``np.fmax``. They make recordings faster, and nothing else:
    ``squad/over_time.py``.
    """
    LARGEST: ClassVar[Collection[str]] = ()

    def __init__(self, capacity: int) -> None:
        self._initial: FloatArray = np.array(list(self.FIELDS.values()), dtype=np.float64)[:, None]
        self._table: FloatArray = np.repeat(self._initial, capacity, axis=1)
        self._index = {name: index for index, name in enumerate(self.FIELDS)}

    @property
    def capacity(self) -> int:
        """Number of athletes that fit without growing."""
        return int(self._table.shape[1])

    def grow(self, capacity: int) -> None:
        """Make room for ``capacity`` athletes; those already held keep their state."""
        added = max(0, capacity - self.capacity)
        self._table = np.hstack([self._table, np.repeat(self._initial, added, axis=1)])

    def reset(self, rows: IntArray) -> None:
        """Forget everything about the athletes ``rows`` [k]."""
        beside = side_by_side(rows)  # a new session forgets thirty tables
        self._table[:, rows if beside is None else beside] = self._initial

    @property
    def table(self) -> FloatArray:
        """The table itself [fields, athletes]."""
        return self._table

    def set_table(self, table: FloatArray) -> None:
        """Use another table [fields, athletes]."""
        self._table = table

    def foresee(self, before: FloatArray, args: Sequence[Any]) -> None:
        """Guess what each moment of one athlete starts from, in the columns of ``before`` [fields, n], in place.

        The first column is right. The arguments are those of the method ``ADVANCES`` for these moments. Guesses that
        are wrong to the last bit cost time and nothing else (``squad/over_time.py``).
        """

    def state(self, row: int) -> dict[str, Any]:
        """State of one athlete: JSON types only, None for NaN."""
        return {
            name: None if math.isnan(value) else value
            for name, value in zip(self.FIELDS, self._table[:, row].tolist(), strict=True)
        }

    def set_state(self, row: int, state: Mapping[str, Any]) -> None:
        """Restore what ``state`` returned; KeyError when a field is missing."""
        values = [math.nan if state[name] is None else state[name] for name in self.FIELDS]
        self._table[:, row] = np.array(values, dtype=np.float64)

    def block(self, rows: IntArray) -> FloatArray:
        """Copy of the fields of ``rows`` [fields, k]: the state of many athletes at once."""
        return self._take(rows)

    def set_block(self, rows: IntArray, values: FloatArray) -> None:
        """Restore what ``block`` returned."""
        self._put(rows, values)

    def _take(self, rows: IntArray) -> FloatArray:
        """Copy of the fields of ``rows`` [fields, k]."""
        fields: FloatArray = self._table.take(rows, axis=1)
        return fields

    def _open(self, rows: IntArray) -> FloatArray:
        """The fields of ``rows`` [fields, k], to be changed in place and then given to ``_put``.

        Where the rows lie side by side it is a view of the table, which saves copying it twice. Keep no part of it.
        """
        beside = side_by_side(rows)
        return self._take(rows) if beside is None else self._table[:, beside]

    def _put(self, rows: IntArray, values: FloatArray) -> None:
        if values.base is not self._table:
            beside = side_by_side(rows)
            self._table[:, rows if beside is None else beside] = values

    def _field(self, name: str, rows: IntArray) -> FloatArray:
        values: FloatArray = self._table[self._index[name]].take(rows)
        return values


class RateIntegral(SquadState):
    """Integral over time of a rate given per minute: a total that grows with each sample."""

    FIELDS = MappingProxyType({"total": 0.0, "measured_s": 0.0, "samples": 0.0})
    ADDED = tuple(FIELDS)

    def add(self, rows: IntArray, dt_s: FloatArray, rate_per_min: FloatArray) -> FloatArray:
        """Add ``rate_per_min`` [k] held for ``dt_s`` [k]; a NaN rate adds nothing. Returns the totals [k]."""
        known = ~np.isnan(rate_per_min)
        state = self._open(rows)
        total, measured_s, samples = state
        total += np.where(known, rate_per_min * dt_s, 0.0) / 60.0
        measured_s += dt_s * known
        samples += known
        self._put(rows, state)
        return np.where(samples > 0.0, total, np.nan)

    def total(self, rows: IntArray) -> FloatArray:
        """Totals so far [k]; NaN where no sample had a known rate."""
        return np.where(self._field("samples", rows) > 0.0, self._field("total", rows), np.nan)

    def measured_s(self, rows: IntArray) -> FloatArray:
        """Seconds over which the total was measured [k]."""
        return self._field("measured_s", rows)
