"""What can be wrong with an athlete's data, as one line."""

from __future__ import annotations

from athlete_monitor.errors import MonitorError


class TrainingError(MonitorError, ValueError):
    """An athlete cannot be trained; the text says why, for one line of the report."""
