"""Position of an athlete on the pitch: metres as measured, or degrees mapped by the four corners of the pitch."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from athlete_monitor.arrays import MAX_STEP_S, every, some
from athlete_monitor.figures import Figure
from athlete_monitor.physiology.squad_state import SquadState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athlete_monitor.arrays import FloatArray, IntArray

EARTH_RADIUS_M: Final = 6_371_008.8
"""Mean radius (Moritz 2000, Geodetic Reference System 1980)."""


@dataclass(frozen=True)
class PitchPlan:
    """Location of the pitch: its size, and the latitude and longitude, degrees, of its corners.

    The corners go around the pitch: (0, 0), (length, 0), (length, width), (0, width). Between them positions follow the
    projective map that takes the four corners to those of the rectangle (Hartley and Zisserman 2004, 4.1), so small
    errors of the measured corners leave no gaps.

    Example:
        >>> plan = PitchPlan(100.0, 60.0, ((48.0, 11.0), (48.0, 11.001344), (48.00054, 11.001344), (48.00054, 11.0)))
        >>> np.round(plan.metres(np.array([48.00027]), np.array([11.000672])), 1).tolist()
        [[50.0], [30.0]]
    """

    length_m: float
    width_m: float
    corners: tuple[tuple[float, float], ...]

    def metres(self, latitude: FloatArray, longitude: FloatArray) -> FloatArray:
        """Positions [2, k] on the pitch, m; NaN where latitude or longitude is."""
        east, north = self._local(latitude, longitude)
        x, y, w = self._map() @ np.stack([east, north, np.ones_like(east)])
        return np.stack([x / w, y / w])

    def _local(self, latitude: FloatArray, longitude: FloatArray) -> FloatArray:
        """Metres [2, k] east and north of the first corner, on the plane that touches the globe there."""
        lat0, lon0 = self.corners[0]
        east = np.radians(longitude - lon0) * EARTH_RADIUS_M * np.cos(np.radians(lat0))
        return np.stack([east, np.radians(latitude - lat0) * EARTH_RADIUS_M])

    def _map(self) -> FloatArray:
        """The 3 x 3 matrix that takes the corners to the pitch."""
        corners = np.array(self.corners, dtype=np.float64)
        local = self._local(corners[:, 0], corners[:, 1]).T
        wanted = [(0.0, 0.0), (self.length_m, 0.0), (self.length_m, self.width_m), (0.0, self.width_m)]
        rows, right = _equations(local.tolist(), wanted)
        return np.append(np.linalg.lstsq(rows, right, rcond=None)[0], 1.0).reshape(3, 3)


def _equations(
    places: Sequence[Sequence[float]], wanted: Sequence[tuple[float, float]]
) -> tuple[FloatArray, FloatArray]:
    """The eight linear equations of the projective map that takes four places to the wanted ones."""
    rows, right = [], []
    for (a, b), (x, y) in zip(places, wanted, strict=True):
        rows += [[a, b, 1, 0, 0, 0, -a * x, -b * x], [0, 0, 0, a, b, 1, -a * y, -b * y]]
        right += [x, y]
    return np.array(rows, dtype=np.float64), np.array(right, dtype=np.float64)


class Position(SquadState):
    """The last position of each athlete while its sample is valid; receivers are slower than motion sensors.

    Args:
        capacity: initial number of athletes.
        plan: location of the pitch, for devices that send latitude and longitude; None if it is unknown.
    """

    FIELDS = MappingProxyType({"x_m": np.nan, "y_m": np.nan, "t": np.nan})
    MOMENTS: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "x_m", "Position along the pitch", "m", 1, "present", "last", needs=("position",), scope="moment",
            equation="as measured, else from latitude and longitude over the corners of the pitch", digits=2,
        ),
        Figure(
            "y_m", "Position across the pitch", "m", 1, "present", "last", needs=("position",), scope="moment",
            equation="as measured, else from latitude and longitude over the corners of the pitch", digits=2,
        ),
    )  # fmt: skip

    def __init__(self, capacity: int, plan: PitchPlan | None = None) -> None:
        super().__init__(capacity)
        self._plan = plan
        self.is_used = False
        """Whether any athlete has had a position."""

    def set_state(self, row: int, state: Mapping[str, Any]) -> None:
        """Restore what ``state`` returned."""
        super().set_state(row, state)
        self.is_used = True

    def update(
        self, rows: IntArray, t: FloatArray, metres: FloatArray, latitude: FloatArray, longitude: FloatArray
    ) -> FloatArray:
        """Take positions ``metres`` [2, k] or degrees [k] at ``t`` [k], s; NaN: none in this sample.

        Returns the positions [2, k] that are valid now, NaN where the last is older than 2 s.
        """
        known = ~np.isnan(metres[0] + metres[1])
        if not self.is_used and not some(known) and every(np.isnan(latitude)):
            return np.full(metres.shape, np.nan)
        self.is_used = True
        if self._plan is not None and not every(known):
            metres = np.where(known, metres, self._plan.metres(latitude, longitude))
            known = ~np.isnan(metres[0] + metres[1])
        state = self._open(rows)
        if some(known):
            np.copyto(state[:2], metres, where=known)
            np.copyto(state[2], t, where=known)
            self._put(rows, state)
        return np.where(t - state[2] <= MAX_STEP_S, state[:2], np.nan)
