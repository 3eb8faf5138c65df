"""What the engine's own threads cost, without a broker and a network: processor time of a second of a squad.

The parts of the live engine with their files, journal and team, fed in this process: one message per sample, or
batches. Prints JSON: processor time of the stepping thread for a second of samples, by part, and of all threads.

    python benchmarks/hot_path.py --athletes 30                       # a squad
    python benchmarks/hot_path.py --athletes 2000 --batch 10          # a league's box
    python benchmarks/hot_path.py --athletes 2000 --batch 10 --profile
    python benchmarks/hot_path.py --against ../before --rounds 5      # two trees, alternating
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import json
import os
import pstats
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(os.environ.get("HOT_PATH_TREE") or Path(__file__).resolve().parents[1])
sys.path.insert(0, str(ROOT))

PROFILE = '"athlete_id":%d,"age":25,"weight":75,"height":180,"gender":1,"mode":"training","session_phase":"main"'
MOTION = (
    '"timestamp":%.6f,"seq":%d,"acc_x":1.23456,"acc_y":%.5f,"acc_z":9.81234,"gyro_x":0.12345,"gyro_y":0.23456,'
    '"gyro_z":0.34567,"heart_rate_bpm":%d'
)
START_T = 1.75e9


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--athletes", type=int, default=30)
    parser.add_argument("--rate", type=int, default=10, help="samples a second of each athlete")
    parser.add_argument("--batch", type=int, default=1, help="samples in a message")
    parser.add_argument("--seconds", type=int, default=12)
    parser.add_argument("--pause", type=float, default=0.4, help="pause after each second, for the writing threads, s")
    parser.add_argument("--models", type=Path, help="folder of published models; none by default")
    parser.add_argument("--profile", action="store_true", help="print where the stepping thread spends its time")
    parser.add_argument("--against", type=Path, metavar="DIR", help="another checkout of this project")
    parser.add_argument("--rounds", type=int, default=5, help="pairs of runs with --against")
    options = parser.parse_args()
    print(json.dumps(compare(options) if options.against else measure(options), indent=2))


def compare(options: argparse.Namespace) -> dict[str, Any]:
    """Run both trees alternately; return the medians and by how much this one differs."""
    arguments = [
        x for name in ("athletes", "rate", "batch", "seconds", "pause") for x in (f"--{name}", str(vars(options)[name]))
    ]
    took: dict[str, list[dict[str, float]]] = {"before": [], "after": []}
    for _ in range(options.rounds):
        for name, tree in (("before", options.against.resolve()), ("after", ROOT)):
            environment = {**os.environ, "HOT_PATH_TREE": str(tree), "OMP_NUM_THREADS": "1"}
            command = [sys.executable, __file__, *arguments]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=600)
            took[name].append(json.loads(done.stdout))
    for run in (*took["before"], *took["after"]):
        run.update(run.pop("threads_ms"))  # type: ignore[call-overload]
    keys = [
        key for key, value in took["after"][0].items() if key.endswith("_ms") or key in {"files", "recorder", "journal"}
    ]
    result: dict[str, Any] = {
        name: {key: statistics.median(run[key] for run in runs) for key in keys} for name, runs in took.items()
    }
    result["change_percent"] = {key: round(100 * (result["after"][key] / result["before"][key] - 1), 1) for key in keys}
    return result


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Feed an engine second by second, and return what a second costs."""
    with tempfile.TemporaryDirectory(prefix="hot_path_") as folder:
        return run(Path(folder), options)


def run(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """See ``measure``."""
    from athlete_monitor.config import load_config
    from athlete_monitor.engine.journal.keeper import snapshot
    from athlete_monitor.engine.live.engine import LiveEngine
    from athlete_monitor.system.allocator import return_large_blocks

    return_large_blocks()
    gc.collect()
    gc.set_threshold(50_000, 20, 20)  # memory as in the engine's process
    gc.freeze()
    engine = LiveEngine(load_config(write_config(folder, options.models), environ={}))
    engine.journal.start()
    monitor, profiler = engine.monitor, cProfile.Profile()
    publishing = publishing_time(monitor)
    parts: dict[str, list[float]] = {"intake_ms": [], "step_ms": [], "publishing_ms": [], "upkeep_ms": []}
    every: list[float] = []
    before, warm = thread_times(), options.seconds // 2
    for second in range(options.seconds):
        rounds = [messages(options, second, part) for part in range(options.rate // options.batch)]
        spent, whole = SimpleNamespace(intake=0.0, step=0.0, publishing=0.0, upkeep=0.0), time.process_time()
        if options.profile and second >= warm:
            profiler.enable()
        for each in rounds:
            began = time.thread_time()
            now_s = time.monotonic()
            for topic, payload in each:
                monitor.receive(topic, payload, now_s)
            received = time.thread_time()
            while monitor.stepper.waiting:
                monitor.advance(32)
            stepped = time.thread_time()
            spent.intake += received - began
            spent.step += stepped - received
        spent.publishing = sum(publishing)
        spent.step -= spent.publishing
        publishing.clear()
        began = time.thread_time()
        for _ in range(5):
            monitor.tick(time.monotonic())
            engine.team.tick()
        snapshot(engine.journal, monitor)
        spent.upkeep = time.thread_time() - began
        profiler.disable()
        time.sleep(options.pause)  # the writing threads take their turn
        every.append(time.process_time() - whole)
        for name, value in vars(spent).items():
            parts[f"{name}_ms"].append(1e3 * value)
        if second == warm - 1:
            before = thread_times()
    counted = options.seconds - warm
    threads = {name: round(1e3 * (at - before[name]) / counted, 2) for name, at in thread_times().items()}
    engine.monitor.sink.stop()
    if options.profile:
        pstats.Stats(profiler, stream=sys.stderr).sort_stats("tottime").print_stats(60)
    medians = {name: round(statistics.median(took[warm:]), 2) for name, took in parts.items()}
    samples = options.athletes * options.rate
    return {
        "athletes": options.athletes, "rate_hz": options.rate, "batch": options.batch,
        "samples": monitor.counts.samples,
        **medians, "thread_ms": round(sum(medians.values()), 2),
        "all_threads_ms": round(1e3 * statistics.median(every[warm:]), 2),
        "thread_us_per_sample": round(1e3 * sum(medians.values()) / samples, 2),
        "threads_ms": {name: took for name, took in threads.items() if name != "MainThread"},
    }  # fmt: skip


def publishing_time(monitor: Any) -> list[float]:  # noqa: ANN401 - of any tree
    """Note how long the engine takes for what comes out of each step, s, in the returned list."""
    reporter, spent = monitor.stepper._reporter, []  # noqa: SLF001 - there is no other place between the two
    step, samples = reporter.step, reporter.samples

    def timed(act: Callable[..., None], *arguments: Any) -> None:  # noqa: ANN401
        began = time.thread_time()
        act(*arguments)
        spent.append(time.thread_time() - began)

    reporter.step, reporter.samples = partial(timed, step), partial(timed, samples)
    return spent


def thread_times() -> dict[str, float]:
    """Return the processor time of every thread so far, s, by its name."""
    found = {}
    for thread in threading.enumerate():
        fields = Path(f"/proc/self/task/{thread.native_id}/schedstat").read_text(encoding="ascii").split()
        found[thread.name] = int(fields[0]) / 1e9
    return found


def messages(options: argparse.Namespace, second: int, part: int) -> list[tuple[str, bytes]]:
    """Return the messages of a part of a second, one of each athlete."""
    size, made = options.batch, []
    for n in range(1, options.athletes + 1):
        ticks = range(second * options.rate + part * size, second * options.rate + (part + 1) * size)
        items = [motion(n, tick, options.rate) for tick in ticks]
        body = items[0] if size == 1 else f'"samples":[{",".join("{" + each + "}" for each in items)}]'
        made.append((f"player/{n:04}/sensor/data", f'{{"device_id":"{n:04}",{PROFILE % n},{body}}}'.encode()))
    return made


def motion(n: int, tick: int, rate_hz: int) -> str:
    """Return the keys of a sample."""
    return MOTION % (START_T + tick / rate_hz, tick, (n * 7 + tick) % 40 / 10, 120 + (n + tick // 50) % 40)


def write_config(folder: Path, models: Path | None) -> Path:
    """Return a configuration file in the folder, with all that the default one writes."""
    document = yaml.safe_load((ROOT / "jetson_nano_4gb_config.yaml").read_text(encoding="utf-8"))
    document["model_loading"].update(runtime="onnx")
    if models is not None:
        document["paths"].update(hb_tensors_updated=str(models.resolve()))
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
