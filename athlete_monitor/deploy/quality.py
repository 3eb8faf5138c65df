"""``test``: all checks that must pass before a change is kept, the fastest first."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import MonitorError
from athlete_monitor.project import IS_CHECKOUT, PROJECT

if TYPE_CHECKING:
    from collections.abc import Sequence

TOOLS: Final = Path(sys.executable).parent
CHECKS: Final = (
    ("lint", [str(TOOLS / "ruff"), "check", "."]),
    ("format", [str(TOOLS / "ruff"), "format", "--check", "."]),
    ("types", [sys.executable, "-m", "mypy"]),
    ("import laws", [str(TOOLS / "lint-imports")]),
)


TWO_AT_A_TIME = ("-n", "2", "--dist", "loadfile")
"""Two test files run in parallel: most spend half of their time waiting for processes."""


@dataclass(frozen=True)
class CheckOutcome:
    """The result of one check."""

    name: str
    passed: bool
    took_s: float
    output: str = ""


def test(pytest_options: Sequence[str]) -> int:
    """Run lint, types, import rules and all tests; print failures, a summary, and at last pytest's closing line."""
    if not IS_CHECKOUT:
        raise MonitorError("test works in a checkout of the project only: an installed package has no tests")
    outcomes = [_check(name, command) for name, command in CHECKS]
    for outcome in outcomes:
        if not outcome.passed:
            print(f"--- {outcome.name}\n{outcome.output}", flush=True)
    print(_summary(outcomes), flush=True)
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *TWO_AT_A_TIME, *pytest_options], cwd=PROJECT, env=_env(), check=False
    )
    broken = [outcome.name for outcome in outcomes if not outcome.passed]
    if broken:
        print(f"Not in order: {', '.join(broken)} (above)", file=sys.stderr)
    return tests.returncode or (1 if broken else 0)


def _check(name: str, command: Sequence[str]) -> CheckOutcome:
    print(f"{name} ...", flush=True)
    start = time.monotonic()
    done = subprocess.run(
        command, cwd=PROJECT, env=_env(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return CheckOutcome(name, done.returncode == 0, time.monotonic() - start, done.stdout)


def _env() -> dict[str, str]:
    """One thread for each numeric library: tests run in parallel, and boards are small."""
    return {"OMP_NUM_THREADS": "1", **os.environ}


def _summary(outcomes: Sequence[CheckOutcome]) -> str:
    marks = [
        f"{outcome.name} {'passed' if outcome.passed else 'FAILED'} ({outcome.took_s:.0f} s)" for outcome in outcomes
    ]
    return "; ".join(marks)
