"""The device that predicts a squad faster: measured on this machine with random forests of made-up data.

Every call to a graphics card needs copies in both directions: it is faster than one processor core only with about a
hundred athletes or more (``benchmarks/accelerator.py``).
"""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from athlete_monitor.models.traversal import JoinedDescent, Tables

if TYPE_CHECKING:
    from collections.abc import Callable

TREES: Final = 60
DEPTH: Final = 6
FEATURES: Final = 34
"""The default shape of a model."""

USUAL_SQUAD: Final = 30
MOST_ROWS: Final = 1000
"""Larger squads are treated like this one, which is far beyond the point where a card is faster."""
CALLS: Final = 7


def faster_device(rows: int = USUAL_SQUAD) -> str:
    """``cuda`` or ``cpu``: whichever predicts ``rows`` personal models, one row each, in less time.

    Takes some 0.1 s, and a second more where CUDA starts for the first time.
    """
    squad = min(max(rows, 1), MOST_ROWS)
    return min(("cpu", "cuda"), key=lambda device: step_s(squad, device))


def step_s(rows: int, device: str) -> float:
    """Median time of a step with the copies to the device and back, s."""
    descend = JoinedDescent([made_up(seed, device) for seed in range(rows)])
    X = torch.from_numpy(np.random.default_rng(0).normal(size=(rows, FEATURES)).astype(np.float32))
    which = torch.arange(rows)

    def step() -> None:
        with torch.inference_mode():
            descend(X.to(device), which.to(device)).cpu()

    return _median_s(step)


def made_up(seed: int, device: str) -> Tables:
    """A random forest of the default shape, on a device."""
    rng = np.random.default_rng(seed)
    size = TREES * 2**DEPTH
    numbers = np.concatenate([rng.normal(size=size), rng.uniform(60, 190, size) / TREES]).astype(np.float32)
    features = torch.from_numpy(rng.integers(0, FEATURES, size))
    return Tables(TREES, features.to(device), torch.from_numpy(numbers).to(device))


def _median_s(step: Callable[[], None]) -> float:
    for _ in range(2):
        step()
    spent = []
    for _ in range(CALLS):
        began = time.perf_counter()
        step()
        spent.append(time.perf_counter() - began)
    return median(spent)
