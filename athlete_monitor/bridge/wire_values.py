"""The last step before the wire: values in SI units are checked and written in the units of the configuration.

A message with one value out of its physical range would be refused as a whole, so such a value is left out here.

>>> to_wire({"acc_x": 9.80665, "speed_mps": 70.0, "contact": True}, {"acc": 9.80665})
{'acc_x': 1.0, 'contact': True}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from athlete_monitor.channels import BY_NAME, factor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athlete_monitor.config import Sensors


def wire_factors(sensors: Sensors) -> dict[str, float]:
    """Return for acceleration and rotation what one unit of the wire is in SI units."""
    return {"acc": factor("acc_x", sensors.acc_unit), "gyro": factor("gyro_x", sensors.gyro_unit)}


def to_wire(values: Mapping[str, Any], factors: Mapping[str, float]) -> dict[str, Any]:
    """Return the values of channels that are possible, rounded, in the units of the wire; other keys as they are.

    Args:
        values: by channel, SI units; None and NaN are left out.
        factors: of ``wire_factors``.
    """
    return {name: _written(name, value, factors) for name, value in values.items() if _is_possible(name, value)}


def _is_possible(name: str, value: Any) -> bool:  # noqa: ANN401 - of any key
    channel = BY_NAME.get(name)
    if channel is None or isinstance(value, bool):
        return value is not None
    return value is not None and channel.limits[0] <= value <= channel.limits[1]


def _written(name: str, value: Any, factors: Mapping[str, float]) -> Any:  # noqa: ANN401 - of any key
    channel = BY_NAME.get(name)
    if channel is None or isinstance(value, bool):
        return value
    return round(value / factors.get(channel.vector or "", 1.0), max(channel.decimals, 3))
