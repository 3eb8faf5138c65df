"""What a message costs on its way through a broker into ``MqttLink``, and what hosting the broker costs.

Prints JSON. ``receive`` and ``publish`` run against Mosquitto at a fixed rate and measure the CPU time of this process
for one message; ``embedded`` sends as fast as the broker takes it and counts how many messages arrive in a second with
amqtt in its own process and in a thread of the receiving one, and the CPU time that a message costs the receiver's
process.

    python benchmarks/mqtt.py --seconds 3
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import multiprocessing
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from athlete_monitor.config import Mqtt, Tls
from athlete_monitor.wire import broker
from athlete_monitor.wire.mqtt import MqttLink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

PAYLOAD = json.dumps({
    "device_id": "001", "timestamp": "2026-01-01 10:00:00.000", "athlete_id": 1, "acc_x": 1.23456, "acc_y": -0.34567,
    "acc_z": 9.81234, "gyro_x": 0.12345, "gyro_y": 0.23456, "gyro_z": 0.34567, "heart_rate_bpm": 140, "seq": 12345,
    "mode": "training", "session_phase": "main",
}).encode()  # fmt: skip
DEVICES = 30


def main() -> None:
    """Run all parts and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of each part")
    parser.add_argument("--rate", type=int, default=10_000, help="messages a second where the rate is fixed")
    options = parser.parse_args()
    print(json.dumps(measure(options.seconds, options.rate), indent=2))


def measure(seconds: float, rate: int) -> dict[str, object]:
    """Return the figures of all parts."""
    with mosquitto() as port:
        receive = {
            f"{name}_qos{qos}_cpu_us_per_message": receiving(port, starter, qos, seconds, rate)["cpu_us_per_message"]
            for name, starter in (("plain_paho", plain_paho), ("mqtt_link", mqtt_link))
            for qos in (0, 1)
        }
        publish = {f"burst_{burst}_cpu_us_per_message": publishing(port, burst, seconds) for burst in (1, 30, 300)}
    embedded = {f"{name}_qos{qos}": hosting(host, qos, seconds) for name, host in HOSTS.items() for qos in (0, 1)}
    return {"receive": receive, "publish": publish, "embedded": embedded}


def hosting(host: Callable[[int], AbstractContextManager[None]], qos: int, seconds: float) -> dict[str, float]:
    """Return messages a second and CPU time with this way of hosting amqtt."""
    port = free_port()
    with host(port):
        return receiving(port, mqtt_link, qos, seconds, rate=None)


def receiving(
    port: int, starter: Callable[[int, int, Callable[[], None]], Callable[[], None]], qos: int, seconds: float,
    rate: int | None,
) -> dict[str, float]:  # fmt: skip
    """Receive what another process sends; returns messages a second and CPU time for each, µs."""
    count = 0

    def received() -> None:
        nonlocal count
        count += 1

    stop = starter(port, qos, received)
    sender = multiprocessing.get_context("spawn").Process(target=send, args=(port, qos, seconds, rate))
    sender.start()
    while count == 0:
        time.sleep(0.001)
    cpu, clock, first = time.process_time(), time.perf_counter(), count
    time.sleep(seconds * 0.8)
    cpu, clock, received_count = time.process_time() - cpu, time.perf_counter() - clock, count - first
    sender.join()
    stop()
    return {
        "messages_per_second": round(received_count / clock),
        "cpu_us_per_message": round(cpu / received_count * 1e6, 1),
    }


def plain_paho(port: int, qos: int, received: Callable[[], None]) -> Callable[[], None]:
    """Subscribe with paho as it comes; returns what stops it."""

    def on_message(_client: Client, _userdata: object, message: MQTTMessage) -> None:
        if message.topic and message.payload:
            received()

    client = Client(CallbackAPIVersion.VERSION2, client_id="plain")
    client.on_message = on_message
    client.connect("127.0.0.1", port)
    client.loop_start()
    time.sleep(0.3)
    client.subscribe("player/+/sensor/data", qos)
    time.sleep(0.3)

    def stop() -> None:
        client.disconnect()
        client.loop_stop()

    return stop


def mqtt_link(port: int, qos: int, received: Callable[[], None]) -> Callable[[], None]:
    """Subscribe with the system's own client; returns what stops it."""
    link = MqttLink(
        settings(port),
        "link",
        on_message=lambda _topic, _payload: received(),
        subscriptions=[("player/+/sensor/data", qos)],
    )
    link.start(5.0)
    time.sleep(0.3)
    return link.stop


def publishing(port: int, burst: int, seconds: float, rate: int = 3000) -> float:
    """Return the CPU time of this process for a message published in bursts, µs."""
    link = MqttLink(settings(port), "publisher")
    link.start(5.0)
    cpu, clock, count = time.process_time(), time.perf_counter(), 0
    while time.perf_counter() - clock < seconds:
        for device in range(burst):
            link.publish(f"player/{device:03d}/metrics", PAYLOAD)
        count += burst
        time.sleep(burst / rate)
    link.flush(2.0)
    cpu = time.process_time() - cpu
    link.stop()
    return round(cpu / count * 1e6, 1)


def send(port: int, qos: int, seconds: float, rate: int | None) -> None:
    """Send ready-made packets from a bare socket, at a rate or as fast as the broker reads."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        name = b"bench-sender"
        variable = b"\x00\x04MQTT\x04\x02\x00\x3c" + struct.pack("!H", len(name)) + name
        sock.sendall(bytes([0x10, len(variable)]) + variable)
        sock.recv(4)
        threading.Thread(target=lambda: drain(sock), daemon=True).start()
        start, count = time.perf_counter(), 0
        while (elapsed := time.perf_counter() - start) < seconds:
            due = count + 100 if rate is None else int(elapsed * rate)
            sock.sendall(b"".join(packet(number, qos) for number in range(count, due)))
            count = due
            time.sleep(0 if rate is None else 0.002)


def drain(sock: socket.socket) -> None:
    """Read and forget the acknowledgements."""
    try:
        while sock.recv(1 << 16):
            pass
    except OSError:
        return


def packet(number: int, qos: int) -> bytes:
    """Return a PUBLISH packet of MQTT 3.1.1."""
    topic = f"player/{number % DEVICES:03d}/sensor/data".encode()
    identifier = struct.pack("!H", number % 60_000 + 1) if qos else b""
    body = struct.pack("!H", len(topic)) + topic + identifier + PAYLOAD
    return bytes([0x30 | qos << 1, len(body) % 128 | 0x80, len(body) // 128]) + body


@contextmanager
def mosquitto() -> Iterator[int]:
    """Run Mosquitto on a free port."""
    port = free_port()
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nlog_dest none\n")
        file.flush()
        process = subprocess.Popen(["/usr/sbin/mosquitto", "-c", file.name])
        try:
            while not broker.answers("127.0.0.1", port):
                time.sleep(0.02)
            yield port
        finally:
            process.terminate()
            process.wait()


@contextmanager
def in_own_process(port: int) -> Iterator[None]:
    """Host amqtt as the system does."""
    with broker.open_broker(settings(port)):
        yield


@contextmanager
def in_a_thread(port: int) -> Iterator[None]:
    """Host amqtt in a thread of this process."""
    from amqtt.broker import Broker

    logging.disable(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    plugin = "athlete_monitor.wire.embedded_broker.LoopbackAuth"
    config = {"listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}}, "plugins": {plugin: {}}}

    async def begin() -> Broker:
        hosted = Broker(config)
        await hosted.start()
        return hosted

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    hosted = asyncio.run_coroutine_threadsafe(begin(), loop).result(20.0)
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(hosted.shutdown(), loop).result(20.0)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def settings(port: int) -> Mqtt:
    """Return the settings of an embedded broker on this port."""
    return Mqtt(
        tls_port=8883,
        websocket_port=None,
        broker="embedded", host="127.0.0.1", port=port, username=None, password_file=None,
        tls=Tls(enabled=False, ca_file=None, cert_file=None, key_file=None),
        topic_prefix="", keepalive_s=30, reconnect_max_s=5.0, qos=0, persistent_session=False,
    )  # fmt: skip


def free_port() -> int:
    """Return a port of this machine that nobody uses."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


HOSTS = {"own_process": in_own_process, "thread": in_a_thread}

if __name__ == "__main__":
    main()
