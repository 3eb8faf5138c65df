"""Columns of numbers as JSON text: what ``Cells`` and msgspec write, without a Python object for each number."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from athlete_monitor.engine.figures.cells import Cells, is_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from athlete_monitor.arrays import BoolArray, FloatArray
    from athlete_monitor.figures import Figure


class Texts:
    """Turns values [sum of widths, k] of some figures into k JSON texts: the figures' keys and values, in their order.

    Whole numbers are below 1e15; flags are not supported.

    Example:
        >>> from athlete_monitor.figures import Figure
        >>> rows = (
        ...     Figure("speed_mps", "Speed", "m/s", 1, "present"),
        ...     Figure("impacts", "Impacts", "", 0, "map", digits=0, members=("low", "high")),
        ... )
        >>> Texts(rows).of(np.array([[1.23456, np.nan], [2.0, np.nan], [0.0, np.nan]]))
        [b'"speed_mps":1.235,"impacts":{"low":2,"high":0}', b'"speed_mps":null,"impacts":null']
    """

    def __init__(self, figures: Sequence[Figure]) -> None:
        self._figures = figures
        self._rounded = Cells(figures).rounded
        ends = np.cumsum([figure.width for figure in figures]).tolist()
        starts = [end - figure.width for figure, end in zip(figures, ends, strict=True)]
        self._maps = [start for figure, start in zip(figures, starts, strict=True) if figure.members]
        self._forms: dict[bytes, _Form] = {}

    def of(self, values: FloatArray) -> list[bytes]:
        """Return the text of each athlete."""
        rounded = self._rounded(values)
        texts: list[bytes] = [b""] * rounded.shape[1]
        unknown = np.isnan(rounded[self._maps]).T
        keys = list(map(bytes, np.packbits(unknown, axis=1)))
        for key in set(keys):  # athletes with the same maps share a form
            places = [place for place, each in enumerate(keys) if each == key]
            form = self._forms.get(key)
            if form is None:
                form = self._forms[key] = self._form(unknown[places[0]])
            for place, text in zip(places, form.filled(rounded[:, places]), strict=True):
                texts[place] = text
        return texts

    def _form(self, unknown: BoolArray) -> _Form:
        """Return the form of athletes with these ``unknown`` maps."""
        is_null = dict(zip(self._maps, unknown.tolist(), strict=True))
        parts, slots, place = [], [], 0
        for figure in self._figures:
            text, own = _part(figure, is_null=is_null.get(place, False))
            parts.append(text)
            slots += [(place + offset, whole) for offset, whole in own]
            place += figure.width
        return _Form.of(b",".join(parts), slots)


@dataclass(frozen=True)
class _Form:
    """All keys, with a slot for each number: first those with decimals in the order of ``floats``, then ``wholes``."""

    template: bytes
    floats: list[int]
    wholes: list[int]
    in_order: Callable[[list[bytes]], Any]

    @classmethod
    def of(cls, template: bytes, slots: Sequence[tuple[int, bool]]) -> _Form:
        """Return the form of a template with numbers in these rows, each whole or not."""
        floats = [row for row, whole in slots if not whole]
        wholes = [row for row, whole in slots if whole]
        place = {row: index for index, row in enumerate([*floats, *wholes])}
        order = [place[row] for row, _ in slots]
        return cls(template, floats, wholes, itemgetter(*order) if len(order) > 1 else tuple)

    def filled(self, rounded: FloatArray) -> Iterator[bytes]:
        """Yield the text of each athlete, from rounded values [sum of widths, k]."""
        floats = _numbers(rounded[self.floats])
        wholes = _numbers(np.trunc(rounded[self.wholes]) + 0.0, is_whole=True)  # no whole number is -0
        for decimal, whole in zip(floats, wholes, strict=True):
            yield self.template % self.in_order(decimal + whole)


def _part(figure: Figure, *, is_null: bool) -> tuple[bytes, list[tuple[int, bool]]]:
    """Return a figure's key with its slots, and the offset of each slot's row with whether it is a whole number."""
    key = orjson.dumps(figure.key).replace(b"%", b"%%")
    if not figure.members:
        return key + b":%b", [(0, not figure.digits)]
    if is_null:
        return key + b":null", []
    names = [orjson.dumps(name).replace(b"%", b"%%") + b":%b" for name in figure.members]
    return key + b":{" + b",".join(names) + b"}", [(i, is_whole(figure, name)) for i, name in enumerate(figure.members)]


def _numbers(values: FloatArray, *, is_whole: bool = False) -> list[list[bytes]]:
    """Return the JSON text of each number of [n, k], as k lists; of numbers that are all whole without decimals."""
    if not len(values):
        return [[] for _ in range(values.shape[1])]
    text = orjson.dumps(np.ascontiguousarray(values.T), option=orjson.OPT_SERIALIZE_NUMPY)
    text = text.replace(b".0", b"") if is_whole else text.replace(b"e+", b"e")  # as msgspec writes exponents
    return [row.split(b",") for row in text[2:-2].split(b"],[")]
