"""What the tables look like on terminals of several widths."""

from __future__ import annotations

from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from athlete_monitor.engine.ui import squad_table, summary_table

SUMMARY = {
    "athlete_id": 11,
    "name": "Maximiliane Musterfrau-Beispiel",
    "duration_s": 5400.0,
    "heart_rate_mean_bpm": 120.0,
    "heart_rate_highest_bpm": 188.0,
    "trimp": 144.3,
    "training_load_zone": "very_high",
    "energy_kcal": 1234.0,
    "distance_m": 10234.0,
    "model_error": {"mae_bpm": 19.9},
    "quality": {"percent": 100.0},
}
FIGURES = {
    "elapsed_s": 5400.0,
    "heart_rate_bpm": 188.0,
    "heart_rate_low_bpm": 170.0,
    "heart_rate_high_bpm": 199.0,
    "heart_rate_source": "model_corrected",
    "heart_rate_zone": 5,
    "trimp": 144.3,
    "energy_kcal": 1234.0,
    "player_load_per_min": 12.3,
    "impacts": {"5-6 g": 123},
    "impact_alerts": 2,
    "quality": {"percent": 100.0},
}


def drawn(table: object, width: int) -> str:
    out = StringIO()
    Console(width=width, file=out).print(table)
    return out.getvalue()


def test_a_summary_fits_80_columns_with_every_figure_whole():
    said = drawn(summary_table([SUMMARY]), 80)
    lines = said.splitlines()
    assert max(map(len, lines)) <= 80
    (row,) = [line for line in lines if line.startswith("11 Maximiliane")]
    assert row.endswith("90.0 120 188 144.3 very high 1234 10234   19.9 100.0 %")


@pytest.mark.parametrize("width", [80, 100, 128])
def test_the_live_table_keeps_each_athlete_on_one_line_with_every_figure_whole(width):
    session: Any = SimpleNamespace(
        athlete_id=7, device_id="007", wearer=SimpleNamespace(name=SUMMARY["name"]), latest=FIGURES, status="online"
    )
    lines = drawn(squad_table([session], width=width), width).splitlines()
    assert max(map(len, lines)) <= width
    (row,) = [line for line in lines if "Max" in line]
    for figure in ("90", "188", "170–199", "model+", "5", "144.3", "1234", "12.3", "123 (2!)", "100 %", "online"):
        assert figure in row
