"""From latitude and longitude to metres, for distances and speeds."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.physiology.squad_state import SquadState

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray, IntArray

EARTH_RADIUS_M: Final = 6_371_008.8
"""Mean radius (Moritz 2000, Geodetic Reference System 1980)."""
WORST_ACCURACY_M: Final = 30.0
"""A fix whose reported error is larger than this is ignored."""


class LocalPlane(SquadState):
    """Metres east and north of an athlete's first fix, on the plane that touches the globe there.

    Exact to 0.1 % within 10 km of the first fix.

    >>> plane, row, nothing = LocalPlane(1), np.array([0]), np.array([np.nan])
    >>> for latitude in (48.0, 48.001):
    ...     x, y = plane.metres(row, nothing, nothing, np.array([latitude]), np.array([11.0]), nothing)
    >>> round(x.item(), 1), round(y.item(), 1)
    (0.0, 111.2)
    """

    FIELDS = MappingProxyType({"latitude": np.nan, "longitude": np.nan})
    ADVANCES = "metres"

    def metres(
        self,
        rows: IntArray,
        x_m: FloatArray,
        y_m: FloatArray,
        latitude: FloatArray,
        longitude: FloatArray,
        accuracy_m: FloatArray,
    ) -> tuple[FloatArray, FloatArray]:
        """Positions x and y [k], m: as measured, else from degrees; NaN where there is no usable fix."""
        usable = ~np.isnan(latitude + longitude) & ~(accuracy_m > WORST_ACCURACY_M)
        origin = self._open(rows)
        np.copyto(origin, (latitude, longitude), where=usable & np.isnan(origin[0]))
        self._put(rows, origin)
        north_m = np.radians(latitude - origin[0]) * EARTH_RADIUS_M
        turned = (longitude - origin[1] + 180.0) % 360.0 - 180.0  # the shorter way around the globe
        east_m = np.radians(turned) * EARTH_RADIUS_M * np.cos(np.radians(origin[0]))
        given = ~np.isnan(x_m + y_m)
        return np.where(given, x_m, np.where(usable, east_m, np.nan)), np.where(
            given, y_m, np.where(usable, north_m, np.nan)
        )
