#!/usr/bin/env python3
"""Keep a league of squads running: one live engine for each, on a Ray cluster."""

import athlete_monitor.deploy.entered  # noqa: F401 - first of all, into the project's own environment
from athlete_monitor.league.command import main
from athlete_monitor.system.program import run_program

if __name__ == "__main__":
    raise SystemExit(run_program(main))
