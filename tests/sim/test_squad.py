"""Invariants of the simulated squad."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.arrays import (
    ACC,
    BATTERY,
    CHANNELS,
    CONTACT,
    GRAVITY_MPS2,
    GYRO,
    HEART_RATE,
    MAG,
    RSSI,
    SPEED,
    X,
    Y,
)
from athlete_monitor.sim import attitude, imu, squad
from athlete_monitor.sim.plan import PITCH_LENGTH_M, PITCH_WIDTH_M
from tests.sim.squads import Course, course

MODES = ("training", "game")


@cache
def session(mode: str, rate_hz: int = 10, seconds: float = 1200.0) -> Course:
    return course(mode=mode, rate_hz=rate_hz, seconds=seconds)


@cache
def full(mode: str) -> Course:
    return course(range(1, 9), mode, 2700.0)


@pytest.mark.parametrize("mode", MODES)
def test_the_same_seed_gives_the_same_bytes(mode):
    assert course(mode=mode).values.tobytes() == course(mode=mode).values.tobytes()


def test_another_seed_gives_another_session():
    assert not np.array_equal(course(seed=1).values, course(seed=2).values)


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=5, deadline=None)
@given(ids=st.lists(st.integers(1, 60), min_size=1, max_size=6, unique=True), rate_hz=st.sampled_from([1, 10, 50]))
def test_nobody_depends_on_who_else_takes_part(mode, ids, rate_hz):
    together = course(ids, mode, 40.0, rate_hz=rate_hz, rr=True, dropout=0.3)
    for row, athlete_id in enumerate(ids):
        alone = course([athlete_id], mode, 40.0, rate_hz=rate_hz, rr=True, dropout=0.3)
        assert alone.values[0].tobytes() == together.values[row].tobytes()
        assert [b.rr[0] for b in alone.blocks] == [b.rr[row] for b in together.blocks]


def test_the_size_of_a_group_does_not_matter(monkeypatch):
    whole = course(range(1, 8)).values
    monkeypatch.setattr(squad, "MAX_GROUP_SAMPLES", 250)
    parts = course(range(1, 8))
    assert len({len(b.athletes) for b in parts.blocks}) == 2
    first_to_last = [
        np.concatenate([b.values for b in parts.blocks if b.athletes[0].athlete_id == leader], axis=1)
        for leader in (1, 3, 5, 7)
    ]
    assert np.concatenate(first_to_last).tobytes() == whole.tobytes()


@given(st.floats(0.5, 45.0))
@settings(max_examples=10, deadline=None)
def test_a_shorter_training_is_the_beginning_of_a_longer_one(seconds):
    long, short = session("training").values, course(seconds=seconds).values
    assert short.shape[1] == max(1, round(seconds * 10))
    assert np.array_equal(short, long[:, : short.shape[1]], equal_nan=True)


@pytest.mark.parametrize(("mode", "rate_hz"), [("training", 10), ("game", 10), ("game", 100)])
def test_integrating_the_gyroscope_reproduces_the_attitude(mode, rate_hz):
    run = session(mode, rate_hz, 60.0)
    rate = run.truth("perfect", "rotation_rad_s")
    q = run.blocks[0].truth.before
    for sample in range(rate.shape[-1]):
        q = attitude.multiply(q, attitude.from_rotation_vector(rate[..., sample] / rate_hz))
    end = run.blocks[-1].truth.perfect.attitude[..., -1]
    assert np.abs((q * end).sum(axis=0)) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("mode", MODES)
def test_at_rest_the_norm_of_the_acceleration_is_one_g(mode):
    run = session(mode)
    force = np.linalg.norm(run.truth("perfect", "force_mps2"), axis=0)
    measured = np.linalg.norm(run.values[..., ACC], axis=2)
    still = _still(run)
    assert still.sum() > 50
    assert force[still] == pytest.approx(GRAVITY_MPS2, rel=2e-3)
    assert measured[still].mean() == pytest.approx(GRAVITY_MPS2, rel=0.02)
    assert measured[still].std() < 0.1


def _still(run: Course) -> np.ndarray:
    """Where the body has not moved for a second and no foot, blow or turn shakes it."""
    speed = np.linalg.norm(run.truth("path", "velocity_mps"), axis=0)
    turning = np.linalg.norm(run.truth("perfect", "rotation_rad_s"), axis=0)
    quiet = (speed < 0.02) & (turning < 0.1)
    return np.stack([np.convolve(row, np.ones(15), mode="same") == 15 for row in quiet])


@pytest.mark.parametrize("mode", MODES)
def test_the_field_of_the_earth_turns_with_the_sensor(mode):
    run = session(mode)
    field = run.truth("perfect", "field_ut")
    assert np.linalg.norm(field, axis=0) == pytest.approx(np.linalg.norm(imu.EARTH_FIELD_UT), rel=1e-9)
    assert np.linalg.norm(imu.EARTH_FIELD_UT) == pytest.approx(50.0, abs=0.2)
    assert np.linalg.norm(run.values[..., MAG], axis=2).mean() == pytest.approx(50.0, abs=3.0)
    back = attitude.to_sensor(attitude.conjugate(run.truth("perfect", "attitude")), field)
    assert np.abs(back - np.array(imu.EARTH_FIELD_UT)[:, None, None]).max() < 1e-9


@pytest.mark.parametrize("mode", MODES)
def test_specific_force_is_gravity_on_average(mode):
    """Who ends where he began has not been accelerated on average, so only gravity is left."""
    run = session(mode)
    force = attitude.to_sensor(
        attitude.conjugate(run.truth("perfect", "attitude")), run.truth("perfect", "force_mps2")
    ).mean(axis=-1)
    assert force[2] == pytest.approx(GRAVITY_MPS2, abs=0.25)
    assert np.abs(force[:2]).max() < 0.25


@pytest.mark.parametrize("mode", MODES)
def test_speed_position_and_acceleration_belong_together(mode):
    run = session(mode)
    position, velocity = run.truth("path", "position_m"), run.truth("path", "velocity_mps")
    assert position[..., :1] + np.cumsum(velocity[..., 1:], axis=-1) / 10 == pytest.approx(position[..., 1:], abs=1e-6)
    acceleration = run.truth("path", "acceleration_mps2")
    assert np.abs(acceleration).max() < 12.0
    assert np.linalg.norm(velocity, axis=0) == pytest.approx(run.values[..., SPEED], abs=0.25)


@pytest.mark.parametrize("mode", MODES)
def test_everybody_stays_on_the_pitch(mode):
    x, y = session(mode).truth("path", "position_m")
    assert x.min() > 0
    assert y.min() > 0
    assert x.max() < PITCH_LENGTH_M
    assert y.max() < PITCH_WIDTH_M
    values = session(mode).values
    assert values[..., X].max() <= PITCH_LENGTH_M
    assert values[..., Y].min() >= 0.0


def test_values_are_rounded_once_and_free_of_negative_zeros():
    values = session("game").values
    for name, decimals in (("acc_x", 4), ("gyro_z", 4), ("mag_y", 2), ("heart_rate_bpm", 0), ("x_m", 2)):
        column = values[..., CHANNELS.index(name)].ravel()
        assert [float(f"{v:.{decimals}f}") for v in column[:500]] == column[:500].tolist()
    assert not np.signbit(values[values == 0.0]).any()


def test_channels_that_no_device_has_are_not_measured():
    values = session("training").values
    made = {*range(ACC.start, MAG.stop), HEART_RATE, SPEED, X, Y}
    missing = [i for i in range(len(CHANNELS)) if i not in {*made, BATTERY, RSSI, CONTACT}]
    assert np.isnan(values[..., missing]).all()
    assert not np.isnan(values[..., sorted(made)]).any()


def test_a_sensor_gives_its_battery_every_ten_seconds_and_its_contact_every_second():
    values = session("game").values
    for channel, every in ((BATTERY, 100), (RSSI, 100), (CONTACT, 10)):
        said = ~np.isnan(values[..., channel])
        assert (said.nonzero()[1] % every == 0).all()
        assert said[:, ::every].all()
    assert values[:, 0, BATTERY].min() >= 1
    assert np.nanmax(values[..., BATTERY]) <= 100
    assert (values[:, 0, RSSI] > -110).all()
    assert (values[:, 0, RSSI] < -40).all()


def test_the_strap_speaks_once_a_second():
    heart_rate = session("game").values[..., HEART_RATE].reshape(3, -1, 10)
    assert (heart_rate == heart_rate[..., :1]).all()


def test_training_is_moderate_and_a_match_is_hard():
    training, game = full("training").values[..., HEART_RATE], full("game").values[..., HEART_RATE]
    outfield = [row for row, t in enumerate(full("game").squad) if t.position != "Goalkeeper"]
    assert 90 < np.median(training) < 140
    assert (np.percentile(training, 5, axis=1) < 100).all()
    assert (np.percentile(training, 95, axis=1) < 175).all()
    assert (np.median(game[outfield], axis=1) > 125).all()
    assert (np.percentile(game[outfield], 97, axis=1) > 145).all()
    assert all(values.max() <= t.hr_max_bpm + 4 for values, t in zip(game, full("game").squad, strict=True))


def test_outfield_players_cover_a_plausible_distance_and_goalkeepers_half_of_it():
    game = full("game")
    kilometres = game.values[..., SPEED].sum(axis=1) / 10 / 1000
    for distance, traits in zip(kilometres, game.squad, strict=True):
        low, high = (1.5, 3.3) if traits.position == "Goalkeeper" else (3.5, 6.5)
        assert low < distance < high


def test_sprints_reach_a_players_speed_and_no_more():
    game = full("game")
    top = np.linalg.norm(game.truth("path", "velocity_mps"), axis=0).max(axis=1)
    assert all(speed <= t.top_speed_mps for speed, t in zip(top, game.squad, strict=True))
    assert top.max() > 6.5


def test_impacts_have_the_strength_and_number_of_a_match():
    game = course(range(1, 5), "game", 1200.0, rate_hz=100)
    force = np.linalg.norm(game.values[..., ACC], axis=2) / GRAVITY_MPS2
    peaks = [np.sum((row[1:-1] > 5) & (row[1:-1] >= row[:-2]) & (row[1:-1] > row[2:])) for row in force]
    assert force.max() < 16
    assert sum(peaks) > 10
    assert max(peaks) < 80
    happened = {event for counts in game.events.values() for event in counts}
    assert happened >= {"sprint", "tackle", "pass", "jump"}


def test_heart_rate_follows_effort_by_half_a_minute_to_one():
    run = full("training")
    power = run.truth("power_w_kg").reshape(8, -1, 10).mean(axis=2)
    heart = run.values[..., HEART_RATE].reshape(8, -1, 10)[..., 0]
    smooth = np.apply_along_axis(np.convolve, 1, power, np.ones(10) / 10, mode="same")

    def likeness(lag):
        pairs = zip(smooth[:, : -lag or None], heart[:, lag:], strict=True)
        return np.mean([np.corrcoef(effort, rate)[0, 1] for effort, rate in pairs])

    courses = [likeness(lag) for lag in range(0, 150, 5)]
    assert 20 <= 5 * int(np.argmax(courses)) <= 60
    assert max(courses) > 0.6
    assert max(courses) > courses[0] + 0.1


def test_two_sessions_of_an_athlete_show_the_same_body():
    """At equal power late in a session the same athlete has nearly the same heart rate, whatever the seed."""
    first, second = course([9], seconds=1800.0), course([9], seconds=1800.0, seed=2)
    assert first.squad == second.squad
    assert first.truth("heart_bpm").min() == pytest.approx(second.truth("heart_bpm").min(), abs=8.0)


def test_phases_come_in_their_order_and_length():
    phase = session("training").phase.reshape(-1, 10)[:, 0]
    assert phase[:600].tolist() == [0] * 120 + [1] * 300 + [2] * 180
    assert phase[600:].tolist() == phase[:600].tolist()
    halves = np.bincount(full("game").phase) / 10
    assert halves.tolist() == [1215.0, 270.0, 1215.0]


def test_a_match_without_a_duration_has_45_minutes_each_way_and_15_between():
    from athlete_monitor.sim.session import SimulatedSession

    whole = SimulatedSession("game", 1)
    assert whole.samples == 105 * 60 * 10
    t = np.array([0.0, 2699.9, 2700.0, 3599.9, 3600.0, 6299.9])
    assert whole.phase_at(t).tolist() == [0, 0, 1, 1, 2, 2]


def test_beats_are_told_with_the_second_they_end_in():
    run = course([7], seconds=60.0, rr=True)
    told = {b.first + n: gaps for b in run.blocks for n, gaps in b.rr[0].items()}
    assert all(sample % 10 == 0 for sample in told)
    gaps = [gap for beats in told.values() for gap in beats]
    assert sum(gaps) == pytest.approx(60_000, abs=2500)
    assert 60_000 / np.mean(gaps) == pytest.approx(run.truth("heart_bpm").mean(), rel=0.03)


def test_a_season_needs_no_more_memory_than_a_session():
    tracemalloc = pytest.importorskip("tracemalloc")
    from athlete_monitor.sim.session import SimulatedSession
    from athlete_monitor.sim.traits import traits_of

    blocks = squad.SimulatedSquad([traits_of(i) for i in range(1, 11)], SimulatedSession("training", 1)).blocks()
    for _ in range(61):
        next(blocks)
    tracemalloc.start()
    for _ in range(61):
        next(blocks)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 5_000_000


def test_the_gyroscope_reads_what_a_turning_player_does():
    rotation = np.abs(session("game").values[..., GYRO])
    assert 2.0 < rotation.max() < 20.0
    assert np.median(rotation) < 1.0
