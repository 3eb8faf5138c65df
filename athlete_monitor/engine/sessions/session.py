"""One session of one device."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from athlete_monitor.squad.heart_rate_source import MODE_OF, SessionMode
from athlete_monitor.wire.sample import NO_PROFILE, NO_TAGS, Sample, Tags, WireProfile
from athlete_monitor.wire.timestamps import file_stamp
from athlete_monitor.wire.whole_seconds import WholeSeconds

if TYPE_CHECKING:
    from athlete_monitor.engine.intake.ordering import DeviceStream
    from athlete_monitor.engine.sessions.wearers import Wearer


@dataclass
class Phases:
    """Seconds of sample time in each phase that the sender names."""

    seconds: dict[str, float] = field(default_factory=dict)
    current: str | None = None
    since_t: float = 0.0

    def change(self, phase: str | None, t: float) -> None:
        """Change the phase at ``t``."""
        self.close(t)
        self.current, self.since_t = phase, t

    def close(self, t: float) -> None:
        """Count the current phase up to ``t``."""
        if self.current is not None:
            self.seconds[self.current] = self.seconds.get(self.current, 0.0) + max(0.0, t - self.since_t)
        self.since_t = t


@dataclass
class Ending:
    """A session that is to end as soon as its samples have been used, and what its device has sent since."""

    reason: str
    later: list[tuple[Sample, float]]
    """Samples of the device's next session, with their times of arrival."""
    tokens: list[int] = field(default_factory=list)
    """Messages behind ``later``."""


@dataclass(eq=False)
class Session:
    """One session of one device, from its first sample to its summary.

    ``queue`` holds samples in order that the kernel has not seen yet. Times called ``arrived`` are the engine's clock,
    all others sample time.
    """

    session_id: str
    number: int
    wearer: Wearer
    row: int
    start_t: float
    stream: DeviceStream
    arrived_s: float
    whole_seconds: WholeSeconds = field(default_factory=WholeSeconds)
    box: str = ""
    """Name of the box, for its messages."""
    wire_athlete_id: int | None = None
    told_profile: WireProfile = NO_PROFILE
    queue: list[Sample] = field(default_factory=list)
    tags: Tags = NO_TAGS
    mode: str | None = None
    mode_code: int = SessionMode.UNKNOWN
    phases: Phases = field(default_factory=Phases)
    status: str = "online"
    has_beats: bool = False
    last_t: float = 0.0
    received: int = 0
    outputs: int = 0
    reasons_key: tuple[Any, ...] = ()
    reasons: dict[str, str] = field(default_factory=dict)
    reasons_parts: tuple[dict[str, str], ...] = ()
    """The dictionaries behind ``reasons_json``."""
    reasons_json: msgspec.Raw = field(default_factory=msgspec.Raw)
    chronic: tuple[float | None, ...] = ()
    """Values of ``CHRONIC``, in order."""
    chronic_reasons: dict[str, str] = field(default_factory=dict)
    snapshot_t: float = math.nan
    """Sample time as of the last snapshot in the journal; NaN before the first."""
    memory_t: float = 0.0
    latest: msgspec.Struct | None = None
    """The newest ``AthleteFigures``."""
    tokens: list[int] = field(default_factory=list)
    """Messages of the samples so far that have not been acknowledged yet."""
    ending: Ending | None = None
    was_paused: bool = False
    """Whether an earlier engine was stopped in an orderly way and has summarised the session so far."""

    @property
    def device_id(self) -> str:
        """The device."""
        return self.wearer.device_id

    @property
    def athlete_id(self) -> int:
        """The athlete."""
        return self.wearer.athlete_id

    @property
    def device_t(self) -> float:
        """Last sample's time by the device's own clock."""
        return self.last_t - self.stream.offset_s

    @property
    def device_start_t(self) -> float:
        """Start of the session by the device's present clock, so that a corrected clock gives the correct date."""
        return self.start_t - self.stream.offset_s

    @property
    def holds_samples(self) -> bool:
        """Whether samples wait that the kernel has not used: they are not in the journal yet."""
        return bool(self.queue) or self.stream.is_holding or self.whole_seconds.is_waiting

    def follow_tags(self, tags: Tags, t: float) -> None:
        """Store the sender's tags of the session."""
        if tags.session_phase != self.phases.current:
            self.phases.change(tags.session_phase, t)
        self.tags = tags
        if tags.mode is not None:
            self.mode, self.mode_code = tags.mode, MODE_OF[tags.mode]


def session_id(wearer: Wearer, start_t: float) -> str:
    """Name of a session: athlete, device and local time of its first sample, to the millisecond."""
    return f"{wearer.file_stem}_{file_stamp(start_t)}-{round(start_t * 1000) % 1000:03d}"
