from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.config import load_config
from athlete_monitor.wire.whole_seconds import MOST_WAITING, WholeSeconds, spread
from tests.engine.kit import START, feed, monitor_of, sample, stream
from tests.helpers import ROOT

if TYPE_CHECKING:
    from athlete_monitor.wire.sample import Sample

CONFIG = load_config(ROOT / "jetson_nano_4gb_config.yaml", environ={})


def through(samples):
    seconds = WholeSeconds()
    out: list[Sample] = []
    for each in samples:
        out += seconds.push(each)
    return [*out, *seconds.flush()]


def coarse(samples):
    """The same samples from a clock of whole seconds."""
    return [msgspec.structs.replace(each, t=float(math.floor(each.t))) for each in samples]


@given(rates=st.lists(st.integers(1, 30), min_size=1, max_size=8), numbered=st.booleans())
def test_however_many_samples_a_second_has_they_are_spread_over_it_in_order(rates, numbered):
    sent = [
        sample(float(second), seq=second * 100 + i if numbered else None, acc_x=float(second * 100 + i))
        for second, rate in enumerate(rates)
        for i in range(rate)
    ]
    out = through(sent)
    assert [each.values[0] for each in out] == [each.values[0] for each in sent]
    assert all(a.t < b.t for a, b in pairwise(out))
    assert [math.floor(each.t) for each in out] == [each.t for each in sent]
    for second, rate in enumerate(rates):
        times = [each.t - START - second for each in out if math.floor(each.t) == START + second]
        assert times == pytest.approx([i / rate for i in range(rate)], abs=1e-6)


@given(
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=12),
    steps=st.lists(st.sampled_from([0.004, 0.1, 0.25, 1.0, 3.0, 40.0]), min_size=12, max_size=12),
)
def test_files_and_the_live_stream_spread_alike_to_the_last_bit(sizes, steps):
    at = 0.0
    sent: list[Sample] = []
    for size, step in zip(sizes, steps, strict=False):
        sent += [sample(at, seq=len(sent) + i) for i in range(size)]
        at += step
    live = [each.t for each in through(sent)]
    assert live == spread(np.array([each.t for each in sent])).tolist()
    assert all(a < b for a, b in pairwise(live))


def test_seven_samples_of_a_second_are_a_seventh_apart():
    assert spread(np.repeat([5.0, 6.0], 7)).tolist() == [5 + i / 7 for i in range(7)] + [6 + i / 7 for i in range(7)]


def test_ten_samples_of_one_millisecond_are_spread_to_the_next_and_none_is_a_duplicate():
    sent = [sample(packet / 4 + 0.013, seq=10 * packet + i) for packet in range(40) for i in range(10)]
    times = [each.t for each in through(sent)]
    assert np.diff(times) == pytest.approx(0.025, abs=1e-6)
    monitor, told = monitor_of(CONFIG)
    feed(monitor, sent)
    monitor.end_all("test")
    assert told.summaries[0]["quality"]["received"] == 400
    assert told.summaries[0]["quality"]["duplicate"] == 0


def test_after_a_gap_the_last_samples_before_it_keep_their_spacing():
    t = np.repeat([0.0, 0.1, 0.2, 9.0], 2)
    assert spread(t) == pytest.approx([0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 9.0, 9.05])


def test_times_with_fractions_pass_by_untouched():
    samples = stream(seconds=3)
    assert through(samples) == samples


def test_what_is_delivered_twice_goes_on_to_be_counted_as_a_duplicate():
    for numbers in ((0, 1), (None, None)):
        first, second = (sample(0.0, seq=seq, acc_x=i) for i, seq in enumerate(numbers))
        times = [each.t for each in through([first, first, second, second])]
        assert times == [START, START, START, START + 0.5]


def test_a_clock_that_stands_still_does_not_fill_the_memory():
    seconds = WholeSeconds()
    waiting = 0
    for i in range(10 * MOST_WAITING):
        waiting += 1 - len(seconds.push(sample(0.0, seq=i)))
        assert waiting <= MOST_WAITING


@pytest.mark.parametrize("numbered", [True, False])
def test_the_figures_are_those_of_a_finer_clock(numbered):
    samples = [each if numbered else msgspec.structs.replace(each, seq=None) for each in stream(seconds=60)]
    summaries = []
    for sent in (samples, coarse(samples)):
        monitor, told = monitor_of(CONFIG)
        feed(monitor, sent)
        monitor.end_all("test")
        summaries += told.summaries
    fine, rough = summaries
    assert rough["quality"]["received"] == fine["quality"]["received"] == 600
    assert rough["quality"]["lost"] == rough["quality"]["duplicate"] == 0
    assert rough["player_load"] == pytest.approx(fine["player_load"], rel=0.01)
    assert rough["sample_rate_hz"] == pytest.approx(10.0, abs=0.1)
    assert rough["trimp"] == pytest.approx(fine["trimp"], rel=0.01)
