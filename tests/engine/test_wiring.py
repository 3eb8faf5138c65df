"""One history of known, distinct values for every figure, through wire, kernel, record, journal and files.

Whatever two things of equal type are swapped on the way, a value here is wrong. ``tests/mutations/wiring.py`` tries it.
"""

from __future__ import annotations

import json
import sqlite3

import numpy as np
import pytest

from athlete_monitor.archive.columns import archived, entry_name
from athlete_monitor.athletes import Athlete, Roster
from athlete_monitor.config import load_config
from athlete_monitor.engine.journal.journal import Journal
from athlete_monitor.engine.journal.keeper import JournalSink
from athlete_monitor.engine.sinks.files import FileSink
from tests.engine.kit import START, LinearModel, Models, monitor_of, spec_of
from tests.helpers import ROOT

CONFIG = load_config(ROOT / "jetson_nano_4gb_config.yaml", environ={})
ROSTER = Roster((Athlete(id=5, name="Five", device="005", sex="male", age=25, weight_kg=75, height_cm=180,
                         hr_max_bpm=200, hr_rest_bpm=55),))  # fmt: skip
RATE_HZ = 10
SECONDS = 150
HR_BPM, HR_FIRST_BPM = 163.0, 121.0
SPEED_BANDS_MPS = (2.0, 4.0, 5.5, 7.0)
PEAKS_G = {10: 5.4, 20: 6.2, 21: 6.3, 30: 6.7, 31: 6.8, 32: 6.9, 40: 9.1, 41: 9.2, 42: 9.3, 43: 9.4}
"""Seconds at which an impact happens, and its peak."""


def speed_at(s):
    """Two hard accelerations and one sprint, three hard brakings, a walk at the end."""
    points = [
        (0, 1), (10, 1), (12, 8.5), (16, 8.5), (20, 4), (30, 4), (31, 0.5), (50, 0.5), (60, 5.8), (80, 5.8), (81, 1),
        (90, 1), (91.5, 6.2), (95, 6.2), (96, 2), (150, 2),
    ]  # fmt: skip
    return float(np.interp(s, [at for at, _ in points], [mps for _, mps in points]))


def payloads(mode):
    rng = np.random.default_rng(3)
    for i in range(SECONDS * RATE_HZ):
        s = i / RATE_HZ
        peak = PEAKS_G.get(int(s)) if i % RATE_HZ == 5 else None
        yield json.dumps({
            "device_id": "005", "timestamp": round(START + s, 3), "seq": i, "mode": mode,
            "acc_x": rng.normal(0, 1), "acc_y": rng.normal(0, 2), "acc_z": 9.8 if peak is None else peak * 9.80665,
            "gyro_x": rng.normal(), "gyro_y": rng.normal(), "gyro_z": rng.normal(),
            "heart_rate_bpm": (HR_FIRST_BPM if s < 60 else HR_BPM) if i % RATE_HZ == 0 else None,
            "speed_mps": speed_at(s), "x_m": 12.5 + s / 100, "y_m": -7.5, "cadence_spm": 90,
        }).encode()  # fmt: skip


def expected():
    """Values of the training session at its end, computed from the history in the obvious way."""
    t = np.arange(0, SECONDS - 1 / RATE_HZ, 1 / RATE_HZ)
    speed = np.array([speed_at(s) for s in t])
    bpm = np.where(t < 60, HR_FIRST_BPM, HR_BPM)
    reserve = (bpm - 55) / 145
    step = 1 / RATE_HZ
    exercise = np.maximum(-55.0969 + 0.6309 * bpm + 0.1988 * 75 + 0.2017 * 25, 0)
    return {
        "heart_rate_bpm": HR_BPM,
        "strap_heart_rate_bpm": HR_BPM,
        "model_heart_rate_bpm": 131.0,
        "hr_excess_bpm": HR_BPM - 131.0,
        "hr_max_bpm": 200.0,
        "hr_rest_bpm": 55.0,
        "heart_rate_reserve_percent": 100 * (HR_BPM - 55) / 145,
        "heart_rate_zone": 4,
        "stress_percent": 100 * (HR_BPM - 55) / 145 - 100 * 42 / 145 * np.exp(-90 / 30),
        "trimp": float(np.sum(step / 60 * reserve * 0.64 * np.exp(1.92 * reserve))),
        "trimp_edwards": (2 * 60 + 4 * 90) / 60,
        "energy_kj": float(np.sum(exercise) * step / 60),
        "energy_kcal": float(np.sum(exercise) * step / 60 / 4.184),
        "energy_rate_kj_per_min": float(exercise[-1]),
        "vo2max_ml_kg_min": 15.3 * 200 / 55,
        "sample_rate_hz": float(RATE_HZ),
        "speed_mps": 2.0,
        "max_speed_mps": 8.5,
        "distance_m": float(np.sum(speed) * step),
        "high_speed_running_m": float(np.sum(speed[speed >= 5.5]) * step),
        "sprints": 1,
        "accelerations": 2,
        "decelerations": 3,
        "high_intensity_actions": 6,
        "x_m": 12.5 + SECONDS / 100,
        "y_m": -7.5,
        "steps": SECONDS * 1.5,
        "cadence_mean_spm": 90.0,
        "impact_alerts": 4,
        "measured_s": float(SECONDS),
        "missing_s": 0.0,
    }


def run(mode, folder):
    journal = Journal(folder / "journal.sqlite3", lambda: START + 1000, period_s=0.02)
    journal.start()
    sink = JournalSink(journal)
    files = FileSink(folder / "outputs", None, 1.0)
    models = Models(default=LinearModel(spec_of(CONFIG), level_bpm=131.0))
    monitor, told = monitor_of(CONFIG, models, ROSTER, begin=sink.begin)
    monitor.sink.add(sink, files)
    for payload in payloads(mode):
        monitor.receive("player/005/sensor/data", payload, 0.0)
        monitor.advance()
    last = told.figures[-1]
    files.stop()
    realtime = json.loads(next((folder / "outputs").rglob("*realtime*")).read_text())
    monitor.end_all("test")
    journal.stop()
    with sqlite3.connect(folder / "journal.sqlite3") as connection:
        connection.row_factory = sqlite3.Row
        seconds = [dict(row) for row in connection.execute("SELECT * FROM session_seconds ORDER BY t")]
    return told, last, realtime, seconds


def check_figures(last):
    for key, value in expected().items():
        assert last[key] == pytest.approx(value, rel=0.08, abs=0.8 if key == "missing_s" else 1e-6), key
    for key in ("heart_rate_reserve_percent", "stress_percent"):  # less than a tenth apart
        assert last[key] == pytest.approx(expected()[key], abs=0.5), key
    assert list(last["impacts"].values()) == [1, 2, 3, 0, 4, 0]
    zones = list(last["time_in_zones_s"].values())
    assert zones == pytest.approx([0, 0, 60, 0, 90, 0], abs=6)
    assert last["player_load_per_min"] == pytest.approx(last["player_load"] / SECONDS * 60, rel=0.02)
    assert 5 < last["player_load"] < 60
    assert last["heart_rate_source"] == "sensor"
    assert last["model_error"]["mae_bpm"] == pytest.approx(abs(last["model_error"]["bias_bpm"]), rel=0.9)
    assert last["model_error"]["readings"] > 100


def check_bands(last):
    """Bands and metabolic power, computed from the speed in the obvious way."""
    t = np.arange(0, SECONDS, 0.01)
    speed = np.array([speed_at(s) for s in t])
    band = np.digitize(speed, SPEED_BANDS_MPS)
    stays = np.split(band, np.flatnonzero(np.diff(band)) + 1)
    held = [stay[0] for stay in stays if len(stay) >= 50]  # half a second
    entered = [one for one, last in zip(held, [-1, *held], strict=False) if one != last]
    expected = {
        "time_in_speed_bands_s": np.bincount(band, minlength=5) * 0.01,
        "distance_in_speed_bands_m": np.bincount(band, speed, minlength=5) * 0.01,
        "speed_band_entries": np.bincount(entered, minlength=5),
        "accelerations_in_bands": [0, 2, 0],
        "decelerations_in_bands": [0, 1, 2],
    }
    for key, values in expected.items():
        assert list(last[key].values()) == pytest.approx(values, rel=0.1, abs=1.0), key
    slope = np.maximum(np.gradient(speed, 0.01) / 9.80665, -0.45)
    cost = 155.4 * slope**5 - 30.4 * slope**4 - 43.3 * slope**3 + 46.3 * slope**2 + 19.5 * slope + 3.6
    power = speed * cost * np.sqrt(1 + slope**2) * 1.29
    assert last["metabolic_power_mean_w_kg"] == pytest.approx(power.mean(), rel=0.1)
    assert last["high_metabolic_load_m"] == pytest.approx(speed[power > 25.5].sum() * 0.01, rel=0.15)
    assert last["heart_rate_low_bpm"] is last["heart_rate_high_bpm"] is None
    assert 0.5 < last["motion_mps2"] < 10.0


def check_journal(told, seconds):
    by_t = {round(each["t_s"], 3): each for each in told.figures}
    compared = 0
    for row in seconds:
        figures = by_t[min(by_t, key=lambda t: abs(t - row["t"]))]
        for key in archived():
            value = figures.get(key)
            cells = (
                {entry_name(key, name): each for name, each in value.items()}
                if isinstance(value, dict)
                else {key: value}
            )
            for name, each in cells.items():
                if isinstance(each, (int, float)) and name in row:
                    assert row[name] == pytest.approx(each, abs=1e-3), name
                    compared += 1
    assert compared > 1000


def check_summary(summary, last):
    for key in ("trimp", "energy_kj", "distance_m", "sprints", "player_load", "measured_s", "steps"):
        assert summary[key] == pytest.approx(last[key], rel=0.03), key
    assert summary["heart_rate_highest_bpm"] == HR_BPM
    assert summary["heart_rate_lowest_bpm"] == HR_FIRST_BPM
    assert summary["heart_rate_mean_bpm"] == pytest.approx((60 * HR_FIRST_BPM + 90 * HR_BPM) / 150, abs=2)
    assert summary["heart_rate_known_percent"] == pytest.approx(99, abs=2)


def check(folder):
    told, last, realtime, seconds = run("training", folder)
    check_figures(last)
    check_bands(last)
    assert realtime == last
    check_journal(told, seconds)
    check_summary(told.summaries[0], last)


def test_every_figure_arrives_under_its_own_name(tmp_path):
    check(tmp_path)
