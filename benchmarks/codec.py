"""What it costs to read and write a payload, with msgspec's typed decoder and with orjson and checks by hand.

Prints JSON, µs for each payload (median of the repetitions): ``msgspec`` is the system's own decoder; ``orjson`` parses
and then checks the same types and ranges in Python, into the same ``Sample``; the ``only`` parts are each library
by itself, where msgspec checks while it parses and orjson does not.

    python benchmarks/codec.py --seconds 2
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import msgspec
import orjson

from athlete_monitor.arrays import CHANNELS
from athlete_monitor.channels import TABLE
from athlete_monitor.errors import PayloadError
from athlete_monitor.wire.codec import Decoder, encode_sample
from athlete_monitor.wire.keys import DEVICE_ID
from athlete_monitor.wire.sample import Sample, Tags, WireProfile
from athlete_monitor.wire.timestamps import parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from athlete_monitor.athletes import Sex

MOTION = {"acc_x": 1.23456, "acc_y": -0.34567, "acc_z": 9.81234, "gyro_x": 0.12345, "gyro_y": 0.2345, "gyro_z": 0.3456}
SAMPLE = {
    "device_id": "001", "timestamp": "2026-01-01 10:00:00.250", "athlete_id": 1, "age": 24, "weight": 71.5,
    "height": 180, "gender": "Male", **MOTION, "heart_rate_bpm": 141, "session_phase": "main",
    "intensity_level": "high", "mode": "training", "seq": 12345,
}  # fmt: skip
ITEMS = [{"timestamp": 1767261600 + number / 50, **MOTION} for number in range(50)]
BATCH = {"device_id": "001", "athlete_id": 1, "samples": ITEMS}

NUMBERS = {channel.name: channel.limits for channel in TABLE}
BODY = {"age": (5, 100), "weight": (20, 250), "height": (90, 250)}
SEXES: dict[object, Sex | None] = {1: "male", 0: "female", "Male": "male", "Female": "female", None: None}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of each part")
    print(json.dumps(measure(parser.parse_args().seconds), indent=2))


def measure(seconds: float) -> dict[str, dict[str, float]]:
    """Return µs for each payload, by part and way."""
    sample, batch, decoder = orjson.dumps(SAMPLE), orjson.dumps(BATCH), Decoder()
    assert repr(decoder.decode(sample, "001")) == repr(by_hand(sample, "001"))
    assert repr(decoder.decode(batch, "001")) == repr(by_hand(batch, "001"))
    [record] = decoder.decode(sample, "001")
    return {
        "decode_sample": {
            "msgspec": cost(lambda: decoder.decode(sample, "001"), seconds),
            "orjson": cost(lambda: by_hand(sample, "001"), seconds),
        },
        "decode_batch_of_50": {
            "msgspec": cost(lambda: decoder.decode(batch, "001"), seconds),
            "orjson": cost(lambda: by_hand(batch, "001"), seconds),
        },
        "parse_only_sample": {
            "msgspec": cost(lambda: decoder._json.decode(sample), seconds),  # noqa: SLF001 - the library by itself
            "orjson": cost(lambda: orjson.loads(sample), seconds),
        },
        "serialise_only_sample": {
            "msgspec": cost(lambda: msgspec.json.encode(SAMPLE), seconds),
            "orjson": cost(lambda: orjson.dumps(SAMPLE), seconds),
        },
        "encode_sample": {"msgspec": cost(lambda: encode_sample(record), seconds)},
    }


def cost(work: Callable[[], object], seconds: float, calls: int = 200) -> float:
    """Return the median cost of a call, µs of CPU."""
    costs, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.process_time_ns()
        for _ in range(calls):
            work()
        costs.append((time.process_time_ns() - start) / calls / 1000)
    return round(median(costs), 2)


def by_hand(payload: bytes, topic_device: str | None) -> list[Sample]:
    """Decode with orjson and check in Python what the typed decoder checks."""
    message = orjson.loads(payload)
    device_id = message.get("device_id")
    if not isinstance(device_id, str) or not re.fullmatch(DEVICE_ID, device_id) or device_id != topic_device:
        raise PayloadError("device_id")
    age, weight, height = (number(message, key, *BODY[key]) for key in ("age", "weight", "height"))
    profile = WireProfile(age, weight, height, SEXES[message.get("gender")])
    items = message.get("samples", [message])
    return [moment(item, device_id, integer(message, "athlete_id"), profile) for item in items]


def moment(item: dict[str, Any], device_id: str, athlete_id: int | None, profile: WireProfile) -> Sample:
    """Return the sample of one item."""
    measured = (number(item, name, *NUMBERS[name]) for name in CHANNELS)
    return Sample(
        device_id,
        parse_timestamp(item["timestamp"]),
        tuple(math.nan if value is None else value for value in measured),
        athlete_id,
        integer(item, "seq"),
        profile,
        Tags(
            word(item, "session_phase"),
            word(item, "intensity_level"),
            word(item, "mode"),
            word(item, "position"),
            word(item, "playing_style"),
        ),
    )


def number(item: dict[str, Any], key: str, low: float, high: float) -> float | None:
    """Return a number in range, or None where there is none."""
    value = item.get(key)
    if value is None:
        return None
    if type(value) not in {int, float} or not low <= value <= high:
        raise PayloadError(key)
    return float(value)


def integer(item: dict[str, Any], key: str) -> int | None:
    """Return a whole number, or None where there is none."""
    value = item.get(key)
    if value is not None and (type(value) is not int or value < 0):
        raise PayloadError(key)
    return value


def word(item: dict[str, Any], key: str) -> str | None:
    """Return a short text, or None where there is none."""
    value = item.get(key)
    if value is not None and (not isinstance(value, str) or len(value) > 64):
        raise PayloadError(key)
    return value


if __name__ == "__main__":
    main()
