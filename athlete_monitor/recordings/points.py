"""Consecutive points, as XML and JSON files hold them, gathered into columns."""

from __future__ import annotations

import dataclasses
from datetime import timedelta, timezone
from typing import TYPE_CHECKING

import numpy as np

from athlete_monitor.errors import PayloadError
from athlete_monitor.recordings.cells import number
from athlete_monitor.recordings.moments import Rules, moment_of
from athlete_monitor.wire.timestamps import parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from athlete_monitor.arrays import FloatArray

NAN = float("nan")


class Points:
    """Gathered rows: a time each, and numbers by channel.

    Args:
        rules: for the times.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._t: list[float] = []
        self._columns: dict[str, list[float]] = {}
        self.offset_s: int | None = None
        self.undated = 0
        self._zone = rules

    def __len__(self) -> int:
        return len(self._t)

    def add(self, when: str | None, values: Iterable[tuple[str, str | None]]) -> None:
        """Add a point: its time as text, and its numbers as text by channel; a text that is not a number is missing.

        A point without any number is none: some devices write such points where they pause.
        """
        known = [
            (name, value)
            for name, text in values
            if text is not None and (value := number(text.replace(",", "."))) is not None and value == value  # noqa: PLR0124 - not NaN
        ]
        if not known:
            return
        t = self._time(when)
        if t is None:
            self.undated += 1
            return
        row = len(self._t)
        self._t.append(t)
        for name, value in known:
            column = self._columns.setdefault(name, [])
            column.extend([NAN] * (row - len(column)))
            if len(column) == row:
                column.append(value)

    def _time(self, when: str | None) -> float | None:
        if not when:
            return None
        if when[-1] == "Z":
            try:
                return parse_timestamp(when)
            except PayloadError:
                pass
        try:
            t, offset = moment_of(when, self._zone)
        except ValueError:
            return None
        if offset is not None and offset != self.offset_s:
            self.offset_s = offset
            self._zone = dataclasses.replace(self._rules, zone=timezone(timedelta(seconds=offset)))
        return t

    @property
    def t(self) -> FloatArray:
        """Epoch seconds, [n]."""
        return np.array(self._t)

    def columns(self, factors: Mapping[str, float] | None = None) -> dict[str, FloatArray]:
        """Return the columns, each [n], multiplied by a factor if one is given."""
        count = len(self._t)
        return {
            name: np.array([*column, *[NAN] * (count - len(column))]) * (factors or {}).get(name, 1.0)
            for name, column in self._columns.items()
        }
