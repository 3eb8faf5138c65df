"""The live engine under load: throughput, latency, cost of a sample, memory and disk writes.

Prints JSON; ``steady`` says what was lost in the first ten seconds and after them, and ``cpu_percent_of_one_core`` is
that of the time after them. A real Mosquitto on loopback, the engine as a process of its own with all metrics, files
and models, and the sender in another process.

    python benchmarks/engine.py --athletes 1000 --seconds 20            # throughput
    python benchmarks/engine.py --athletes 5000 --batch 10 --seconds 30 --record none   # a message a second of each
    python benchmarks/engine.py --athletes 30 --seconds 600 --personal  # latency, CPU, memory, disk writes
    python benchmarks/engine.py --kernel                                # cost of a sample by size of the squad
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


if TYPE_CHECKING:
    from collections.abc import Iterator

    from paho.mqtt.client import MQTTMessage

PROFILE = '"athlete_id":%d,"age":25,"weight":75,"height":180,"gender":1,"mode":"training","session_phase":"main",'
STEADY_AFTER_S = 10.0
"""The steady part begins here: until then sessions begin, and files are opened."""
LONGEST_WAIT_S = 60.0
HEARD = 300
"""The metrics of more athletes would keep a listener in Python busier than the engine."""
MOST_GROUPS = 30  # more than that a sender in Python cannot time
MOTION = (
    '"acc_x":1.23456,"acc_y":%.5f,"acc_z":9.81234,"gyro_x":0.12345,"gyro_y":0.23456,"gyro_z":0.34567,'
    '"heart_rate_bpm":%d}'
)


def main() -> None:
    """Run what is asked for and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--athletes", type=int, default=30)
    parser.add_argument("--rate", type=float, default=10.0, help="samples a second of each athlete")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--runtime", choices=("hummingbird", "onnx"), default="hummingbird")
    parser.add_argument("--device", choices=("cpu", "cuda", "auto"), default="cpu", help="where Hummingbird runs")
    parser.add_argument("--personal", action="store_true", help="a model for each athlete, not the default one for all")
    parser.add_argument("--cache-size", type=int, default=30, help="model_loading.cache_size")
    parser.add_argument("--spread", action="store_true", help="devices send one by one, not all at the same moment")
    parser.add_argument("--batch", type=int, default=1, help="samples in a message")
    parser.add_argument("--record", choices=("all", "none"), default="all", help="engine.record: session files")
    parser.add_argument("--kernel", action="store_true", help="only the kernel, at 30, 300 and 1,000 athletes")
    options = parser.parse_args()
    figures = kernel_cost(options.seconds) if options.kernel else live(options)
    print(json.dumps(figures, indent=2))


def live(options: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of an engine process under load."""
    with tempfile.TemporaryDirectory(prefix="engine_bench_") as name, mosquitto(Path(name)) as port:
        folder = Path(name)
        config = write_config(folder, port, options)
        publish_models(config, options)
        log = (folder / "engine.out").open("w")
        command = [sys.executable, str(ROOT / "main.py"), "--no-ui", "--config", str(config)]
        engine = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"})
        try:
            return measure(engine, port, options)
        finally:
            engine.send_signal(signal.SIGTERM)
            engine.wait(60)


def measure(engine: subprocess.Popen[bytes], port: int, options: argparse.Namespace) -> dict[str, Any]:
    """Send for the given time and gather what the engine publishes about itself."""
    listener = Listener(port, options.athletes)
    listener.wait_online()
    process = psutil.Process(engine.pid)
    arguments: tuple[Any, ...] = (port, options.athletes, options.rate, options.seconds)
    sent = multiprocessing.get_context("spawn").Value("q", 0)
    arguments += (options.spread, sent) if options.batch == 1 else (options.batch, sent)
    target = send if options.batch == 1 else send_batches
    sender = multiprocessing.get_context("spawn").Process(target=target, args=arguments)
    sender.start()
    time.sleep(min(STEADY_AFTER_S, options.seconds / 2))
    early = listener.mark()
    before, cpu, writes = time.monotonic(), process.cpu_times(), process.io_counters().write_bytes
    first_memory, threads = process.memory_info().rss, thread_seconds(process)
    sender.join()
    elapsed_s = time.monotonic() - before
    cpu_s = sum(process.cpu_times()[:2]) - sum(cpu[:2])
    written = process.io_counters().write_bytes - writes
    busy = {name: at - threads.get(name, 0.0) for name, at in thread_seconds(process).items()}
    caught_up_s = listener.wait_until_used(sent.value)
    listener.stop()
    samples = listener.stats["samples"]
    return {
        "athletes": options.athletes,
        "rate_hz": options.rate,
        "batch": options.batch,
        "record": options.record,
        "seconds": options.seconds,
        "runtime": options.runtime,
        "models": options.athletes if options.personal else 1,
        "sent": sent.value,
        "used": samples,
        "lost": sent.value - samples,
        "steady": {
            "from_s": min(STEADY_AFTER_S, options.seconds / 2),
            "lost_before": early["overflowed"] * options.batch,
            "lost_after": sent.value - samples - early["overflowed"] * options.batch,
            "caught_up_within_s": caught_up_s,
            "latency_ms": listener.latency(steady=True),
        },
        "samples_per_s": round(sent.value / options.seconds, 1),
        "cpu_percent_of_one_core": round(100 * cpu_s / elapsed_s, 1),
        "cpu_percent_by_thread": {name: round(100 * took / elapsed_s, 1) for name, took in busy.items() if took > 0.0},
        "cpu_us_per_sample": round(1e6 * cpu_s / (options.athletes * options.rate * elapsed_s), 1),
        "rss_mb": round(process.memory_info().rss / 1e6, 1),
        "rss_growth_mb": round((process.memory_info().rss - first_memory) / 1e6, 1),
        "disk_writes_kb_per_s": round(written / 1000 / elapsed_s, 1),
        "latency_ms": listener.latency(),
        "lag_ms_median_of_p50_p99": np.median(listener.lags, axis=0).tolist(),
        "engine_stats": listener.stats,
    }


def thread_seconds(process: psutil.Process) -> dict[str, float]:
    """Return the processor time of each thread so far by its name, s: the main one steps, unnamed ones receive."""
    found: dict[str, float] = {}
    for thread in process.threads():
        file = Path(f"/proc/{process.pid}/task/{thread.id}/comm")
        name = "main" if thread.id == process.pid else file.read_text(encoding="utf-8").strip()
        found[name] = found.get(name, 0.0) + thread.user_time + thread.system_time
    return found


class Listener:
    """Receives the metrics of up to ``HEARD`` athletes, and the engine's own figures."""

    def __init__(self, port: int, athletes: int) -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self.stats: dict[str, Any] = {"samples": 0, "overflowed": 0}
        self.lags: list[tuple[float, float]] = []
        self._online = threading.Event()
        self._latencies: list[float] = []
        self._steady = 0
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        heard = [f"player/{n:04}/metrics" for n in range(1, athletes + 1)] if athletes > HEARD else ["player/+/metrics"]
        self._client.subscribe([*((topic, 0) for topic in heard[:HEARD]), ("engine/#", 1)])
        self._client.loop_start()

    def wait_online(self) -> None:
        """Wait until the engine is connected."""
        if not self._online.wait(60):
            raise SystemExit("the engine does not come up")

    def stop(self) -> None:
        """End."""
        self._client.loop_stop()

    def mark(self) -> dict[str, Any]:
        """The steady part begins; return the engine's figures so far."""
        self._steady = len(self._latencies)
        return self.stats

    def wait_until_used(self, samples: int) -> float:
        """Wait until the engine has used so many samples or uses no more; return how long that took at most, s."""
        began, used = time.monotonic(), -1
        while used < self.stats["samples"] < samples and time.monotonic() - began < LONGEST_WAIT_S:
            used = self.stats["samples"]
            time.sleep(2.5)  # more than the interval of the engine's figures
        return round(time.monotonic() - began, 1)

    def latency(self, *, steady: bool = False) -> dict[str, float]:
        """Percentiles of the time from a sample's sending to its metrics: all but the first fifth, or steady ones."""
        first = self._steady if steady else len(self._latencies) // 5
        values = np.array(self._latencies[first:] or [np.nan]) * 1000
        return {f"p{p}": round(float(np.percentile(values, p)), 2) for p in (50, 95, 99)} | {"messages": len(values)}

    def _on_message(self, _client: object, _userdata: object, message: MQTTMessage) -> None:
        now = time.time()
        if message.topic.endswith("metrics"):
            self._latencies.append(now - json.loads(message.payload)["t_s"])
        elif message.topic == "engine/stats":
            stats = json.loads(message.payload)
            if stats["lag_p50_ms"] is not None:
                self.lags.append((stats["lag_p50_ms"], stats["lag_p99_ms"]))
            self.stats = stats
        elif b"online" in message.payload:
            self._online.set()


def send(port: int, athletes: int, rate_hz: float, seconds: float, spread: bool, sent: Any) -> None:  # noqa: ANN401, FBT001
    """Send samples of all athletes at a fixed rate, QoS 0, with as little work as possible."""
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(
        bytes([0x10, 12 + 6]) + struct.pack(">H4sBBH", 4, b"MQTT", 4, 2, 0) + struct.pack(">H6s", 6, b"sender")
    )
    sock.recv(4)
    heads = [f'{{"device_id":"{n:04}",' + PROFILE % n for n in range(1, athletes + 1)]
    topics = [struct.pack(">H", 23) + f"player/{n:04}/sensor/data".encode() for n in range(1, athletes + 1)]
    start, tick = time.time() + 0.1, 0
    groups = min(athletes, MOST_GROUPS) if spread else 1
    while (elapsed := tick / rate_hz) < seconds:
        for group in range(groups):
            due = start + elapsed + group / groups / rate_hz
            chosen = range(group, athletes, groups)
            packets = [packet(topics[n], heads[n], n, tick, due) for n in chosen]
            if (wait := due - time.time()) > 0:
                time.sleep(wait)
            sock.sendall(b"".join(packets))
            sent.value += len(packets)
        tick += 1
    time.sleep(0.5)
    sock.close()


def send_batches(port: int, athletes: int, rate_hz: float, seconds: float, batch: int, sent: Any) -> None:  # noqa: ANN401
    """Send batches, QoS 0: the devices one after another, so that each sends once in ``batch`` sample intervals."""
    sock = socket.create_connection(("127.0.0.1", port))
    sock.sendall(
        bytes([0x10, 12 + 6]) + struct.pack(">H4sBBH", 4, b"MQTT", 4, 2, 0) + struct.pack(">H6s", 6, b"sender")
    )
    sock.recv(4)
    start, tick = time.time() + 0.1, 0
    while (elapsed := tick / rate_hz) < seconds:
        due = start + elapsed
        packets = [batch_packet(n, tick, batch, rate_hz, start) for n in range(1 + tick % batch, athletes + 1, batch)]
        if (wait := due - time.time()) > 0:
            time.sleep(wait)
        sock.sendall(b"".join(packets))
        sent.value += batch * len(packets)
        tick += 1
    time.sleep(0.5)
    sock.close()


def batch_packet(n: int, tick: int, batch: int, rate_hz: float, start_t: float) -> bytes:
    """One MQTT PUBLISH at QoS 0 of the last ``batch`` samples of a device up to a tick."""
    items = []
    for number in range(tick - batch + 1, tick + 1):
        moving = (n * 7 + number) % 40 / 10
        motion = MOTION % (moving, 120 + (n + number // 50) % 40)
        items.append(f'{{"timestamp":{start_t + number / rate_hz:.6f},"seq":{number + batch},{motion}')
    body = f'{{"device_id":"{n:04}",{PROFILE % n}"samples":[{",".join(items)}]}}'.encode()
    topic = struct.pack(">H", 23) + f"player/{n:04}/sensor/data".encode()
    length = len(topic) + len(body)
    return bytes([0x30, (length & 127) | 128, length >> 7]) + topic + body


def packet(topic: bytes, head: str, n: int, tick: int, t: float) -> bytes:
    """One MQTT PUBLISH at QoS 0 of a sample taken at ``t``, the moment of its sending."""
    moving = (n * 7 + tick) % 40 / 10
    body = (f'{head}"timestamp":{t:.6f},"seq":{tick},' + MOTION % (moving, 120 + (n + tick // 50) % 40)).encode()
    length = len(topic) + len(body)
    return bytes([0x30, (length & 127) | 128, length >> 7]) + topic + body


def write_config(folder: Path, port: int, options: argparse.Namespace) -> Path:
    """Return a configuration file in the folder, the default one on this port."""
    document = yaml.safe_load((ROOT / "jetson_nano_4gb_config.yaml").read_text(encoding="utf-8"))
    document["mqtt"].update(port=port, broker="external")
    device = getattr(options, "device", "cpu")
    document["model_loading"].update(runtime=options.runtime, cache_size=options.cache_size, device=device)
    athletes = getattr(options, "athletes", 0)
    document["engine"].update(stats_interval_s=2, record=getattr(options, "record", "all"))
    document["engine"].update(max_devices=max(athletes, document["engine"]["max_devices"]))
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def publish_models(path: Path, options: argparse.Namespace) -> None:
    """Publish forests of the configured size, trained on noise: their answers cost what real ones do."""
    from sklearn.ensemble import RandomForestRegressor

    from athlete_monitor.config import load_config
    from athlete_monitor.features import PROFILE_FEATURES, FeatureSpec
    from athlete_monitor.models.export import export_trees
    from athlete_monitor.models.manifest import Holdout, LearnedSession, Manifest, ResidualQuantiles
    from athlete_monitor.models.store import ModelStore

    config = load_config(path)
    spec = FeatureSpec.from_config(config.feature_engineering)
    groups = ("acceleration", "rotation")
    rng = np.random.default_rng(1)
    names = (*spec.names(groups), *(() if options.personal else PROFILE_FEATURES))
    X = rng.normal(size=(3000, len(names))).astype(np.float32)
    forest = RandomForestRegressor(config.training.n_estimators, max_depth=config.training.max_depth, max_features=0.5)
    forest.fit(X, 130 + 20 * X[:, 0] + 10 * X[:, 1] * X[:, 2])
    artifacts = export_trees(forest).by_kind()
    for athlete in range(1, options.athletes + 1) if options.personal else ("default",):
        draft = Manifest(
            athlete_id=athlete,  # type: ignore[arg-type]
            groups=groups,
            feature_names=names,
            feature_spec=spec.to_dict(),
            schema_hash=spec.schema_hash(groups),
            sample_rate_hz=10.0,
            window=8,
            sessions=(LearnedSession("noise.csv", "0" * 64, 3000),),
            holdout=Holdout(
                mae_bpm=5, rmse_bpm=6, bias_bpm=0, r2=None, correlation=None, coverage_80=None, baselines={}, rows=1,
                kind="none",
            ),
            residual_quantiles=ResidualQuantiles(-6, 6),
            versions={},
        )  # fmt: skip
        ModelStore.from_config(config).publish(draft, artifacts)


@contextmanager
def mosquitto(folder: Path) -> Iterator[int]:
    """Run a Mosquitto on a free loopback port."""
    port, config = free_port(), folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nset_tcp_nodelay true\n")
    process = start_mosquitto(config)
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """Return a loopback port that nobody uses at this moment."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def start_mosquitto(config: Path) -> subprocess.Popen[bytes]:
    """Start a Mosquitto and give it time to come up."""
    program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin") or "mosquitto"
    process = subprocess.Popen([program, "-c", str(config)], stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    return process


def kernel_cost(seconds: float) -> dict[str, Any]:
    """Return the time of one step and of one sample in the kernel, by the size of the squad."""
    from athlete_monitor.arrays import CHANNELS
    from athlete_monitor.athletes import Profile
    from athlete_monitor.features import FeatureSpec
    from athlete_monitor.squad.batch import Batch, KernelSettings
    from athlete_monitor.squad.kernel import Squad
    from athlete_monitor.squad.prediction import ModelBook, NoModels

    figures = {}
    for size in (1, 30, 300, 1000):
        spec = FeatureSpec()
        squad = Squad(KernelSettings(spec), ModelBook(NoModels(), spec))
        for n in range(size):
            squad.add(Profile(n + 1, sex="male", age_years=25, weight_kg=75, height_cm=180, hr_rest_bpm=55))
        values = np.full((size, len(CHANNELS)), np.nan)
        rng = np.random.default_rng(0)
        took, tick, end = [], 0, time.monotonic() + min(seconds, 5) / 4
        while time.monotonic() < end:
            values[:, :6] = rng.normal(0, 3, (size, 6))
            values[:, 9] = 130
            batch = Batch(
                np.arange(size), np.full(size, 1.7e9 + tick / 10), values.copy(), np.ones(size, dtype=np.int64)
            )
            began = time.perf_counter()
            squad.step(batch)
            took.append(time.perf_counter() - began)
            tick += 1
        step_s = float(np.median(took))
        figures[str(size)] = {"step_ms": round(1e3 * step_s, 3), "sample_us": round(1e6 * step_s / size, 2)}
    return {"athletes": figures}


if __name__ == "__main__":
    main()
