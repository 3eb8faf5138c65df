"""Stops, floods, false senders and full disks, with real processes on a real Mosquitto; ``endurance.py`` runs them."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import engine as load  # type: ignore[import-not-found]  # the benchmark beside this one
import psutil
import yaml

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from paho.mqtt.client import Client

RATE_HZ = 10
ATTACK_SAMPLES = 1700
"""So many samples make a message of nearly 64 KiB."""
NEWCOMERS_S = 20.0
NEWCOMERS_PER_S = 2000
MOTION = '"acc_x":1.2,"acc_y":%.3f,"acc_z":9.81,"heart_rate_bpm":%d'
ROSTER = "athletes:\n" + "".join(f"  - {{id: {n}, device: '{n:03d}'}}\n" for n in range(1, 31))


class Team:
    """Thirty devices that send ten samples a second at QoS 1, numbered without a gap."""

    def __init__(self, port: int, athletes: int, timestamps: bool = True) -> None:  # noqa: FBT001, FBT002
        self.sent = [0] * athletes
        self._client, self._timestamps = client(port, "team"), timestamps
        self._running = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    @property
    def devices(self) -> list[str]:
        """The devices."""
        return [f"{n:03}" for n in range(1, len(self.sent) + 1)]

    def stop(self) -> None:
        """End every session, and wait until the broker has everything."""
        self._running.set()
        self._thread.join()
        infos = []
        for n, sent in enumerate(self.sent, 1):
            t = time.time()
            body = f'{{"device_id":"{n:03}","athlete_id":{n},"timestamp":{t:.3f},"seq":{sent},"event":"end"}}'
            infos.append(self._client.publish(f"player/{n:03}/sensor/data", body, 1))
        for info in infos:
            info.wait_for_publish(30)
        self._client.loop_stop()

    def _send(self) -> None:
        tick, start = 0, time.time()
        while not self._running.is_set():
            for n in range(1, len(self.sent) + 1):
                motion = MOTION % ((n + tick) % 40 / 10, 120 + (n + tick // 50) % 40)
                body = f'{{"device_id":"{n:03}","athlete_id":{n},"timestamp":{time.time():.3f},"seq":{tick},{motion}}}'
                self._client.publish(f"player/{n:03}/sensor/data", body, 1)
                self.sent[n - 1] += 1
            tick += 1
            if (wait := start + tick / RATE_HZ - time.time()) > 0:
                time.sleep(wait)


class Listener:
    """What the engine publishes: the time of each device's figures, summaries, its own figures."""

    def __init__(self, port: int) -> None:
        self.figures: dict[str, list[float]] = {}
        self.athletes: dict[str, set[int]] = {}
        self.summaries: dict[str, dict[str, Any]] = {}
        self.stats: dict[str, Any] = {}
        self.online = threading.Event()
        self._client = client(port, "listener", self._hear)
        self._client.subscribe([("player/+/metrics", 1), ("player/+/session", 1), ("engine/#", 1)])

    def wait_online(self) -> None:
        """Wait until the engine says that it is there."""
        if not self.online.wait(90):
            raise SystemExit("the engine does not come up")

    def wait_ended(self, devices: list[str], limit_s: float, reason: str | None = None) -> bool:
        """Wait for a summary of each of these devices, with this reason; return whether all have come in time."""
        end_s = time.monotonic() + limit_s
        while time.monotonic() < end_s:
            known = list(self.summaries.values())
            if set(devices) <= {each["device_id"] for each in known if reason in {None, each["end_reason"]}}:
                return True
            time.sleep(0.1)
        return False

    def stop(self) -> None:
        """End."""
        self._client.loop_stop()

    def _hear(self, topic: str, payload: bytes) -> None:
        if topic == "engine/status":
            (self.online.set if b"online" in payload else self.online.clear)()
        elif topic == "engine/stats":
            self.stats = json.loads(payload)
        elif topic.endswith("/metrics"):
            figures = json.loads(payload)
            self.figures.setdefault(figures["device_id"], []).append(time.monotonic())
            self.athletes.setdefault(figures["device_id"], set()).add(figures["athlete_id"])
        else:
            summary = json.loads(payload)
            self.summaries[summary["session_id"]] = summary


def client(port: int, name: str, hear: Callable[[str, bytes], None] | None = None) -> Client:
    """Return a connected client whose network thread runs."""
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    made = Client(CallbackAPIVersion.VERSION2, name)
    made.max_inflight_messages_set(1000)
    if hear is not None:
        made.on_message = lambda _client, _data, message: hear(message.topic, bytes(message.payload))
    made.connect("127.0.0.1", port)
    made.loop_start()
    return made


@contextmanager
def broker(folder: Path, inflight: int = 20_000) -> Iterator[int]:
    """Run a Mosquitto that allows so many open messages."""
    port, config = load.free_port(), folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nmax_queued_messages 0\n"
        f"max_inflight_messages {inflight}\n"
    )
    process = load.start_mosquitto(config)
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


def configuration(folder: Path, port: int, options: argparse.Namespace, **sections: dict[str, Any]) -> Path:
    """Return a configuration with QoS 1, a persistent session and thirty athletes in the roster."""
    path: Path = load.write_config(folder, port, options)
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["mqtt"].update(qos=1, persistent_session=True)
    document["engine"].update(stats_interval_s=1)
    for name, values in sections.items():
        document[name].update(values)
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    (folder / "athletes.yaml").write_text(ROSTER, encoding="utf-8")
    return path


def start(path: Path, log: Path, environ: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start the engine."""
    command = [sys.executable, str(load.ROOT / "main.py"), "--no-ui", "--config", str(path)]
    with log.open("a") as out:
        return subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **(environ or {})})


def stops(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Stop the engine in an orderly way while thirty send.

    Five times with SIGTERM, three times with SIGINT, and once with a disk whose every fsync takes 100 ms.
    """
    signals = [signal.SIGTERM] * 5 + [signal.SIGINT] * 3 + [signal.SIGTERM]
    with broker(folder, options.inflight) as port:
        path, log = configuration(folder, port, options), folder / "engine.out"
        listener, team = Listener(port), Team(port, options.athletes)
        process = start(path, log)
        listener.wait_online()
        team.start()
        stop_s = []
        for count, number in enumerate(signals[: options.times], 1):
            time.sleep(4.0)
            began = time.monotonic()
            process.send_signal(number)
            process.wait(60)
            stop_s.append(round(time.monotonic() - began, 2))
            listener.online.clear()
            process = start(path, log, slow_disk(folder) if count == len(signals) - 1 else None)
            listener.wait_online()
        time.sleep(4.0)
        team.stop()
        ended = listener.wait_ended(team.devices, 120.0, "end_message")
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        time.sleep(1.0)
        listener.stop()
    last: dict[str, int] = {}
    for summary in listener.summaries.values():
        last[summary["device_id"]] = last.get(summary["device_id"], 0) + summary["quality"]["received"]
    quality = [summary["quality"] for summary in listener.summaries.values()]
    return {
        "stops": len(stop_s),
        "stop_s": stop_s,
        "sent": sum(team.sent),
        "used": sum(last.values()),
        "lost": sum(team.sent) - sum(last.values()),
        "all_ended": ended,
        "told_lost": sum(each["lost"] for each in quality),
        "duplicate": sum(each["duplicate"] for each in quality),
        "late": sum(each["late"] for each in quality),
        "sessions": len(listener.summaries),
        "athletes": options.athletes,
        "acknowledged": listener.stats["acknowledged"],
        "cpu_percent": listener.stats["cpu_percent"],
    }


SLOW_FSYNC = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
int fsync(int fd) { usleep(100000); return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd); }
int fdatasync(int fd) { usleep(100000); return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd); }
"""


def slow_disk(folder: Path) -> dict[str, str]:
    """Return the environment in which every fsync takes 100 ms longer; empty without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return {}
    source, library = folder / "slow.c", folder / "slow.so"
    source.write_text(SLOW_FSYNC, encoding="utf-8")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return {"LD_PRELOAD": str(library)}


def flood(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """One device sends 20 valid messages of 64 KiB a second; what do the other 29 get, and how long does a stop take?

    The attacker has a process of its own, so that it is the engine that is measured. At the end the engine is stopped
    while a second attack goes on.
    """
    topic = "sensor/data" if options.shared else "player/030/sensor/data"
    with broker(folder, options.inflight) as port:
        path, log = configuration(folder, port, options), folder / "engine.out"
        listener, team = Listener(port), Team(port, options.athletes - 1)
        process = start(path, log)
        listener.wait_online()
        team.start()
        time.sleep(5.0)
        with attacker(port, topic, options.messages) as attack:
            before = {device: len(times) for device, times in listener.figures.items()}
            began = time.monotonic()
            attack.wait()
            took_s = time.monotonic() - began
            during = {device: len(times) - before.get(device, 0) for device, times in listener.figures.items()}
        gaps = [max(b - a for a, b in itertools.pairwise(times)) for times in listener.figures.values()]
        team.stop()
        ended = listener.wait_ended(team.devices, 60.0)
        with attacker(port, topic, 10_000):
            time.sleep(5.0)
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            process.wait(120)
            stop_s = time.monotonic() - began
        listener.stop()
    others = [during.get(device, 0) for device in team.devices]
    quality = [s["quality"] for s in listener.summaries.values() if s["device_id"] != "030"]
    return {
        "messages": options.messages,
        "seconds": round(took_s, 1),
        "figures_per_s_worst_of_the_others": round(min(others) / took_s, 3),
        "figures_per_s_median_of_the_others": round(statistics.median(others) / took_s, 3),
        "longest_pause_s": round(max(gaps), 2),
        "lost_of_the_others": sum(team.sent) - sum(each["received"] for each in quality),
        "all_summaries_arrived": ended,
        "stop_under_attack_s": round(stop_s, 2),
        "over_rate": listener.stats["over_rate"],
        "overflowed": listener.stats["overflowed"],
        "invalid": listener.stats["invalid"],
    }


@contextmanager
def attacker(port: int, topic: str, messages: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that sends 20 messages of 64 KiB a second; it is there when the first one is on its way."""
    command = [sys.executable, __file__, "attack", str(port), topic, str(messages)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        if process.stdout is not None:
            process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def attack(port: int, topic: str, messages: int) -> None:
    """Send; in the attacker's own process. The times of the samples are replaced in messages that are ready."""
    sender, t = client(port, "attacker"), time.time()
    rows = ",".join('{"timestamp":%s,"acc_z":9}' for _ in range(ATTACK_SAMPLES))
    template = f'{{"device_id":"030","samples":[{rows}]}}'
    print("attacking", flush=True)
    began = time.monotonic()
    for number in range(messages):
        times = tuple(f"{t + i / 100:.2f}" for i in range(ATTACK_SAMPLES))
        t += ATTACK_SAMPLES / 100
        sender.publish(topic, template % times)
        if (wait := began + number / 20 - time.monotonic()) > 0:
            time.sleep(wait)
    sender.loop_stop()


def newcomers(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """A sender names a new device in every message, as fast as it can; what do thirty athletes get, what is left?"""
    with broker(folder, options.inflight) as port:
        path, log = configuration(folder, port, options), folder / "engine.out"
        listener, team = Listener(port), Team(port, options.athletes)
        process = start(path, log)
        listener.wait_online()
        team.start()
        time.sleep(5.0)
        memory_mb = psutil.Process(process.pid).memory_info().rss / 1e6
        before = {device: len(times) for device, times in listener.figures.items()}
        began, sent, sender = time.monotonic(), 0, client(port, "stranger")
        while time.monotonic() < began + NEWCOMERS_S:
            for _ in range(NEWCOMERS_PER_S // 20):
                sent += 1
                body = f'{{"device_id":"x{sent}","timestamp":{time.time():.3f},"acc_z":9.81,"heart_rate_bpm":120}}'
                sender.publish(f"player/x{sent}/sensor/data", body)
            time.sleep(max(0.0, began + sent / NEWCOMERS_PER_S - time.monotonic()))
        took_s = time.monotonic() - began
        during = [len(listener.figures[device]) - before.get(device, 0) for device in team.devices]
        grown_mb = psutil.Process(process.pid).memory_info().rss / 1e6 - memory_mb
        folders = sum(1 for each in (folder / "prediction_outputs").glob("*"))
        sender.loop_stop()
        team.stop()
        ended = listener.wait_ended(team.devices, 60.0)
        process.send_signal(signal.SIGTERM)
        process.wait(120)
        listener.stop()
    used = sum(s["quality"]["received"] for s in listener.summaries.values() if s["device_id"] in team.devices)
    return {
        "devices": sent,
        "devices_per_s": round(sent / took_s),
        "figures_per_s_worst_of_the_athletes": round(min(during) / took_s, 3),
        "lost_of_the_athletes": sum(team.sent) - used,
        "all_summaries_arrived": ended,
        "memory_grown_mb": round(grown_mb, 1),
        "folders": folders,
        **{key: listener.stats[key] for key in ("sessions_started", "refused_devices", "refused_topics", "lag_p99_ms")},
    }


def spoof(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Devices speak for other athletes: one of the roster, and a stranger who names another one each time."""
    with broker(folder, options.inflight) as port:
        path, log = configuration(folder, port, options), folder / "engine.out"
        listener = Listener(port)
        process = start(path, log)
        listener.wait_online()
        liar = client(port, "liar")
        for number in range(2000):
            for device in ("005", "X9"):
                who, t = number % 1900 + 31, time.time()
                body = f'{{"device_id":"{device}","timestamp":{t:.3f},"seq":{number},"athlete_id":{who},"acc_z":9.8}}'
                liar.publish(f"player/{device}/sensor/data", body, 1)
            time.sleep(0.005)
        time.sleep(4.0)
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        listener.stop()
        liar.loop_stop()
        folders = [each.name for each in (folder / "prediction_outputs").iterdir() if each.is_dir()]
    return {
        "messages_of_each": 2000,
        "athletes_of_the_roster_device": sorted(listener.athletes.get("005", ())),
        "athletes_of_the_stranger": len(listener.athletes.get("X9", ())),
        "folders": len(folders),
        "sessions": listener.stats["sessions_started"],
    }


def storage(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Damage, lock, delete and fill: does the engine publish figures all the same?"""
    results = {}
    for fault in ("damaged", "locked", "deleted", "newer", "folder_full"):
        place = folder / fault
        place.mkdir()
        results[fault] = _with_fault(place, fault, options)
    return results


def _with_fault(folder: Path, fault: str, options: argparse.Namespace) -> dict[str, Any]:
    import sqlite3

    with broker(folder, options.inflight) as port:
        path, log = configuration(folder, port, options), folder / "engine.out"
        journal = folder / "prediction_outputs" / "journal.sqlite3"
        journal.parent.mkdir()
        lock = None
        if fault == "damaged":
            journal.write_bytes(b"SQLite format 3\x00" + b"\xa5" * 100_000)
        elif fault == "newer":
            with sqlite3.connect(journal) as connection:
                connection.execute("PRAGMA user_version=99")
        elif fault == "locked":
            lock = sqlite3.connect(journal, isolation_level=None)
            lock.execute("CREATE TABLE x (y)")
            lock.execute("BEGIN EXCLUSIVE")
        elif fault == "folder_full":
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(journal.parent)], check=False)
            fill_up(journal.parent / "fill")
        listener, team = Listener(port), Team(port, 5)
        process = start(path, log)
        try:
            listener.wait_online()
            team.start()
            time.sleep(3.0)
            if fault == "deleted":
                for name in journal.parent.glob("journal.sqlite3*"):
                    name.unlink()
            time.sleep(4.0)
            team.stop()
            time.sleep(1.0)
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(60)
            listener.stop()
            if lock is not None:
                lock.close()
            if fault == "folder_full":
                subprocess.run(["umount", str(journal.parent)], check=False)
    lines = log.read_text(encoding="utf-8").splitlines()
    return {
        "devices_with_figures": len(listener.figures),
        "figures": sum(map(len, listener.figures.values())),
        "exit_code": code,
        "traceback": any("Traceback" in line for line in lines),
        "line": next((line for line in lines if "alarm=raised" in line or "notice" in line), ""),
        "space_left": shutil.disk_usage(folder).free > 0,
    }


def fill_up(file: Path) -> None:
    """Write until there is no room."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(handle, b"\0" * 4096)
    except OSError:
        return
    finally:
        os.close(handle)


if __name__ == "__main__" and sys.argv[1:2] == ["attack"]:
    attack(int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
