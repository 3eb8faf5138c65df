"""The wearer of a device: the roster's athlete, or the sender's if the device is not in the roster."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

from athlete_monitor.athletes import Profile, merge

if TYPE_CHECKING:
    from athlete_monitor.athletes import Roster
    from athlete_monitor.wire.sample import Sample

Trust = Literal["unknown", "all", "never"]
"""Which ``athlete_id`` is used: of devices that are not in the roster, of all devices, of none."""

UNKNOWN_ATHLETE: Final = 0
"""Athlete of a device that neither the roster nor the wire assigns to anybody."""

_UNSAFE: Final = re.compile(r"[^\w-]+")
_NAME_LENGTH: Final = 60


def safe_name(name: str) -> str:
    """Return a name as part of a file name: only letters, digits, ``_`` and ``-``, never empty, at most 60 characters.

    >>> safe_name("Zoë / 7")
    'Zoë_7'
    """
    return _UNSAFE.sub("_", name).strip("_")[:_NAME_LENGTH] or "unnamed"


@dataclass(frozen=True)
class Wearer:
    """The wearer of a device."""

    device_id: str
    profile: Profile

    @property
    def athlete_id(self) -> int:
        """From 1; ``UNKNOWN_ATHLETE`` if it is not known."""
        return self.profile.athlete_id

    @property
    def name(self) -> str:
        """The roster's name, else one made from the device."""
        return self.profile.name or f"Device_{self.device_id}"

    @property
    def phase(self) -> float:
        """A number from 0 to 1 that depends on the device, the same at every start."""
        return zlib.crc32(self.device_id.encode()) / 2**32

    @property
    def folder(self) -> str:
        """Name of the athlete's folder of outputs."""
        return f"A{self.athlete_id}_{safe_name(self.name)}"

    @property
    def file_stem(self) -> str:
        """Prefix of the names of this athlete's and device's files."""
        return f"A{self.athlete_id}_D{self.device_id}"


class Wearers:
    """Finds out who wears a device.

    Args:
        roster: athletes with their devices and bodies.
        trust: which ``athlete_id`` in messages is used: with ``unknown``, a device of the roster belongs to its roster
            athlete, so that no sensor can claim to be another athlete's.
    """

    def __init__(self, roster: Roster, trust: Trust = "unknown") -> None:
        self._roster, self._trust = roster, trust
        self.assigned: dict[str, int] = {}
        """Athletes by device, as assigned by a person: they override roster and sender."""

    def of(self, sample: Sample) -> Wearer:
        """Return the wearer as of this sample."""
        athlete_id = self.athlete_id(sample)
        known = self._roster.by_id(athlete_id)
        day = datetime.fromtimestamp(sample.t).date()  # noqa: DTZ006 - the local day
        return Wearer(
            sample.device_id, merge(known.profile(day) if known else None, sample.profile.as_profile(athlete_id))
        )

    def expects(self, sample: Sample) -> bool:
        """Whether the device is in the roster: unknown devices cannot displace it."""
        return self._roster.by_device(sample.device_id) is not None

    def knows(self, device_id: str) -> bool:
        """Whether the roster or a person has assigned the device to an athlete."""
        return device_id in self.assigned or self._roster.by_device(device_id) is not None

    def athlete_id(self, sample: Sample) -> int:
        """Return the athlete as of this sample."""
        if sample.device_id in self.assigned:
            return self.assigned[sample.device_id]
        wears = self._roster.by_device(sample.device_id)
        if sample.athlete_id is not None and self._is_trusted(known=wears is not None):
            return sample.athlete_id
        return wears.id if wears else UNKNOWN_ATHLETE

    def contradiction(self, sample: Sample) -> str | None:
        """Return a sentence if the sender names another athlete than the one that is used; else None."""
        counts = self.athlete_id(sample)
        if sample.athlete_id in {None, counts} or sample.device_id in self.assigned:
            return None
        instead = f"the roster's athlete {counts} is used" if counts else "nobody is assigned"
        return f"device {sample.device_id} says athlete {sample.athlete_id}; {instead} (athletes.trust_sender)"

    def _is_trusted(self, *, known: bool) -> bool:
        return self._trust == "all" or (self._trust == "unknown" and not known)
