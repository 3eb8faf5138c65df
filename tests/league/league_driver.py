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
from athlete_monitor.league.command import lines_of
from athlete_monitor.league.settings import load_league, mqtt_of
from athlete_monitor.wire import topics
from athlete_monitor.wire.codec import encode_sample
from athlete_monitor.wire.mqtt import MqttLink
from tests.batch import driving
from tests.batch.driving import ADDRESS, OutOfTimeError, Patience, tail
from tests.engine.kit import START, sample
from tests.helpers import ROOT, Mosquitto

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SHARDS = {"one": ["reds", "blues"], "two": ["greens", "whites"]}
SQUADS = [squad for squads in SHARDS.values() for squad in squads]
PLAIN = "plain"
DEVICES = (1, 2)
RATE_HZ = 5.0
ANSWER_S = 5.0


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
    """The league under test.

    Args:
        folder: for all files.
        temporary: folder of Ray's files.
        patience: the driver's time.
        state: of ``league.yaml``.
    """

    def __init__(self, folder: Path, temporary: str, patience: Patience, state: str = "state") -> None:
        self.folder, self.patience = folder, patience
        broker_folder = folder / "broker"
        broker_folder.mkdir(exist_ok=True)
        self.broker = Mosquitto(broker_folder, settings="allow_anonymous true\nmax_inflight_messages 0")
        self.broker.start()
        self.config = write_files(folder, self.broker.port, state)
        patience.start_node("--head", "--port=6379", "--include-dashboard=false", f"--temp-dir={temporary}")
        self.raylet = {each.pid for each in raylets()}
        patience.start_node(f"--address={ADDRESS}")
        self.office: RemoteOffice | None = None

    def command(self, *words: str) -> dict[str, Any]:
        """Run ``league.py``; return its JSON."""
        command = [sys.executable, str(ROOT / "league.py"), *words, "--config", str(self.folder / "league.yaml")]
        command += ["--json", "--cluster", ADDRESS]
        command += ["--wait", f"{self.patience.left_s:.0f}"] if words[0] in {"start", "move", "drain"} else []
        done = self.patience.run(command, f"league.py {' '.join(words)}")
        if done.returncode and "not done within" in done.stderr:
            raise OutOfTimeError(f"league.py {words[0]}: {done.stderr.strip()}")
        assert done.returncode == 0, f"league.py {words[0]}: {done.stderr}{done.stdout}"
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    def start(self) -> None:
        self.command("start")
        self.office = RemoteOffice(connected(ADDRESS), load_league(self.folder / "league.yaml"))
        self.patience.note("the league runs")

    def call(self, name: str, *arguments: Any) -> Any:
        """Call the league's office."""
        assert self.office is not None
        return self.office.call(name, *arguments)

    def status(self) -> dict[str, Any]:
        document: dict[str, Any] = self.call("status")
        return document

    def row(self, squad: str) -> dict[str, Any]:
        return next(row for row in self.status()["squads"] if row["squad"] == squad)

    def pids(self, squads: Sequence[str]) -> dict[str, int]:
        """Wait until all engines run; return the processes of some squads."""

        def found() -> dict[str, int] | None:
            rows = self.status()["squads"]
            all_run = all(row["condition"] == "running" and row["pid"] for row in rows)
            return {row["squad"]: row["pid"] for row in rows if row["squad"] in squads} if all_run else None

        pids: dict[str, int] = self.patience.wait(found, "all engines run", 0.2)
        return pids

    def shard_process(self, squad: str) -> psutil.Process:
        """The process of a shard: its engines are forked by a child of it."""
        template = psutil.Process(self.pids([squad])[squad]).parent()
        shard = None if template is None else template.parent()
        assert shard is not None
        return shard

    def second(self) -> tuple[psutil.Process, list[str]]:
        """The node that is not the head: its raylet, and the squads that run there."""
        shards = next(shards for node, shards in self.nodes().items() if node != self.head())
        raylet = next(each for each in raylets() if each.pid not in self.raylet)
        return raylet, [row["squad"] for row in self.status()["squads"] if row["shard"] in shards]

    def head(self) -> str:
        """The node with the coordinator."""
        import ray

        return str(next(each["NodeID"] for each in ray.nodes() if each["Alive"] and HEAD in each["Resources"]))[:8]

    def nodes(self) -> dict[str, list[str]]:
        """The shards on each node."""
        return {row["node"]: row["shards"] for row in self.status()["nodes"]}

    def until_back(self, traffic: Traffic, squads: Sequence[str], harm: Callable[[], object]) -> float:
        """Harm the engines of these squads; return the longest time without figures, once new engines have made some.

        What ``status`` says just after the harm may be from before it, and engines that lost their shard publish until
        they have ended: only other processes than before count.
        """
        before = self.pids(squads)
        for squad in squads:
            traffic.gap_s[squad] = 0.0
        harm()
        self.patience.wait(
            lambda: all(pid != before[squad] for squad, pid in self.pids(squads).items()), f"new engines of {squads}"
        )
        now_s = time.monotonic()
        self.patience.wait(lambda: all(traffic.metrics_s[squad] > now_s for squad in squads), f"figures of {squads}")
        return round(max((traffic.gap_s[squad] for squad in squads), default=0.0), 2)

    def about(self) -> str:
        """What is known of the league, for a report."""
        lines = [line for path in sorted(self.folder.rglob("engine.out")) for line in tail(path)]
        lines += tail(self.folder / "broker" / "mosquitto.log")
        if self.office is not None:
            self.office.ANSWER_S = ANSWER_S  # type: ignore[misc]
            lines += lines_of(self.status())
        return "\n".join(lines)


def raylets() -> list[psutil.Process]:
    return [each for each in psutil.process_iter() if each.name() == "raylet"]


class Started:
    """The run of a scenario, for its report."""

    run: Run | None = None

    def about(self) -> str:
        return "" if self.run is None else self.run.about()


def everything(run: Run, patience: Patience) -> dict[str, Any]:
    folder = run.folder
    plain = subprocess.Popen(
        [sys.executable, str(ROOT / "main.py"), "--no-ui", "--quiet", "--config", str(folder / "plain.yaml"),
         "--root", str(folder / "plain")]
    )  # fmt: skip
    run.start()
    patience.wait((folder / "plain" / "prediction_outputs" / "journal.sqlite3").exists, "the plain engine")
    traffic = Traffic(run.broker.port, run.config, [*SQUADS, PLAIN])
    patience.wait(lambda: len(traffic.metrics_s) == len(SQUADS) + 1, "figures of all")
    time.sleep(2.0)
    found: dict[str, Any] = {"nodes_used": sum(bool(shards) for shards in run.nodes().values())}

    victim = run.shard_process("reds").pid
    found["shard_gap_s"] = run.until_back(traffic, SHARDS["one"], lambda: os.kill(victim, signal.SIGKILL))
    patience.note(found)
    pid = run.pids(["reds"])["reds"]
    found["hung_gap_s"] = run.until_back(traffic, ["reds"], lambda: os.kill(pid, signal.SIGSTOP))
    patience.note(found)
    hung, shard = run.pids(["blues"])["blues"], run.shard_process("blues").pid

    def hang_and_lose_the_shard() -> None:
        os.kill(hung, signal.SIGSTOP)
        os.kill(shard, signal.SIGKILL)

    found["hung_without_shard_gap_s"] = run.until_back(traffic, SHARDS["one"], hang_and_lose_the_shard)
    patience.note(found)
    run.command("move", "reds", "two")
    patience.note("moved")

    raylet, squads = run.second()
    found["node_gap_s"] = run.until_back(traffic, squads, raylet.kill)
    patience.wait(lambda: len(run.nodes()) == 1, "the lost node is known")
    patience.note(found)
    patience.start_node(f"--address={ADDRESS}")
    patience.wait(lambda: len(run.nodes()) == 2, "the new node")
    drained = next(node for node, shards in run.nodes().items() if shards)
    run.command("drain", drained)
    found["drained_has"] = run.nodes()[drained]
    patience.note("drained")
    time.sleep(2.0)

    traffic.finish()
    patience.wait(lambda: len(traffic.summaries) == len(DEVICES) * (len(SQUADS) + 1), "all summaries")
    found |= {"state": traffic.state, "stopped": run.command("stop")["stopped"]}
    plain.terminate()
    plain.wait(60)
    return found | {"sent": traffic.sent, "summaries": traffic.summaries}


def behind_url(run: Run, patience: Patience) -> dict[str, Any]:
    """Lose a node with everything that was on it, where the state is copied to a URL."""
    folder = run.folder
    run.start()
    traffic = Traffic(run.broker.port, run.config, SQUADS)
    raylet, squads = run.second()
    squad = squads[0]
    topic = f"{squad}/player/001/metrics"
    patience.wait(lambda: (traffic.newest.get(topic, {}).get("distance_m") or 0.0) > 20.0, "distance")
    copied = folder / "far" / squad / "files" / "league_copied.json"
    began_s = time.time()
    patience.wait(lambda: copied.exists() and json.loads(copied.read_bytes())["copied_s"] > began_s, "a late copy")
    totals = traffic.newest[topic]
    pids = run.pids(squads)
    victims = [raylet, *(run.shard_process(each) for each in squads), *map(psutil.Process, pids.values())]

    def lose() -> None:
        for victim in dict.fromkeys(victims):
            victim.kill()
        for each in squads:  # both nodes are this machine: what was only on the lost one goes with it
            shutil.rmtree(folder / "node" / "test" / each, ignore_errors=True)

    patience.note({"gap_s": run.until_back(traffic, squads, lose)})
    notes = [row["note"] for row in run.status()["squads"] if "archive" in row["note"]]
    traffic.finish()
    patience.wait(lambda: len(traffic.summaries) == len(DEVICES) * len(SQUADS), "all summaries")
    run.command("stop")
    return {
        "totals_before": totals["distance_m"],
        "totals_after": min(found["distance_m"] for found in traffic.summaries.values()),
        "session_before": totals["session_id"],
        "session": traffic.summaries[f"{squad} 001"]["session_id"],
        "note": notes[0] if notes else "",
    }


SCENARIOS = {"everything": (everything, "state"), "url": (behind_url, "file://{}/far")}


def main(folder: Path, temporary: str, limit_s: float, name: str) -> int:
    started = Started()
    play, state = SCENARIOS[name]

    def scenario(patience: Patience) -> dict[str, Any]:
        started.run = Run(folder, temporary, patience, state.format(folder))
        found = play(started.run, patience)
        started.run.broker.stop()
        return found

    return driving.main(scenario, Path(temporary), Patience(limit_s), started.about)


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), sys.argv[4]))
