"""A figure is declared once, as a row beside the code that computes it; ``catalogue.py`` gathers the rows.

Everything that lists figures (the published record, reasons, journal, screen, documents) reads these rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athlete_monitor.arrays import FloatArray, IntArray

Kind = Literal["present", "total", "count", "share", "map", "text", "flag"]
"""``present``: a value of this moment; ``total``: a number for the session so far; ``count``: a whole number for the
session so far; ``share``: percent; ``map``: several named numbers; ``text``; ``flag``: true or false."""

Part = Literal["difference", "maximum", "minimum", "mean", "last", "none"]
"""How the figure of a part of a session is computed from the seconds of that part."""

Scope = Literal["session", "moment", "summary"]
"""``session``: in every message and in the summary; ``moment``: only in messages; ``summary``: only in summaries."""


@dataclass(frozen=True)
class Figure:
    """One figure that the engine publishes.

    Example:
        >>> distance = Figure("distance_m", "Distance", "m", 0, "total", part="difference", needs=("speed_mps",))
        >>> distance.show(1234.567)
        '1235 m'
        >>> distance.show(None)
        '–'
    """

    key: str
    """The JSON key, with its unit as a suffix."""
    label: str
    """For people."""
    unit: str
    decimals: int
    """Decimals shown to people."""
    kind: Kind
    part: Part = "none"
    formula: str | None = None
    """Short name, published under ``formulas``."""
    equation: str = ""
    """What the figure is, with the equation and its source; one line."""
    needs: tuple[str, ...] = ()
    """Inputs; the first one that is missing is the reason of a null (``physiology/reasons.py``)."""
    more_is_worse: bool = False
    scope: Scope = "session"
    digits: int = field(default=3, kw_only=True)
    """Decimals published in JSON; 0 publishes whole numbers. More than ``decimals``, so that sums stay exact."""
    rate_bound: bool = field(default=False, kw_only=True)
    """Whether it grows with the sample rate: only sessions of one rate are compared (``is_one_rate``)."""
    members: tuple[str, ...] = field(default=(), kw_only=True)
    """Names of the numbers of a map whose names are always the same."""
    whole: tuple[str, ...] = field(default=(), kw_only=True)
    """Those of ``members`` that are whole numbers while the others are not."""

    @property
    def width(self) -> int:
        """Number of columns of the figure in arrays of values: one, or one for each member of a map."""
        return max(1, len(self.members))

    @property
    def is_number(self) -> bool:
        """Whether the value is one number or null."""
        return self.kind in {"present", "total", "count", "share"}

    @property
    def type(self) -> type:
        """Python type of a value that is known."""
        if self.is_number:
            return float if self.digits else int
        return {"map": dict, "flag": bool}.get(self.kind, str)

    def show(self, value: float | None) -> str:
        """Return a number with its unit for people; a dash if it is not known."""
        if value is None:
            return "–"
        return f"{rounded(value, self.decimals):.{self.decimals}f} {self.unit}".rstrip()


def rounded(value: float, decimals: int = 0) -> float:
    """Return a number rounded for people, halves away from zero: as browsers and spreadsheets do, and Python does not.

    So a figure reads the same on a tile, on the athlete's page, in an alarm and in a report.

    >>> rounded(132.5), rounded(-0.25, 1), rounded(1.005, 2), round(132.5)
    (133.0, -0.3, 1.0, 132)
    """
    if abs(value) * 2.0 * 10.0**decimals % 2.0 != 1.0:  # not between two of them
        return round(value, decimals)
    return float(Decimal(value).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP))


class FigureSource(Protocol):
    """A source of figures of the session so far: a class declares rows and returns their values in the same order."""

    FIGURES: ClassVar[tuple[Figure, ...]]

    def values(self, rows: IntArray) -> FloatArray:
        """Values [sum of widths, k] of the athletes ``rows`` [k], in the order of ``FIGURES``; NaN is unknown."""


def columns(figures: Sequence[Figure], values: Mapping[str, FloatArray]) -> FloatArray:
    """Return values [sum of widths, k] in the order of ``figures``, from arrays [k] or [members, k] by key.

    Naming each array by its key keeps a row and its values together when rows are moved.

    Raises:
        KeyError: a figure has no values.

    Example:
        >>> rows = (Figure("a_m", "A", "m", 0, "total"), Figure("b_m", "B", "m", 0, "total"))
        >>> columns(rows, {"b_m": np.array([2.0]), "a_m": np.array([1.0])}).tolist()
        [[1.0], [2.0]]
    """
    found = [values[figure.key] for figure in figures]
    return np.concatenate([each if each.ndim == 2 else each[None] for each in found])
