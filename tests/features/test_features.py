"""The feature bank: bitwise independent of chunking, company and gaps in a channel; averages that obey real time."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.arrays import ALTITUDE, CADENCE, CHANNELS, GYRO, SPEED
from athlete_monitor.athletes import Profile
from athlete_monitor.config import load_config
from athlete_monitor.features import (
    GROUPS,
    PROFILE_FEATURES,
    PROFILE_UNKNOWN,
    FeatureBank,
    FeatureSpec,
    profile_row,
)

SPEC = FeatureSpec(acc_components=("acc_x", "acc_z"), spectrum=True)


def session(seed, steps=60, channels=("acc", "gyro", "speed", "cadence", "altitude")):
    """A made-up session at about 10 Hz with 1 Hz speed, jitter and a long gap: t [n], values [n, C]."""
    rng = np.random.default_rng(seed)
    t = 1000.0 + np.cumsum(rng.uniform(0.05, 0.15, steps)) + np.where(np.arange(steps) > steps // 2, 75.0, 0.0)
    values = np.full((steps, len(CHANNELS)), np.nan)
    values[:, :3] = rng.normal((0.0, 0.0, 9.8), 3.0, (steps, 3))
    if "gyro" in channels:
        values[rng.random(steps) < 0.8, GYRO] = rng.normal(0.0, 2.0, 3)
    for name, column in (("speed", SPEED), ("cadence", CADENCE), ("altitude", ALTITUDE)):
        if name in channels:
            values[::10, column] = rng.uniform(1.0, 100.0, len(values[::10]))
    return t, values


def alone(t, values, spec=SPEC):
    bank = FeatureBank(spec, 1)
    row = np.array([0])
    return np.concatenate([bank.update(row, t[i : i + 1], values[i : i + 1]) for i in range(len(t))])


def same_bits(a, b):
    return a.dtype == b.dtype and a.tobytes() == b.tobytes()


@settings(max_examples=15, deadline=None)
@given(
    seeds=st.lists(st.integers(0, 10_000), min_size=1, max_size=5, unique=True),
    choices=st.randoms(use_true_random=False),
)
def test_features_do_not_depend_on_who_else_is_in_the_call_or_how_samples_are_interleaved(seeds, choices):
    kinds = [("gyro",), ("speed", "altitude"), (), ("gyro", "speed", "cadence", "altitude")]
    sessions = [session(seed, 30, choices.choice(kinds)) for seed in seeds]
    bank = FeatureBank(SPEC, 1)
    bank.grow(len(seeds) + 2)
    seats = choices.sample(range(len(seeds) + 2), len(seeds))
    got: list[list[np.ndarray]] = [[] for _ in seeds]
    while any(len(rows) < 30 for rows in got):
        waiting = [i for i, rows in enumerate(got) if len(rows) < 30]
        chosen = choices.sample(waiting, choices.randint(1, len(waiting)))
        place = [len(got[i]) for i in chosen]
        t = np.array([sessions[i][0][p] for i, p in zip(chosen, place, strict=True)])
        values = np.stack([sessions[i][1][p] for i, p in zip(chosen, place, strict=True)])
        for i, row in zip(chosen, bank.update(np.array([seats[i] for i in chosen]), t, values), strict=True):
            got[i].append(row)
    for (t, values), rows in zip(sessions, got, strict=True):
        assert same_bits(np.stack(rows), alone(t, values))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), cut=st.integers(1, 59))
def test_a_restored_state_continues_to_the_last_bit(seed, cut):
    t, values = session(seed)
    whole = alone(t, values)
    first, second = FeatureBank(SPEC, 1), FeatureBank(SPEC, 4)
    for i in range(cut):
        first.update(np.array([0]), t[i : i + 1], values[i : i + 1])
    second.set_state(2, pickle.loads(pickle.dumps(first.state(0))))
    rest = [second.update(np.array([2]), t[i : i + 1], values[i : i + 1]) for i in range(cut, len(t))]
    assert same_bits(np.concatenate(rest), whole[cut:])


def test_a_wide_squad_gives_the_same_bits_as_one_athlete():
    sessions = [session(seed, 12) for seed in range(257)]
    bank = FeatureBank(SPEC, 257)
    rows = np.arange(257)
    for step in range(12):
        t = np.array([s[0][step] for s in sessions])
        together = bank.update(rows, t, np.stack([s[1][step] for s in sessions]))
    assert all(same_bits(together[i], alone(*sessions[i])[-1]) for i in (0, 7, 128, 256))


def test_reset_forgets_everything():
    t, values = session(3)
    bank = FeatureBank(SPEC, 2)
    for i in range(20):
        bank.update(np.array([0, 1]), t[[i, i]], values[[i, i]])
    bank.reset(np.array([1]))
    again = np.concatenate([bank.update(np.array([1]), t[i : i + 1], values[i : i + 1]) for i in range(len(t))])
    assert same_bits(again, alone(t, values))


def test_a_group_that_never_arrived_is_nan_and_the_others_are_numbers():
    t, values = session(1, channels=())
    features = alone(t, values)[-1]
    have = SPEC.columns(["acceleration"])
    assert np.isfinite(features[have]).all()
    assert np.isnan(np.delete(features, have)).all()


def test_a_sample_without_a_channel_leaves_that_groups_features_alone():
    bank = FeatureBank(SPEC, 1)
    values = np.full((1, len(CHANNELS)), np.nan)
    values[0, SPEED] = 3.0
    for second in range(30):
        before = bank.update(np.array([0]), np.array([float(second)]), values)
    mute = np.full((1, len(CHANNELS)), np.nan)
    mute[0, :3] = 1.0
    after = bank.update(np.array([0]), np.array([30.1]), mute)
    speed = SPEC.columns(["speed"])
    assert same_bits(after[:, speed], before[:, speed])


def test_available_means_seen_within_five_seconds_of_sample_time():
    bank = FeatureBank(SPEC, 1)
    values = np.full((1, len(CHANNELS)), np.nan)
    values[0, CADENCE] = 80.0
    row = np.array([0])
    assert not bank.available(row, np.array([0.0])).any()
    bank.update(row, np.array([100.0]), values)
    seen = [GROUPS[i] for i in np.flatnonzero(bank.available(row, np.array([104.9]))[0])]
    assert seen == ["cadence"]
    assert not bank.available(row, np.array([105.1])).any()


@pytest.mark.parametrize("rate_hz", [1.0, 10.0])
def test_effort_averages_follow_the_exponential_law_at_any_sample_rate(rate_hz):
    bank = FeatureBank(SPEC, 1)
    values = np.full((1, len(CHANNELS)), np.nan)
    values[0, SPEED] = 0.0
    for i in range(int(-10 * rate_hz), int(120 * rate_hz) + 1):
        features = bank.update(np.array([0]), np.array([i / rate_hz]), values)[0]
        values[0, SPEED] = 0.0 if i < 0 else 4.0
    for tau in (30.0, 60.0, 120.0):
        column = SPEC.names().index(f"speed_mps_ewma_{tau:g}s")
        assert features[column] == pytest.approx(4.0 * (1.0 - math.exp(-120.0 / tau)), rel=1e-3)


@pytest.mark.parametrize("rate_hz", [1.0, 10.0])
def test_a_session_that_begins_in_effort_looks_like_the_middle_of_one(rate_hz):
    bank, row = FeatureBank(SPEC, 1), np.array([0])
    values = np.full((1, len(CHANNELS)), np.nan)
    slow, work = SPEC.names().index("speed_mps_ewma_300s"), SPEC.names().index("speed_mps_total_s")
    for i in range(int(60 * rate_hz) + 1):
        values[0, SPEED] = 3.0 if i % 2 else 5.0
        features = bank.update(row, np.array([50.0 + i / rate_hz]), values)[0]
    assert features[slow] == pytest.approx(4.0, abs=0.35)
    assert features[work] == pytest.approx(4.0 * 60.0, rel=0.1)


def test_a_session_that_begins_at_rest_begins_from_zero_whatever_follows():
    bank, row = FeatureBank(SPEC, 1), np.array([0])
    values = np.full((1, len(CHANNELS)), np.nan)
    for second in range(64):
        values[0, SPEED] = 0.0 if second < 4 else 4.0
        features = bank.update(row, np.array([float(second)]), values)[0]
    assert features[SPEC.names().index("speed_mps_total_s")] == pytest.approx(4.0 * 60.0)
    assert features[SPEC.names().index("speed_mps_ewma_300s")] == pytest.approx(4.0 * (1.0 - math.exp(-0.2)), rel=1e-3)


@pytest.mark.parametrize("rate_hz", [1.0, 10.0])
def test_a_sensor_that_is_shaken_while_it_is_put_on_looks_like_rest_after_a_minute(rate_hz):
    bank, row = FeatureBank(SPEC, 1), np.array([0])
    values = np.full((1, len(CHANNELS)), np.nan)
    slow = SPEC.names().index("speed_mps_ewma_300s")
    for i in range(int(70 * rate_hz) + 1):
        values[0, SPEED] = 8.0 if i < 3 * rate_hz else 0.1
        features = bank.update(row, np.array([50.0 + i / rate_hz]), values)[0]
    assert features[slow] < 0.1 * 8.0


def test_effort_that_only_varies_is_not_doubted():
    bank, row = FeatureBank(SPEC, 1), np.array([0])
    values = np.full((1, len(CHANNELS)), np.nan)
    slow = SPEC.names().index("speed_mps_ewma_300s")
    for i in range(601):
        values[0, SPEED] = 6.0 if i // 2 % 2 else 3.0  # two readings up, two down, ten a second
        features = bank.update(row, np.array([50.0 + i / 10]), values)[0]
    assert features[slow] == pytest.approx(4.5, abs=0.2)


def test_each_channel_group_begins_with_its_own_first_seconds():
    bank, row = FeatureBank(SPEC, 1), np.array([0])
    values = np.full((1, len(CHANNELS)), np.nan)
    for second in range(100):
        values[0, SPEED] = 0.0
        values[0, CADENCE] = np.nan if second < 50 else 160.0
        features = bank.update(row, np.array([float(second)]), values)[0]
    assert features[SPEC.names().index("cadence_spm_ewma_300s")] == pytest.approx(160.0)
    assert features[SPEC.names().index("speed_mps_total_s")] == 0.0


def test_a_long_gap_counts_as_rest():
    bank = FeatureBank(SPEC, 1)
    values = np.full((1, len(CHANNELS)), np.nan)
    values[0, SPEED] = 4.0
    row = np.array([0])
    for i in range(601):
        before = bank.update(row, np.array([float(i)]), values)[0]
    after = bank.update(row, np.array([600.0 + 300.0]), values)[0]
    column = SPEC.names().index("speed_mps_ewma_300s")
    assert after[column] == pytest.approx(before[column] * math.exp(-1.0), rel=0.03)
    total = SPEC.names().index("speed_mps_total_s")
    assert after[total] - before[total] == pytest.approx(4.0 * 2.0)


def test_how_the_sensor_is_turned_hardly_matters():
    t, values = session(5, 200, channels=())
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    turned = values.copy()
    turned[:, :3] = values[:, :3] @ turn.T
    free = [i for i, name in enumerate(SPEC.names()) if not name.startswith(("acc_x", "acc_z"))]
    np.testing.assert_allclose(alone(t, turned)[:, free], alone(t, values)[:, free], rtol=1e-3, atol=1e-3)


def test_running_uphill_costs_more_power_than_on_the_flat():
    def power(climb_mps):
        bank = FeatureBank(SPEC, 1)
        values = np.full((1, len(CHANNELS)), np.nan)
        values[0, SPEED] = 3.0
        for second in range(300):
            values[0, ALTITUDE] = climb_mps * second
            features = bank.update(np.array([0]), np.array([float(second)]), values)[0]
        return features[SPEC.names().index("grade_power_w_kg_ewma_30s")]

    assert power(0.0) == pytest.approx(3.0 * 3.6, rel=1e-3)
    assert power(0.15) == pytest.approx(3.0 * (3.6 + 19.5 * 0.05 + 46.3 * 0.05**2 - 43.3 * 0.05**3), rel=1e-2)


def test_steps_are_counted_from_the_vertical_acceleration():
    bank = FeatureBank(SPEC, 1)
    values = np.full((1, len(CHANNELS)), np.nan)
    for i in range(1200):
        values[0, :3] = (0.0, 0.0, 9.8 + 4.0 * math.sin(2 * math.pi * 2.5 * i / 10 + 0.1))
        features = bank.update(np.array([0]), np.array([i / 10]), values)[0]
    assert features[SPEC.names().index("acc_step_rate_hz_ewma_15s")] == pytest.approx(2.5, rel=0.05)


def test_time_that_runs_backwards_counts_as_no_time():
    t, values = session(9, 20)
    bank = FeatureBank(SPEC, 1)
    for i in range(20):
        bank.update(np.array([0]), t[i : i + 1], values[i : i + 1])
    features = bank.update(np.array([0]), t[:1] - 50.0, values[:1])
    assert np.isfinite(features).all()
    assert bank.available(np.array([0]), t[-1:]).any()


def test_names_are_unique_and_each_group_has_its_own_columns():
    names = SPEC.names()
    assert len(set(names)) == len(names)
    parts = np.concatenate([SPEC.columns([group]) for group in GROUPS])
    assert sorted(parts.tolist()) == list(range(len(names)))
    assert SPEC.names(["speed"]) == tuple(names[c] for c in SPEC.columns(["speed"]))


def test_the_schema_hash_changes_with_anything_that_changes_a_column():
    others = [
        FeatureSpec(),
        FeatureSpec(spectrum=True),
        FeatureSpec(window_s=1.5),
        FeatureSpec(time_constants_s=(2.0, 31.0)),
        FeatureSpec(jerk=False),
        SPEC,
    ]
    hashes = {spec.schema_hash(["acceleration"]) for spec in others}
    assert len(hashes) == 6
    assert SPEC.schema_hash(["speed"]) != SPEC.schema_hash(["speed", "grade"])


def test_an_unknown_group_is_refused_with_the_allowed_ones():
    with pytest.raises(ValueError, match="'sonar', allowed: acceleration"):
        SPEC.columns(["sonar"])


def test_the_configuration_chooses_the_features():
    section = load_config().feature_engineering
    spec = FeatureSpec.from_config(section)
    assert spec.window_s == section.rolling_window / section.sampling_frequency
    bare = FeatureSpec.from_config(section.model_copy(update={"enabled": False}))
    assert all("_ewma_" in name or "_total_" in name for name in bare.names())


def test_a_profile_says_what_is_not_known():
    known = Profile(7, sex="female", age_years=24.0, weight_kg=60.0)
    row = dict(zip(PROFILE_FEATURES, profile_row(known).tolist(), strict=True))
    assert row["profile_male"] == 0.0
    assert row["profile_age_years"] == 24.0
    assert row["profile_hr_rest_bpm"] == PROFILE_UNKNOWN
    assert (profile_row(None) == PROFILE_UNKNOWN).all()
