#!/usr/bin/env python3
"""Receive data from Bluetooth straps, phones, and any stream of JSON."""

import athlete_monitor.deploy.entered  # noqa: F401 - first of all, into the project's own environment
from athlete_monitor.bridge.command import main
from athlete_monitor.system.program import run_program

if __name__ == "__main__":
    raise SystemExit(run_program(main))
