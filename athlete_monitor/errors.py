"""The errors of the system, with one root; each text says what is wrong, where, and what is allowed."""

from __future__ import annotations


class MonitorError(Exception):
    """Root of every error that this package raises on purpose. Its text is one line for the user."""

    exit_code = 1


class ConfigError(MonitorError, ValueError):
    """A configuration or roster file is not valid. The text holds one line for each problem found."""

    exit_code = 2


class PayloadError(MonitorError, ValueError):
    """A message on the wire is not a valid sample. The text is the reason, short enough to count by."""


class RecordingError(MonitorError, ValueError):
    """A file is not a readable recording, or holds nothing usable."""


class ModelError(MonitorError, ValueError):
    """A model artifact or its manifest is missing, damaged, hostile or made for something else."""


class BrokerError(MonitorError, ConnectionError):
    """The MQTT broker cannot be reached, started or refuses the client."""


class LockedError(MonitorError, RuntimeError):
    """Another process holds the lock. The text names the process and what to do."""
