"""What a bridge says about a strap or phone."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.errors import PayloadError
from athlete_monitor.wire import link, topics
from athlete_monitor.wire.link import FORGOTTEN_S, LinkMessage, decode, encode

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)


@given(st.sampled_from(["searching", "connected", "lost", "off"]), NUMBERS, st.none() | NUMBERS,
       st.none() | st.text(max_size=20), st.none() | st.booleans(), st.integers(0, 10**6))  # fmt: skip
def test_every_link_survives_the_wire(state, t, battery, name, contact, reconnects):
    told = LinkMessage("007", state, t, t, battery_percent=battery, name=name, contact=contact, reconnects=reconnects)
    assert decode(encode(told)) == told


@pytest.mark.parametrize("payload", [b"", b"[]", b'{"device_id": "007"}', b"\xff", b"[" * 100_000,
                                     b'{"device_id":"007","state":"x","since_s":1,"t_s":1}'])  # fmt: skip
def test_what_is_no_link_is_refused(payload):
    with pytest.raises(PayloadError):
        decode(payload)


def test_a_link_is_forgotten_when_its_bridge_is_silent_but_not_when_it_was_stopped():
    connected = LinkMessage("007", "connected", 0.0, 100.0)
    assert connected.is_current(100.0 + FORGOTTEN_S)
    assert not connected.is_current(100.1 + FORGOTTEN_S)
    assert LinkMessage("007", "off", 0.0, 100.0).is_current(1e9)


def test_the_topic_and_its_filter_agree():
    assert topics.link("007") == topics.LINK_FILTER.replace("+", "007")


def test_the_examples_run():
    assert doctest.testmod(link).failed == 0
