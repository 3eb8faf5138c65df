"""Numbers of many athletes as JSON values, compared with one value after another."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from athlete_monitor.engine.figures.cells import Cells
from athlete_monitor.figures import Figure

FIGURES = (
    Figure("speed_mps", "Speed", "m/s", 1, "present"),
    Figure("impacts", "Impacts", "", 0, "map", digits=0, members=("low", "high")),
    Figure("steps", "Steps", "", 0, "count", digits=0),
    Figure("assumed", "Assumed", "", 0, "flag"),
    Figure("zones", "Zones", "", 0, "map", digits=1, members=("s", "entries"), whole=("entries",)),
    Figure("trimp", "Load", "", 0, "total", digits=6),
)
NUMBERS = st.one_of(st.floats(-1e9, 1e9), st.just(float("nan")), st.sampled_from([0.0, -0.0, 0.5, 1.5, 1e-9]))


def slowly(figure, numbers):
    """One figure of one athlete, number by number."""
    rounded = [None if np.isnan(x) else float(np.rint(x * 10.0**figure.digits) / 10.0**figure.digits) for x in numbers]
    if figure.kind == "flag":
        return rounded[0] is None or bool(rounded[0])
    if not figure.members:
        return rounded[0] if figure.digits or rounded[0] is None else int(rounded[0])
    if rounded[0] is None:
        return None
    is_whole = [not figure.digits or name in figure.whole for name in figure.members]
    found = [int(x) if whole and x is not None else x for x, whole in zip(rounded, is_whole, strict=True)]
    return dict(zip(figure.members, found, strict=True))


@given(st.integers(1, 5).flatmap(lambda k: arrays(np.float64, (8, k), elements=NUMBERS)))
def test_values_are_those_of_one_after_another(values):
    found = Cells(FIGURES).of(values)
    starts = np.cumsum([0, *(figure.width for figure in FIGURES)]).tolist()
    for column, cells in enumerate(found):
        for figure, start, cell in zip(FIGURES, starts, cells, strict=False):
            expected = slowly(figure, values[start : start + figure.width, column].tolist())
            assert cell == expected
            assert repr(cell) == repr(expected), "of the same type: whole numbers are integers"
