"""A box's bridge while the region's broker cannot be reached: what waits, what arrives afterwards, in which order.

Two real Mosquittos with the bridge that ``jetson_deploy.py bridge-to --only-samples --keep`` writes. The region is away
for a while; then every message must arrive. Prints JSON, with what an hour would take.

    python benchmarks/region_outage.py --seconds 20              # a message for each sample
    python benchmarks/region_outage.py --seconds 20 --batch 10   # ten samples a message
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import psutil

from athlete_monitor.config import DEFAULT_CONFIG, Config, load_config
from athlete_monitor.deploy.bridging import Club, bridge_configuration
from athlete_monitor.deploy.broker_place import BrokerPlace
from athlete_monitor.wire import topics
from athlete_monitor.wire.codec import encode_batch, encode_sample
from athlete_monitor.wire.mqtt import MqttLink
from tests.engine.kit import sample
from tests.helpers import Mosquitto, unused_port, wait_until

HOUR_S = 3600.0
PREFIX = "league/reds/"


def main() -> None:
    """Measure one outage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--athletes", type=int, default=30)
    parser.add_argument("--rate", type=float, default=10.0, help="samples a second of each athlete")
    parser.add_argument("--seconds", type=float, default=20.0, help="how much the box sends meanwhile, in sample time")
    parser.add_argument("--batch", type=int, default=1, help="samples in a message")
    parser.add_argument("--keep", type=float, default=HOUR_S, help="s that the box's broker keeps")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        print(json.dumps(outage(Path(name), options), indent=2))


def outage(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Send before, during and after the outage; return what arrived."""
    region, box = started(folder, options)
    heard: list[tuple[str, int]] = []
    base = load_config(DEFAULT_CONFIG, environ={})
    listener = link(base, region.port, "listener", heard)
    sender = link(base, box.port, "sender", None)
    send(sender, options, 0, 1.0)
    wait_until(lambda: len(heard) >= count(options, 1.0), 60.0, "the first messages")
    assert box.process is not None
    memory_mb = psutil.Process(box.process.pid).memory_info().rss / 1e6
    listener.stop()
    region.stop()
    sent = send(sender, options, 1, options.seconds)
    assert sender.flush(120.0)
    full_mb = psutil.Process(box.process.pid).memory_info().rss / 1e6
    region.start()
    listener = link(base, region.port, "listener", heard)
    began_s = time.monotonic()
    wait_until(lambda: len(set(heard)) >= sent, 300.0, f"all messages ({len(set(heard))} of {sent})")
    took_s = time.monotonic() - began_s
    listener.stop()
    sender.stop()
    box.stop()
    region.stop()
    waiting = count(options, options.seconds)
    per_message = (full_mb - memory_mb) * 1e6 / waiting
    an_hour = HOUR_S * options.athletes * options.rate / options.batch
    return {
        "sent": sent,
        "arrived": len(set(heard)),
        "duplicates": sum(times - 1 for times in Counter(heard).values()),
        "out_of_order": disorder(heard),
        "waited_in_the_box": waiting,
        "bytes_of_memory_per_message": round(per_message),
        "delivered_per_s": round(waiting / took_s),
        "an_hour": {"messages": round(an_hour), "memory_mb": round(per_message * an_hour / 1e6)},
    }


def started(folder: Path, options: argparse.Namespace) -> tuple[Mosquitto, Mosquitto]:
    """Return both brokers, with the box's bridge to the region."""
    for name in ("region", "box", "box/bridge"):
        (folder / name).mkdir()
    queue = "allow_anonymous true\nmax_inflight_messages 0"
    region = Mosquitto(folder / "region", settings=queue)
    box = Mosquitto(folder / "box", unused_port(), settings=f"{queue}\ninclude_dir {folder}/box/bridge")
    config = load_config(DEFAULT_CONFIG, environ={})
    club = Club(f"127.0.0.1:{region.port}", samples="only", prefix=PREFIX, keep_s=options.keep)
    text = bridge_configuration(config, club, BrokerPlace(folder, folder, folder))
    (folder / "box" / "bridge" / "bridge.conf").write_text(text, encoding="utf-8")
    region.start()
    box.start()
    return region, box


def link(base: Config, port: int, name: str, heard: list[tuple[str, int]] | None) -> MqttLink:
    """Return a connection; ``heard`` gets device and number of everything that arrives at the region."""

    def on_message(topic: str, payload: bytes) -> None:
        found = json.loads(payload)
        rows = found.get("samples", [found])
        if heard is not None:
            heard.append((topic.split("/")[-3], rows[0]["seq"]))

    made = MqttLink(
        base.mqtt.model_copy(update={"port": port, "host": "127.0.0.1"}),
        name,
        on_message=on_message if heard is not None else None,
        subscriptions=[(f"{PREFIX}player/+/sensor/data", 1)] if heard is not None else (),
        persistent=heard is not None,
        take_retained=False,
    )
    made.start(10.0)
    return made


def send(sender: MqttLink, options: argparse.Namespace, since_s: float, seconds: float) -> int:
    """Send the samples of this time, as fast as the box takes them; return how many messages there were in all."""
    first = round(since_s * options.rate)
    for number in range(first, first + round(seconds * options.rate), options.batch):
        for athlete in range(1, options.athletes + 1):
            rows = [
                sample(each / options.rate, f"{athlete:03}", athlete, seq=each, acc_x=1.2, acc_y=0.4, acc_z=9.8,
                       gyro_x=0.1, gyro_y=0.2, gyro_z=0.3, heart_rate_bpm=120.0)
                for each in range(number, number + options.batch)
            ]  # fmt: skip
            payload = encode_batch(rows) if options.batch > 1 else encode_sample(rows[0])
            while not sender.publish(topics.sensor_data(f"{athlete:03}"), payload, 1):
                time.sleep(0.01)
    return count(options, since_s + seconds)


def count(options: argparse.Namespace, seconds: float) -> int:
    """Return the number of messages of this time."""
    return len(range(0, round(seconds * options.rate), options.batch)) * int(options.athletes)


def disorder(heard: list[tuple[str, int]]) -> int:
    """Return how often a device's message came before an earlier one that had not come yet."""
    newest: dict[str, int] = {}
    found = 0
    for device, number in dict.fromkeys(heard):
        found += number < newest.get(device, -1)
        newest[device] = max(number, newest.get(device, -1))
    return found


if __name__ == "__main__":
    main()
