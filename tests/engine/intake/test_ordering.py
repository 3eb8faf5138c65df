from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.engine.intake.ordering import AGREEING, DAY_S, DeviceStream
from athlete_monitor.wire.sample import Sample

START = 1_700_000_000.0
IDLE_S = 300.0


def at(t: float, seq: int | None = None) -> Sample:
    return Sample("001", START + t, seq=seq)


def run(samples, tolerance_s=0.5):
    out: list[Sample] = []
    stream = DeviceStream(tolerance_s, IDLE_S)
    for sample in samples:
        stream.push(sample, out)
    return stream, out


def regular(n, seq=True):
    return [at(i / 10, i if seq else None) for i in range(n)]


def test_an_ordered_stream_passes_at_once_with_and_without_running_numbers():
    for numbered in (True, False):
        out: list[Sample] = []
        stream = DeviceStream(0.5, IDLE_S)
        for i, sample in enumerate(regular(50, numbered)):
            stream.push(sample, out)
            assert len(out) == i + 1
        assert stream.quality.received == 50
        assert stream.quality.percent == 100


@given(st.integers(1, 300), st.sampled_from([at(0.2, 2), at(900.0, 9000), at(5.0), at(1.0, 400)]))
def test_a_run_that_continues_the_stream_is_taken_at_once_with_the_same_result(length, odd):
    samples = regular(length + 1)
    one_by_one, out = run(samples)
    stream, together = run(samples[:1])
    assert stream.push_run(samples[1:], together)
    for each in (one_by_one, stream):
        each.push(odd, out if each is one_by_one else together)
    assert together == out
    assert stream.quality == one_by_one.quality
    assert (stream.next_seq, stream.last_t) == (one_by_one.next_seq, one_by_one.last_t)


@pytest.mark.parametrize("odd", [at(0.5, 5), at(0.5), at(0.4, 4), at(400.0, 6)])
def test_a_run_with_anything_unusual_in_it_changes_nothing(odd):
    samples = regular(6)
    stream, out = run(samples[:5])
    taken = [*samples[5:6], odd]
    assert not stream.push_run(taken, out)
    assert out == samples[:5]
    assert stream.quality.received == 5


def test_a_jittery_stream_without_running_numbers_is_not_held_up():
    times = [i * 0.1 + (0.04 if i % 2 else 0.0) for i in range(200)]
    out: list[Sample] = []
    stream = DeviceStream(0.5, IDLE_S)
    for i, t in enumerate(times):
        stream.push(at(t), out)
        assert len(out) == i + 1
    assert stream.quality.lost == 0


def test_samples_swapped_within_the_tolerance_come_out_in_order():
    for numbered in (True, False):
        samples = regular(40, numbered)
        samples[20], samples[22] = samples[22], samples[20]
        stream, out = run(samples)
        assert [sample.t for sample in out] == sorted(sample.t for sample in samples)
        assert stream.quality.late == stream.quality.lost == 0


def test_a_sample_that_comes_after_its_place_is_given_up_is_counted_late():
    samples = regular(40)
    late = samples.pop(10)
    stream, out = run([*samples[:30], late, *samples[30:]])
    assert late not in out
    assert (stream.quality.late, stream.quality.lost, stream.quality.received) == (1, 1, 39)


def test_duplicates_are_dropped_by_running_number_and_by_time():
    samples = regular(20)
    stream, out = run([*samples, samples[-1], at(2.3, 19), at(1.9, 77)])
    assert out == samples
    assert stream.quality.duplicate == 3


def test_a_broker_that_delivers_a_second_time_does_not_look_like_a_stepped_clock():
    for numbered in (True, False):
        samples = regular(300, numbered)
        stream, out = run([*samples, *samples[-100:], at(30.0, 300 if numbered else None)])
        assert len(out) == 301
        assert stream.quality.clock_steps == 0
        assert stream.quality.duplicate == 100


def test_without_running_numbers_lost_samples_are_told_from_the_usual_interval():
    samples = [sample for i, sample in enumerate(regular(100, seq=False)) if not 50 <= i < 53]
    stream, out = run(samples)
    assert stream.quality.lost == 3
    assert len(out) == 97


def test_without_running_numbers_a_device_may_change_its_rate():
    for slower_s in (0.25, 1.0):
        stream, out = run([*regular(100, seq=False), *(at(10 + i * slower_s) for i in range(300))])
        assert len(out) == 400
        assert stream.quality.lost <= 5 * round(slower_s / 0.1), "distinguished from loss after a few"


def test_a_clock_that_jumps_back_or_a_year_ahead_goes_on_in_the_session_without_a_gap():
    for jump_s in (-7200.0, -31.0, 365 * DAY_S):
        samples = [*regular(50), *(at(jump_s + i / 10, i) for i in range(50, 100))]
        stream, out = run(samples)
        intervals = {round(b.t - a.t, 6) for a, b in pairwise(out)}
        assert intervals == {0.1}
        assert len(out) == 100
        assert stream.quality.clock_steps == 1
        assert round(stream.offset_s + jump_s, 6) == 0


def test_a_stray_time_is_dropped_and_the_stream_goes_on():
    samples = regular(50)
    stray = [at(DAY_S * 365, None), at(-DAY_S, None), at(-5.0, None)]
    stream, out = run([*samples[:25], *stray, *samples[25:]])
    assert out == samples
    assert stream.quality.invalid == 1
    assert stream.quality.late == 2


def test_a_pause_that_ends_a_session_hands_the_samples_after_it_to_a_new_one():
    out: list[Sample] = []
    stream = DeviceStream(0.5, IDLE_S)
    handed: list[Sample] = []
    for sample in [*regular(50), *(at(1000 + i / 10, 50 + i) for i in range(AGREEING))]:
        handed += stream.push(sample, out)
    assert [sample.seq for sample in handed] == [50, 51, 52, 53, 54]
    assert len(out) == 50


def test_a_restarted_counter_is_not_a_loss():
    stream, out = run([*regular(500)[200:], *(at(50 + i / 10, i) for i in range(10))])
    assert len(out) == 310
    assert stream.quality.lost == 0


def test_a_device_that_starts_again_soon_and_counts_from_the_beginning_is_believed():
    for pause_s in (0.0, 0.3, 5.0, 100.0):
        first, again_s = regular(50), 5.0 + pause_s
        stream, out = run([*first, *(at(again_s + i / 10, i) for i in range(100))])
        assert stream.quality.lost == 0
        assert stream.quality.duplicate <= 5, "those that start within the tolerance look like a second delivery"
        assert len(out) + stream.quality.duplicate == 150


@given(st.data())
def test_whatever_arrives_leaves_in_order_once_each_and_everything_is_counted(data):
    numbered = data.draw(st.booleans())
    times = data.draw(st.lists(st.integers(-4000, 4000), max_size=60))
    samples = [at(t / 10, t if numbered else None) for t in times]
    stream, out = run(samples)
    stream.flush(out)
    assert all(a.t < b.t for a, b in pairwise(out))
    counts = stream.quality
    assert counts.received == len(out)
    assert counts.received + counts.duplicate + counts.late + counts.invalid <= len(samples)


@given(st.permutations(range(6)), st.booleans())
def test_any_order_within_the_tolerance_is_restored(order, numbered):
    """Six samples shuffled after a learned start, all within the tolerance."""
    start = regular(20, numbered)
    block = [at(2 + i / 10, 20 + i if numbered else None) for i in range(6)]
    stream, out = run([*start, *(block[i] for i in order)], tolerance_s=1.0)
    stream.flush(out)
    if numbered or order[0] == 0:
        assert stream.quality.late == 0
    assert [s.t for s in out] == sorted(s.t for s in out)


def test_a_long_second_delivery_of_numbered_samples_is_told_from_late_ones():
    samples = regular(1000)
    lost = samples.pop(500)
    stream, out = run([*samples, *samples[200:], lost])
    assert len(out) == 999
    assert (stream.quality.duplicate, stream.quality.late, stream.quality.lost) == (799, 1, 1)
