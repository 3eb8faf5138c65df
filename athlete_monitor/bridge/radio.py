"""The radio: which straps are in range of which adapter, and connections to them. The only module that knows bleak."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from bleak import BleakClient, BleakScanner
from bleak.exc import BleakError
from dbus_fast import DBusError

from athlete_monitor.bridge import heart_rate
from athlete_monitor.bridge.adapters import adapters

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from bleak.backends.characteristic import BleakGATTCharacteristic
    from bleak.backends.device import BLEDevice
    from bleak.backends.scanner import AdvertisementData

TROUBLE: Final = (BleakError, DBusError, OSError, EOFError, asyncio.TimeoutError)
"""What may happen on the radio at any time."""
MOST_STRAPS: Final = 7
"""Straps of one adapter: the least that common ones allow."""
FRESH_S: Final = 15.0
"""A strap that was heard so long ago is in range."""
LEAST_NUMBER: Final = 6
"""Characters of a word of a strap's name that can be its number."""
CONNECT_S: Final = 20.0
LEAVE_S: Final = 10.0
NO_SIGNAL_DBM: Final = -127
"""What is reported where the strength is not known."""


@dataclass(frozen=True)
class Sighting:
    """A strap heard by one adapter."""

    address: str
    name: str | None
    rssi_dbm: float | None
    adapter: str
    is_strap: bool
    seen_s: float
    device: BLEDevice = field(repr=False, compare=False)

    def matches(self, wanted: str) -> bool:
        """Return whether this is the strap that a roster means; see ``names_strap``."""
        return names_strap(wanted, self.address, self.name)


class Radio:
    """All adapters together.

    Args:
        wanted: names of the adapters to use; none: all that are switched on.
        most: straps that one adapter keeps.
        clock: monotonic seconds.
    """

    def __init__(
        self, wanted: Iterable[str] = (), most: int = MOST_STRAPS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._wanted, self._most, self._clock = tuple(wanted), most, clock
        self._sightings: dict[tuple[str, str], Sighting] = {}
        self._quiet: dict[str, asyncio.Lock] = {}
        self._taken: Counter[str] = Counter()

    async def look(self, seconds: float, enough: Callable[[], bool] = lambda: False) -> None:
        """Listen on all adapters for so long, or until ``enough``.

        Raises:
            NoBluetoothError: there is no adapter.
            BleakError: no adapter can listen now; any of ``TROUBLE``.
        """
        self._forget()
        names = [each.name for each in await adapters(self._wanted)]
        done = asyncio.Event()
        troubles = await asyncio.gather(*(self._listen(name, seconds, enough, done) for name in names))
        if all(troubles):
            raise troubles[0]  # type: ignore[misc]  # there is at least one adapter

    def seen(self) -> list[Sighting]:
        """Return the straps that were heard lately, each by the adapter that hears it best, the strongest first."""
        self._forget()
        best: dict[str, Sighting] = {}
        for each in sorted(self._sightings.values(), key=_strength):
            best[each.address] = each
        return sorted(best.values(), key=_strength, reverse=True)

    def best(self, strap: str) -> Sighting | None:
        """Return where this strap is to be connected: the adapter with most room, then the best signal; None: nowhere.

        Adapters that keep as many straps as they may are left out.
        """
        self._forget()
        found = [each for each in self._sightings.values() if each.matches(strap)]
        room = [each for each in found if self._taken[each.adapter] < self._most]
        return min(room, key=lambda each: (self._taken[each.adapter], -_strength(each)), default=None)

    def is_full_for(self, strap: str) -> bool:
        """Return whether the strap is heard, but only by adapters that keep as many as they may."""
        return self.best(strap) is None and any(each.matches(strap) for each in self._sightings.values())

    def reserve(self, sighting: Sighting) -> None:
        """Keep room on the adapter for this strap; ``connection`` or ``release`` gives it back."""
        self._taken[sighting.adapter] += 1

    def release(self, sighting: Sighting) -> None:
        """Give back what ``reserve`` kept."""
        self._taken[sighting.adapter] -= 1

    @contextlib.asynccontextmanager
    async def connection(self, sighting: Sighting) -> AsyncIterator[StrapConnection]:
        """Connect to a strap with a reservation, for as long as the block lasts.

        One connection is made at a time on each adapter.

        Raises:
            BleakError: it cannot be reached; any of ``TROUBLE``.
        """
        connection = StrapConnection(sighting)
        try:
            async with self._lock(sighting.adapter):
                await connection.open()
            yield connection
        finally:
            self.release(sighting)
            self._sightings = {key: each for key, each in self._sightings.items() if each.address != sighting.address}
            await connection.close()

    async def _listen(
        self, adapter: str, seconds: float, enough: Callable[[], bool], done: asyncio.Event
    ) -> Exception | None:
        """Listen on one adapter; return what went wrong there."""

        def hear(device: BLEDevice, advertised: AdvertisementData) -> None:
            self._hear(_sighting(adapter, device, advertised, self._clock()))
            if enough():
                done.set()

        async with self._lock(adapter):
            scanner = BleakScanner(hear, bluez={"adapter": adapter})
            try:
                await scanner.start()
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(done.wait(), seconds)
            except TROUBLE as error:
                return error
            finally:
                with contextlib.suppress(*TROUBLE):
                    await asyncio.wait_for(scanner.stop(), LEAVE_S)
        return None

    def _hear(self, new: Sighting) -> None:
        """Remember a sighting; its signal is smoothed, since it jumps by 10 dB from one to the next."""
        old = self._sightings.get((new.adapter, new.address))
        if old is not None and old.rssi_dbm is not None and new.rssi_dbm is not None:
            new = replace(new, rssi_dbm=round(0.7 * old.rssi_dbm + 0.3 * new.rssi_dbm, 1))
        self._sightings[new.adapter, new.address] = new

    def _lock(self, adapter: str) -> asyncio.Lock:
        return self._quiet.setdefault(adapter, asyncio.Lock())

    def _forget(self) -> None:
        oldest = self._clock() - FRESH_S
        self._sightings = {key: each for key, each in self._sightings.items() if each.seen_s >= oldest}


class StrapConnection:
    """A connection to one strap."""

    def __init__(self, sighting: Sighting) -> None:
        self.lost = asyncio.Event()
        self._client = BleakClient(sighting.device, lambda _client: self.lost.set(), timeout=CONNECT_S)

    async def open(self) -> None:
        """Connect and find out what it offers; any of ``TROUBLE`` may happen."""
        await asyncio.wait_for(self._client.connect(), CONNECT_S + LEAVE_S)

    async def close(self) -> None:
        """Leave; whatever happens on the way, nothing is held afterwards."""
        with contextlib.suppress(*TROUBLE):
            await asyncio.wait_for(self._client.disconnect(), LEAVE_S)

    def offers(self, characteristic: str) -> bool:
        """Return whether the strap has this characteristic."""
        return self._find(characteristic) is not None

    async def read(self, characteristic: str) -> bytes | None:
        """Return what a characteristic holds; None where the strap has none, or does not let it be read."""
        found = self._find(characteristic)
        if found is None or "read" not in found.properties:
            return None
        return bytes(await self._client.read_gatt_char(found))

    async def follow(self, characteristic: str, take: Callable[[bytes], None]) -> None:
        """Call ``take`` with every notification; any of ``TROUBLE`` may happen."""
        found = self._find(characteristic)
        if found is None:
            raise BleakError(f"has no characteristic {characteristic[4:8]}")
        await self._client.start_notify(found, lambda _found, data: take(bytes(data)))

    async def notifies(self, characteristic: str, take: Callable[[bytes], None]) -> bool:
        """Follow a characteristic where the strap offers it."""
        found = self._find(characteristic)
        if found is None or not {"notify", "indicate"} & set(found.properties):
            return False
        await self.follow(characteristic, take)
        return True

    async def write(self, characteristic: str, data: bytes) -> None:
        """Write, and wait for the answer of the strap; any of ``TROUBLE`` may happen."""
        await self._client.write_gatt_char(characteristic, data, response=True)

    def _find(self, characteristic: str) -> BleakGATTCharacteristic | None:
        try:
            return self._client.services.get_characteristic(characteristic)
        except BleakError:  # it has gone
            return None


def names_strap(wanted: str, address: str, name: str | None) -> bool:
    """Return whether a roster means this strap: by address, by name, or by the number in its name.

    The case of letters does not matter, nor do the colons of an address.

    >>> [names_strap(each, "A0:9E:1A:00:00:07", "Polar H10 1234ABCD") for each in ("a09e1a000007", "1234abcd", "Polar")]
    [True, True, False]
    """
    asked, plain, called = wanted.casefold().strip(), address.casefold(), (name or "").casefold()
    numbers = {word for word in called.split()[1:] if len(word) >= LEAST_NUMBER}
    return asked in {plain, plain.replace(":", ""), called, *numbers} - {""}


def reason_of(error: BaseException) -> str:
    """Return in a few words what went wrong on the radio."""
    if isinstance(error, asyncio.TimeoutError):
        return "does not answer"
    text = " ".join(str(error).split())
    return text[:120] or type(error).__name__


def _strength(sighting: Sighting) -> float:
    return NO_SIGNAL_DBM if sighting.rssi_dbm is None else sighting.rssi_dbm


def _sighting(adapter: str, device: BLEDevice, advertised: AdvertisementData, now_s: float) -> Sighting:
    services = {uuid.lower() for uuid in advertised.service_uuids}
    rssi = None if advertised.rssi <= NO_SIGNAL_DBM else float(advertised.rssi)
    is_strap = heart_rate.SERVICE in services
    return Sighting(device.address, device.name or advertised.local_name, rssi, adapter, is_strap, now_s, device)
