from __future__ import annotations

import pytest

from athlete_monitor import figures
from athlete_monitor.catalogue import FIGURES, by_key
from athlete_monitor.engine.figures import record, summary
from athlete_monitor.physiology.reasons import REASON_OF


@pytest.mark.parametrize("figure", FIGURES.values(), ids=list(FIGURES))
def test_every_figure_is_described_and_needs_inputs_that_have_a_reason(figure):
    assert figure.label
    assert figure.equation
    assert "\n" not in figure.equation
    assert set(figure.needs) <= set(REASON_OF)
    assert set(figure.whole) <= set(figure.members)


def test_every_figure_is_published_in_a_message_or_a_summary():
    published = {figure.key for figure in record.PUBLISHED} | {figure.key for figure in summary.SUMMARISED}
    assert published == set(FIGURES)
    assert set(record.AthleteFigures.__struct_fields__) >= {figure.key for figure in record.PUBLISHED}


def test_two_figures_of_one_key_are_refused():
    figure = FIGURES["trimp"]
    other = figures.Figure("trimp", "Another", "", 0, "total")
    with pytest.raises(ValueError, match="trimp"):
        by_key([figure, other])
