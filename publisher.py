#!/usr/bin/env python3
"""Stream a simulated squad, or recordings, to the broker; record simulated sessions."""

from athlete_monitor.sim.publish import main

if __name__ == "__main__":
    raise SystemExit(main())
