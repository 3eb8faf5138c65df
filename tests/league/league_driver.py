"""Inside a namespace of its own: a broker, a Ray cluster of two nodes, a league, and everything that happens to it.

Prints JSON: what was measured, and the sessions' summaries of the league and of one engine that got the same samples.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import yaml

from athlete_monitor.config import load_config
from athlete_monitor.league.cluster import HEAD, RemoteOffice, connected
from athlete_monitor.league.settings import load_league, mqtt_of
from athlete_monitor.wire import topics
from athlete_monitor.wire.codec import encode_sample
from athlete_monitor.wire.mqtt import MqttLink
from tests.engine.kit import START, sample
from tests.helpers import ROOT, Mosquitto, wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence

ADDRESS = "127.0.0.1:6379"
NODE = ["--num-cpus=2", "--object-store-memory=80000000", "--node-ip-address=127.0.0.1", "--disable-usage-stats"]
SHARDS = {"one": ["reds", "blues"], "two": ["greens", "whites"]}
SQUADS = [squad for squads in SHARDS.values() for squad in squads]
PLAIN = "plain"
DEVICES = (1, 2)
RATE_HZ = 5.0
PATIENCE_S = 200.0


class Traffic:
    """Samples of all squads and of the engine beside them, at QoS 1, until stopped; and what the engines answer."""

    def __init__(
        self, port: int, config: Path, names: list[str], devices: Sequence[int] = DEVICES, rate_hz: float = RATE_HZ
    ) -> None:
        self.sent = 0
        self.summaries: dict[str, dict[str, Any]] = {}
        self.metrics_s: dict[str, float] = {}
        self.bytes: dict[str, int] = {}
        """Size of the newest message of each kind."""
        self.gap_s: dict[str, float] = {}
        """The longest time between two messages with figures of each squad, s."""
        self.newest: dict[str, dict[str, Any]] = {}
        self.state: dict[str, Any] = {}
        self._stopping = threading.Event()
        base = load_config(config, environ={})
        broker = load_league(config.with_name("league.yaml")).publishing
        self._names, self._devices, self._rate_hz = names, devices, rate_hz
        subscriptions = [(f"{name}/player/+/session", 1) for name in names]
        subscriptions += [(f"{name}/player/+/metrics", 0) for name in names]
        self._link = MqttLink(
            mqtt_of(base, broker).mqtt.model_copy(update={"port": port}),
            "traffic",
            on_message=self._on_message,
            subscriptions=[*subscriptions, ("league/state", 0)],
        )
        self._link.start(10.0)
        self._began_s = time.time()
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def finish(self) -> None:
        """End all sessions by their last message."""
        self._stopping.set()
        self._thread.join()
        for name in self._names:
            for device in self._devices:
                last = sample(self._t(self.sent) - START, f"{device:03}", device, seq=self.sent, end=True)
                self._link.publish(f"{name}/{topics.sensor_data(f'{device:03}')}", encode_sample(last), 1)
        assert self._link.flush(60.0)

    def _t(self, number: int) -> float:
        return round(self._began_s, 3) + number / self._rate_hz

    def _send(self) -> None:
        while not self._stopping.wait(max(0.0, self._t(self.sent) - time.time())):
            t = self._t(self.sent) - START
            pace = 3.0 + 2.0 * math.sin(self.sent / 9)
            for device in self._devices:
                channels: dict[str, Any] = {
                    "acc_x": pace,
                    "acc_y": 0.1,
                    "acc_z": 9.8 + pace,
                    "speed_mps": pace + device / 10,
                }
                channels["heart_rate_bpm"] = 120.0 + 4.0 * pace
                payload = encode_sample(sample(t, f"{device:03}", device, seq=self.sent, **channels))
                for name in self._names:
                    self._link.publish(f"{name}/{topics.sensor_data(f'{device:03}')}", payload, 1)
            self.bytes["sample"] = len(payload)
            self.sent += 1

    def _on_message(self, topic: str, payload: bytes) -> None:
        name, _, rest = topic.partition("/")
        if topic == "league/state":
            self.state = json.loads(payload)
        elif rest.endswith("/metrics"):
            now_s, self.bytes["metrics"] = time.monotonic(), len(payload)
            self.gap_s[name] = max(self.gap_s.get(name, 0.0), now_s - self.metrics_s.get(name, now_s))
            self.metrics_s[name] = now_s
            self.newest[topic] = json.loads(payload)
        else:
            found = json.loads(payload)
            if found["end_reason"] == "end_message":
                self.summaries[f"{name} {found['device_id']}"] = found


def start_node(*options: str) -> None:
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", *NODE, *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def league(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "league.py"), *words, "--config", str(folder / "league.yaml")]
    command += ["--cluster", ADDRESS] if words[0] != "check" else []
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)


def write_files(folder: Path, port: int, state: str) -> Path:
    document = yaml.safe_load((ROOT / "jetson_nano_4gb_config.yaml").read_text(encoding="utf-8"))
    document["engine"] |= {"stats_interval_s": 1, "record": "none"}
    document["model_loading"] |= {"runtime": "onnx"}
    document["mqtt"] |= {"host": "127.0.0.1", "port": port, "broker": "external", "qos": 1}
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(document), encoding="utf-8")
    plain = folder / "plain.yaml"
    plain.write_text(yaml.safe_dump(document | {"mqtt": document["mqtt"] | {"topic_prefix": f"{PLAIN}/"}}))
    settings = {
        "name": "test",
        "engine_config": "config.yaml",
        "state": state,
        "node_folder": "node",
        "snapshot_s": 2.0,
        "shards": SHARDS,
        "brokers": {"one": {"host": "127.0.0.1", "port": port}},
        "squads": {squad: {"broker": "one", "prefix": f"{squad}/", "athletes": 2} for squad in SQUADS},
        "costs": {"engine_memory_mb": 50},
    }
    (folder / "league.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return config


class Run:
    """The league under test."""

    def __init__(self, folder: Path, temporary: str, state: str = "state") -> None:
        self.folder = folder
        broker_folder = folder / "broker"
        broker_folder.mkdir()
        self.broker = Mosquitto(broker_folder, settings="allow_anonymous true\nmax_inflight_messages 0")
        self.broker.start()
        self.config = write_files(folder, self.broker.port, state)
        start_node("--head", "--port=6379", "--include-dashboard=false", f"--temp-dir={temporary}")
        self.raylet = {each.pid for each in raylets()}
        start_node(f"--address={ADDRESS}")
        self.found: dict[str, Any] = {}
        self.office: RemoteOffice

    def status(self) -> dict[str, Any]:
        document: dict[str, Any] = self.office.call("status")
        return document

    def row(self, squad: str) -> dict[str, Any]:
        return next(row for row in self.status()["squads"] if row["squad"] == squad)

    def shard_process(self, squad: str) -> psutil.Process:
        """The process of a shard: its engines are forked by a child of it."""
        template = psutil.Process(self.row(squad)["pid"]).parent()
        shard = None if template is None else template.parent()
        assert shard is not None
        return shard

    def all_run(self) -> bool:
        return all(row["condition"] == "running" for row in self.status()["squads"])

    def start(self) -> None:
        done = league(self.folder, "start", "--json", "--wait", f"{PATIENCE_S:g}")
        assert done.returncode == 0, done.stderr + done.stdout
        self.office = RemoteOffice(connected(ADDRESS), load_league(self.folder / "league.yaml"))

    def shards_of_second(self) -> list[str]:
        """The shards on the node that is not the head."""
        import ray

        second = next(each["NodeID"][:8] for each in ray.nodes() if HEAD not in each["Resources"])
        shards: list[str] = next(row["shards"] for row in self.status()["nodes"] if row["node"] == second)
        return shards

    def away_s(self, traffic: Traffic, squads: list[str], harm: Any, is_over: Any = lambda: True) -> float:
        """Return for how long figures of these squads stopped, once they come again."""
        harm()
        began_s = time.monotonic()
        wait_until(lambda: is_over() and self.all_run(), PATIENCE_S, "the league runs")
        wait_until(lambda: all(traffic.metrics_s[squad] > began_s + 0.3 for squad in squads), PATIENCE_S, "figures")
        return round(time.monotonic() - began_s, 2)


def raylets() -> list[psutil.Process]:
    return [each for each in psutil.process_iter() if each.name() == "raylet"]


def note(what: object) -> None:
    """Say how far it is, for whoever looks into a failure."""
    sys.stderr.write(f"{what}\n")


def everything(folder: Path, temporary: str) -> dict[str, Any]:
    run = Run(folder, temporary)
    plain = subprocess.Popen(
        [sys.executable, str(ROOT / "main.py"), "--no-ui", "--quiet", "--config", str(folder / "plain.yaml"),
         "--root", str(folder / "plain")]
    )  # fmt: skip
    began_s = time.monotonic()
    run.start()
    found: dict[str, Any] = {"start_s": round(time.monotonic() - began_s, 1)}
    wait_until((folder / "plain" / "prediction_outputs" / "journal.sqlite3").exists, PATIENCE_S, "the plain engine")
    traffic = Traffic(run.broker.port, run.config, [*SQUADS, PLAIN])
    wait_until(lambda: len(traffic.metrics_s) == len(SQUADS) + 1, PATIENCE_S, "figures of all")
    time.sleep(2.0)

    victim = run.shard_process("reds").pid
    found["shard_away_s"] = run.away_s(
        traffic, SHARDS["one"], lambda: os.kill(victim, signal.SIGKILL), lambda: not psutil.pid_exists(victim)
    )
    note(found)
    before = run.row("reds")["pid"]
    found["hung_away_s"] = run.away_s(
        traffic, ["reds"], lambda: os.kill(before, signal.SIGSTOP), lambda: run.row("reds")["pid"] != before
    )
    note(found)
    began_s = time.monotonic()
    moved = league(folder, "move", "reds", "two", "--json")
    assert moved.returncode == 0, moved.stderr
    found["move_s"] = round(time.monotonic() - began_s, 2)
    note(found)

    nodes = {row["node"]: row["shards"] for row in run.status()["nodes"]}
    note(nodes)
    found["nodes_used"] = sum(bool(shards) for shards in nodes.values())
    second = next(each for each in raylets() if each.pid not in run.raylet)
    found["second_had"] = max(nodes.values(), key=len)
    found["node_away_s"] = run.away_s(traffic, SQUADS, second.kill, lambda: len(run.status()["nodes"]) == 1)
    note(found)
    start_node(f"--address={ADDRESS}")
    wait_until(lambda: len(run.status()["nodes"]) == 2, PATIENCE_S, "the new node")
    drained = next(row["node"] for row in run.status()["nodes"] if row["shards"])
    began_s = time.monotonic()
    done = league(folder, "drain", drained, "--json")
    assert done.returncode == 0, done.stderr
    found["drain_s"] = round(time.monotonic() - began_s, 2)
    found["drained_has"] = next(row["shards"] for row in run.status()["nodes"] if row["node"] == drained)
    note(found)
    time.sleep(2.0)

    traffic.finish()
    wait_until(lambda: len(traffic.summaries) == len(DEVICES) * (len(SQUADS) + 1), PATIENCE_S, "all summaries")
    found["state"] = traffic.state
    stopped = league(folder, "stop", "--json")
    plain.terminate()
    plain.wait(60)
    found |= {"sent": traffic.sent, "stopped": stopped.returncode, "summaries": traffic.summaries}
    run.broker.stop()
    return found


def behind_url(folder: Path, temporary: str) -> dict[str, Any]:
    """Lose a node with everything that was on it, where the state is copied to a URL."""
    run = Run(folder, temporary, f"file://{folder}/far")
    run.start()
    traffic = Traffic(run.broker.port, run.config, SQUADS)
    topic = "reds/player/001/metrics"
    wait_until(lambda: (traffic.newest.get(topic, {}).get("distance_m") or 0.0) > 20.0, PATIENCE_S, "distance")
    copied = folder / "far" / "reds" / "files" / "league_copied.json"
    wait_until(lambda: copied.exists() and copied.stat().st_mtime > time.time() - 1.0, PATIENCE_S, "a late copy")
    before = json.loads(copied.read_bytes())["copied_s"]
    wait_until(lambda: json.loads(copied.read_bytes())["copied_s"] > before, PATIENCE_S, "one more copy")
    totals = traffic.newest[topic]
    lost = next(each for each in raylets() if each.pid not in run.raylet)
    squads = [squad for shard in run.shards_of_second() for squad in SHARDS[shard]]
    victims = [lost, *(run.shard_process(squad) for squad in squads)]
    victims += [psutil.Process(run.row(squad)["pid"]) for squad in squads]

    def lose() -> None:
        for victim in dict.fromkeys(victims):
            victim.kill()
        for squad in squads:  # both nodes are this machine: what was only on the lost one goes with it
            shutil.rmtree(folder / "node" / "test" / squad, ignore_errors=True)

    note({"away_s": run.away_s(traffic, squads, lose, lambda: len(run.status()["nodes"]) == 1)})
    notes = [row["note"] for row in run.status()["squads"] if "archive" in row["note"]]
    traffic.finish()
    wait_until(lambda: len(traffic.summaries) == len(DEVICES) * len(SQUADS), PATIENCE_S, "all summaries")
    league(folder, "stop")
    run.broker.stop()
    return {
        "totals_before": totals["distance_m"],
        "totals_after": min(found["distance_m"] for found in traffic.summaries.values()),
        "sessions_before": totals["session_id"],
        "sessions": traffic.summaries["reds 001"]["session_id"],
        "note": notes[0] if notes else "",
    }


if __name__ == "__main__":
    scenarios = {"everything": everything, "url": behind_url}
    result = scenarios[sys.argv[3]](Path(sys.argv[1]), sys.argv[2])
    sys.stdout.write(json.dumps(result) + "\n")
