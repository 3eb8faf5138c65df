"""The findings of a check: a mark, a name, the result, and the remedy."""

from __future__ import annotations

import shutil
import sys
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Level = Literal["ok", "warn", "fail"]

SIGNS: Final[dict[Level, str]] = {"ok": "✓", "warn": "!", "fail": "✗"}
ASCII_SIGNS: Final[dict[Level, str]] = {"ok": "+", "warn": "!", "fail": "x"}

NO_END: Final = 1_000_000


@dataclass(frozen=True)
class Finding:
    """One line of a report. ``fail`` must be fixed before the system can work, ``warn`` should be."""

    name: str
    level: Level
    found: str
    remedy: str = ""


def signs(encoding: str | None) -> dict[Level, str]:
    """Return the marks that a terminal of this encoding can show."""
    try:
        "".join(SIGNS.values()).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII_SIGNS
    return SIGNS


def terminal_width() -> int:
    """Return the columns of the terminal, or of ``COLUMNS``; practically unlimited if there is neither."""
    return shutil.get_terminal_size((NO_END, 24)).columns


def wrapped(text: str, width: int) -> str:
    """Break each line between words at this width; continuation lines are indented. A long word stays whole."""
    return "\n".join(part for line in text.split("\n") for part in _wrapped_line(line, width))


def _wrapped_line(line: str, width: int) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip(" ")) + 4)
    parts = textwrap.wrap(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return parts or [""]


def render(findings: Sequence[Finding], encoding: str | None, width: int = NO_END) -> str:
    """Return the table, one line for each finding and one more for each remedy that does not fit on it."""
    marks = signs(encoding)
    name_width = max((len(finding.name) for finding in findings), default=0)
    found_width = min(max((len(finding.found) for finding in findings if finding.remedy), default=0), 44)
    lines = []
    for finding in findings:
        line = f"{marks[finding.level]} {finding.name:<{name_width}}  {finding.found:<{found_width}}"
        beside = f"{line}  -> {finding.remedy}" if finding.remedy else line.rstrip()
        fits = len(beside) <= width or not finding.remedy
        lines += [beside] if fits else [line.rstrip(), f"{'':{name_width + 4}}-> {finding.remedy}"]
    text = wrapped("\n".join(lines), width)
    return text if marks is SIGNS else text.encode("ascii", "replace").decode()


def report(findings: Sequence[Finding]) -> int:
    """Print the table and a closing line; returns 1 if something must be fixed, else 0."""
    failed = sum(finding.level == "fail" for finding in findings)
    warned = sum(finding.level == "warn" for finding in findings)
    print(render(findings, sys.stdout.encoding, terminal_width()))
    print(f"\n{failed} to fix, {warned} to check, {len(findings) - failed - warned} in order")
    return 1 if failed else 0
