"""Who wears which device now, and the session that is running on it."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from athlete_monitor.athletes import Profile, merge
from athlete_monitor.squad.heart_rate_source import MODE_OF, Mode
from athlete_monitor.wire.sample import NO_PROFILE, NO_TAGS, Sample, Tags, WireProfile
from athlete_monitor.wire.timestamps import file_stamp
from athlete_monitor.wire.whole_seconds import WholeSeconds

if TYPE_CHECKING:
    import msgspec

    from athlete_monitor.athletes import Roster
    from athlete_monitor.engine.intake.ordering import DeviceStream

UNKNOWN_ATHLETE = 0
"""Athlete of a device that neither the roster nor the wire assigns to anybody."""

_UNSAFE = re.compile(r"[^\w-]+")
_NAME_LENGTH = 60


def safe_name(name: str) -> str:
    """A name as part of a file name: letters, digits, ``_`` and ``-`` alone, never empty, 60 characters at most."""
    return _UNSAFE.sub("_", name).strip("_")[:_NAME_LENGTH] or "unnamed"


@dataclass(frozen=True)
class Wearer:
    """Who wears a device."""

    device_id: str
    profile: Profile

    @property
    def athlete_id(self) -> int:
        """From 1; ``UNKNOWN_ATHLETE`` where nobody says."""
        return self.profile.athlete_id

    @property
    def name(self) -> str:
        """The roster's name, else one made of the device."""
        return self.profile.name or f"Device_{self.device_id}"

    @property
    def phase(self) -> float:
        """A number from 0 to 1 of the device, the same at every start."""
        return zlib.crc32(self.device_id.encode()) / 2**32

    @property
    def folder(self) -> str:
        """Name of the athlete's folder of outputs."""
        return f"A{self.athlete_id}_{safe_name(self.name)}"

    @property
    def file_stem(self) -> str:
        """How the files of this athlete and device begin."""
        return f"A{self.athlete_id}_D{self.device_id}"


class Wearers:
    """Finds out who wears a device: the sender's word for the athlete, else the roster's; the roster's for the body."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster

    def of(self, sample: Sample) -> Wearer:
        """The wearer as of this sample."""
        athlete_id = self.athlete_id(sample)
        known = self._roster.by_id(athlete_id)
        day = datetime.fromtimestamp(sample.t).date()  # noqa: DTZ006 - the local day
        return Wearer(
            sample.device_id, merge(known.profile(day) if known else None, sample.profile.as_profile(athlete_id))
        )

    def expects(self, sample: Sample) -> bool:
        """Whether the roster knows the device: strangers cannot keep it out."""
        return self._roster.by_device(sample.device_id) is not None

    def athlete_id(self, sample: Sample) -> int:
        """The athlete as of this sample."""
        if sample.athlete_id is not None:
            return sample.athlete_id
        wears = self._roster.by_device(sample.device_id)
        return wears.id if wears else UNKNOWN_ATHLETE


@dataclass
class Phases:
    """Seconds of sample time in each phase that the sender names."""

    seconds: dict[str, float] = field(default_factory=dict)
    current: str | None = None
    since_t: float = 0.0

    def change(self, phase: str | None, t: float) -> None:
        """The phase is another from ``t`` on."""
        self.close(t)
        self.current, self.since_t = phase, t

    def close(self, t: float) -> None:
        """Count the current phase up to ``t``."""
        if self.current is not None:
            self.seconds[self.current] = self.seconds.get(self.current, 0.0) + max(0.0, t - self.since_t)
        self.since_t = t


@dataclass
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
    wire_athlete_id: int | None = None
    told_profile: WireProfile = NO_PROFILE
    queue: list[Sample] = field(default_factory=list)
    tags: Tags = NO_TAGS
    mode: str | None = None
    mode_code: int = Mode.UNKNOWN
    phases: Phases = field(default_factory=Phases)
    status: str = "online"
    has_beats: bool = False
    last_t: float = 0.0
    received: int = 0
    outputs: int = 0
    reasons_key: tuple[Any, ...] = ()
    reasons: dict[str, str] = field(default_factory=dict)
    chronic: tuple[float | None, ...] = ()
    """Values of ``CHRONIC``, in order."""
    chronic_reasons: dict[str, str] = field(default_factory=dict)
    snapshot_t: float = 0.0
    memory_t: float = 0.0
    latest: msgspec.Struct | None = None
    """The newest ``AthleteFigures``."""

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
        """When the session began by the clock that the device has now: a clock set right dates it right."""
        return self.start_t - self.stream.offset_s

    def follow_tags(self, tags: Tags, t: float) -> None:
        """Take over what the sender says about the session."""
        if tags.session_phase != self.phases.current:
            self.phases.change(tags.session_phase, t)
        self.tags = tags
        if tags.mode is not None:
            self.mode, self.mode_code = tags.mode, MODE_OF[tags.mode]


def session_id(wearer: Wearer, start_t: float) -> str:
    """Name of a session: athlete, device and local time of its first sample, to the millisecond."""
    return f"{wearer.file_stem}_{file_stamp(start_t)}-{round(start_t * 1000) % 1000:03d}"
