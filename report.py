#!/usr/bin/env python3
"""After the session: reports as PDF or HTML, the season, and data for pandas, R, Excel and other programs."""

from __future__ import annotations

import sys

import athlete_monitor.deploy.entered  # noqa: F401 - first of all, into the project's own environment
from athlete_monitor.report.command import main
from athlete_monitor.system.program import run_program

if __name__ == "__main__":
    sys.exit(run_program(main))
