"""Keeps straps connected until the end: each in its own task, so that a failure of one never stops the others."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from athlete_monitor.boundary import described
from athlete_monitor.bridge import heart_rate, polar
from athlete_monitor.bridge.adapters import NoBluetoothError
from athlete_monitor.bridge.radio import TROUBLE, reason_of
from athlete_monitor.errors import PayloadError

if TYPE_CHECKING:
    from collections.abc import Callable

    from athlete_monitor.bridge.outlet import Outlet
    from athlete_monitor.bridge.radio import Radio, Sighting, StrapConnection
    from athlete_monitor.bridge.strap import Strap, Values

_log = logging.getLogger(__name__)

ANSWER_S: Final = 3.0
BATTERY_EVERY_S: Final = 300.0
OUT_OF_RANGE: Final = "not in range"
FULL: Final = "in range, but the adapters keep as many straps as they may"


@dataclass(frozen=True)
class Timing:
    """How long what takes.

    Attributes:
        look_s: listening for straps, at a time.
        pause_s: before a strap that was lost, or could not be reached, is tried again.
        silent_s: a connected strap that sends nothing for this long is reconnected.
        check_s: between two looks at whether a strap has gone silent.
    """

    look_s: float = 5.0
    pause_s: float = 5.0
    silent_s: float = 15.0
    check_s: float = 1.0


@dataclass(frozen=True)
class Wishes:
    """What straps are asked for besides heart rate: Polar's acceleration (Hz; 0: none) and pulse intervals."""

    acceleration_hz: float = 0.0
    pulses: bool = False


@dataclass(frozen=True)
class _Wait:
    """A task that waits for a strap, and gets the reason of a long wait."""

    answer: asyncio.Future[Sighting]
    notify: Callable[[str], None]


class Lookout:
    """Listens while somebody waits for a strap, and says where it is.

    Args:
        radio: the adapters.
        timing: how long.
    """

    def __init__(self, radio: Radio, timing: Timing) -> None:
        self._radio, self._timing = radio, timing
        self._waiting: dict[str, _Wait] = {}
        self._news = asyncio.Event()

    async def find(self, strap: str, notify: Callable[[str], None]) -> Sighting:
        """Return where a strap is, as soon as it is in range of an adapter with room, which is reserved for it.

        Args:
            strap: as the roster calls it.
            notify: called with the reason while it is not found.
        """
        wait = self._waiting[strap] = _Wait(asyncio.get_running_loop().create_future(), notify)
        self._news.set()
        try:
            return await wait.answer
        except asyncio.CancelledError:
            if wait.answer.done() and not wait.answer.cancelled():
                self._radio.release(wait.answer.result())
            raise
        finally:
            self._waiting.pop(strap, None)

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            await self._news.wait()
            if await self._look():
                self._answer()
            if not self._open():
                self._news.clear()
            else:
                await asyncio.sleep(self._timing.check_s)

    async def _look(self) -> bool:
        """Listen once; return whether that was possible."""
        try:
            await self._radio.look(self._timing.look_s, lambda: all(map(self._radio.best, self._open())))
        except (NoBluetoothError, *TROUBLE) as error:
            for wait in self._open().values():
                wait.notify(reason_of(error))
            await asyncio.sleep(self._timing.pause_s)
            return False
        return True

    def _answer(self) -> None:
        for strap, wait in self._open().items():
            found = self._radio.best(strap)
            if found is not None:
                self._radio.reserve(found)
                wait.answer.set_result(found)
            else:
                wait.notify(FULL if self._radio.is_full_for(strap) else OUT_OF_RANGE)

    def _open(self) -> dict[str, _Wait]:
        return {strap: wait for strap, wait in self._waiting.items() if not wait.answer.done()}


class StrapKeeper:
    """Keeps one strap.

    Args:
        strap: what it sends and how it is heard.
        wanted: as the roster calls it: address, name or number.
        radio: the adapters.
        lookout: says where it is.
        outlet: where its samples go.
        timing: how long.
        wishes: what it is asked for besides heart rate.
        clock: epoch seconds.
    """

    def __init__(
        self,
        strap: Strap,
        wanted: str,
        radio: Radio,
        lookout: Lookout,
        outlet: Outlet,
        *,
        timing: Timing,
        wishes: Wishes,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.strap, self._wanted = strap, wanted
        self._radio, self._lookout, self._outlet = radio, lookout, outlet
        self._timing, self._wishes, self._clock = timing, wishes, clock
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()

    async def run(self) -> None:
        """Keep it until cancelled."""
        while True:
            sighting = await self._lookout.find(self._wanted, self._wait)
            reason = await self._attend(sighting)
            _log.info("event=strap_away device=%s address=%s reason=%r", self.strap.device_id, sighting.address, reason)
            self._emit(self.strap.is_away(reason, self._clock()))
            self._outlet.link(self.strap.link(self._clock()))
            await asyncio.sleep(self._timing.pause_s)

    def end(self) -> None:
        """The bridge ends."""
        self._emit(self.strap.is_off(self._clock()))
        self._outlet.link(self.strap.link(self._clock()))

    def _wait(self, reason: str) -> None:
        self.strap.is_away(reason, self._clock())

    async def _attend(self, sighting: Sighting) -> str:
        """Stay connected as long as possible; return why that ended."""
        try:
            async with self._radio.connection(sighting) as connection:
                return await self._stay(sighting, connection)
        except TROUBLE as error:
            return reason_of(error)
        except Exception as error:  # noqa: BLE001 - the boundary: whatever a strap does, the others go on
            fault = described(error)
            _log.error("event=strap_failed device=%s cause=%r", self.strap.device_id, fault.cause)
            return fault.cause

    async def _stay(self, sighting: Sighting, connection: StrapConnection) -> str:
        strap = self.strap
        strap.address = sighting.address
        strap.found(sighting.name, sighting.adapter, sighting.rssi_dbm, self._clock())
        await connection.follow(heart_rate.MEASUREMENT, self._take_heart_rate)
        await connection.notifies(heart_rate.BATTERY, self._take_battery)
        self._take_battery(await connection.read(heart_rate.BATTERY) or b"")
        if (self._wishes.acceleration_hz or self._wishes.pulses) and connection.offers(polar.CONTROL):
            await self._ask_polar(connection)
        _log.info(
            "event=strap_connected device=%s address=%s adapter=%s", strap.device_id, strap.address, sighting.adapter
        )
        self._outlet.link(strap.link(self._clock()))
        return await self._watch(connection)

    async def _watch(self, connection: StrapConnection) -> str:
        battery_s = BATTERY_EVERY_S
        while not connection.lost.is_set():
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(connection.lost.wait(), self._timing.check_s)
            if self.strap.silent_s(self._clock()) > self._timing.silent_s:
                return f"sends nothing for {self._timing.silent_s:g} s"
            battery_s -= self._timing.check_s
            if battery_s < 0.0 and not connection.lost.is_set():
                battery_s = BATTERY_EVERY_S
                self._take_battery(await connection.read(heart_rate.BATTERY) or b"")
        return "connection lost"

    async def _ask_polar(self, connection: StrapConnection) -> None:
        """Start what Polar's service offers of what was asked for; a refusal costs nothing else."""
        self._answers = asyncio.Queue()
        offered = polar.features(await connection.read(polar.CONTROL) or b"")
        await connection.follow(polar.CONTROL, self._answers.put_nowait)
        await connection.follow(polar.DATA, self._take_measurement)
        for measurement, asked in (
            (polar.ACCELERATION, self._wishes.acceleration_hz),
            (polar.INTERVALS, self._wishes.pulses),
        ):
            if asked and measurement in offered:
                with contextlib.suppress(PayloadError):
                    await self._start(connection, measurement)

    async def _start(self, connection: StrapConnection, measurement: int) -> None:
        offered = await self._command(connection, polar.ask(measurement))
        command = polar.start(measurement, offered.settings, self._wishes.acceleration_hz)
        answer = await self._command(connection, command)
        if answer.error:
            _log.warning("event=strap_refuses device=%s measurement=%d error=%d",
                         self.strap.device_id, measurement, answer.error)  # fmt: skip
        elif measurement == polar.ACCELERATION:
            rate_hz = polar.rate_of(command) or self._wishes.acceleration_hz
            self.strap.accelerates(rate_hz, answer.factor, self._clock())

    async def _command(self, connection: StrapConnection, command: bytes) -> polar.ControlPointAnswer:
        await connection.write(polar.CONTROL, command)
        return polar.read_answer(await asyncio.wait_for(self._answers.get(), ANSWER_S))

    def _take_heart_rate(self, data: bytes) -> None:
        self._emit(self.strap.take_heart_rate(data, self._clock()))

    def _take_measurement(self, data: bytes) -> None:
        self._emit(self.strap.take_measurement(data, self._clock()))

    def _take_battery(self, data: bytes) -> None:
        self.strap.take_battery(heart_rate.read_battery(data))

    def _emit(self, samples: list[Values]) -> None:
        if samples:
            self._outlet.samples(self.strap.device_id, samples, **self.strap.health())
