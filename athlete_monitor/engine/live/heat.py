"""Reduction of the prediction rate on a hot machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from athlete_monitor.config import Performance

SLOW_HZ: Final = 1.0


class Heat:
    """Slows predictions at the critical temperature, until it falls below the warning level.

    Args:
        limits: the ``performance`` section of the configuration.
        full_rate_hz: predictions of an athlete in a second while the machine is cool.
    """

    def __init__(self, limits: Performance, full_rate_hz: float) -> None:
        self._limits, self._full_rate_hz = limits, full_rate_hz
        self._hot = self._warned = False

    @property
    def rate_hz(self) -> float:
        """The present rate of predictions."""
        return min(SLOW_HZ, self._full_rate_hz) if self._hot else self._full_rate_hz

    def feel(self, temperature_c: float | None) -> str | None:
        """Take a temperature; return a sentence if something changes."""
        if temperature_c is None or not self._limits.enable_temperature_monitoring:
            return None
        if temperature_c < self._limits.temperature_warning_threshold:
            return self._cool(temperature_c)
        if temperature_c >= self._limits.temperature_critical_threshold and not self._hot:
            self._hot = self._warned = True
            return f"{temperature_c:.0f} °C: predictions slowed to {self.rate_hz:g} Hz"
        if not self._warned:
            self._warned = True
            critical_c = self._limits.temperature_critical_threshold
            return f"{temperature_c:.0f} °C: hot, predictions slow down from {critical_c:g} °C on"
        return None

    def _cool(self, temperature_c: float) -> str | None:
        was_hot, self._hot, self._warned = self._hot, False, False
        return f"{temperature_c:.0f} °C: predictions at {self.rate_hz:g} Hz again" if was_hot else None
