"""Fills the curves of a server that has just started with what the archive knows of the running sessions."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.dashboard.columns import COLUMNS
from athlete_monitor.dashboard.history import KEPT_S_OF_MANY
from athlete_monitor.errors import MonitorError

if TYPE_CHECKING:
    from athlete_monitor.archive import Archive
    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.dashboard.live import Live

BACK_S: Final = KEPT_S_OF_MANY
"""How far back the curves begin, s: what a trend shows."""
ARRIVES_S: Final = (0.0, 5.0, 30.0)
"""When a device is looked up after its first message, s: the engine writes its last seconds a little later."""
AT_ONCE: Final = 10
"""Devices in each round, so that the archive is never kept busy."""
_KEYS: Final = tuple(column.key for column in COLUMNS if column.decimals is not None)
_ROWS: Final = [place for place, column in enumerate(COLUMNS) if column.decimals is not None]


class Filling:
    """Looks up each device a few times after its first message.

    Args:
        live: what is filled.
        archive: where from; it is read in another thread.
    """

    def __init__(self, live: Live, archive: Archive) -> None:
        self._live, self._archive = live, archive
        self._begun_s: dict[str, float] = {}
        self._done: dict[str, int] = {}

    async def round(self, now_s: float) -> bool:
        """Fill what is due; return whether anything was added.

        Args:
            now_s: a clock that never jumps, s.
        """
        added = False
        for device_id in self._due(now_s)[:AT_ONCE]:
            self._done[device_id] = self._done.get(device_id, 0) + 1
            one = self._live.devices[device_id]
            first = one.track.first_t
            if first is None:
                continue
            try:
                t, values = await asyncio.to_thread(self._read, device_id, one.athlete_id, first)
            except MonitorError:  # the archive is busy or damaged: curves begin with this server
                continue
            self._live.fill(device_id, t, values)
            added = added or bool(t)
        return added

    def _due(self, now_s: float) -> list[str]:
        for device_id in self._live.devices:
            self._begun_s.setdefault(device_id, now_s)
        return [one for one, begun_s in self._begun_s.items() if self._is_due(one, now_s - begun_s)]

    def _is_due(self, device_id: str, since_s: float) -> bool:
        done = self._done.get(device_id, 0)
        return device_id in self._live.devices and done < len(ARRIVES_S) and since_s >= ARRIVES_S[done]

    def _read(self, device_id: str, athlete_id: int, before_t: int) -> tuple[list[int], FloatArray]:
        """Return times [n] and values [len(COLUMNS), n] of the seconds before a moment."""
        found = [one for one in self._archive.sessions(athlete_id=athlete_id) if one.device_id == device_id]
        running = found[-1] if found and found[-1].end_t is None else None
        if running is None:
            return [], np.empty((len(COLUMNS), 0))
        table = self._archive.seconds(running.number, before_t - BACK_S, before_t, _KEYS)
        values = np.full((len(COLUMNS), len(table["t"])), np.nan)
        for place, key in zip(_ROWS, _KEYS, strict=True):
            values[place] = table[key]
        return np.round(table["t"]).astype(np.int64).tolist(), values
