"""A league on a real Ray cluster of two nodes: what an engine as part of an actor costs, and how fast it is back.

Everything runs in namespaces of its own (root), because Ray takes the machine's address. Prints JSON.

    python benchmarks/league.py --cost --athletes 30 --seconds 60   # beside a plain main.py with the same samples
    python benchmarks/league.py --kills 3                           # shard, engine and node killed, a squad moved
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import psutil

from tests.batch.driving import Patience
from tests.batch.ray_kit import ALONE, INSIDE, SETTINGS
from tests.league.league_driver import PLAIN, SQUADS, Run, Traffic

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_S = 3600.0
ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Enter the namespaces, run what is asked for, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cost", action="store_true", help="processor time and memory beside a plain engine")
    parser.add_argument("--athletes", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument(
        "--kills", type=int, default=0, metavar="N", help="so many of each kind; the node has all shards"
    )
    parser.add_argument("--inside", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        folder, temporary = Path(options.inside[0]), options.inside[1]
        found = cost(folder, temporary, options) if options.cost else kills(folder, temporary, options.kills)
        print(json.dumps(found, indent=2), flush=True)
        return
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="r", ignore_cleanup_errors=True) as name:
        folder = Path(name) / "f"
        folder.mkdir()
        inside = [sys.executable, __file__, *sys.argv[1:], "--inside", str(folder), f"{name}/r"]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)} | SETTINGS
        command = [*ALONE, *INSIDE, *inside]
        raise SystemExit(subprocess.run(command, check=False, env=environment).returncode)


def cost(folder: Path, temporary: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return what four squads in two shards and a plain engine need for the same samples at the same time."""
    run = Run(folder, temporary, Patience(LIMIT_S))
    command = [sys.executable, str(ROOT / "main.py"), "--no-ui", "--quiet", "--config", str(folder / "plain.yaml")]
    plain = psutil.Popen([*command, "--root", str(folder / "plain")])
    run.start()
    traffic = Traffic(run.broker.port, run.config, [*SQUADS, PLAIN], range(1, options.athletes + 1), 10.0)
    run.patience.wait(lambda: len(traffic.metrics_s) == len(SQUADS) + 1, "figures of all")
    time.sleep(5.0)
    engines = [psutil.Process(row["pid"]) for row in run.status()["squads"]]
    templates = {engine.parent() for engine in engines} - {None}
    actors = {template.parent() for template in templates if template is not None} - {None}
    groups: dict[str, list[Any]] = {
        "plain": [plain],
        "engines": engines,
        "templates": [*templates],
        "actors": [*actors],
    }
    before = {name: cpu_s(each) for name, each in groups.items()}
    began_s = time.monotonic()
    time.sleep(options.seconds)
    took_s = time.monotonic() - began_s
    percent = {name: 100.0 * (cpu_s(each) - before[name]) / took_s for name, each in groups.items()}
    memory = {name: sum(each.memory_full_info().pss for each in found) / 1e6 for name, found in groups.items()}
    messages = {row["squad"]: row["samples_per_s"] for row in run.status()["squads"]}
    traffic.finish()
    run.command("stop")
    plain.terminate()
    count, shards = len(engines), len(actors)
    sizes = {
        "sample": traffic.bytes["sample"],
        "metrics": traffic.bytes["metrics"],
        "league_state_of_a_squad": round(len(json.dumps(traffic.state, separators=(",", ":"))) / count),
    }
    return {
        "athletes": options.athletes,
        "samples_per_s": messages,
        "bytes": sizes,
        "plain_engine": {"cpu_percent": round(percent["plain"], 2), "pss_mb": round(memory["plain"], 1)},
        "engine_of_a_shard": {
            "cpu_percent": round(percent["engines"] / count, 2),
            "pss_mb": round(memory["engines"] / count, 1),
        },
        "actor": {"cpu_percent": round(percent["actors"] / shards, 2), "pss_mb": round(memory["actors"] / shards, 1)},
        "template": {
            "cpu_percent": round(percent["templates"] / shards, 2),
            "pss_mb": round(memory["templates"] / shards, 1),
        },
        "squads_per_shard": count / shards,
        "overhead_cpu_percent_of_the_engines": round(
            100.0 * (percent["actors"] + percent["templates"]) / percent["engines"], 1
        ),
        "memory_of_a_squad_mb": {
            "plain": round(memory["plain"], 1),
            "in_a_shard": round(sum(memory[name] for name in ("engines", "templates", "actors")) / count, 1),
        },
    }


def cpu_s(processes: list[Any]) -> float:
    """Return the processor time of some processes so far."""
    return float(sum(sum(each.cpu_times()[:2]) for each in processes))


def kills(folder: Path, temporary: str, count: int) -> dict[str, Any]:
    """Return for how long figures were away, and the processor time of the whole namespace meanwhile."""
    run = Run(folder, temporary, Patience(LIMIT_S))
    run.start()
    traffic = Traffic(run.broker.port, run.config, SQUADS)
    run.patience.wait(lambda: len(traffic.metrics_s) == len(SQUADS), "figures of all")
    found: dict[str, list[dict[str, float]]] = {"engine": [], "shard": [], "move": [], "node": []}
    for number in range(count):
        engine = run.pids(["reds"])["reds"]
        found["engine"].append(measured(run, traffic, ["reds"], lambda pid=engine: os.kill(pid, signal.SIGKILL)))  # type: ignore[misc]
        shard = run.shard_process("blues").pid
        squads = [row["squad"] for row in run.status()["squads"] if row["shard"] == run.row("blues")["shard"]]
        found["shard"].append(measured(run, traffic, squads, lambda pid=shard: os.kill(pid, signal.SIGKILL)))  # type: ignore[misc]
        target = ("two", "one")[number % 2]
        found["move"].append(measured(run, traffic, ["reds"], lambda to=target: run.call("move", "reds", to)))  # type: ignore[misc]
        run.command("drain", run.head())
        run.call("drain", run.head(), True)  # noqa: FBT003 - undo, over the cluster
        raylet, squads = run.second()
        found["node"].append(measured(run, traffic, squads, raylet.kill))
        run.patience.wait(lambda: len(run.nodes()) == 1, "the lost node is known")
        run.patience.start_node("--address=127.0.0.1:6379")
        run.patience.wait(lambda: len(run.nodes()) == 2, "the new node")
    traffic.finish()
    run.command("stop")
    return {"load_average": round(os.getloadavg()[0], 1), **found}


def measured(run: Run, traffic: Traffic, squads: list[str], harm: Callable[[], object]) -> dict[str, float]:
    """Harm, and return how long the largest gap between the figures of these squads was."""
    before_s, began_s = total_cpu_s(), time.monotonic()
    gap_s = run.until_back(traffic, squads, harm)
    until_s = time.monotonic() - began_s
    return {"gap_s": gap_s, "cpu_s": round(total_cpu_s() - before_s, 2), "until_s": round(until_s, 2)}


def total_cpu_s() -> float:
    """Return the processor time of everything in the namespace, and of its ended children."""
    found = psutil.process_iter(["cpu_times"])
    return float(sum(sum(each.info["cpu_times"][:4]) for each in found if each.info["cpu_times"]))


if __name__ == "__main__":
    main()
