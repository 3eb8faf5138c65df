"""Command lines: one parser for every program, whose mistakes are one line, and values with limits.

Every program has ``--config``, ``--root``, ``--version``, ``--json`` and ``--quiet`` (``add_common_arguments``), lists
athletes as ``1,2,5-9`` or ``[1,3,7]`` (``add_players_argument``) and takes durations as ``90``, ``90m``, ``5400s`` or
``1h30m`` (``duration``). Uses only the standard library.
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, TypeVar

from athlete_monitor import __version__
from athlete_monitor.project import DEFAULT_CONFIG

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

N = TypeVar("N", int, float)
Unit = Literal["s", "m", "h"]

DEVICE_PATTERN: Final = r"^[A-Za-z0-9_-]{1,32}$"
DEVICE_WORDS: Final = "1 to 32 letters, digits, _ and -"
"""The pattern in words."""
LARGEST_ID: Final = 1_000_000
"""Of an athlete; the smallest is 1."""

_SECONDS: Final = {"s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_UNIT_NAMES: Final[dict[Unit, str]] = {"s": "seconds", "m": "minutes", "h": "hours"}
_DURATION: Final = re.compile(r"(?:(?:\d+(?:\.\d*)?|\.\d+)(?:sec|min|[smhd]))+")
_PART: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(sec|min|[smhd])")


LONGEST_ERROR: Final = 400
"""A word of thousands of characters is not repeated in full."""


class Parser(argparse.ArgumentParser):
    """Reports an error in one line on standard error, without the usage text; exit code 2.

    Example:
        >>> parser = Parser("report.py")
        >>> add_common_arguments(parser)
        >>> parser.parse_args(["--quiet"]).quiet
        True
    """

    def error(self, message: str) -> NoReturn:
        """Print the message and end.

        Raises:
            SystemExit: always.
        """
        line = " ".join(message.split())
        line = line if len(line) <= LONGEST_ERROR else f"{line[:LONGEST_ERROR]}..."
        sys.stderr.write(f"{self.prog}: {line} (--help shows how)\n")
        raise SystemExit(2)

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        """Return the arguments; an unknown one is reported with the subcommand that it was given to.

        Raises:
            SystemExit: they are not valid, or help was requested.
        """
        found, unknown = self.parse_known_args(args, namespace)
        if unknown:
            asked: Parser = self.asked(found)
            asked.error(f"unrecognized arguments: {' '.join(unknown)}{asked.suggestion(unknown[0])}")
        return found

    def suggestion(self, word: str) -> str:
        """Return the option that an unknown word probably meant, as the end of a sentence."""
        known = [option for action in self._actions for option in action.option_strings]
        close = difflib.get_close_matches(word.partition("=")[0], known, 1) if word.startswith("-") else []
        return f"; did you mean {close[0]}?" if close else ""

    def asked(self, found: argparse.Namespace) -> Parser:
        """Return the parser of the subcommand that was chosen, or this one."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - argparse names it nowhere else
                chosen = action.choices.get(getattr(found, action.dest, None) or "")
                if isinstance(chosen, Parser):
                    return chosen.asked(found)
        return self


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that every command has: ``--config``, ``--root``, ``--version``, ``--json``, ``--quiet``."""
    add_place_arguments(parser)
    add_output_arguments(parser)


def add_output_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--json`` and ``--quiet``, unless the command has its own."""
    known = _known(parser)
    for option, text in (("--json", "print the result as JSON"), ("--quiet", "print problems only")):
        if option not in known:
            parser.add_argument(option, action="store_true", help=text)


def add_place_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--config``, ``--root`` and ``--version``, unless the command has its own."""
    known = _known(parser)
    if "--config" not in known:
        parser.add_argument(
            "--config", type=Path, default=DEFAULT_CONFIG, metavar="FILE", help="configuration (default: %(default)s)"
        )
    if "--root" not in known:
        parser.add_argument(
            "--root", type=Path, metavar="DIR", help="folder of the configuration's relative paths (default: its own)"
        )
    if "--version" not in known:
        add_version_argument(parser)


def add_version_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--version``, for a program whose subcommands have the rest."""
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")


def _known(parser: argparse.ArgumentParser) -> frozenset[str]:
    return frozenset(option for action in parser._actions for option in action.option_strings)  # noqa: SLF001


def add_players_argument(parser: argparse.ArgumentParser, text: str) -> None:
    """Add ``--players``, a list of athlete ids: ``1,2,5-9``, ``[1,3,7]``, ``1 3 7``; the value is a sorted tuple."""
    parser.add_argument("--players", nargs="+", action=_Players, metavar="1,2,5-9", help=text)


MOST_WORKERS: Final = 1024
AUTO: Final = 0
"""The value of ``--workers auto``."""


def add_workers_argument(parser: argparse.ArgumentParser, text: str) -> None:
    """Add ``--workers``, a number of processes or ``auto``; the value is a number, ``AUTO``, or None."""
    parser.add_argument("--workers", type=_workers, metavar="N|auto", help=text)


def _workers(text: str) -> int:
    if text == "auto":
        return AUTO
    try:
        return _within(int, text, "a whole number", (1, MOST_WORKERS), above=False)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}, or auto") from None


class _Players(argparse.Action):
    """Joins the words of the list: a shell splits ``[1, 3, 7]`` at its blanks."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,  # noqa: ANN401 - of argparse
        _option: str | None = None,
    ) -> None:
        try:
            setattr(namespace, self.dest, listed_ids(" ".join(values)))
        except ValueError as error:
            parser.error(f"argument --players: {error}")


def listed_ids(text: str) -> tuple[int, ...]:
    """Return the athlete ids of a list; ascending, each once.

    Raises:
        ValueError: the text is something else; the message says what is allowed.

    Example:
        >>> listed_ids("1,2,5-9")
        (1, 2, 5, 6, 7, 8, 9)
        >>> listed_ids("[1, 3, 7]")
        (1, 3, 7)
    """
    bare = text.strip()
    bare = bare[1:-1] if bare.startswith("[") and bare.endswith("]") else bare
    found: set[int] = set()
    for part in re.split(r"\s*,\s*|\s+", re.sub(r"\s*-\s*(?=\d)", "-", bare.strip())):
        found.update(_ids(part, text))
    return tuple(sorted(found))


def _ids(part: str, text: str) -> range:
    match = re.fullmatch(r"([0-9]{1,7})(?:-([0-9]{1,7}))?", part)
    ids = range(int(match[1]), int(match[2] or match[1]) + 1) if match else range(0)
    if not ids or ids[0] < 1 or ids[-1] > LARGEST_ID:
        msg = f"{text!r} is not allowed; allowed: athlete ids from 1 to {LARGEST_ID}, such as 1,2,5-9 or [1,3,7]"
        raise ValueError(msg)
    return ids


def duration(bare: Unit, high_s: float = 31 * 86_400.0) -> Callable[[str], float]:
    """Return a converter of durations to seconds: ``90m``, ``5400s``, ``1h30m``, or a number in the unit ``bare``.

    Args:
        bare: the unit of a number without one.
        high_s: the longest that is allowed, s.

    Example:
        >>> duration("m")("90") == duration("s")("1h30m") == 5400.0
        True
    """

    def convert(text: str) -> float:
        value = _seconds(text.strip().lower(), bare)
        if value is None:
            raise argparse.ArgumentTypeError(f"{text!r} is not a duration; allowed: {duration_forms(bare)}")
        if not 0.0 < value <= high_s:
            raise argparse.ArgumentTypeError(f"{text!r} is not allowed; allowed: more than 0, up to {_short(high_s)}")
        return value

    return convert


def duration_forms(bare: Unit) -> str:
    """Return how a duration may be written, for help texts."""
    return f"90m, 5400s, 1h30m, or a number of {_UNIT_NAMES[bare]}"


def _seconds(text: str, bare: Unit) -> float | None:
    compact = re.sub(r"\s+", "", text)
    if _DURATION.fullmatch(compact):
        return sum(float(value) * _SECONDS[unit] for value, unit in _PART.findall(compact))
    try:
        return float(compact) * _SECONDS[bare]
    except ValueError:
        return None


def _short(seconds: float) -> str:
    for unit, length_s in (("d", 86_400.0), ("h", 3600.0), ("m", 60.0)):
        if seconds >= length_s and seconds % length_s == 0.0:
            return f"{seconds / length_s:g}{unit}"
    return f"{seconds:g}s"


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
    """Return the text if it is a valid device id.

    Raises:
        argparse.ArgumentTypeError: it is not.
    """
    if re.fullmatch(DEVICE_PATTERN, text) is None or text.endswith("\n"):
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed; allowed: {DEVICE_WORDS}")
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
