"""What the engine takes: days of samples, a broker that is away for long, and being killed again and again.

Prints JSON. ``day`` runs the engine without a network in simulated time: half of the athletes wear their device all the
time, the others begin a new session every hour; journal and files are real. ``outage`` and ``kills`` run the program as
a process on a real Mosquitto.

    python benchmarks/endurance.py day --hours 24
    python benchmarks/endurance.py outage --seconds 600
    python benchmarks/endurance.py kills --times 20
    python benchmarks/endurance.py stops      # SIGTERM and SIGINT while thirty athletes send at QoS 1
    python benchmarks/endurance.py flood      # 600 messages of 64 KiB from one device; also --shared
    python benchmarks/endurance.py spoof      # devices that speak for other athletes
    python benchmarks/endurance.py storage    # journal damaged, locked, deleted, newer, on a full disk
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import engine as load  # type: ignore[import-not-found]  # the benchmark beside this one
import faults  # type: ignore[import-not-found]  # the same
import numpy as np
import psutil

from athlete_monitor.arrays import ACC, GYRO, HEART_RATE
from athlete_monitor.athletes import Roster
from athlete_monitor.config import load_config
from athlete_monitor.engine.build import build_monitor
from athlete_monitor.engine.journal.journal import Journal
from athlete_monitor.engine.journal.keeper import JournalSink, snapshot
from athlete_monitor.engine.sessions.history import LoadHistory
from athlete_monitor.engine.sinks.files import FileSink
from athlete_monitor.wire.sample import NOT_MEASURED, Sample, WireProfile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from paho.mqtt.client import MQTTMessage

    from athlete_monitor.config import Config

HOUR_S = 3600
START_T = 1.75e9
STATS_S = 3.0
"""The engine publishes its figures at least this often."""


def main() -> None:
    """Run what is asked for and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("day").add_argument("--hours", type=int, default=24)
    commands.add_parser("outage").add_argument("--seconds", type=float, default=600.0)
    commands.add_parser("kills").add_argument("--times", type=int, default=20)
    commands.add_parser("stops").add_argument("--times", type=int, default=9)
    flood = commands.add_parser("flood")
    flood.add_argument("--messages", type=int, default=600)
    flood.add_argument("--shared", action="store_true", help="on sensor/data, which all devices share")
    for name in ("spoof", "storage", "newcomers"):
        commands.add_parser(name)
    for command in commands.choices.values():
        few = command.prog.endswith(("day", "outage", "kills"))
        command.add_argument("--athletes", type=int, default=4 if few else 30)
        command.add_argument("--inflight", type=int, default=20_000, help="messages that the broker leaves open")
        command.add_argument("--runtime", choices=("hummingbird", "onnx"), default="onnx")
        command.set_defaults(personal=False, cache_size=30)
    options = parser.parse_args()
    run = {"day": day, "outage": outage, "kills": kills}.get(options.command) or getattr(faults, options.command)
    with tempfile.TemporaryDirectory(prefix="endurance_") as name:
        print(json.dumps(run(Path(name), options), indent=2))


# --------------------------------------------------------------------------------------------------------------- day


def day(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Feed a sample a second of each athlete, and look at the memory every simulated hour."""
    path = load.write_config(folder, 1883, options)
    trainer = multiprocessing.get_context("spawn").Process(target=load.publish_models, args=(path, options))
    trainer.start()  # a process of its own: the memory of training is not the engine's
    trainer.join()
    config = load_config(path)
    journal = Journal(config.paths.journal, time.time)
    keeper = JournalSink(journal)
    files = FileSink(config.paths.prediction_outputs, config.logging.logs_dir, 0.5)
    monitor = build_monitor(
        config, Roster(), [keeper, files], begin=keeper.begin, history=LoadHistory(journal.past_loads())
    )
    journal.start()
    rng, rss_mb, began_s = np.random.default_rng(0), list[float](), time.monotonic()
    for second in range(options.hours * HOUR_S):
        for sample in squad_sample(rng, options.athletes, second):
            monitor.accept(sample, float(second))
        monitor.advance()
        monitor.tick(float(second))
        snapshot(journal, monitor)
        if second % HOUR_S == HOUR_S - 1:
            time.sleep(1.0)  # for the threads that write
            gc.collect()
            rss_mb.append(round(psutil.Process().memory_info().rss / 1e6, 1))
    took_s = time.monotonic() - began_s
    monitor.end_all("shutdown")
    keeper.stop()
    files.stop()
    return {
        "athletes": options.athletes,
        "simulated_hours": options.hours,
        "took_s": round(took_s, 1),
        "samples": monitor.counts.samples,
        "sessions": monitor.counts.sessions_started,
        "rss_mb_by_hour": rss_mb,
        "growth_mb_after_the_first_hour": round(rss_mb[-1] - rss_mb[0], 1),
        "journal_mb": round(config.paths.journal.stat().st_size / 1e6, 1),
    }


def squad_sample(rng: np.random.Generator, athletes: int, second: int) -> Iterator[Sample]:
    """One sample of each athlete, with beats; every second athlete ends a session at each full hour."""
    motion, turns = rng.normal(0.0, 3.0, (athletes, 3)).tolist(), rng.normal(0.0, 1.0, (athletes, 3)).tolist()
    for n in range(athletes):
        values = list(NOT_MEASURED)
        values[ACC] = [motion[n][0], motion[n][1], motion[n][2] + 9.81]
        values[GYRO] = turns[n]
        values[HEART_RATE] = 120.0 + (n + second // 60) % 50
        beats = (60_000.0 / values[HEART_RATE],)
        ends = n % 2 == 1 and second % HOUR_S == HOUR_S - 1
        profile = WireProfile(25.0, 75.0, 180.0, "male")
        yield Sample(
            f"{n:03}", START_T + second, tuple(values), n + 1, second, profile, rr_intervals_ms=beats, end=ends
        )


# ------------------------------------------------------------------------------------------- processes and a broker


class Broker:
    """A Mosquitto on one port, started and stopped at will."""

    def __init__(self, folder: Path) -> None:
        self.port = load.free_port()
        self._config = folder / "mosquitto.conf"
        self._config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        self._process = load.start_mosquitto(self._config)

    def stop(self) -> None:
        """End it; harmless when it does not run."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None


class Ear:
    """Keeps the time of each device's newest figures, and whether the engine is online."""

    def __init__(self, port: int) -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self.first_t: dict[str, float] = {}
        self.newest_t: dict[str, float] = {}
        self.summaries: list[dict[str, Any]] = []
        self.stats: dict[str, Any] = {}
        self.online = threading.Event()
        self.client = Client(CallbackAPIVersion.VERSION2)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = lambda client, *_: client.subscribe([("player/#", 1), ("engine/#", 1)])
        self.client.on_message = self._hear
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def forget_figures(self) -> None:
        """Begin with another engine process."""
        self.online.clear()
        self.first_t.clear()
        self.newest_t.clear()

    def wait_online(self) -> None:
        """Wait until the engine says that it is there."""
        if not self.online.wait(60):
            raise SystemExit("the engine does not come up")

    def _hear(self, _client: object, _userdata: object, message: MQTTMessage) -> None:
        if message.topic == "engine/status":
            (self.online.set if b"online" in message.payload else self.online.clear)()
        elif message.topic == "engine/stats":
            self.stats = json.loads(message.payload)
        elif message.topic.endswith("/metrics"):
            told = json.loads(message.payload)
            self.first_t.setdefault(told["session_id"], told["t_s"])
            self.newest_t[told["session_id"]] = told["t_s"]
        elif message.topic.endswith("/session"):
            self.summaries.append(json.loads(message.payload))


@contextmanager
def engine(path: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the program; SIGTERM at the end where it still runs."""
    with log.open("a") as out:
        command = [sys.executable, str(load.ROOT / "main.py"), "--no-ui", "--config", str(path)]
        process = subprocess.Popen(command, stdout=out, stderr=out)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(60)


@contextmanager
def sender(port: int, athletes: int, seconds: float) -> Iterator[None]:
    """Send ten samples a second of each athlete for so long."""
    count = multiprocessing.get_context("spawn").Value("q", 0)
    arguments = (port, athletes, 10.0, seconds, False, count)
    process = multiprocessing.get_context("spawn").Process(target=load.send, args=arguments)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()


def outage(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Take the broker away in mid-session, and bring it back."""
    broker = Broker(folder)
    broker.start()
    path = load.write_config(folder, broker.port, options)
    load.publish_models(path, options)
    with engine(path, folder / "engine.out") as process:
        ear = Ear(broker.port)
        ear.wait_online()
        with sender(broker.port, options.athletes, 600):
            time.sleep(10.0)
            broker.stop()
        told = psutil.Process(process.pid)
        cpu_s, before_mb, rss_mb = sum(told.cpu_times()[:2]), told.memory_info().rss / 1e6, list[float]()
        end_s = time.monotonic() + options.seconds
        while time.monotonic() < end_s:
            time.sleep(min(10.0, options.seconds / 10))
            rss_mb.append(round(told.memory_info().rss / 1e6, 1))
        cpu_percent = 100 * (sum(told.cpu_times()[:2]) - cpu_s) / options.seconds
        ear.online.clear()
        broker.start()
        back_s = time.monotonic()
        ear.wait_online()
        back_s = time.monotonic() - back_s
        time.sleep(STATS_S)
        used = ear.stats["samples"]
        with sender(broker.port, options.athletes, 600):
            time.sleep(10.0)
        time.sleep(STATS_S)
        figures = {
            "athletes": options.athletes,
            "outage_s": options.seconds,
            "rss_mb_before": round(before_mb, 1),
            "rss_mb_highest": max(rss_mb),
            "rss_mb_at_its_end": rss_mb[-1],
            "cpu_percent_of_one_core_without_broker": round(cpu_percent, 2),
            "back_online_after_s": round(back_s, 2),
            "samples_used_before": used,
            "samples_used_after": ear.stats["samples"] - used,
            "sessions_started": ear.stats["sessions_started"],
            "sessions_ended": ear.stats["sessions_ended"],
        }
    ear.client.loop_stop()
    broker.stop()
    return figures


def kills(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Kill the engine at random moments, and look at what is left each time."""
    broker, rng = Broker(folder), random.Random(1)
    broker.start()
    path = load.write_config(folder, broker.port, options)
    load.publish_models(path, options)
    config, log = load_config(path), folder / "engine.out"
    ear, lost_s, start_s, torn = Ear(broker.port), list[float](), list[float](), list[str]()
    with sender(broker.port, options.athletes, 3600):
        for _ in range(options.times):
            ear.forget_figures()
            began_s = time.monotonic()
            with engine(path, log) as process:
                ear.wait_online()
                start_s.append(time.monotonic() - began_s)
                time.sleep(rng.uniform(0.3, 4.0))
                process.kill()
            time.sleep(0.3)  # for what is on its way
            lost_s += losses(config, ear)
            torn += [str(file) for file in config.paths.prediction_outputs.rglob("*.json") if is_torn(file)]
        ear.online.clear()
        with engine(path, log):
            ear.wait_online()
            time.sleep(2.0)
    time.sleep(0.5)
    ear.client.loop_stop()
    broker.stop()
    return {
        "athletes": options.athletes,
        "kills": options.times,
        "start_s_median": round(float(np.median(start_s)), 2),
        "lost_s_worst": round(max(lost_s), 2),
        "lost_s_median": round(float(np.median(lost_s)), 2),
        "torn_files": torn,
        "sessions": len({summary["session_id"] for summary in ear.summaries}),
        "summaries": len(ear.summaries),
    }


def losses(config: Config, ear: Ear) -> list[float]:
    """How much of what this engine process published, in s of each session, the journal lacks; it must be whole."""
    with closing(sqlite3.connect(config.paths.journal)) as journal:
        if journal.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise SystemExit("the journal is torn")
        kept = dict(journal.execute("SELECT session_id, last_t FROM sessions JOIN totals ON session = id"))
    first_t = ear.first_t
    return [max(0.0, told_t - max(kept.get(name, 0.0), first_t[name])) for name, told_t in ear.newest_t.items()]


def is_torn(file: Path) -> bool:
    """Whether the file is no whole JSON; those being written carry another name."""
    if file.name.startswith("."):
        return False
    try:
        json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return True
    return False


if __name__ == "__main__":
    main()
