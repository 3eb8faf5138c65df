"""Heart Rate Measurement (characteristic 0x2A37) of the Bluetooth heart rate service, version 1.0.

>>> read_heart_rate(bytes([0x16, 121, 0x00, 0x02]))
HeartRateNotification(bpm=121, contact=True, energy_kj=None, beats=(512,))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from athlete_monitor.errors import PayloadError

SERVICE: Final = "0000180d-0000-1000-8000-00805f9b34fb"
MEASUREMENT: Final = "00002a37-0000-1000-8000-00805f9b34fb"
BATTERY: Final = "00002a19-0000-1000-8000-00805f9b34fb"
TICKS_PER_S: Final = 1024.0
"""Beat intervals are counted in 1/1024 s."""

LEAST_BPM: Final = 20
MOST_BPM: Final = 250
"""What a strap can mean; the engine is stricter."""

_WIDE: Final = 0x01
_CONTACT: Final = 0x02
_CONTACT_KNOWN: Final = 0x04
_ENERGY: Final = 0x08
_BEATS: Final = 0x10


@dataclass(frozen=True)
class HeartRateNotification:
    """One notification of a strap.

    Attributes:
        bpm: as sent; straps send 0 and 255 when they do not know.
        contact: whether the strap touches the skin; None where it does not say.
        energy_kj: energy since the strap was reset, kJ; None where it does not say.
        beats: intervals between beats, oldest first, in 1/1024 s.
    """

    bpm: int
    contact: bool | None = None
    energy_kj: int | None = None
    beats: tuple[int, ...] = ()

    @property
    def heart_rate_bpm(self) -> float | None:
        """The heart rate; None where the number can be none, or the strap says that it does not touch the skin."""
        return float(self.bpm) if LEAST_BPM <= self.bpm <= MOST_BPM and self.contact is not False else None


def read_heart_rate(data: bytes) -> HeartRateNotification:
    """Read a notification.

    Raises:
        PayloadError: it is shorter than its flags say.
    """
    if len(data) < 2:
        raise PayloadError("heart rate: shorter than two bytes")
    flags = data[0]
    wide = 2 if flags & _WIDE else 1
    energy = 1 + wide
    beats = energy + (2 if flags & _ENERGY else 0)
    if len(data) < beats:
        raise PayloadError("heart rate: shorter than its flags say")
    return HeartRateNotification(
        int.from_bytes(data[1:energy], "little"),
        bool(flags & _CONTACT) if flags & _CONTACT_KNOWN else None,
        int.from_bytes(data[energy:beats], "little") if flags & _ENERGY else None,
        _intervals(data[beats:]) if flags & _BEATS else (),
    )


def _intervals(data: bytes) -> tuple[int, ...]:
    """Return the whole intervals; half of one at the end was cut off on the way."""
    return tuple(int.from_bytes(data[place : place + 2], "little") for place in range(0, len(data) - 1, 2))


def read_battery(data: bytes) -> float | None:
    """Read a battery level, %; None where it is none."""
    return float(data[0]) if data and data[0] <= 100 else None
