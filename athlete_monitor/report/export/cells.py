"""Values of a cell as every format can hold them: no number that is none, no character that a file must not have."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_FORMULA_STARTS: Final = ("=", "+", "-", "@")
_JOINERS: Final = frozenset("\u200c\u200d")
"""Invisible, but part of Persian and Indian names and of emoji."""


def clean_rows(rows: Iterable[Sequence[Any]]) -> Iterator[list[Any]]:
    """Rows with known numbers, truth values, texts in valid Unicode, and None for everything unknown."""
    for row in rows:
        yield [
            value if value is None or (type(value) is float and value - value == 0.0) else _clean(value)
            for value in row
        ]


def _clean(value: Any) -> Any:  # noqa: ANN401 - a cell
    """A value that is not simply a finite number.

    >>> _clean(float("nan")), _clean(float("-inf")), _clean(7), _clean(True), _clean("a")
    (None, None, 7, True, 'a')
    """
    if isinstance(value, str):
        return valid(value)
    if isinstance(value, bool | int):
        return value
    if isinstance(value, Integral):
        return int(value)
    number = float(value)
    return number if number - number == 0.0 else None


def valid(text: str) -> str:
    r"""A text that can be written as UTF-8: half of a surrogate pair becomes a question mark.

    >>> valid("a\ud800b"), valid("Zoë")
    ('a?b', 'Zoë')
    """
    return text if text.isascii() else text.encode(errors="replace").decode()


def printable(text: str) -> str:
    r"""A text on one line, with a blank for each control character and each sign that turns the direction of writing.

    >>> printable("a\nb\0"), printable("x\u202ey"), printable("a\u200cb") == "a\u200cb"
    ('a b ', 'x y', True)
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each in _JOINERS else " " for each in text)


def plain_text(text: str) -> str:
    r"""A text that a spreadsheet does not take for a formula, without control characters.

    >>> plain_text("=1+1"), plain_text("O'Neill"), plain_text("a\nb")
    ("'=1+1", "O'Neill", 'a b')
    """
    clean = printable(text)
    return f"'{clean}" if clean.startswith(_FORMULA_STARTS) else clean
