"""Small real forests, their exports, and stores to put them in."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from sklearn.ensemble import RandomForestRegressor

from athlete_monitor.models.archive import SCRIPT_MEMBER
from athlete_monitor.models.export import export_trees
from athlete_monitor.models.limits import LoaderLimits
from athlete_monitor.models.loader import DynamicModelLoader
from athlete_monitor.models.manifest import Holdout, LearnedSession, Manifest, ResidualQuantiles
from athlete_monitor.models.probes import Probes
from athlete_monitor.models.runtimes import open_runtime
from athlete_monitor.models.store import ModelStore

if TYPE_CHECKING:
    from pathlib import Path

    from athlete_monitor.models.kind import Artifacts
    from athlete_monitor.models.manifest import AthleteId
    from athlete_monitor.models.runtimes import Runtime

N_FEATURES = 12


def rows(n: int, n_features: int = N_FEATURES, seed: int = 1) -> Any:
    return np.random.default_rng(seed).normal(size=(n, n_features)).astype(np.float32)


def forest(trees: int = 5, depth: int = 4, level_bpm: float = 120.0, n_features: int = N_FEATURES) -> Any:
    return _forest(trees, depth, level_bpm, n_features)


def artifacts(trees: int = 5, depth: int = 4, level_bpm: float = 120.0, n_features: int = N_FEATURES) -> Artifacts:
    return _artifacts(trees, depth, level_bpm, n_features)


@lru_cache(maxsize=32)
def _forest(trees: int, depth: int, level_bpm: float, n_features: int) -> Any:
    X = rows(400, n_features, seed=2)
    bpm = level_bpm + 20 * np.tanh(X[:, 0]) + 5 * X[:, 1] * X[:, 2]
    return RandomForestRegressor(trees, max_depth=depth, max_features=0.5, random_state=0).fit(X, bpm)


@lru_cache(maxsize=32)
def _artifacts(trees: int, depth: int, level_bpm: float, n_features: int) -> Artifacts:
    return export_trees(forest(trees, depth, level_bpm, n_features))


def draft(athlete_id: AthleteId = 7, n_features: int = N_FEATURES, **changes: Any) -> Manifest:
    manifest = Manifest(
        athlete_id=athlete_id,
        groups=("acceleration",),
        feature_names=tuple(f"feature_{i}" for i in range(n_features)),
        feature_spec={"window_s": 0.8},
        schema_hash="abc",
        sample_rate_hz=10.0,
        window=8,
        sessions=(LearnedSession("TR1_A7_D001.csv", "0" * 64, 400),),
        holdout=Holdout(
            mae_bpm=3.0,
            rmse_bpm=4.0,
            bias_bpm=-0.5,
            r2=0.7,
            correlation=None,
            coverage_80=0.8,
            baselines={"median": 9.0},
            rows=100,
            kind="latest_session",
        ),
        residual_quantiles=ResidualQuantiles(-4.0, 4.0),
        versions={"scikit-learn": "1"},
    )
    return msgspec.structs.replace(manifest, **changes)


def store_in(folder: Path, **changes: Any) -> ModelStore:
    return replace(ModelStore(folder / "updated", folder / "previous", folder / "pickles"), **changes)


def publish(store: ModelStore, athlete_id: AthleteId = 7, level_bpm: float = 120.0) -> Manifest:
    return store.publish(draft(athlete_id), artifacts(level_bpm=level_bpm).by_kind())


@lru_cache(maxsize=2)
def runtime(name: Any = "onnx") -> Runtime:
    return open_runtime(name, "cpu")


def zipped(members: dict[str, bytes | str], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def with_code(code: str) -> bytes:
    """A Hummingbird archive whose TorchScript is this code."""
    return zipped({SCRIPT_MEMBER: zipped({"m/code/__torch__/x.py": code})})


@dataclass
class World:
    """The loader's surroundings, in the test's hands; jobs for another thread wait in ``jobs``."""

    now_s: float = 1000.0
    used_percent: float = 50.0
    rss: int = 10_000_000
    jobs: list[Any] = field(default_factory=list)

    def probes(self) -> Probes:
        return Probes(
            clock=lambda: self.now_s,
            rss_bytes=lambda: self.rss,
            used_memory_percent=lambda: self.used_percent,
            run_aside=self.jobs.append,
        )

    def run_jobs(self) -> None:
        while self.jobs:
            self.jobs.pop(0)()

    def loader(self, store: ModelStore, cache_size: int = 3, **limits: Any) -> DynamicModelLoader:
        return DynamicModelLoader(
            store.updated,
            cache_size,
            runtime=runtime(),
            store=store,
            limits=LoaderLimits(**{"at_once": 0, **limits}),
            probes=self.probes(),
        )


def held_bytes(world: World, store: ModelStore, athlete_id: AthleteId = 1) -> int:
    """The memory that a loaded model counts for, bytes."""
    loader = world.loader(store)
    assert loader.get_model(athlete_id) is not None
    held: int = loader.get_cache_info()["bytes_held"]
    return held
