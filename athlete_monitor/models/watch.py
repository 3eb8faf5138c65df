"""Periodic checks of a loader: whether the machine is short of memory, and whether manifests have changed."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from athlete_monitor.models.limits import LoaderLimits
    from athlete_monitor.models.memory import ModelMemory
    from athlete_monitor.models.probes import Probes

logger = logging.getLogger(__name__)

PRESSURE_CHECK_S: Final = 1.0
PRESSURE_EASED_PERCENT: Final = 5.0
"""The memory use must fall this far below the threshold before the cache grows again."""


class LoaderWatch:
    """Runs each check when it is due. Safe to use from any number of threads.

    Args:
        memory: the models, whose number shrinks by one at each check while memory is short, and grows back.
        limits: the threshold of memory use and the interval of the manifests' check.
        probes: clock and memory probe.
        check_manifests: reloads what has changed.
    """

    def __init__(
        self, memory: ModelMemory, limits: LoaderLimits, probes: Probes, check_manifests: Callable[[], object]
    ) -> None:
        self._memory, self._limits, self._probes, self._check_manifests = memory, limits, probes, check_manifests
        self.enable_memory_monitoring = True
        self._pressure_s = probes.clock()
        self._manifests_s = self._pressure_s + limits.reload_check_s
        self._first_s = 0.0
        self._lock = threading.Lock()

    def look_if_due(self) -> None:
        """Run the checks that are due; costs a microsecond if none is."""
        if self._probes.clock() >= self._first_s:
            self.look()

    def look(self) -> None:
        """Run the checks that are due."""
        now_s = self._probes.clock()
        with self._lock:
            manifests, pressure = now_s >= self._manifests_s, now_s >= self._pressure_s
            self._manifests_s = now_s + self._limits.reload_check_s if manifests else self._manifests_s
            self._pressure_s = now_s + PRESSURE_CHECK_S if pressure else self._pressure_s
            self._first_s = min(self._manifests_s, self._pressure_s)
        if pressure and self.enable_memory_monitoring:
            self._adapt()
        if manifests:
            self._check_manifests()

    def _adapt(self) -> None:
        """Shrink the cache by one while memory is short; grow it by one when it is not."""
        used, threshold = self._probes.used_memory_percent(), self._limits.memory_warning_percent
        before = self._memory.limit
        if used >= threshold:
            self._memory.shrink()
        elif used < threshold - PRESSURE_EASED_PERCENT:
            self._memory.grow()
        if self._memory.limit != before:
            logger.warning("event=cache_resized limit=%d used_memory_percent=%.0f", self._memory.limit, used)
