"""Counters since start-up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Counts:
    """Counters since start-up, for the engine's own statistics."""

    samples: int = 0
    steps: int = 0
    outputs: int = 0
    events: int = 0
    invalid: int = 0
    invalid_reasons: Counter[str] = field(default_factory=Counter)
    refused_devices: int = 0
    over_rate: int = 0
    """Samples and messages dropped because a device sends more than ``engine.max_rate_hz``."""
    filtered: int = 0
    sessions_started: int = 0
    sessions_ended: int = 0
