import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.sim.moments import Moment, ending
from athlete_monitor.sim.radio import SimulatedRadio, samples_per_message
from athlete_monitor.wire.sample import Sample

DEVICES = ("001", "002")


def moments(count):
    for n in range(count):
        yield Moment(n / 10, [Sample(device, 1.7e9 + n / 10, seq=n) for device in DEVICES])
    yield Moment((count - 1) / 10, [ending(Sample(device, 1.7e9 + count)) for device in DEVICES])


def transmit(radio, count):
    sent = []
    for moment in moments(count):
        radio.take(moment)
        sent += radio.departures(moment.session_s)
    return sent + list(radio.departures())


@pytest.mark.parametrize(("rate_hz", "samples"), [(1, 1), (10, 1), (25, 1), (26, 3), (50, 5), (100, 10), (200, 20)])
def test_devices_above_25_hz_send_batches_ten_times_a_second(rate_hz, samples):
    assert samples_per_message(rate_hz) == samples


def test_a_plain_radio_sends_everything_at_once_and_in_order():
    sent = transmit(SimulatedRadio(), 20)
    assert [d.due_s for d in sent] == sorted(d.due_s for d in sent)
    assert [s.seq for d in sent for s in d.samples if s.device_id == "001" and not s.end] == list(range(20))


@given(st.integers(1, 50), st.integers(1, 30))
def test_batches_hold_every_sample_once_and_the_end_comes_last(count, size):
    sent = transmit(SimulatedRadio(per_message=size), count)
    for device in DEVICES:
        own = [d.samples for d in sent if d.samples[0].device_id == device]
        assert [s.seq for batch in own[:-1] for s in batch] == list(range(count))
        assert all(len(batch) <= size for batch in own)
        assert own[-1][0].end


@given(st.integers(0, 1000), st.floats(0.01, 2.0))
def test_jitter_delays_messages_by_no_more_than_asked_and_loses_none(seed, jitter_s):
    radio = SimulatedRadio(jitter_s=jitter_s, seed=seed)
    sent = transmit(radio, 30)
    assert len(sent) == 62
    for departure in sent:
        sample = departure.samples[0]
        if not sample.end:
            assert 0 <= departure.due_s - sample.seq / 10 <= jitter_s
    assert {s.samples[0].device_id for s in sent[-2:]} == set(DEVICES)
    assert all(s.samples[0].end for s in sent[-2:])


def test_losses_are_counted_of_the_wanted_share_and_the_same_for_a_seed():
    radio = SimulatedRadio(loss=0.2, seed=4)
    sent = transmit(radio, 2000)
    assert radio.lost == pytest.approx(800, abs=100)
    assert len(sent) == 4000 - radio.lost + 2
    again = SimulatedRadio(loss=0.2, seed=4)
    assert [d.samples[0].seq for d in transmit(again, 2000)] == [d.samples[0].seq for d in sent]


def test_a_radio_that_loses_everything_still_tells_the_end():
    sent = transmit(SimulatedRadio(loss=1.0), 10)
    assert [d.samples[0].end for d in sent] == [True, True]
