"""What goes into the kernel: its settings, and the samples of one step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athlete_monitor.squad.heart_rate_source import (
    MODE_OF,
)
from athlete_monitor.wire.sample import values_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import FloatArray, IntArray
    from athlete_monitor.features import FeatureSpec
    from athlete_monitor.physiology.position import PitchPlan
    from athlete_monitor.squad.heart_rate_source import Policy
    from athlete_monitor.wire.sample import Sample


@dataclass(frozen=True)
class Batch:
    """One step's samples, each athlete at most once.

    ``rows`` [k], ``t`` [k] in seconds, ``values`` [k, len(CHANNELS)] (NaN: not measured), ``mode`` [k] as ``Mode``;
    ``rr`` holds (row, t, intervals in ms) for the few samples that have beats.
    """

    rows: IntArray
    t: FloatArray
    values: FloatArray
    mode: IntArray
    rr: tuple[tuple[int, float, tuple[float, ...]], ...] = ()

    @classmethod
    def from_samples(cls, rows: Sequence[int], samples: Sequence[Sample], modes: Sequence[int] | None = None) -> Batch:
        """Combine samples of different athletes; ``modes`` if the samples do not carry them all."""
        return cls(
            np.array(rows, dtype=np.int64),
            np.array([sample.t for sample in samples]),
            values_of(samples),
            np.array([MODE_OF[s.tags.mode] for s in samples] if modes is None else modes, dtype=np.int64),
            tuple(
                (row, sample.t, sample.rr_intervals_ms)
                for row, sample in zip(rows, samples, strict=True)
                if sample.rr_intervals_ms
            ),
        )


@dataclass(frozen=True)
class KernelSettings:
    """The settings of the kernel."""

    features: FeatureSpec
    fusion: str = "imufusion"
    policy: Policy = "auto"
    sensor_fresh_s: float = 5.0
    prediction_rate_hz: float = 10.0
    metrics_rate_hz: float = 1.0
    alert_g: float = 8.0
    pitch: PitchPlan | None = None
