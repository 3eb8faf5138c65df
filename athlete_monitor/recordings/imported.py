"""A foreign recording as an importer returns it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
from msgspec import structs

from athlete_monitor.arrays import CHANNEL_INDEX, CHANNELS, FloatArray, IntArray
from athlete_monitor.channels import TABLE
from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.cells import safe_text
from athlete_monitor.wire.sample import NO_PROFILE, NO_TAGS, Tags, WireProfile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from athlete_monitor.wire.session_files import Mode

MEASURED: Final = frozenset(channel.name for channel in TABLE if not channel.health)
NOTHING: Final[Mapping[str, FloatArray]] = MappingProxyType({})
_LONGEST: Final = 120
"""Characters of a name in a foreign file."""
POSITION_QUALITY: Final = ("hdop", "satellites", "position_quality_percent")
"""Columns on the quality of a position, in addition to our channels. They are used and not stored."""


@dataclass(frozen=True)
class Whose:
    """The athlete of a recording, as far as the file names one.

    Attributes:
        name: the athlete's name.
        number: the shirt number.
        athlete_id: our own id, in session files.
        device: the device's id or serial number.
    """

    name: str | None = None
    number: str | None = None
    athlete_id: int | None = None
    device: str | None = None

    def __post_init__(self) -> None:
        """Clean what a foreign file wrote: it appears in messages of one line, rosters and spreadsheets."""
        for key in ("name", "number", "device"):
            text = getattr(self, key)
            if text is not None:
                object.__setattr__(self, key, " ".join(safe_text(text).split())[:_LONGEST] or None)

    @property
    def is_device(self) -> bool:
        """Whether nothing but a device is known."""
        return bool(self.device) and not self.name and not self.number and self.athlete_id is None

    def __str__(self) -> str:
        number = f"number {self.number}" if self.number else ""
        athlete = f"athlete {self.athlete_id}" if self.athlete_id is not None else ""
        device = f"device {self.device}" if self.is_device else ""
        return self.name or number or athlete or device or "an athlete whom the file does not name"


@dataclass(frozen=True)
class Imported:
    """A foreign recording in our units. Axis 0 is time.

    Attributes:
        source: the file or folder it was read from.
        t: epoch seconds, [n].
        channels: the measurements, each [n], by channel, SI units, NaN where not measured. In addition to the channels
            of ``arrays.CHANNELS``, the names in ``POSITION_QUALITY``.
        rr: beat intervals in ms by row: those of the beats since the row before.
        profile: the athlete's body, as far as the recording gives it.
        notes: what a user should know about it, one sentence each.
        label: name of the recording in messages; the source if empty.
        kind: the format it was read from.
        whose: the athlete.
        mode: training or game, None if the file does not give it.
        tags: the different tags of the rows.
        tag_index: index into ``tags`` of each row, [n]; None if all have the first.
        offset_s: seconds of the recording's local time ahead of UTC; None if not known.
        totals: totals of the whole recording as given by the device: ``duration_s``, ``distance_m``,
            ``heart_rate_mean_bpm``, ``heart_rate_max_bpm``, ``speed_max_mps``.
        summary: the rows of a file that holds figures only and no samples.
        understood: how a table was read: its layout and the meaning of each column.
    """

    source: Path
    t: FloatArray
    channels: Mapping[str, FloatArray] = field(default_factory=lambda: NOTHING)
    rr: Mapping[int, tuple[float, ...]] = field(default_factory=dict)
    profile: WireProfile = NO_PROFILE
    notes: tuple[str, ...] = ()
    label: str = ""
    kind: str = ""
    whose: Whose = Whose()
    mode: Mode | None = None
    tags: tuple[Tags, ...] = (NO_TAGS,)
    tag_index: IntArray | None = None
    offset_s: int | None = None
    totals: Mapping[str, float] = field(default_factory=dict)
    summary: tuple[Mapping[str, object], ...] = ()
    understood: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.label or str(self.source)

    def __len__(self) -> int:
        return len(self.t)

    @property
    def values(self) -> FloatArray:
        """All channels as one array, [n, len(CHANNELS)]."""
        return self.block(0, len(self.t))

    def block(self, start: int, stop: int) -> FloatArray:
        """Return some rows of all channels, [stop - start, len(CHANNELS)]."""
        values = np.full((len(self.t[start:stop]), len(CHANNELS)), np.nan)
        for name, column in self.channels.items():
            if name in CHANNEL_INDEX:
                values[:, CHANNEL_INDEX[name]] = column[start:stop]
        return values

    def has(self, *names: str) -> bool:
        """Whether each of these channels has a measurement.

        >>> Imported(None, np.zeros(2), {"speed_mps": np.array([1.0, np.nan])}).has("speed_mps")
        True
        """
        return all(name in self.channels and not np.isnan(self.channels[name]).all() for name in names)

    @property
    def measures(self) -> bool:
        """Whether it measures the athlete: a battery's charge does not."""
        return bool(self.rr) or any(self.has(name) for name in self.channels if name in MEASURED)

    def noted(self, *notes: str) -> Imported:
        """Return the recording with further notes; empty ones are left out."""
        return dataclasses.replace(self, notes=(*self.notes, *(note for note in notes if note)))

    def with_channels(self, changed: Mapping[str, FloatArray | None], *notes: str) -> Imported:
        """Return the recording with some channels replaced, added, or (if None) removed."""
        merged = {name: column for name, column in {**self.channels, **changed}.items() if column is not None}
        return dataclasses.replace(self, channels=merged).noted(*notes)

    def in_mode(self, mode: Mode) -> Imported:
        """Return the recording with this mode in all rows."""
        return dataclasses.replace(self, tags=tuple(structs.replace(tags, mode=mode) for tags in self.tags))

    def rows(self, index: IntArray) -> Imported:
        """Return the recording with these rows, in this order; beats of a removed row move to the next one kept."""
        if len(index) == len(self.t) and (index == np.arange(len(index))).all():
            return self
        return dataclasses.replace(
            self,
            t=self.t[index],
            channels={name: column[index] for name, column in self.channels.items()},
            rr=_moved_beats(self.rr, index),
            tag_index=None if self.tag_index is None else self.tag_index[index],
        )


def _moved_beats(rr: Mapping[int, tuple[float, ...]], index: IntArray) -> dict[int, tuple[float, ...]]:
    if not rr or not len(index):
        return {}
    where = {old: new for new, old in enumerate(index.tolist())}
    kept = np.sort(index)
    moved: dict[int, tuple[float, ...]] = {}
    for row in sorted(rr):
        target = where.get(row)
        if target is None:
            after = int(np.searchsorted(kept, row))
            target = where[int(kept[min(after, len(kept) - 1)])]
        moved[target] = (*moved.get(target, ()), *rr[row])
    return moved


def checked(recording: Imported) -> Imported:
    """Return the recording unchanged.

    Raises:
        RecordingError: it measures nothing.
    """
    if not len(recording.t) or not recording.measures:
        raise RecordingError(f"{recording}: holds no measurement")
    return recording
