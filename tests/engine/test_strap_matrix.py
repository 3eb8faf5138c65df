"""The strap through the real engine: lost, back, counting steps, live and from a recording."""

from __future__ import annotations

import math
import random

import pytest

from athlete_monitor.arrays import CHANNEL_INDEX
from athlete_monitor.engine.journal.journal import Journal
from athlete_monitor.engine.journal.keeper import JournalSink, resume_all, snapshot
from athlete_monitor.engine.offline import run_recordings
from athlete_monitor.physiology.reasons import READINGS_REFUSED, STRAP_HALF_OR_TWICE
from athlete_monitor.wire.sample import Sample
from tests.engine.kit import (
    GAME,
    START,
    TRAINING,
    LinearModel,
    Models,
    Recorded,
    feed,
    monitor_of,
    sample,
    spec_of,
)
from tests.engine.test_monitor import CONFIG as BY_MODE
from tests.engine.test_monitor import DEFAULTS

CADENCE_SPM = 165.0
READINGS = {"good": 131.0, "higher": 133.0, "lost": math.nan, "steps": CADENCE_SPM, "half": 66.0, "impossible": 255.0}
HOUR_S = 3600.0
OF_THE_STRAP = (
    "heart_rate_bpm", "heart_rate_source", "heart_rate_low_bpm", "heart_rate_high_bpm", "strap_heart_rate_bpm",
    "model_heart_rate_bpm", "model_id", "trimp",
)  # fmt: skip


def session(*phases, tags=TRAINING, start=0.0, athlete=1):
    """A sample a second; each phase is what the strap does, and for how many seconds."""
    rng = random.Random(7)
    states = [state for state, seconds in phases for _ in range(seconds)]
    return [
        sample(
            start + t,
            athlete=athlete,
            seq=int(start) + t,
            tags=tags,
            acc_x=rng.gauss(0.0, 2.0),
            acc_y=rng.gauss(0.0, 2.0),
            acc_z=9.8 + rng.gauss(0.0, 2.0),
            gyro_x=rng.gauss(0.0, 1.0),
            gyro_y=rng.gauss(0.0, 1.0),
            gyro_z=rng.gauss(0.0, 1.0),
            cadence_spm=CADENCE_SPM,
            heart_rate_bpm=READINGS[state],
        )
        for t, state in enumerate(states)
    ]


def models_of(level_bpm=120.0):
    return Models({1: LinearModel(spec_of(DEFAULTS), 1, level_bpm)})


def run(samples, config=DEFAULTS):
    monitor, told = monitor_of(config, models_of())
    feed(monitor, samples)
    monitor.end_all("test")
    recorded = run_recordings(config, [Recorded(samples)], models=models_of())
    assert recorded.figures == told.figures, "a recording gives what was live, to the last bit"
    return told


def correction_of(figures):
    return figures["heart_rate_bpm"] - figures["model_heart_rate_bpm"]


def test_a_strap_that_counts_steps_from_the_start_teaches_the_model_nothing():
    last = run(session(("steps", 365), tags=GAME)).figures[-1]
    assert last["heart_rate_source"] == "model"
    assert last["heart_rate_bpm"] == pytest.approx(last["model_heart_rate_bpm"], abs=1e-6)


def test_what_a_good_strap_showed_of_the_day_outlives_minutes_of_counted_steps():
    good, locked = (run(session(*phases)) for phases in ((("good", 300), ("lost", 62)), (("good", 300), ("steps", 62))))
    assert good.figures[-1]["heart_rate_source"] == locked.figures[-1]["heart_rate_source"] == "model_corrected"
    assert locked.figures[-1]["heart_rate_bpm"] == pytest.approx(good.figures[-1]["heart_rate_bpm"], abs=0.5)


def test_a_strap_that_comes_back_is_believed_again():
    told = run(session(("good", 60), ("lost", 30), ("good", 20)))
    sources = [figures["heart_rate_source"] for figures in told.figures]
    assert sources[50] == "sensor"
    assert sources[80] == "model_corrected"
    assert sources[-1] == "sensor"


def test_a_strap_that_drops_to_half_is_replaced_by_the_model_and_the_reason_says_so():
    told = run(session(("good", 60), ("half", 30), ("good", 20))).figures
    assert told[55]["heart_rate_source"] == told[-1]["heart_rate_source"] == "sensor"
    assert told[85]["heart_rate_source"] == "model_corrected"
    assert abs(told[85]["heart_rate_bpm"] - READINGS["good"]) < 12.0
    assert told[85]["strap_heart_rate_bpm"] is None
    assert told[85]["reasons"]["strap_heart_rate_bpm"] == STRAP_HALF_OR_TWICE


def test_readings_that_cannot_be_are_not_called_missing():
    monitor, told = monitor_of(DEFAULTS, Models({}))
    feed(monitor, session(("impossible", 5)))
    monitor.end_all("test")
    assert told.figures[-1]["reasons"]["heart_rate_bpm"].startswith(READINGS_REFUSED)


def test_by_mode_a_game_shows_the_plain_model_whatever_the_strap_does():
    for phases in ((("good", 40),), (("good", 20), ("lost", 20)), (("steps", 40),)):
        last = run(session(*phases, tags=GAME), BY_MODE).figures[-1]
        assert last["heart_rate_source"] == "model"
        assert last["heart_rate_bpm"] == last["model_heart_rate_bpm"]


def test_by_mode_a_training_shows_the_strap_only_and_says_when_it_is_lost():
    told = run(session(("good", 40), ("lost", 20)), BY_MODE).figures
    assert {figures["heart_rate_source"] for figures in told[2:40]} == {"sensor"}
    assert told[-1]["heart_rate_bpm"] is None
    assert told[-1]["model_heart_rate_bpm"] is not None


def test_by_mode_a_session_that_turns_from_training_to_game_leaves_the_strap_at_once():
    samples = session(("good", 40)) + session(("good", 20), tags=GAME, start=40)
    told = run(samples, BY_MODE).figures
    sources = [figures["heart_rate_source"] for figures in told]
    assert sources[38] == "sensor"
    assert sources[-10] == "model"
    assert told[-1]["heart_rate_bpm"] == told[-1]["model_heart_rate_bpm"]


@pytest.mark.parametrize(
    "phases",
    [
        (("good", 70), ("lost", 40)),
        pytest.param((("good", 310), ("steps", 75)), marks=pytest.mark.campaign),
        (("good", 50), ("lost", 30), ("good", 20)),
    ],
    ids=["lost", "counting steps", "back"],
)
@pytest.mark.parametrize("config", [DEFAULTS, BY_MODE], ids=["auto", "by_mode"])
def test_after_a_restart_from_the_journal_the_strap_means_what_it_meant(tmp_path, phases, config):
    samples, left = session(*phases), 15
    whole, told_whole = monitor_of(config, models_of())
    feed(whole, samples)
    whole.end_all("test")
    journal = Journal(tmp_path / "journal.sqlite3", lambda: START, period_s=0.02)
    journal.start()
    stopped, _ = monitor_of(config, models_of(), begin=JournalSink(journal).begin)
    feed(stopped, samples[:-left])
    snapshot(journal, stopped, whole=True)
    journal.stop()
    journal = Journal(tmp_path / "journal.sqlite3", lambda: START)
    again, told = monitor_of(config, models_of())
    (arrived_s,) = {each.arrived_s for each in journal.open_sessions()}
    resume_all(journal, again, 50.0, arrived_s + 1.0, config.engine)
    journal.stop()
    feed(again, samples[-left:], now_s=51.0)
    again.end_all("test")
    assert len(told.figures) >= left - 1
    for now, uninterrupted in zip(told.figures, told_whole.figures[-len(told.figures) :], strict=True):
        assert {name: now[name] for name in OF_THE_STRAP} == {name: uninterrupted[name] for name in OF_THE_STRAP}
    assert told.summaries[0]["strap_suspect_s"] == told_whole.summaries[0]["strap_suspect_s"]


@pytest.mark.parametrize(("apart_s", "remembered"), [(HOUR_S, True), (30 * HOUR_S, False)])
def test_a_second_session_begins_with_the_day_of_the_first_and_tomorrow_without_it(apart_s, remembered):
    monitor, told = monitor_of(DEFAULTS, models_of())
    feed(monitor, session(("good", 400)))
    monitor.end_all("test")
    feed(monitor, session(("lost", 60), start=400 + apart_s))
    monitor.end_all("test")
    assert len(told.summaries) == 2
    last = told.figures[-1]
    assert (correction_of(last) > 1.0) == remembered
    assert last["heart_rate_source"] == ("model_corrected" if remembered else "model")


@pytest.mark.parametrize("was_stopped", [False, True], ids=["ended before", "stopped and too old to be resumed"])
def test_a_second_session_after_a_restart_begins_with_the_day_of_the_first(tmp_path, was_stopped):
    journal = Journal(tmp_path / "journal.sqlite3", lambda: START + 400, period_s=0.02)
    journal.start()
    first, _ = monitor_of(DEFAULTS, models_of(), begin=JournalSink(journal).begin)
    feed(first, session(("good", 400)))
    if was_stopped:
        snapshot(journal, first, whole=True)
        first.pause_all("shutdown")
    else:
        first.end_all("test")
        snapshot(journal, first)
    journal.stop()
    journal = Journal(tmp_path / "journal.sqlite3", lambda: START + 400 + HOUR_S)
    again, told = monitor_of(DEFAULTS, models_of())
    reopened = journal.reopen(START + HOUR_S)
    resume_all(journal, again, 50.0, START + 400 + HOUR_S, DEFAULTS.engine, reopened)
    journal.stop()
    feed(again, session(("lost", 60), start=400 + HOUR_S))
    again.end_all("test")
    assert correction_of(told.figures[-1]) > 1.0
    assert told.figures[-1]["heart_rate_source"] == "model_corrected"


def test_the_day_of_a_device_without_an_athlete_is_not_given_to_the_next_one():
    models = Models(default=LinearModel(spec_of(DEFAULTS), level_bpm=120.0))
    monitor, told = monitor_of(DEFAULTS, models)
    feed(monitor, session(("good", 400), athlete=None))
    monitor.end_all("test")
    feed(monitor, session(("lost", 30), start=400 + HOUR_S, athlete=None))
    monitor.end_all("test")
    assert len(told.summaries) == 2
    assert correction_of(told.figures[-1]) == 0.0


def test_another_model_in_mid_session_does_not_inherit_the_error_of_the_first():
    models = models_of(120.0)
    monitor, told = monitor_of(DEFAULTS, models)
    samples = session(("good", 400), ("lost", 60))
    feed(monitor, samples[:430])
    before = told.figures[-1]
    models.own[1] = LinearModel(spec_of(DEFAULTS), 1, 128.0)
    monitor.squad.models.refresh(1)
    feed(monitor, samples[430:])
    monitor.end_all("test")
    after = told.figures[-1]
    assert correction_of(before) > 1.0
    assert after["model_id"] != before["model_id"]
    assert after["model_heart_rate_bpm"] > before["model_heart_rate_bpm"] + 3.0
    assert correction_of(after) == 0.0
    assert after["heart_rate_source"] == "model"


@pytest.mark.campaign
def test_after_a_change_of_model_the_strap_teaches_the_new_one():
    models = models_of(120.0)
    monitor, told = monitor_of(DEFAULTS, models)
    # A reading that never changes while the model disagrees would be found frozen: this strap's readings vary.
    phases = [("good" if second // 5 % 2 else "higher", 1) for second in range(500)]
    samples = session(*phases, ("lost", 60))
    feed(monitor, samples[:300])
    models.own[1] = LinearModel(spec_of(DEFAULTS), 1, 140.0)
    monitor.squad.models.refresh(1)
    feed(monitor, samples[300:])
    monitor.end_all("test")
    assert told.figures[-1]["heart_rate_source"] == "model_corrected"
    assert correction_of(told.figures[-1]) < -1.0


def test_a_model_for_channels_that_stop_arriving_hands_over_to_one_that_still_serves():
    spec = spec_of(DEFAULTS)
    own = LinearModel(spec, 1, 120.0)
    monitor, told = monitor_of(DEFAULTS, Models({1: own}, LinearModel(spec, groups=("acceleration",), level_bpm=140.0)))
    samples = session(("good", 300), ("lost", 60))
    without = [each if i < 200 else _without_rotation(each) for i, each in enumerate(samples)]
    feed(monitor, without)
    monitor.end_all("test")
    assert told.figures[150]["model_id"].startswith("1@")
    assert told.figures[-1]["model_id"].startswith("default@")
    assert correction_of(told.figures[-1]) < 0.0, "learned from 100 s of the strap against this model"


def _without_rotation(each):
    kept = list(each.values)
    for name in ("gyro_x", "gyro_y", "gyro_z"):
        kept[CHANNEL_INDEX[name]] = math.nan
    return Sample(each.device_id, each.t, tuple(kept), each.athlete_id, each.seq, each.profile, each.tags)
