"""Two hundred thousand damaged payloads: each is read, or refused as a payload, and nothing else happens."""

from __future__ import annotations

import json
import math
import random

import pytest

from athlete_monitor.arrays import CHANNELS
from athlete_monitor.errors import PayloadError
from athlete_monitor.wire.codec import Decoder
from athlete_monitor.wire.timestamps import EARLIEST, LATEST

SEEDS = [
    b'{"device_id":"001","timestamp":"2026-01-01 10:00:00.250","athlete_id":1,"acc_x":1.5,"acc_y":-2.5,"acc_z":9.75}',
    (
        b'{"device_id":"a_b-c","timestamp":"2026-01-01T10:00:00Z","age":20,"weight":70.5,"height":180,"gender":"Male",'
        b'"gyro_x":0.1,"gyro_y":0.2,"gyro_z":-0.3,"heart_rate_bpm":140,"seq":7,"mode":"game","position":"wing"}'
    ),
    (
        b'{"device_id":"9","seq":1,"session_phase":"main","samples":[{"timestamp":1767261600.25,"acc_x":1,"acc_y":2},'
        b'{"timestamp":1767261600.27,"rr_intervals_ms":[812.5,790],"speed_mps":3.2}]}'
    ),
    b'{"device_id":"12","timestamp":1767261600,"event":"end"}',
]
TOKENS = [
    b"null", b"true", b"NaN", b"Infinity", b"-1e999", b"1e308", b"-0", b"[]", b"{}", b'""', b'"\\ud800"', b'"\\u0000"',
    b"9" * 400, b"0x10", b"\xff", b"\x00", b",", b":", b"{", b"}", b"[", b"]", b'"', b"\\", b'"samples":[',
    b'"event":"end",',
    b'"timestamp":"2026-01-01 10:00:60"', b'"timestamp":"9999-12-31 23:59:59"', b'"timestamp":1e300',
]  # fmt: skip
MUTATIONS = 200_000


def mutated(rng: random.Random) -> bytes:
    """One of the seeds with some bytes flipped, cut, doubled, swapped or replaced by what hurts."""
    data = bytearray(rng.choice(SEEDS))
    for _ in range(rng.randint(1, 4)):
        at, length = rng.randrange(len(data) + 1), rng.randint(0, 12)
        kind = rng.randrange(5)
        if kind == 0 and at < len(data):
            data[at] = rng.randrange(256)
        elif kind == 1:
            del data[at : at + length]
        elif kind == 2:
            data[at:at] = data[at : at + length]
        elif kind == 3:
            data[at : at + length] = rng.choice(TOKENS)
        elif at < len(data):
            data[at] = rng.choice(b'0123456789eE.+-,:"[]{}')
    return bytes(data)


@pytest.mark.parametrize("units", [("m/s2", "rad/s"), ("g", "deg/s")])
def test_a_damaged_payload_is_read_or_refused_and_nothing_else(units):
    rng, decoder, read = random.Random(20260101), Decoder(*units), 0
    reasons: set[str] = set()
    for number in range(MUTATIONS // 2):
        try:
            samples = decoder.decode(mutated(rng), None if number % 3 else "001")
        except PayloadError as error:
            reasons.add(str(error))
            continue
        read += 1
        for sample in samples:
            assert EARLIEST <= sample.t < LATEST
            assert len(sample.values) == len(CHANNELS)
            assert not any(map(math.isinf, sample.values))
    assert read > 1000
    assert 10 < len(reasons) < 250


def test_every_prefix_of_a_payload_is_read_or_refused():
    decoder = Decoder()
    for seed in SEEDS:
        for length in range(len(seed)):
            with pytest.raises(PayloadError):
                decoder.decode(seed[:length], None)


def test_every_key_survives_every_kind_of_value():
    decoder = Decoder()
    keys = [*CHANNELS, "timestamp", "seq", "device_id", "athlete_id", "age", "weight", "height", "gender", "event",
            "samples", "rr_intervals_ms", "mode", "session_phase", "fitness_level", "fatigue_rate"]  # fmt: skip
    values: list[object] = [
        None,
        True,
        0,
        -1,
        1,
        2**63,
        2**70,
        1.5,
        1e308,
        "",
        "x",
        "1",
        [],
        [1],
        [None],
        [[]],
        {},
        {"a": 1},
    ]
    payloads = [json.dumps({"device_id": "1", "timestamp": 1.7e9, key: value}) for key in keys for value in values]
    assert all(len(reason_of(decoder, payload.encode())) < 200 for payload in payloads)


def reason_of(decoder: Decoder, payload: bytes) -> str:
    """The reason for which a payload is refused, nothing where it is read."""
    try:
        decoder.decode(payload, None)
    except PayloadError as error:
        return str(error)
    return ""
