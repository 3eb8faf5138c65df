"""When a graphics card predicts faster than one core: personal models of one shape joined, one row of each per step.

Prints JSON: µs for a step (median) on the CPU and on CUDA with the copies there and back, the largest difference in
bpm, and from how many athletes on CUDA is faster. Without CUDA it prints the CPU's figures and says so.

    python benchmarks/accelerator.py --athletes 30 1000 30000
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from athlete_monitor.models.traversal import JoinedDescent, Tables

TREES, DEPTH, FEATURES = 60, 6, 34
LEAST_STEPS = 5


def forests(athletes: int, seed: int = 0) -> list[Tables]:
    """Random forests of the default shape: 60 trees of depth 6, heart rates of 60 to 190 bpm in the leaves."""
    rng = np.random.default_rng(seed)
    size = TREES * 2**DEPTH
    made = []
    for _ in range(athletes):
        features = rng.integers(0, FEATURES, size)
        thresholds = rng.normal(size=size).astype(np.float32)
        leaves = (rng.uniform(60, 190, size) / TREES).astype(np.float32)
        made.append(Tables(TREES, torch.from_numpy(features), torch.from_numpy(np.concatenate([thresholds, leaves]))))
    return made


def on(device: str, models: list[Tables]) -> JoinedDescent:
    """The joined models on a device."""
    moved = [Tables(each.n_trees, each.features.to(device), each.thresholds_and_leaves.to(device)) for each in models]
    return JoinedDescent(moved)


def step(descend: JoinedDescent, X: torch.Tensor, which: torch.Tensor, device: str) -> Any:  # noqa: ANN401
    """One prediction of every athlete, from and to the memory of the host."""
    with torch.inference_mode():
        return descend(X.to(device), which.to(device)).cpu()


def cost_us(descend: JoinedDescent, X: torch.Tensor, which: torch.Tensor, device: str, seconds: float) -> float:
    """Median cost of a step, µs."""
    for _ in range(LEAST_STEPS):
        step(descend, X, which, device)
    spent: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(spent) < LEAST_STEPS:
        began = time.perf_counter()
        step(descend, X, which, device)
        spent.append(time.perf_counter() - began)
    return median(spent) * 1e6


def measure(athletes: int, devices: list[str], seconds: float) -> dict[str, float]:
    """Costs of one squad size, and how far the devices differ."""
    models = forests(athletes)
    X = torch.from_numpy(np.random.default_rng(1).normal(size=(athletes, FEATURES)).astype(np.float32))
    which = torch.arange(athletes)
    found: dict[str, float] = {}
    answers = {}
    for device in devices:
        descend = on(device, models)
        answers[device] = step(descend, X, which, device)
        found[f"{device}_us"] = round(cost_us(descend, X, which, device, seconds), 1)
    if "cuda" in answers:
        found["largest_difference_bpm"] = float((answers["cuda"] - answers["cpu"]).abs().max())
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--athletes", type=int, nargs="+", default=[1, 10, 30, 100, 300, 1000, 3000, 10000, 30000])
    parser.add_argument("--seconds", type=float, default=1.0, help="for each squad size and device")
    args = parser.parse_args()
    torch.set_num_threads(1)
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    squads = {athletes: measure(athletes, devices, args.seconds) for athletes in args.athletes}
    faster = [n for n, costs in squads.items() if costs.get("cuda_us", np.inf) < costs["cpu_us"]]
    result = {
        "device": torch.cuda.get_device_name(0) if len(devices) > 1 else "no CUDA device here",
        "torch": torch.__version__,
        "squads": squads,
        "cuda_faster_from_athletes": min(faster, default=None),
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
