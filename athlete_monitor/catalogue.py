"""Every figure that the engine publishes, gathered from the modules that compute them.

Screen, alarms, archive, reports, exports and documents iterate over ``FIGURES``.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from athlete_monitor.physiology.chronic import CHRONIC
from athlete_monitor.physiology.hrv import HeartRateVariability
from athlete_monitor.physiology.load_zone import LOAD_ZONE
from athlete_monitor.squad.tables import SESSION_FIGURES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from athlete_monitor.figures import Figure


def by_key(figures: Iterable[Figure]) -> Mapping[str, Figure]:
    """Return rows by their keys, in order.

    Raises:
        ValueError: two rows have the same key.
    """
    rows = list(figures)
    table = {figure.key: figure for figure in rows}
    if len(table) != len(rows):
        repeated = sorted({figure.key for figure in rows if table[figure.key] is not figure})
        raise ValueError(f"figures declared more than once: {', '.join(repeated)}")
    return MappingProxyType(table)


FIGURES: Final[Mapping[str, Figure]] = by_key((*SESSION_FIGURES, *LOAD_ZONE, *HeartRateVariability.BEATS, *CHRONIC))
"""All figures by key, in order of publication."""

FORMULAS: Final[Mapping[str, str]] = {figure.key: figure.formula for figure in FIGURES.values() if figure.formula}
"""The formula behind each computed figure."""

NUMBERS: Final[Mapping[str, Figure]] = by_key(figure for figure in FIGURES.values() if figure.is_number)
"""The figures that are one number each: what a screen, an alarm or an export can show as a column."""

SAME_RATE: Final = 0.1
"""Sample rates that differ by less than this share are one rate."""


def is_rate_bound(key: str) -> bool:
    """Return whether a figure grows with the sample rate, so that only sessions of one rate are compared.

    >>> is_rate_bound("player_load"), is_rate_bound("distance_m")
    (True, False)
    """
    return key in FIGURES and FIGURES[key].rate_bound


def is_one_rate(rate_hz: float | None, earlier_hz: float | None) -> bool:
    """Return whether two sessions have one sample rate, so that their PlayerLoads can be compared; unknown is 0.

    >>> is_one_rate(10.0, 9.6), is_one_rate(10.0, 100.0), is_one_rate(10.0, None)
    (True, False, False)
    """
    rate_hz = rate_hz or 0.0
    return abs(rate_hz - (earlier_hz or 0.0)) <= SAME_RATE * rate_hz
