"""The figures of a report, recomputed by pandas from the recorded samples and the published formulas.

Nothing of the engine is used for the expected values: five sessions of different kinds go through the replay and the
export as a user would run them, and the formulas are written again here, slowly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

import main
from athlete_monitor.archive import Archive
from athlete_monitor.athletes import Roster
from athlete_monitor.report.command import main as report_main
from athlete_monitor.report.gather import gather

G = 9.80665
MAX_BPM, REST_BPM, WEIGHT_KG, AGE = 195.0, 55.0, 75.0, 30
SECONDS = 420
ROSTER = "athletes:\n" + "".join(
    f'  - {{id: {number}, device: "00{number}", name: "Athlete {number}", sex: male, age: {AGE}, weight_kg: 75, '
    f"height_cm: 180, hr_max_bpm: 195, hr_rest_bpm: 55}}\n"
    for number in range(1, 6)
)


@dataclass(frozen=True)
class Kind:
    """A kind of session: its sample rate and what was measured."""

    name: str
    rate_hz: int
    channels: tuple[str, ...]
    gap_s: tuple[int, int] = (0, 0)
    """The strap is silent in between."""


KINDS = (
    Kind("vest", 5, ("heart_rate", "speed_mps", "acceleration")),
    Kind("watch", 1, ("heart_rate", "speed_mps")),
    Kind("strap", 1, ("heart_rate",)),
    Kind("tracking without a strap", 4, ("speed_mps",)),
    Kind("vest with a loose strap", 5, ("heart_rate", "speed_mps", "acceleration"), (150, 210)),
)


def recording(kind: Kind, number: int) -> pd.DataFrame:
    """A session file: heart rate that rises and falls, runs with three sprints, and acceleration that sways."""
    n = np.arange(SECONDS * kind.rate_hz)
    t = n / kind.rate_hz
    second = np.floor(t)
    table = pd.DataFrame({"timestamp": pd.to_datetime(1_777_888_800_000 + 1000.0 * t, unit="ms", utc=True)})
    table["timestamp"] = table.timestamp.dt.strftime("%Y-%m-%d %H:%M:%S.%f").str[:-3] + "+00:00"
    table["athlete_id"], table["mode"] = number, "training"
    if "heart_rate" in kind.channels:
        bpm = np.round(118 + 55 * (1 - np.cos(2 * np.pi * second / 300)) / 2)
        silent = (second >= kind.gap_s[0]) & (second < kind.gap_s[1])
        table["heart_rate"] = np.where(silent, np.nan, bpm)
    if "speed_mps" in kind.channels:
        run = 2.5 + 1.5 * np.sin(2 * np.pi * t / 60)
        for begin in (100, 200, 330):
            since = t - begin
            sprint = np.minimum(8.0, 2.4 * np.minimum(since, 12 - since))
            run = np.maximum(run, np.where((since > 0) & (since < 12), sprint, 0.0))
        table["speed_mps"] = np.round(run, 3)
    if "acceleration" in kind.channels:
        table["acc_x"] = np.round(1.5 * np.sin(2 * np.pi * 2.0 * t), 3)
        table["acc_y"] = np.round(0.8 * np.cos(2 * np.pi * 1.0 * t), 3)
        table["acc_z"] = np.round(G + 2.0 * np.sin(2 * np.pi * 1.5 * t + 1.0), 3)
    return table


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The participants of the report and the exported seconds of all five."""
    root = tmp_path_factory.mktemp("recomputed")
    (root / "athletes.yaml").write_text(ROSTER)
    files = []
    for number, kind in enumerate(KINDS, 1):
        path = root / f"TR1_A{number}_D00{number}_2026_05_04-10_00_00.csv"
        recording(kind, number).to_csv(path, index=False)
        files.append(str(path))
    assert main.main(["--replay", *files, "--root", str(root), "--quiet"]) == 0
    assert report_main(["export", "--what", "seconds", "--root", str(root), "--out", str(root), "--quiet"]) == 0
    archive = Archive(root / "prediction_outputs" / "journal.sqlite3")
    [team] = archive.team_sessions()
    data = gather(archive, team.id, Roster.load(root / "athletes.yaml"))
    figures = {each.athlete_id: each for each in data.participants}
    return figures, pd.read_csv(root / "seconds.csv")


def samples_of(number: int) -> pd.DataFrame:
    """The samples of one athlete, each with the time since the one before."""
    kind = KINDS[number - 1]
    table = recording(kind, number)
    t_s = np.arange(len(table)) / kind.rate_hz
    return table.assign(t_s=t_s, dt_s=np.diff(t_s, prepend=0.0))


def numbered(channel: str) -> list[int]:
    """The athletes whose session has a channel."""
    return [number for number, kind in enumerate(KINDS, 1) if channel in kind.channels]


@pytest.mark.parametrize("number", numbered("heart_rate"))
def test_load_and_zones_are_those_of_banister_and_edwards(exported, number):
    figures, _ = exported
    whole, mine = figures[number].whole, samples_of(number).dropna(subset="heart_rate")
    x = ((mine.heart_rate - REST_BPM) / (MAX_BPM - REST_BPM)).clip(0, 1)
    dt_min = mine.dt_s.clip(upper=2.0) / 60
    tolerance = 0.03 if KINDS[number - 1].gap_s[1] else 0.015  # a lost strap's last value is held for some seconds
    assert whole["trimp"] == pytest.approx((dt_min * x * 0.64 * np.exp(1.92 * x)).sum(), rel=tolerance)
    zone = np.floor(10 * mine.heart_rate / MAX_BPM).clip(4, 9) - 4
    for each in range(6):
        name = "below_50_percent" if each == 0 else f"zone_{each}"
        assert whole[f"time_in_zones_s__{name}"] == pytest.approx(60 * dt_min[zone == each].sum(), abs=6.0)
    assert whole["trimp_edwards"] == pytest.approx((dt_min * zone).sum(), rel=tolerance)
    assert whole["heart_rate_bpm"] == pytest.approx(np.average(mine.heart_rate, weights=dt_min), abs=0.7)
    assert whole["heart_rate_highest_bpm"] == mine.heart_rate.max()


@pytest.mark.parametrize("number", numbered("heart_rate"))
def test_energy_is_that_of_keytel_above_sixty_percent_of_the_maximum(exported, number):
    figures, _ = exported
    mine = samples_of(number).dropna(subset="heart_rate")
    assert mine.heart_rate.min() >= 0.6 * MAX_BPM
    kj_per_min = -55.0969 + 0.6309 * mine.heart_rate + 0.1988 * WEIGHT_KG + 0.2017 * AGE
    expected = (kj_per_min * mine.dt_s.clip(upper=2.0) / 60).sum() / 4.184
    assert figures[number].whole["energy_kcal"] == pytest.approx(expected, rel=0.015)


@pytest.mark.parametrize("number", numbered("speed_mps"))
def test_distance_bands_sprints_and_top_speed_are_those_of_the_speed(exported, number):
    figures, _ = exported
    whole, mine = figures[number].whole, samples_of(number)
    steps = mine.dt_s * (mine.speed_mps + mine.speed_mps.shift(fill_value=mine.speed_mps[0])) / 2
    assert whole["distance_m"] == pytest.approx(steps.sum(), rel=0.01)
    assert whole["distance_m_per_min"] == pytest.approx(60 * steps.sum() / SECONDS, rel=0.015)
    fine_mps = np.interp(np.arange(0.0, mine.t_s.iloc[-1], 0.01), mine.t_s, mine.speed_mps)
    edges = [0.0, 2.0, 4.0, 5.5, 7.0, math.inf]
    for band, (low, high) in enumerate(pairwise(edges), 1):
        inside = 0.01 * fine_mps[(fine_mps >= low) & (fine_mps < high)].sum()
        assert whole[f"distance_in_speed_bands_m__band_{band}"] == pytest.approx(inside, abs=10.0)
    assert sum(whole[f"distance_in_speed_bands_m__band_{band}"] for band in range(1, 6)) == pytest.approx(
        whole["distance_m"], abs=0.1
    )
    assert whole["sprints"] == 3
    assert whole["max_speed_mps"] == pytest.approx(mine.speed_mps.max(), abs=0.3)


@pytest.mark.parametrize("number", numbered("acceleration"))
def test_player_load_is_the_sum_of_changes_of_acceleration(exported, number):
    figures, _ = exported
    changes = samples_of(number)[["acc_x", "acc_y", "acc_z"]].diff() / G
    expected = np.sqrt((changes**2).sum(axis=1)).sum() / 100
    assert figures[number].whole["player_load"] == pytest.approx(expected, rel=0.005)


@pytest.mark.parametrize("number", numbered("speed_mps"))
@pytest.mark.parametrize("minutes", [1, 3, 5])
def test_peak_demands_are_the_most_of_any_window(exported, number, minutes):
    figures, _ = exported
    mine = samples_of(number)
    steps = mine.dt_s * (mine.speed_mps + mine.speed_mps.shift(fill_value=mine.speed_mps[0])) / 2
    total = steps.cumsum().to_numpy()
    at = np.arange(0, SECONDS - 60 * minutes)
    grown = np.interp(at + 60 * minutes, mine.t_s - mine.t_s[0], total) - np.interp(at, mine.t_s - mine.t_s[0], total)
    found = figures[number].summary["peak_distance_m"][f"{minutes}_min"]
    assert found == pytest.approx(grown.max(), rel=0.015)


def test_the_seconds_are_the_running_totals_of_the_report(exported):
    figures, seconds = exported
    for number, participant in figures.items():
        last = seconds[seconds.athlete_id == number].sort_values("t_s").iloc[-1]
        for key in ("trimp", "distance_m", "player_load", "energy_kcal", "sprints"):
            value = participant.whole.get(key)
            assert (value is None) == bool(pd.isna(last[key])) if key in last else value is None
            assert value is None or value == pytest.approx(last[key], rel=1e-6)


def test_what_was_not_measured_is_not_in_the_report(exported):
    figures, _ = exported
    assert figures[4].whole.get("trimp") is None
    assert figures[4].summary["reasons"]["trimp"]
    assert figures[3].whole.get("distance_m") is None
    assert figures[3].summary["reasons"]["distance_m"]
