"""Zones of a session's load, and the rest that is common practice after each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from athlete_monitor.figures import Figure
from athlete_monitor.physiology.reasons import TRIMP_NEEDS

if TYPE_CHECKING:
    from collections.abc import Mapping

LEAST_KNOWN_SHARE: Final = 0.8
"""Below this share of the session with a known heart rate there is neither a load zone nor a recovery time."""
ZONES: Final = ("low", "moderate", "high", "very_high")
GUIDANCE: Final = (
    "After a load of this size about {hours:g} h until the next hard session is common practice. "
    "A rule of thumb from heart rate only, no medical advice: sleep, food, heat, illness and how the athlete feels "
    "matter more."
)
LOAD_ZONE: Final = (
    Figure(
        "training_load_zone", "Load", "", 0, "text", "last", needs=TRIMP_NEEDS,
        equation="`low`, `moderate`, `high` or `very_high` by `outputs.training_load`",
    ),
    Figure(
        "recovery", "Recovery", "", 0, "map", needs=TRIMP_NEEDS, scope="summary",
        equation="`usual_recovery_h` of the load's zone, and a `text` about it",
    ),
)  # fmt: skip


class LoadLimits(Protocol):
    """Thresholds of a session's TRIMP and hours of recovery: the ``outputs.training_load`` section."""

    @property
    def moderate_from(self) -> float:
        """TRIMP from which a load is moderate."""

    @property
    def high_from(self) -> float:
        """TRIMP from which a load is high."""

    @property
    def very_high_from(self) -> float:
        """TRIMP from which a load is very high."""

    @property
    def recovery_h_low(self) -> float:
        """Hours after a low load."""

    @property
    def recovery_h_moderate(self) -> float:
        """Hours after a moderate load."""

    @property
    def recovery_h_high(self) -> float:
        """Hours after a high load."""

    @property
    def recovery_h_very_high(self) -> float:
        """Hours after a very high load."""


def load_zone(trimp: float | None, limits: LoadLimits) -> str | None:
    """Zone of a session's load: ``low``, ``moderate``, ``high`` or ``very_high``; None where the load is unknown."""
    if trimp is None:
        return None
    return ZONES[(trimp >= limits.moderate_from) + (trimp >= limits.high_from) + (trimp >= limits.very_high_from)]


def recovery(zone: str | None, limits: LoadLimits) -> Mapping[str, Any] | None:
    """Hours of rest that are common practice after a load of this zone, with a sentence about them."""
    if zone is None:
        return None
    hours = {
        "low": limits.recovery_h_low,
        "moderate": limits.recovery_h_moderate,
        "high": limits.recovery_h_high,
        "very_high": limits.recovery_h_very_high,
    }[zone]
    return {"usual_recovery_h": hours, "text": GUIDANCE.format(hours=hours)}
