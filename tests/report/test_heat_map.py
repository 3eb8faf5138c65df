"""Where an athlete spent the time, as a drawing of bounded size."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from athlete_monitor.report.heat_map import LEAST_SIDE, MOST_CELLS, heat_map_svg


def cells_of(svg):
    """Left, bottom and opacity of each cell, and the size of one."""
    found = re.findall(r"<rect x='([\d.]+)' y='([\d.]+)' width='([\d.]+)' .*?fill-opacity='([\d.]+)'", svg)
    return [(float(x), float(y), float(opacity)) for x, y, _, opacity in found], float(found[0][2])


@pytest.mark.parametrize("span_m", [1.0, 90.0, 4_000.0, 120_000.0])
def test_a_road_and_a_pitch_have_a_drawing_of_bounded_size(span_m):
    x_m = np.linspace(-span_m / 2, span_m / 2, 20_000)
    for track in ((x_m, 0.001 * x_m), (0.001 * x_m, x_m)):
        svg = heat_map_svg(*track)
        cells, side = cells_of(svg)
        assert len(cells) <= MOST_CELLS + 2
        [height] = map(float, re.findall(r"<rect width='240' height='([\d.]+)'", svg))
        assert LEAST_SIDE * 240 - side <= height <= 240 / LEAST_SIDE + side


@settings(max_examples=30)
@given(st.lists(st.tuples(st.floats(-60, 60), st.floats(-40, 40)), min_size=1, max_size=30))
@example([(0.0, -5e-324), (0.0, 20.0)])
def test_every_moment_lies_in_a_cell_and_north_is_up(points):
    x_m, y_m = np.array(points).T
    cells, side = cells_of(heat_map_svg(x_m, y_m))
    assert 1 <= len(cells) <= len(points)
    top = min(y for _, y, _ in cells)
    below = max(y for _, y, _ in cells)
    span = (y_m.max() - y_m.min()) * side / 2.0
    assert below - top == pytest.approx(span, abs=1.01 * side)
