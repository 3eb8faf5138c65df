"""Command lines: a parser that tells a mistake in one line, and values with limits. The standard library alone."""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

N = TypeVar("N", int, float)

DEVICE_PATTERN: Final = r"^[A-Za-z0-9_-]{1,32}$"
LARGEST_ID: Final = 1_000_000
"""Of an athlete; the smallest is 1."""


class Parser(argparse.ArgumentParser):
    """Tells what is wrong in one line on standard error, without the usage before it; exit code 2."""

    def error(self, message: str) -> NoReturn:
        """Say it and end.

        Raises:
            SystemExit: always.
        """
        sys.stderr.write(f"{self.prog}: {' '.join(message.split())} (--help shows how)\n")
        raise SystemExit(2)


def number(low: float, high: float = float("inf"), *, above: bool = False) -> Callable[[str], float]:
    """Return a converter that allows finite numbers from ``low`` (unless ``above``) to ``high``."""

    def convert(text: str) -> float:
        return _within(float, text, "a number", (low, high), above=above)

    return convert


def whole(low: int, high: int) -> Callable[[str], int]:
    """Return a converter that allows whole numbers from ``low`` to ``high``."""

    def convert(text: str) -> int:
        return _within(int, text, "a whole number", (low, high), above=False)

    return convert


def device_id(text: str) -> str:
    """Return the text where it may be a device's id.

    Raises:
        argparse.ArgumentTypeError: it may not.
    """
    if re.fullmatch(DEVICE_PATTERN, text) is None or text.endswith("\n"):
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed; allowed: 1 to 32 letters, digits, _ and -")
    return text


def _within(kind: Callable[[str], N], text: str, what: str, limits: tuple[float, float], *, above: bool) -> N:
    allowed = _allowed(*limits, above=above)
    try:
        value = kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}; allowed: {allowed}") from None
    low, high = limits
    if not low <= value <= high or (above and value == low) or value == float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not allowed; allowed: {allowed}")
    return value


def _allowed(low: float, high: float, *, above: bool) -> str:
    if high == float("inf"):
        return f"more than {low:.12g}" if above else f"{low:.12g} or more"
    return f"more than {low:.12g}, up to {high:.12g}" if above else f"{low:.12g} to {high:.12g}"
