from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.config import DEFAULT_CONFIG, load_config
from athlete_monitor.engine.intake.far_ahead import MOST_AHEAD_S, SET_SINCE_T, FarAhead
from athlete_monitor.wire.codec import encode_batch, encode_sample
from athlete_monitor.wire.sample import Sample
from tests.engine.kit import START, deliver, monitor_of, sample

CONFIG = load_config(DEFAULT_CONFIG)
FIFTY_YEARS_S = 50 * 365.25 * 86_400.0


def live():
    return monitor_of(CONFIG, wall_s=lambda: START)


def test_a_device_in_2076_has_a_session_that_begins_today():
    monitor, told = live()
    payloads = [encode_sample(sample(FIFTY_YEARS_S + tick / 10, seq=tick)) for tick in range(20)]
    payloads.append(encode_batch([sample(FIFTY_YEARS_S + tick / 10, seq=tick) for tick in range(20, 30)]))
    deliver(monitor, payloads)
    (session,) = monitor.book.view
    assert session.start_t == pytest.approx(START)
    assert session.last_t - session.start_t == pytest.approx(2.9)
    assert vars(session.stream.quality) | {"received": 30, "lost": 0, "clock_steps": 0} == vars(session.stream.quality)
    assert told.notices == [
        "the clock of device 001 is 50 years ahead of this box: its samples are dated by the box's clock"
    ]


@pytest.mark.parametrize("ahead_s", [-1e8, 0.0, 3600.0, MOST_AHEAD_S - 1.0])
def test_any_other_clock_is_followed(ahead_s):
    monitor, told = live()
    deliver(monitor, [encode_sample(sample(ahead_s))])
    assert monitor.sessions["001"].start_t == START + ahead_s
    assert told.notices == []


def test_recordings_may_be_of_any_time():
    monitor, _ = monitor_of(CONFIG)
    deliver(monitor, [encode_sample(sample(FIFTY_YEARS_S))])
    assert monitor.sessions["001"].start_t == START + FIFTY_YEARS_S


def test_a_box_whose_clock_was_never_set_follows_its_devices():
    ahead = FarAhead(lambda: 0.0, print, 10)
    samples = [Sample("7", START)]
    assert ahead.dated(samples) is samples


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0.0, 60 * 365 * 86_400.0)), max_size=30))
def test_no_sample_is_further_in_the_future_than_the_bound(sent):
    ahead = FarAhead(lambda: SET_SINCE_T, lambda _text: None, 2)
    for device, after_s in sent:
        (moved,) = ahead.dated([Sample(device, SET_SINCE_T + after_s)])
        assert moved.t <= SET_SINCE_T + MOST_AHEAD_S
