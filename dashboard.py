#!/usr/bin/env python3
"""Serve the coach's screen: the squad live in a browser, over what the engine publishes and archives."""

import athlete_monitor.deploy.entered  # noqa: F401 - first of all, into the project's own environment
from athlete_monitor.dashboard.command import main

if __name__ == "__main__":
    raise SystemExit(main())
