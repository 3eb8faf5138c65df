"""Errors in an athlete's data, each as one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN: Final = 3


class TrainingError(MonitorError, ValueError):
    """An athlete cannot be trained; the text says why, for one line of the report."""


class TooFewSessionsError(TrainingError):
    """Fewer usable sessions than needed; the text also names the searched folders."""


def brief(items: Sequence[str], separator: str) -> str:
    """The first few of the items in one line, and how many more there are."""
    more = f"{separator}and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return separator.join(items[:SHOWN]) + more


def count(number: int, thing: str) -> str:
    """Number and noun, in the plural where there are several.

    >>> count(1, "session"), count(3, "session")
    ('1 session', '3 sessions')
    """
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
