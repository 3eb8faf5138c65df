"""What the tables look like on terminals of several widths."""

from __future__ import annotations

from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from athlete_monitor.engine.intake.messages import Rejection
from athlete_monitor.engine.terminal.screen import detail_view, engine_lines, squad_table, summary_table
from tests.engine.kit import record

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

STATS = {
    "messages_per_s": 3000.2,
    "lag_p50_ms": 1234.4,
    "lag_p99_ms": 12345.6,
    "cache_hit_percent": 99.2,
    "cpu_percent": 188.0,
    "memory_mb": 1234.5,
    "temperature_c": 75.2,
}


def worn(name: str = "Maximiliane Musterfrau-Beispiel", **changed: Any) -> Any:
    wearer, figures = SimpleNamespace(name=name), record(**{**FIGURES, **changed})
    return SimpleNamespace(athlete_id=7, device_id="007", wearer=wearer, latest=figures, status="online")


def drawn(table: object, width: int) -> str:
    out = StringIO()
    Console(width=width, file=out).print(table)
    return out.getvalue()


def test_a_summary_fits_80_columns_with_every_figure_whole():
    said = drawn(summary_table([SUMMARY]), 80)
    lines = said.splitlines()
    assert max(map(len, lines)) <= 80
    (row,) = [line for line in lines if line.startswith("11 Maximiliane")]
    assert row.endswith("90.0 120 188 144.3 very high 1234 10234  19.9 100.0 %")


@pytest.mark.parametrize("width", [40, 50, 64])
def test_the_summary_of_a_narrow_terminal_keeps_name_and_heart_rate(width):
    lines = drawn(summary_table([SUMMARY], width), width).splitlines()
    assert max(map(len, lines)) <= width
    (row,) = [line for line in lines if line.startswith("11 Maximi")]
    heading = lines[1]
    for name, figure in (("HR", "120"), ("Max", "188"), ("TRIMP", "144.3")):
        assert heading.index(name) + len(name) == row.index(figure) + len(figure)


@pytest.mark.parametrize("width", [40, 50])
def test_one_athlete_on_a_narrow_terminal_has_each_figure_with_its_unit_on_one_line(width):
    zones = dict.fromkeys(("below_50_percent", "zone_1", "zone_2", "zone_3", "zone_4", "zone_5"), 600.0)
    text = drawn(detail_view(worn("Zoë", time_in_zones_s=zones), width), width)
    assert max(map(len, text.splitlines())) <= width
    for words in ("Heart rate", "188 bpm", "1234 kcal", "athlete 7"):
        assert words in text


def test_a_device_whose_messages_are_not_understood_has_a_line_with_the_reason():
    rejection = Rejection("009", "`timestamp` looks like milliseconds", 0.0)
    (row,) = [line for line in drawn(squad_table([worn()], rejections=[rejection]), 160).splitlines() if "009" in line]
    assert "`timestamp` looks like milliseconds" in row
    assert "not understood" in row


@pytest.mark.parametrize("width", [80, 100, 110, 160])
def test_the_live_table_keeps_each_athlete_on_one_line_with_every_figure_whole(width):
    lines = drawn(squad_table([worn()], width=width), width).splitlines()
    assert max(map(len, lines)) <= width
    (row,) = [line for line in lines if "Max" in line]
    for figure in ("90", "188", "170–199", "model+", "5", "144.3", "1234", "12.3", "123 (2!)", "100 %", "online"):
        assert figure in row


@pytest.mark.parametrize("width", [40, 52, 60, 70, 79])
def test_a_terminal_below_80_columns_keeps_what_a_coach_acts_on_and_the_name(width):
    lines = drawn(squad_table([worn("Maximiliane")], width=width), width).splitlines()
    assert len(lines) == 2
    assert max(map(len, lines)) <= width
    for figure in ("Maximil", "188", "model+", "5", "144.3", "online"):
        assert figure in lines[1]
    assert lines[1].count("…") <= 1
    assert "1234" not in lines[1]


def test_the_headings_stand_above_their_own_figures_where_columns_are_left_out():
    heading, row = drawn(squad_table([worn()], width=60), 60).splitlines()
    for name, figure in (("HR", "188"), ("80 %", "170–199"), ("TRIMP", "144.3"), ("Data", "100 %")):
        assert heading.index(name) + len(name) == row.index(figure) + len(figure)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160])
@pytest.mark.parametrize("connected", [True, False])
def test_the_engine_is_one_line_on_every_terminal(width, connected):
    (line,) = drawn(engine_lines(STATS, connected, [], width), width).splitlines()
    assert line.startswith("connected" if connected else "no broker")
    assert "3000 m" in line


def test_80_columns_have_every_figure_of_the_engine_and_more_have_the_words():
    assert drawn(engine_lines(STATS, True, [], 80), 80) == (
        "connected  3000 msg/s  lag 1234/12346 ms  CPU 188 %  1234 MB  75 °C  cache 99 %\n"
    )
    assert drawn(engine_lines(STATS, True, [], 160), 160) == (
        "connected   3000 messages/s   lag p50 1234.4 p99 12345.6 ms   cache hits 99 %   CPU 188 %   "
        "memory 1234 MB   75 °C\n"
    )


def test_the_last_figures_of_the_engine_give_way_first():
    assert drawn(engine_lines(STATS, True, [], 60), 60) == (
        "connected  3000 msg/s  lag 1234/12346 ms  CPU 188 %  1234 MB\n"
    )


def test_an_engine_that_has_measured_nothing_yet_is_told_with_dashes():
    assert drawn(engine_lines({}, True, [], 80), 80) == ("connected  – msg/s  lag –/– ms  CPU – %  – MB  cache – %\n")


def test_notices_stand_below_the_engine_with_every_word():
    notice = "the journal cannot be written: No space left on device; kept in memory until it can be"
    lines = drawn(engine_lines(STATS, True, [notice], 80), 80).splitlines()
    assert " ".join(" ".join(lines[1:]).split()) == notice


@pytest.mark.parametrize("width", [80, 100, 160])
def test_one_athlete_in_detail_keeps_its_title_its_columns_and_its_minutes_apart(width):
    reason = "no beat-to-beat intervals from this strap, and none expected"
    zones = dict.fromkeys(("below_50_percent", "zone_1", "zone_2", "zone_3", "zone_4", "zone_5"), 600.0)
    session = worn("N" * 80, time_in_zones_s=zones, reasons={"hrv_rmssd_ms": reason})
    lines = drawn(detail_view(session), width).splitlines()
    assert max(map(len, lines)) <= width
    assert "athlete 7 · device 007 · online" in lines[0]
    assert any("min in 0–5  0: 10.0  1: 10.0  2: 10.0  3: 10.0  4: 10.0  5: 10.0" in line for line in lines)
    starts = {line.index(name) for name in ("TRIMP", "Energy", "Sprints") for line in lines if name in line}
    (start,) = starts
    assert {line[start - 2 : start] for line in lines[3:12]} == {"  "}
