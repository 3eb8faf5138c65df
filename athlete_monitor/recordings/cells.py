"""Text to numbers, for whole columns at once. Cells that are not numbers are missing and counted, never guessed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import FloatArray

MISSING: Final = frozenset(
    {"", "na", "n/a", "nan", "-nan", "null", "none", "-", "--", "#n/a", "?", "inf", "-inf", "infinity"}
)
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_LONGEST: Final = 64
"""Characters of a number; a longer cell is damage, and looking at it would take long."""
_THOUSANDS: Final = {
    ".": re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII),
    ",": re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d+|(?<=\.\d{3}\.\d{3}))", re.ASCII),
}
"""Numbers with signs between thousands, by the decimal sign; ``1.234`` beside decimal commas is ambiguous."""
_GROUPED: Final = re.compile(r"[+-]?\d{1,3}(?P<sign>[\u00a0'])\d{3}((?P=sign)\d{3})*([.,]\d*)?", re.ASCII)
"""Numbers with unbreakable blanks or apostrophes between thousands; at other blanks, two numbers may meet."""
_PLAINLY: Final = str.maketrans(
    {
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d", "-"),
        **dict.fromkeys("\u2007\u2008\u2009\u200a\u202f\u205f\u3000", "\u00a0"),
        **dict.fromkeys("\u2019\u02bc\uff07", "'"),
        **dict.fromkeys("\u200b\u200e\u200f\u2060\u061c\ufeff"),
    }
)
"""Signs of typographers and their plain ones: minus, blanks, apostrophes, and marks that nobody sees."""
LARGEST: Final = 1e30
"""Larger numbers are damage: nothing measured comes near, and a change of unit would overflow."""
_PLAIN: Final = frozenset("0123456789.+-eE,")


def number(text: str, decimal: str = ".") -> float | None:
    """Return the number in a cell, NaN where the cell is empty, None where it holds something else.

    >>> number("8,64", ","), number("1_110"), number(" 7 "), number("1,234.5"), number("1.234,5", ",")
    (8.64, None, 7.0, 1234.5, 1234.5)
    >>> number("\u22122,5", ","), number("1\u202f234,5", ","), number("12'345.6")
    (-2.5, 1234.5, 12345.6)
    """
    bare = text.strip()
    if len(bare) > _LONGEST:
        return None
    bare = bare if bare.isascii() else plainly(bare).strip()
    if ("\u00a0" in bare or "'" in bare) and (grouped := _GROUPED.fullmatch(bare)):
        bare = bare.replace(grouped["sign"], "")
    if "," in bare or decimal == ",":
        if _THOUSANDS[decimal].fullmatch(bare):
            bare = bare.replace("," if decimal == "." else ".", "")
        if decimal == ",":
            bare = bare.replace(",", ".")
    if _NUMBER.fullmatch(bare):
        value = float(bare)
        return value if abs(value) < LARGEST else None
    return float("nan") if bare.lower() in MISSING else None


def plainly(text: str) -> str:
    """Return a text with one kind of minus, apostrophe and unbreakable blank in the place of a typographer's many.

    >>> plainly("\u22122"), plainly("1\u202f000") == plainly("1\u00a0000")
    ('-2', True)
    """
    return text if text.isascii() else text.translate(_PLAINLY)


def given(text: str, decimal: str = ".") -> float | None:
    """Return the number in a cell, None where the cell is empty or holds something else.

    >>> given("7"), given("nan"), given(" "), given("seven")
    (7.0, None, None, None)
    """
    value = number(text, decimal)
    return None if value is None or np.isnan(value) else value


def numbers(cells: Sequence[str], decimal: str = ".") -> tuple[FloatArray, list[int]]:
    """Return cells as numbers, NaN where there is none, and the places of cells that hold something else."""
    quick = _quick(cells, decimal)
    if quick is not None:
        return quick, []
    values = np.full(len(cells), np.nan)
    bad = []
    for place, cell in enumerate(cells):
        value = number(cell, decimal)
        if value is None:
            bad.append(place)
        else:
            values[place] = value
    return values, bad


def _quick(cells: Sequence[str], decimal: str) -> FloatArray | None:
    """The same for cells that are all numbers or empty; None where one is not."""
    if not set("".join(cells)) <= _PLAIN or max(map(len, cells), default=0) > _LONGEST:
        return None
    plain = [cell or "nan" for cell in cells]
    if decimal == ",":
        plain = [cell.replace(",", ".") for cell in plain]
    try:
        values = np.array(plain, dtype=np.str_).astype(np.float64)
    except ValueError:
        return None
    return None if (np.abs(values) >= LARGEST).any() else values


def safe_text(cell: str) -> str:
    r"""Return a text of a foreign file without control characters and formula prefixes of spreadsheets.

    >>> safe_text("=1+1"), safe_text("first\thalf")
    ('1+1', 'first half')
    """
    return "".join(char if char.isprintable() else " " for char in cell).lstrip("=+-@ ")
