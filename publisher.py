#!/usr/bin/env python3
"""Stream a simulated squad, or recordings, to the broker; record simulated sessions."""

import athlete_monitor.deploy.entered  # noqa: F401 - first of all, into the project's own environment
from athlete_monitor.sim.publish import main

if __name__ == "__main__":
    raise SystemExit(main())
