from __future__ import annotations

import json
import math
from itertools import zip_longest

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from athlete_monitor.athletes import Athlete, Roster
from athlete_monitor.config import load_config
from athlete_monitor.engine.journal.earlier import PastLoad
from athlete_monitor.engine.offline import run_recordings
from athlete_monitor.engine.sessions.book import Chosen
from athlete_monitor.engine.sessions.history import LoadHistory
from athlete_monitor.wire.codec import encode_batch, encode_sample
from athlete_monitor.wire.sample import WireProfile
from tests.engine.kit import (
    GAME,
    START,
    LinearModel,
    Models,
    Recorded,
    deliver,
    feed,
    monitor_of,
    sample,
    spec_of,
    stream,
)
from tests.helpers import ROOT

DEFAULTS = load_config(ROOT / "jetson_nano_4gb_config.yaml", environ={})
CONFIG = DEFAULTS.model_copy(
    update={"engine": DEFAULTS.engine.model_copy(update={"heart_rate_source": "by_mode"})}
)  # both of strap and model are seen
MODEL_FIGURES = ("model_id", "model_heart_rate_bpm", "heart_rate_bpm", "heart_rate_low_bpm", "heart_rate_high_bpm")
MIXED = {
    "001": stream("001", 1, 12),
    "002": stream("002", 2, 12, tags=GAME),
    "003": stream("003", 3, 9, rate_hz=25),
    "004": [sample(i, "004", 4, seq=i, speed_mps=3 + i % 3, heart_rate_bpm=140) for i in range(12)],
}


def models():
    spec = spec_of(CONFIG)
    return Models({2: LinearModel(spec, 2, 150.0)}, LinearModel(spec))


def alone(device):
    monitor, told = monitor_of(CONFIG, models())
    for each in MIXED[device]:
        feed(monitor, [each])
    monitor.end_all("test")
    return told


ALONE = {device: alone(device) for device in MIXED}


@given(st.data())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_neither_the_company_of_others_nor_the_cutting_into_steps_changes_a_digit(data):
    monitor, told = monitor_of(CONFIG, models())
    queues = {device: list(samples) for device, samples in MIXED.items()}
    while any(queues.values()):
        device = data.draw(st.sampled_from([name for name, queue in queues.items() if queue]))
        count = data.draw(st.integers(1, 60))
        taken, queues[device] = queues[device][:count], queues[device][count:]
        for each in taken:
            monitor.accept(each, 0.0)
        if data.draw(st.booleans()):
            monitor.advance()
    monitor.advance()
    monitor.end_all("test")
    for device, expected in ALONE.items():
        assert [f for f in told.figures if f["device_id"] == device] == expected.figures
        assert [s for s in told.summaries if s["device_id"] == device] == expected.summaries


def test_an_offline_run_gives_what_the_same_samples_give_live():
    told = run_recordings(CONFIG, [Recorded(samples) for samples in MIXED.values()], models=models())
    for device, expected in ALONE.items():
        assert [f for f in told.figures if f["device_id"] == device] == expected.figures


def test_payloads_give_what_samples_give():
    monitor, told = monitor_of(CONFIG, models())
    for each in MIXED["001"]:
        deliver(monitor, [encode_sample(each)])
    assert told.figures == ALONE["001"].figures


def test_every_null_has_a_reason_and_nothing_is_nan():
    for told in ALONE.values():
        for figures in told.figures + told.summaries:
            json.dumps(figures, allow_nan=False)
            missing = {name for name, value in figures.items() if value is None}
            assert missing - set(figures["reasons"]) <= {"session_phase", "intensity_level", "mode"}
            assert set(figures["reasons"]) <= set(figures)


def test_figures_grow_and_zones_add_up_to_the_measured_time():
    for told in ALONE.values():
        for before, after in zip(told.figures, told.figures[1:], strict=False):
            for name in ("trimp", "trimp_edwards", "energy_kj", "player_load", "distance_m"):
                if before[name] is not None:
                    assert after[name] >= before[name]
        last = told.figures[-1]
        if last["time_in_zones_s"]:
            assert sum(last["time_in_zones_s"].values()) <= last["measured_s"] + 0.5


def test_banister_holds_for_half_an_hour_at_130():
    config = CONFIG
    roster = Roster((Athlete(id=1, device="001", sex="male", hr_max_bpm=200, hr_rest_bpm=40),))
    monitor, told = monitor_of(config, roster=roster)
    feed(monitor, [sample(i, heart_rate_bpm=130, seq=i) for i in range(1801)])
    monitor.end_all("test")
    assert told.summaries[0]["trimp"] == pytest.approx(31.80, abs=0.01)


def test_training_takes_the_strap_and_a_game_the_model_each_with_its_source():
    for device, source in (("001", "sensor"), ("002", "model")):
        assert ALONE[device].figures[-1]["heart_rate_source"] in {source, "held"}
    game = ALONE["002"].figures[-1]
    assert game["heart_rate_low_bpm"] == pytest.approx(game["heart_rate_bpm"] - 6, abs=1e-3)
    assert game["heart_rate_high_bpm"] == pytest.approx(game["heart_rate_bpm"] + 5, abs=1e-3)
    assert game["model_id"].startswith("2@")
    assert game["model_error"]["readings"] > 5


def test_by_default_a_game_takes_the_strap_that_is_there():
    monitor, told = monitor_of(DEFAULTS, models())
    feed(monitor, MIXED["002"])
    assert told.figures[-1]["heart_rate_source"] in {"sensor", "held"}
    assert told.figures[-1]["heart_rate_bpm"] == told.figures[-1]["strap_heart_rate_bpm"]


def test_an_empty_heart_rate_names_the_setting_that_makes_it_so():
    monitor, told = monitor_of(CONFIG)
    feed(monitor, MIXED["002"])
    assert told.figures[-1]["heart_rate_bpm"] is None
    assert (
        "engine.heart_rate_source: by_mode uses only the model in a game"
        in told.figures[-1]["reasons"]["heart_rate_bpm"]
    )


def test_a_model_whose_channels_do_not_arrive_does_not_serve():
    figures = ALONE["004"].figures[-1]
    assert figures["model_heart_rate_bpm"] is None
    assert "channels" in figures["reasons"]["model_heart_rate_bpm"]


def test_without_a_model_its_error_is_missing_for_want_of_the_model():
    monitor, told = monitor_of(CONFIG)
    feed(monitor, stream(seconds=5))
    monitor.end_all("test")
    summary = told.summaries[0]
    assert summary["model_error"] is None
    assert summary["reasons"]["model_error"] == summary["reasons"]["model_id"]
    assert "model" in summary["reasons"]["model_error"]


def test_auto_bridges_a_lost_strap_with_the_corrected_model(sample_config):
    config = sample_config(engine={"heart_rate_source": "auto"})
    monitor, told = monitor_of(config, models())
    samples = stream("001", 1, 60)
    silent = [each for i, each in enumerate(samples)]
    for i, each in enumerate(silent):
        values = list(each.values)
        if i > 300:
            values[9] = math.nan
        feed(
            monitor,
            [type(each)(each.device_id, each.t, tuple(values), each.athlete_id, each.seq, each.profile, each.tags)],
        )
    sources = [figures["heart_rate_source"] for figures in told.figures]
    assert "sensor" in sources[:20]
    assert sources[-1] == "model_corrected"
    assert told.figures[-1]["heart_rate_low_bpm"] is not None


def test_rows_that_share_a_model_are_predicted_in_one_call():
    model = LinearModel(spec_of(CONFIG))
    monitor, _ = monitor_of(CONFIG, Models(default=model))
    streams = [stream(f"{n:03}", n, 2) for n in range(1, 31)]
    for moment in zip_longest(*streams):
        feed(monitor, moment)
    assert set(model.calls) == {30}


@given(
    owns=st.lists(st.sampled_from(["own", "own without rotation", "default"]), min_size=2, max_size=7),
    leaves=st.integers(0, 6),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whether_models_can_be_joined_changes_no_figure(owns, leaves):
    """Athletes with own models of both kinds and without one; one leaves, another comes and takes the row."""
    spec, figures = spec_of(CONFIG), []
    for joins in (False, True):
        own = {
            n: LinearModel(spec, n, 100.0 + 10 * n, **({"groups": ("acceleration",)} if "without" in kind else {}))
            for n, kind in enumerate(owns, 1)
            if kind != "default"
        }
        source = Models(own, LinearModel(spec, level_bpm=90.0))
        source.joins = joins
        monitor, told = monitor_of(CONFIG, source)
        streams = {n: stream(f"{n:03}", n, 6, tags=GAME) for n in range(1, len(owns) + 1)}
        late = stream("099", min(own, default=1), 3, tags=GAME, seed=9)
        for i, moment in enumerate(zip_longest(*streams.values())):
            if i == 30:
                gone = 1 + leaves % len(owns)
                monitor.accept(sample(3, f"{gone:03}", gone, end=True), 0.0)
            present = [each for each in moment if i < 30 or each.device_id != f"{gone:03}"]
            feed(monitor, [*present, *([late[i - 30]] if i >= 30 else [])])
        figures.append([{k: f[k] for k in ("session_id", "t_s", *MODEL_FIGURES)} for f in told.figures])
    assert figures[0] == figures[1]
    assert any(f["model_heart_rate_bpm"] is not None for f in figures[0])


def test_a_device_that_changes_its_athlete_ends_one_session_and_begins_another():
    monitor, told = monitor_of(CONFIG)
    feed(monitor, [sample(i / 10, athlete=1, seq=i) for i in range(50)])
    feed(monitor, [sample(5 + i / 10, athlete=2, seq=50 + i) for i in range(50)])
    monitor.end_all("test")
    assert [(s["athlete_id"], s["end_reason"]) for s in told.summaries] == [(1, "athlete_changed"), (2, "test")]
    assert told.summaries[0]["quality"]["received"] == told.summaries[1]["quality"]["received"] == 50


def test_samples_of_one_message_may_stand_in_any_order():
    figures = []
    for order in (1, -1):
        monitor, told = monitor_of(CONFIG)
        samples = stream(seconds=5)
        for i in range(0, 50, 10):
            batch = json.loads(encode_batch(samples[i : i + 10]))
            batch["samples"] = batch["samples"][::order]
            deliver(monitor, [json.dumps(batch).encode()])
        figures.append(told.figures)
        assert told.figures[-1]["quality"]["late"] == 0
    assert figures[0] == figures[1]


def test_a_session_is_dated_by_the_clock_that_the_device_has_in_the_end():
    """Ten minutes whose clock is set right after some seconds count for today, not for the year of the wrong clock."""
    wrong_s = 20 * 365 * 86_400.0
    monitor, told = monitor_of(CONFIG)
    feed(monitor, [sample(i - wrong_s, seq=i, heart_rate_bpm=170) for i in range(20)])
    feed(monitor, [sample(i, seq=i, heart_rate_bpm=170) for i in range(20, 620)])
    monitor.end_all("test")
    feed(monitor, [sample(86_400.0 + i, seq=i, heart_rate_bpm=170) for i in range(60)])
    monitor.end_all("test")
    assert told.summaries[0]["quality"]["clock_steps"] == 1
    assert told.summaries[0]["start"][:4] == told.summaries[0]["end"][:4] == "2025"
    assert told.summaries[1]["acwr"] is None
    assert "28 days" in told.summaries[1]["reasons"]["acwr"]


def test_what_a_device_tells_of_the_body_later_counts_from_then_on():
    monitor, told = monitor_of(CONFIG)
    feed(monitor, [sample(i, seq=i, profile=WireProfile(), heart_rate_bpm=150) for i in range(20)])
    assert told.figures[-1]["trimp"] is None
    assert "age" in told.figures[-1]["reasons"]["hr_max_bpm"]
    partly = WireProfile(age_years=25.0)
    feed(monitor, [sample(i, seq=i, profile=partly, heart_rate_bpm=150) for i in range(20, 40)])
    feed(monitor, [sample(i, seq=i, heart_rate_bpm=150) for i in range(40, 100)])
    figures = told.figures[-1]
    assert figures["trimp"] > 0
    assert figures["energy_kcal"] > 0
    assert figures["hr_max_bpm"] > 180
    whole, all_told = monitor_of(CONFIG)
    feed(whole, [sample(i, seq=i, heart_rate_bpm=150) for i in range(100)])
    assert figures["trimp"] < all_told.figures[-1]["trimp"]


def test_a_body_told_later_leaves_an_observed_maximum_as_it_is():
    monitor, told = monitor_of(CONFIG)
    young = WireProfile(age_years=25.0)
    feed(monitor, [sample(i, seq=i, profile=young, heart_rate_bpm=min(120 + i, 205)) for i in range(150)])
    raised = told.figures[-1]["hr_max_bpm"]
    assert raised > 200, "above what the age predicts"
    feed(monitor, [sample(i, seq=i, heart_rate_bpm=150) for i in range(150, 170)])
    assert told.figures[-1]["hr_max_bpm"] == raised
    assert told.figures[-1]["energy_kcal"] is not None


def test_two_devices_of_one_athlete_are_kept_apart_with_one_notice():
    monitor, told = monitor_of(CONFIG)
    for i in range(100):
        feed(monitor, [sample(i / 10, "001", 1, seq=i), sample(i / 10, "002", 1, seq=i)])
    monitor.end_all("test")
    assert len(told.notices) == 1
    assert {s["device_id"] for s in told.summaries} == {"001", "002"}


def test_sessions_end_by_message_by_silence_and_by_a_pause_in_sample_time():
    monitor, told = monitor_of(CONFIG)
    feed(monitor, stream(seconds=2))
    feed(monitor, [sample(2.0, end=True)])
    feed(monitor, stream(seconds=2), now_s=10.0)
    monitor.tick(10.0 + CONFIG.engine.idle_s + 1)
    feed(monitor, [sample(1000 + i / 10) for i in range(10)])
    feed(monitor, [sample(2000 + i / 10) for i in range(10)])
    monitor.end_all("shutdown")
    assert [s["end_reason"] for s in told.summaries] == ["end_message", "idle", "pause", "shutdown"]


def test_status_goes_from_online_over_stale_to_offline_and_back():
    monitor, told = monitor_of(CONFIG)
    feed(monitor, stream(seconds=1), now_s=0.0)
    for now_s in (1.0, 4.0, 31.0):
        monitor.tick(now_s)
    feed(monitor, [sample(1.0, seq=10)], now_s=32.0)
    monitor.tick(32.1)
    assert [status for _, status in told.statuses] == ["stale", "offline", "online"]


def test_unknown_devices_beyond_the_limit_are_counted_and_dropped(sample_config):
    config = sample_config(engine={"max_devices": 10})
    monitor, _ = monitor_of(config)
    for n in range(10_000):
        monitor.accept(sample(0, f"d{n}", n + 1), n / 100)
    monitor.advance()
    assert len(monitor.sessions) == 10
    assert monitor.counts.refused_devices == 9990
    assert monitor.squad.capacity <= 32


def test_strangers_cannot_keep_a_device_of_the_roster_out(sample_config):
    config = sample_config(engine={"max_devices": 10})
    monitor, _ = monitor_of(config, roster=Roster((Athlete(id=7, device="007"),)))
    for n in range(20):
        monitor.accept(sample(0, f"d{n}", n + 100), 0.0)
    monitor.accept(sample(0, "007", 7), 0.0)
    assert "007" in monitor.sessions
    assert len(monitor.sessions) == 11


def test_invalid_payloads_are_counted_by_reason_and_the_engine_goes_on(caplog):
    monitor, told = monitor_of(CONFIG)
    good = encode_sample(stream()[0])
    bad = [
        b" ",
        b"{",
        b"[]",
        b"null",
        good[:-1],
        good.replace(b"001", b"002"),
        b'{"device_id":"../../x"}',
        b"\xff" * 70_000,
    ]
    deliver(monitor, [b"", *bad, good, b""])
    assert monitor.counts.invalid == len(bad), "an empty message is none: it deletes a retained one"
    assert sum(monitor.counts.invalid_reasons.values()) == len(bad)
    assert monitor.counts.samples == 1
    assert len(told.notices) == 1
    assert not [r for r in caplog.records if "invalid_payload" in r.getMessage()], "the notice is logged already"
    monitor.receive("player/001/sensor/data", b"{", 1.5)
    assert len(told.notices) == 1
    assert len([r for r in caplog.records if "invalid_payload" in r.getMessage()]) == 1


def test_only_chosen_players_and_devices_are_watched():
    monitor, _ = monitor_of(CONFIG, chosen=Chosen(players={2}))
    feed(monitor, [sample(0, "001", 1), sample(0, "002", 2)])
    assert list(monitor.sessions) == ["002"]
    monitor, _ = monitor_of(CONFIG, chosen=Chosen(devices={"001"}))
    feed(monitor, [sample(0, "001", 1), sample(0, "002", 2)])
    assert list(monitor.sessions) == ["001"]
    assert monitor.counts.filtered == 1


def test_an_impact_becomes_an_event_with_its_band_and_alert():
    monitor, told = monitor_of(CONFIG)
    peaks = [9.8] * 100 + [88.0] + [9.8] * 100
    feed(monitor, [sample(i / 100, seq=i, acc_x=0, acc_y=0, acc_z=z) for i, z in enumerate(peaks)])
    monitor.end_all("test")
    (event,) = told.events
    assert (event["kind"], event["band"], event["alert"], event["undersampled"]) == ("impact", "8-10 g", True, False)
    assert event["t_s"] == pytest.approx(START + 1.0)
    assert told.summaries[0]["impacts"]["8-10 g"] == 1


def test_phases_are_timed():
    monitor, told = monitor_of(CONFIG)
    feed(monitor, stream(seconds=5))
    feed(monitor, [sample(5 + i / 10, seq=50 + i, tags=GAME) for i in range(51)])
    monitor.end_all("test")
    assert told.summaries[0]["phases_s"] == {"main": 5.0, "first_half": 5.0}


def test_heart_rates_of_0_and_255_are_refused_and_counted():
    monitor, told = monitor_of(CONFIG)
    readings = [130.0] * 10 + [0.0, 255.0, math.nan] + [130.0] * 10
    feed(monitor, [sample(i, seq=i, heart_rate_bpm=bpm) for i, bpm in enumerate(readings)])
    monitor.end_all("test")
    assert told.summaries[0]["quality"]["heart_rate_rejected"] == 2
    assert told.summaries[0]["heart_rate_highest_bpm"] == 130.0


def test_a_session_without_known_load_is_counted_and_not_taken_for_rest():
    day = 86_400.0
    history = LoadHistory({1: [PastLoad(START + i * day, START + i * day + 3600.0, 50.0 + i) for i in range(10)]})
    now = PastLoad(START + 10 * day, START + 10 * day + 3600.0, 60.0)
    known, _ = history.figures(1, now)
    assert known["load_unknown_sessions"] == 0
    history.add(1, PastLoad(START + 9 * day + 7200.0, START + 9 * day + 10_800.0, None))
    history.add(1, PastLoad(START + 9 * day + 20_000.0, START + 9 * day + 20_010.0, None))
    marked, _ = history.figures(1, now)
    assert marked == {**known, "load_unknown_sessions": 1}


def test_a_game_without_strap_and_model_is_a_session_of_unknown_load():
    monitor, told = monitor_of(CONFIG)
    feed(monitor, [sample(float(i), tags=GAME, heart_rate_bpm=150.0, acc_z=9.8) for i in range(400)])
    monitor.end_all("test")
    feed(monitor, [sample(1000.0 + i, heart_rate_bpm=150.0, acc_z=9.8) for i in range(400)])
    monitor.end_all("test")
    game, training = told.summaries
    assert game["trimp"] is None
    assert (game["load_unknown_sessions"], training["load_unknown_sessions"]) == (1, 1)


def test_the_load_of_a_session_mostly_without_heart_rate_is_not_called_low():
    monitor, told = monitor_of(CONFIG)
    feed(monitor, [sample(float(i), heart_rate_bpm=150.0 if i < 100 else math.nan, acc_z=9.8) for i in range(300)])
    monitor.end_all("test")
    summary = told.summaries[0]
    assert summary["trimp"] > 0.0
    assert summary["heart_rate_known_percent"] == pytest.approx(100.0 * 104 / 299, abs=0.5)
    assert summary["training_load_zone"] is None
    assert summary["recovery"] is None
    assert "for only 35 % of the session" in summary["reasons"]["training_load_zone"]
    assert summary["reasons"]["recovery"] == summary["reasons"]["training_load_zone"]
