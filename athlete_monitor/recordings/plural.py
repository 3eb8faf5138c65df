"""Counts with their words, for notes to the user."""

from __future__ import annotations


def plural(count: int, one: str, many: str) -> str:
    """Return a count with its singular or plural words.

    >>> plural(1, "row is", "rows are"), plural(2300, "row is", "rows are")
    ('1 row is', '2,300 rows are')
    """
    return f"{count:,} {one if count == 1 else many}"
