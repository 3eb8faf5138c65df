from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from athlete_monitor.config import load_config
from athlete_monitor.engine.offline import run_recordings
from athlete_monitor.squad.prediction import NoModels
from tests.engine.kit import sample
from tests.helpers import ROOT

CONFIG = load_config(ROOT / "jetson_nano_4gb_config.yaml", environ={})


def recording(begin_s, device="001", athlete=1, seconds=20):
    samples = [sample(begin_s + i / 2, device, athlete, acc_z=9.8, heart_rate_bpm=120.0) for i in range(2 * seconds)]
    return SimpleNamespace(samples=lambda: iter(samples), t=np.array([each.t for each in samples]))


def sessions(*recordings):
    told = run_recordings(CONFIG, recordings, models=NoModels())
    return [(each["athlete_id"], each["device_id"], each["quality"]["received"]) for each in told.summaries]


def test_the_border_between_two_files_of_a_device_ends_its_session():
    assert sessions(recording(0), recording(21)) == [(1, "001", 40)] * 2


def test_files_of_different_days_are_sessions_of_their_own_in_any_order():
    assert sessions(recording(3 * 86_400), recording(0), recording(86_400)) == [(1, "001", 40)] * 3


def test_two_files_of_one_device_that_overlap_lose_nothing():
    assert sessions(recording(0), recording(10)) == [(1, "001", 40)] * 2


def test_two_athletes_on_one_device_have_one_session_each():
    assert sorted(sessions(recording(0), recording(10, athlete=2))) == [(1, "001", 40), (2, "001", 40)]


def test_files_of_different_devices_run_side_by_side_and_get_the_same_figures_as_alone():
    both = run_recordings(CONFIG, [recording(0), recording(5, "002", 2)], models=NoModels())
    alone = run_recordings(CONFIG, [recording(5, "002", 2)], models=NoModels())
    assert [each for each in both.figures if each["device_id"] == "002"] == alone.figures
