"""The load that follows from a rating."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from athlete_monitor.physiology.session_rpe import published_load

if TYPE_CHECKING:
    from collections.abc import Mapping


def with_load(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a rating with its load; without minutes there is none.

    >>> with_load({"rpe": 7, "minutes": 60})
    {'rpe': 7, 'minutes': 60, 'srpe_load': 420.0}
    >>> with_load({"rpe": 7})
    {'rpe': 7}
    """
    load = published_load(values.get("rpe"), values.get("minutes"))
    return dict(values) if load is None else {**values, "srpe_load": load}
