"""What a check found, and how it is shown: a mark, a name, what was found, and the remedy."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Level = Literal["ok", "warn", "fail"]

SIGNS: Final[dict[Level, str]] = {"ok": "✓", "warn": "!", "fail": "✗"}
ASCII_SIGNS: Final[dict[Level, str]] = {"ok": "+", "warn": "!", "fail": "x"}


@dataclass(frozen=True)
class Finding:
    """One line of a report. ``fail`` must be mended before the system can work, ``warn`` should be."""

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


def render(findings: Sequence[Finding], encoding: str | None) -> str:
    """Return the table, one line for each finding and one more for each remedy that does not fit beside it."""
    marks = signs(encoding)
    name_width = max((len(finding.name) for finding in findings), default=0)
    found_width = min(max((len(finding.found) for finding in findings if finding.remedy), default=0), 44)
    lines = []
    for finding in findings:
        line = f"{marks[finding.level]} {finding.name:<{name_width}}  {finding.found:<{found_width}}"
        lines.append(f"{line}  -> {finding.remedy}" if finding.remedy else line.rstrip())
    text = "\n".join(lines)
    return text if marks is SIGNS else text.encode("ascii", "replace").decode()


def report(findings: Sequence[Finding]) -> int:
    """Print the table and a closing line; 1 when something must be mended, else 0."""
    failed = sum(finding.level == "fail" for finding in findings)
    warned = sum(finding.level == "warn" for finding in findings)
    print(render(findings, sys.stdout.encoding))
    print(f"\n{failed} to mend, {warned} to look at, {len(findings) - failed - warned} in order")
    return 1 if failed else 0
