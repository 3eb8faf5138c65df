"""Numbers of many athletes as JSON text, compared with the encoded values."""

from __future__ import annotations

import msgspec
import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from athlete_monitor.engine.figures.cells import Cells
from athlete_monitor.engine.figures.texts import Texts
from athlete_monitor.figures import Figure

FIGURES = (
    Figure("impacts", "Impacts", "", 0, "map", digits=0, members=("5 %", 'the "high"')),
    Figure("speed_mps", "Speed", "m/s", 1, "present"),
    Figure("steps", "Steps", "", 0, "count", digits=0),
    Figure("zones", "Zones", "", 0, "map", digits=1, members=("s", "entries"), whole=("entries",)),
    Figure("trimp", "Load", "", 0, "total", digits=6),
)
NUMBERS = st.one_of(
    st.floats(-1e9, 1e9), st.just(float("nan")), st.sampled_from([0.0, -0.0, -0.4, 0.5, 1e-6, 2e-5, 1e14, -1e14])
)


def encoded(values):
    """The values of each athlete, put together and encoded one by one."""
    cells = Cells(FIGURES)
    return [msgspec.json.encode(dict(zip(cells.keys, each, strict=True))) for each in cells.of(values)]


@given(st.integers(1, 6).flatmap(lambda k: arrays(np.float64, (7, k), elements=NUMBERS)))
@example(np.zeros((7, 0)))
def test_texts_are_the_encoded_values_to_the_last_byte(values):
    assert [b"{" + text + b"}" for text in Texts(FIGURES).of(values)] == encoded(values)


@given(st.floats(-1e300, 1e300))
def test_very_large_numbers_have_the_same_exponents(value):
    values = np.zeros((7, 1))
    values[[2, 6]] = value / 1e9
    assert [b"{" + text + b"}" for text in Texts(FIGURES).of(values)] == encoded(values)


def test_a_single_figure_is_a_text_too():
    assert Texts(FIGURES[1:2]).of(np.array([[2.5, np.nan]])) == [b'"speed_mps":2.5', b'"speed_mps":null']
