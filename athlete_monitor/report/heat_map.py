"""Where an athlete spent the time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

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


def heat_map_svg(x_m: FloatArray, y_m: FloatArray, width: float = 240.0, title: str = "", cell_m: float = 2.0) -> str:
    """Where time was spent: darker cells hold more of it; both axes have the scale of the bar below, in metres."""
    known = ~(np.isnan(x_m) | np.isnan(y_m))
    x, y = x_m[known], y_m[known]
    edges_x, edges_y = _edges(x, cell_m), _edges(y, cell_m)
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


def _edges(values: FloatArray, cell: float) -> FloatArray:
    """Edges of the cells that hold all values; at least 10 m.

    >>> _edges(np.array([0.5, 11.0]), 2.0).tolist()
    [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0]
    """
    low = math.floor(float(values.min()) / cell) * cell
    count = max(math.ceil(10.0 / cell), math.floor((float(values.max()) - low) / cell) + 1)
    edges: FloatArray = np.asarray(low + cell * np.arange(count + 1), dtype=np.float64)
    return edges


def _scale_bar(width: float, y: float, scale: float) -> list[str]:
    metres = round_step(width / scale / 8)
    bar = f"<path d='M0 {y:.1f}h{metres * scale:.1f}m0 -2v4M0 {y - 2:.1f}v4' fill='none' stroke='{MUTED}'/>"
    return [bar, text(metres * scale + 4, y + 2.4, f"{metres:g} m", 6.6, MUTED)]
