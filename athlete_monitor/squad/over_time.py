"""A part of the squad over many moments of one athlete, by the part's own ``update``, equal to the last bit.

A step advances many athletes by one sample; here the columns of a part's table are one athlete's moments. What a moment
starts from is what the one before it left, which is not known at first. So it is guessed for all moments, the part's
``update`` is called once for all of them, and what it leaves is compared with what was guessed. Where all guesses were
right, the results are those of one step after another. Where not, the moments up to the first wrong guess are right,
and better guesses follow from them. Most parts remember the last reading or a few of them, so two to ten calls serve
hundreds of moments. A part for which this takes too many calls goes on in short stretches, at worst moment by moment.

Totals would differ after every moment. A part names them in ``ADDED`` and ``LARGEST``; they start from nothing at each
moment and are summed up at the end, in order. Averages would differ too: ``foresee`` may guess them.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.arrays import every

if TYPE_CHECKING:
    from collections.abc import Callable

    from athlete_monitor.arrays import BoolArray, FloatArray, IntArray
    from athlete_monitor.physiology.squad_state import SquadState

_CALLS: Final = 12
"""After so many calls for all moments, those that are left are taken in stretches."""
_STRETCH: Final = 48
_NEVER: Final = np.array([np.nan]).view(np.int64).item() ^ 1
"""The bits of a number that no part holds."""


class OverTime:
    """A part whose columns are the moments of one athlete.

    Args:
        part: the part; its method ``ADVANCES`` is replaced by one that goes from moment to moment.
    """

    def __init__(self, part: SquadState) -> None:
        self._part, self._update = part, getattr(part, part.ADVANCES)
        names = list(part.FIELDS)
        self._added = [names.index(name) for name in part.ADDED]
        self._largest = [names.index(name) for name in part.LARGEST]
        self._start = np.empty(0)
        setattr(part, part.ADVANCES, self.advance)

    def begin(self, table: FloatArray) -> None:
        """Begin with an athlete's state, repeated [fields, moments]."""
        self._start = table[:, 0].copy()
        self._part.set_table(table)

    def advance(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - those of the part's method
        """Advance some moments, in order; the first argument names them, as an array or as ``MotionStep``."""
        rows = args[0] if isinstance(args[0], np.ndarray) else args[0].rows
        if not len(rows):
            return self._update(*args, **options)
        call = _Call(self._part, self._update, args, options, len(rows))
        begin = self._start.copy()
        begin[self._added], begin[self._largest] = 0.0, np.nan
        moments = self._part.capacity
        before = np.repeat(begin[:, None], len(rows), axis=1)
        # each call makes one more moment right, so that as many calls as moments always are enough
        for _ in range(len(rows) if call.is_ambiguous else _CALLS):
            found, after = call.all(before)
            if self._improve(call, before, after):
                break
        else:
            self._stretches(call, before)
            found, after = call.all(before)
        self._sum_up(after)
        self._part.set_table(held(self._start, after, rows, moments))
        return found

    def _improve(self, call: _Call, before: FloatArray, after: FloatArray, first: int = 0) -> bool:
        """Improve the guesses ``before`` [fields, n] by what they lead to; return whether all were right."""
        wrong = np.flatnonzero(self._differs(after[:, :-1], before[:, 1:]).any(axis=0))
        if not len(wrong):
            return True
        right = int(wrong[0])
        part, later = before[:, right:], after[:, right:]
        places = np.arange(1, part.shape[1] + 1)
        written = call.written(self._differs(later, part), later, first + right)
        newest = np.maximum.accumulate(np.where(written, places, 0), axis=1)
        values = np.concatenate([part[:, :1], later], axis=1)
        part[:, 1:] = np.take_along_axis(values, newest[:, :-1], axis=1)
        part[self._added], part[self._largest] = 0.0, np.nan
        if part.shape[1] > 2:
            call.foresee(before[:, right + 1 :], first + right + 1)
        return False

    def _differs(self, one: FloatArray, other: FloatArray) -> Any:  # noqa: ANN401 - bool [fields, n]
        """Where bits differ, apart from totals."""
        differs = np.ascontiguousarray(one).view(np.int64) != np.ascontiguousarray(other).view(np.int64)
        differs[self._added] = differs[self._largest] = False
        return differs

    def _stretches(self, call: _Call, before: FloatArray) -> None:
        """Find what each moment starts from in short stretches, one after another."""
        count = before.shape[1]
        for first in range(0, count, _STRETCH):
            stretch = before[:, first : first + _STRETCH + 1]
            while True:
                _, after = call.some(stretch, first)
                if self._improve(call, stretch, after, first):
                    break

    def _sum_up(self, after: FloatArray) -> None:
        """Sum up the totals [fields, n] from what each moment adds."""
        for places, join in ((self._added, np.add), (self._largest, np.fmax)):
            if places:
                start = self._start[places][:, None]
                after[places] = join.accumulate(np.concatenate([start, after[places]], axis=1), axis=1)[:, 1:]


class _Call:
    """A call of a part's method for many moments."""

    def __init__(
        self,
        part: SquadState,
        update: Callable[..., Any],
        args: tuple[Any, ...],
        options: dict[str, Any],
        count: int,
    ) -> None:
        self._part, self._update, self._args, self._options, self._count = part, update, args, options, count
        self._all = _renumbered(args[0], count)
        self.is_ambiguous = any(_is_square(value, count) for value in (*args, *options.values()))
        self._written: IntArray | None = None

    def all(self, before: FloatArray) -> tuple[Any, FloatArray]:
        """Return what the method returns, and the state after each moment, from those ``before`` [fields, n]."""
        self._part.set_table(before.copy())
        found = self._update(self._all, *self._args[1:], **self._options)
        return found, self._part.table

    def some(self, before: FloatArray, first: int) -> tuple[Any, FloatArray]:
        """Do it for as many moments as ``before`` has, from the ``first`` on."""
        where = slice(first, first + before.shape[1])
        args = [_pick(value, self._count, where) for value in self._args]
        options = {name: _pick(value, self._count, where) for name, value in self._options.items()}
        self._part.set_table(before.copy())
        found = self._update(_renumbered(args[0], before.shape[1]), *args[1:], **options)
        return found, self._part.table

    def written(self, changed: BoolArray, after: FloatArray, first: int) -> BoolArray:
        """Where a moment writes a value of its own [fields, n], and does not keep the one before it.

        That is where the value has ``changed``, and where it is what it changed to in an earlier call.
        """
        if self._written is None:
            self._written = np.full((len(after), self._count), _NEVER)
        known = self._written[:, first : first + after.shape[1]]
        bits = after.view(np.int64)
        np.copyto(known, bits, where=changed)
        found: BoolArray = known == bits
        return found

    def foresee(self, before: FloatArray, first: int) -> None:
        """Let the part guess."""
        if self.is_ambiguous:
            return
        where = slice(first, first + before.shape[1])
        self._part.foresee(before, [_pick(value, self._count, where) for value in self._args])


def _renumbered(first: Any, count: int) -> Any:  # noqa: ANN401 - rows, or a record with rows
    """The first argument of a call for columns 0, 1, 2, ..."""
    rows = np.arange(count)
    if isinstance(first, np.ndarray):
        return rows
    return type(first)(**{**vars(first), "rows": rows})


def _pick(value: Any, count: int, where: slice) -> Any:  # noqa: ANN401 - an argument of any kind
    """The part of an argument that belongs to some of ``count`` moments."""
    if isinstance(value, np.ndarray):
        if value.ndim and value.shape[-1] == count:
            return value[..., where]
        return value[where] if value.ndim and len(value) == count else value
    if isinstance(value, tuple):
        return tuple(_pick(each, count, where) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        picked = {each.name: _pick(getattr(value, each.name), count, where) for each in fields(value)}
        return type(value)(**picked)
    return value


def _is_square(value: Any, count: int) -> bool:  # noqa: ANN401 - an argument of any kind
    """Whether an argument has as many columns as moments, so that nothing shows which axis the moments are.

    >>> _is_square(np.zeros((3, 3)), 3), _is_square(np.zeros((4, 3)), 4)
    (True, False)
    """
    if isinstance(value, np.ndarray):
        return value.ndim > 1 and value.shape[0] == value.shape[-1] == count
    if isinstance(value, tuple):
        return any(_is_square(each, count) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        return any(_is_square(getattr(value, each.name), count) for each in fields(value))
    return False


def held(start: FloatArray, after: FloatArray, rows: IntArray, moments: int) -> FloatArray:
    """The state at each of ``moments`` moments, where it changes only at ``rows`` [n], in order."""
    if len(rows) == moments and every(rows == np.arange(moments)):
        return after
    newest = np.searchsorted(rows, np.arange(moments), side="right")
    held: FloatArray = np.concatenate([start[:, None], after], axis=1).take(newest, axis=1)
    return held
