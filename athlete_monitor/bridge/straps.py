"""``bridge.py ble``: the straps of the roster, kept and published until the program ends."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Final

from athlete_monitor.bridge.adapters import NoBluetoothError
from athlete_monitor.bridge.keeping import Lookout, StrapKeeper, Timing, Wishes
from athlete_monitor.bridge.radio import TROUBLE, names_strap
from athlete_monitor.bridge.strap import Strap
from athlete_monitor.channels import GRAVITY_MPS2
from athlete_monitor.wire.link import EVERY_S
from athlete_monitor.wire.topics import plain_device

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from athlete_monitor.athletes import Athlete
    from athlete_monitor.bridge.outlet import Outlet
    from athlete_monitor.bridge.radio import Radio
    from athlete_monitor.wire.link import LinkMessage

ROSTER_EVERY_S: Final = 5.0
DISCOVER_EVERY_S: Final = 30.0


class StrapBridge:
    """Keeps the straps of a roster.

    Args:
        radio: the adapters.
        outlet: where samples go.
        timing: how long what takes.
        wishes: what straps are asked for besides heart rate.
        acc_unit: size of one g in the unit of acceleration on the wire.
        on_link: called with each link that is published.
    """

    def __init__(
        self,
        radio: Radio,
        outlet: Outlet,
        *,
        timing: Timing | None = None,
        wishes: Wishes | None = None,
        acc_unit: float = GRAVITY_MPS2,
        on_link: Callable[[LinkMessage], None] = lambda _link: None,
    ) -> None:
        self._radio, self._outlet, self._acc_unit, self._on_link = radio, outlet, acc_unit, on_link
        self._timing, self._wishes = timing or Timing(), wishes or Wishes()
        self._lookout = Lookout(radio, self._timing)
        self._keepers: dict[tuple[str, str], tuple[StrapKeeper, asyncio.Task[None]]] = {}
        self._said: dict[str, tuple[str, str | None, float]] = {}

    @property
    def straps(self) -> list[Strap]:
        """The straps that are kept or looked for."""
        return [keeper.strap for keeper, _ in self._keepers.values()]

    async def run(self, roster: Callable[[], Iterable[Athlete]], *, everyone: bool = False) -> None:
        """Keep straps until cancelled.

        Args:
            roster: who the athletes are now; asked again every few seconds.
            everyone: keep straps that belong to nobody too.
        """
        helpers = [asyncio.create_task(self._lookout.run()), asyncio.create_task(self._follow(roster))]
        helpers += [asyncio.create_task(self._discover())] if everyone else []
        try:
            while True:
                self._report()
                await self._pause(helpers)
        finally:
            await self._stop([*helpers, *(task for _, task in self._keepers.values())])

    async def _pause(self, helpers: list[asyncio.Task[None]]) -> None:
        """Wait for the next report; a fault of ours in a helper ends the program."""
        done, _ = await asyncio.wait(helpers, timeout=self._timing.check_s, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def _stop(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for keeper, _ in self._keepers.values():
            keeper.end()

    async def _follow(self, roster: Callable[[], Iterable[Athlete]]) -> None:
        """Keep the straps that the roster names, as it changes."""
        while True:
            wanted = {(each.device, each.strap): each.id for each in roster() if each.strap and each.consent}
            for key in [key for key in self._keepers if self._is_over(key, wanted)]:
                await self._dismiss(key)
            for (device, strap), athlete in wanted.items():
                self._keep(device, strap, athlete)
            await asyncio.sleep(ROSTER_EVERY_S)

    def _is_over(self, key: tuple[str, str], wanted: Mapping[tuple[str, str], int]) -> bool:
        """Return whether the roster does not name the strap any more, or now names one that was nobody's."""
        strap = self._keepers[key][0].strap
        if strap.athlete_id is not None:
            return wanted.get(key) != strap.athlete_id
        return any(names_strap(named, strap.address, strap.name) for _, named in wanted)

    async def _discover(self) -> None:
        """Keep straps that the roster does not name, under their addresses."""
        while True:
            with contextlib.suppress(NoBluetoothError, *TROUBLE):
                await self._radio.look(self._timing.look_s)
            known = [wanted for _, wanted in self._keepers]
            for each in self._radio.seen():
                if each.is_strap and not any(map(each.matches, known)):
                    self._keep(plain_device(each.address), each.address, None)
            await asyncio.sleep(DISCOVER_EVERY_S)

    def _keep(self, device: str, wanted: str, athlete: int | None) -> None:
        if (device, wanted) in self._keepers:
            return
        strap = Strap(device, wanted, athlete_id=athlete, acc_unit=self._acc_unit)
        keeper = StrapKeeper(
            strap, wanted, self._radio, self._lookout, self._outlet, timing=self._timing, wishes=self._wishes
        )
        self._keepers[device, wanted] = keeper, asyncio.create_task(keeper.run())

    async def _dismiss(self, key: tuple[str, str]) -> None:
        keeper, task = self._keepers.pop(key)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        keeper.end()

    def _report(self) -> None:
        """Publish what has changed, and everything from time to time."""
        now_s = time.time()
        for strap in self.straps:
            found = strap.link(now_s)
            state, reason, said_s = self._said.get(strap.device_id, ("", None, 0.0))
            if (state, reason) != (found.state, found.reason) or now_s - said_s >= EVERY_S:
                self._said[strap.device_id] = found.state, found.reason, now_s
                self._outlet.link(found)
                self._on_link(found)
