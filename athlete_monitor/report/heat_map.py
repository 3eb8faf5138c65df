"""Where an athlete spent the time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.report.drawing import (
    MUTED,
    SHADE,
    ZONES,
    round_step,
    svg,
    text,
)

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray

LEAST_CELL_M: Final = 2.0
LEAST_SPAN_M: Final = 10.0
MOST_CELLS: Final = 120
"""Along one axis: a ride of 100 km has larger cells than a match, not more of them."""
LEAST_SIDE: Final = 0.4
"""The shorter side as a share of the longer one, so that a straight road is no endless picture."""


def heat_map_svg(x_m: FloatArray, y_m: FloatArray, width: float = 240.0, title: str = "") -> str:
    """Where time was spent: darker cells hold more of it; both axes have the scale of the bar below, in metres."""
    known = ~(np.isnan(x_m) | np.isnan(y_m))
    x, y = x_m[known], y_m[known]
    span_m = max(LEAST_SPAN_M, float(np.ptp(x)), float(np.ptp(y)))
    cell_m = cell_of(span_m)
    edges_x, edges_y = _edges(x, cell_m, LEAST_SIDE * span_m), _edges(y, cell_m, LEAST_SIDE * span_m)
    cells, _, _ = np.histogram2d(x, y, [edges_x, edges_y])
    scale = width / float(edges_x[-1] - edges_x[0])
    size, height = cell_m * scale, float(edges_y[-1] - edges_y[0]) * scale
    top = float(np.percentile(cells[cells > 0], 98))
    out = [f"<rect width='{width:g}' height='{height:.2f}' fill='{SHADE}'/>", "<g shape-rendering='crispEdges'>"]
    for i, j in np.argwhere(cells > 0).tolist():
        opacity = 0.12 + 0.88 * min(1.0, float(cells[i, j]) / top)
        out.append(
            f"<rect x='{i * size:.2f}' y='{height - (j + 1) * size:.2f}' width='{size:.2f}' height='{size:.2f}' "
            f"fill='{ZONES[5]}' fill-opacity='{opacity:.2f}'/>"
        )
    return svg(width, height + 14, [*out, "</g>", *_scale_bar(width, height + 5, scale)], title)


def cell_of(span_m: float) -> float:
    """Side of a cell, m, where the longer side of the picture is ``span_m``.

    >>> cell_of(105.0), cell_of(300.0), cell_of(100_000.0)
    (2.0, 5.0, 1000.0)
    """
    return max(LEAST_CELL_M, round_step(span_m / MOST_CELLS))


def _edges(values: FloatArray, cell: float, least_m: float = LEAST_SPAN_M) -> FloatArray:
    """Edges of the cells that hold all values, in the middle of at least ``least_m``, itself at least 10 m.

    >>> _edges(np.array([0.5, 11.0]), 2.0).tolist()
    [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0]
    >>> _edges(np.array([0.5, 1.0]), 10.0, 30.0).tolist()
    [-10.0, 0.0, 10.0, 20.0]
    """
    low = math.floor(float(values.min()) / cell) * cell
    if low > values.min():  # the smallest negative number over two is zero
        low -= cell
    needed = math.floor((float(values.max()) - low) / cell) + 1
    count = max(math.ceil(max(LEAST_SPAN_M, least_m) / cell), needed)
    low -= (count - needed) // 2 * cell
    edges: FloatArray = np.asarray(low + cell * np.arange(count + 1), dtype=np.float64)
    return edges


def _scale_bar(width: float, y: float, scale: float) -> list[str]:
    metres = round_step(width / scale / 8)
    bar = f"<path d='M0 {y:.1f}h{metres * scale:.1f}m0 -2v4M0 {y - 2:.1f}v4' fill='none' stroke='{MUTED}'/>"
    return [bar, text(metres * scale + 4, y + 2.4, f"{metres:g} m", 6.6, MUTED)]
