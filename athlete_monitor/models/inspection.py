"""Inspection of the models in service: their data, whether every file is valid, and their speed.

Nothing here unpickles anything.
"""

from __future__ import annotations

import statistics
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.errors import ModelError
from athlete_monitor.models.loader import DynamicModelLoader
from athlete_monitor.models.manifest import ARTIFACT_KINDS, DEFAULT, artifact_name
from athlete_monitor.models.probes import peak_rss_bytes, rss_bytes
from athlete_monitor.models.runtimes import configured_runtime, open_runtime
from athlete_monitor.models.store import ModelStore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from athlete_monitor.arrays import Float32Array
    from athlete_monitor.config import Config
    from athlete_monitor.models.manifest import ArtifactKind, AthleteId, Manifest
    from athlete_monitor.models.runtimes import Runtime

AGREEMENT_BPM: Final = 2e-3
"""Each export may differ from scikit-learn by half of this, so the two may differ by all of it."""


def model_ids(store: ModelStore) -> list[AthleteId]:
    """Return all ids with a manifest file, the default model last."""
    default: list[AthleteId] = [DEFAULT] if store.stamp(DEFAULT) else []
    return [*store.athlete_ids(), *default]


def none_there(store: ModelStore) -> str:
    """Return a sentence that there is no model, where, and how to train one."""
    return f"{store.updated}: no models yet; python3 sup_ml_rf_training.py trains them from the athletes' sessions"


def info(config: Config) -> dict[str, Any]:
    """Return the models in service: one entry for each, or why it is refused; ``problem`` if there is none."""
    store = ModelStore.from_config(config, config.model_loading.models_directory)
    ids = model_ids(store)
    return {
        "problem": None if ids else none_there(store),
        "models_directory": str(store.updated),
        "runtime": config.model_loading.runtime,
        "cache_size": config.model_loading.cache_size,
        "models": [_summary(store, athlete_id) for athlete_id in ids],
    }


def _summary(store: ModelStore, athlete_id: AthleteId) -> dict[str, Any]:
    try:
        manifest = store.manifest(athlete_id)
        earlier = [kept.model_id for kept in store.earlier(athlete_id)]
    except ModelError as error:
        return {"athlete_id": athlete_id, "problem": str(error)}
    if manifest is None:
        return {"athlete_id": athlete_id, "problem": "its manifest was just removed"}
    return {
        "athlete_id": athlete_id,
        "created": manifest.created,
        "groups": list(manifest.groups),
        "features": len(manifest.feature_names),
        "sessions": len(manifest.sessions),
        "holdout_mae_bpm": manifest.holdout.mae_bpm,
        "holdout": manifest.holdout.kind,
        "signed": manifest.signature is not None,
        "artifact_bytes": {name: entry.bytes for name, entry in manifest.artifacts.items()},
        "earlier_versions": earlier,
    }


def check(config: Config, n_rows: int = 1000) -> dict[str, Any]:
    """Verify every artifact of every model, load the exports, and compare their predictions on ``n_rows`` random rows.

    Without a model ``ok`` is false, and ``problem`` says what to do.
    """
    store = ModelStore.from_config(config, config.model_loading.models_directory)
    ids = model_ids(store)
    if not ids:
        return {"ok": False, "problem": none_there(store), "not_checked": [], "models": []}
    runtimes, problems = _runtimes()
    models = [_checked(store, runtimes, athlete_id, n_rows) for athlete_id in ids]
    sound = all(model["problems"] == [] for model in models)
    return {"ok": sound, "problem": None, "not_checked": problems, "models": models}


def _runtimes() -> tuple[list[Runtime], list[str]]:
    """Every runtime that is installed, and a sentence for each that is not."""
    opened: list[Runtime] = []
    missing = []
    for name in ("hummingbird", "onnx"):
        try:
            opened.append(open_runtime(name, "cpu"))
        except ModelError as error:  # noqa: PERF203  (two rounds)
            missing.append(str(error))
    return opened, missing


def _checked(store: ModelStore, runtimes: Sequence[Runtime], athlete_id: AthleteId, n_rows: int) -> dict[str, Any]:
    try:
        manifest = store.manifest(athlete_id)
    except ModelError as error:
        return {"athlete_id": athlete_id, "problems": [str(error)]}
    if manifest is None:
        return {"athlete_id": athlete_id, "problems": ["its manifest was just removed"]}
    kinds = [kind for kind in ARTIFACT_KINDS if artifact_name(athlete_id, kind) in manifest.artifacts]
    X = wide_rows(n_rows, len(manifest.feature_names))
    verified = [_verified(store, manifest, kind, runtimes, X) for kind in kinds]
    problems = [outcome for outcome in verified if isinstance(outcome, str)]
    difference_bpm = _difference([outcome for outcome in verified if isinstance(outcome, np.ndarray)])
    if difference_bpm > AGREEMENT_BPM:
        problems.append(f"{manifest.model_id}: the exports differ by {difference_bpm:.3g} bpm")
    return {"athlete_id": athlete_id, "problems": problems, "difference_bpm": difference_bpm}


def _verified(
    store: ModelStore, manifest: Manifest, kind: ArtifactKind, runtimes: Sequence[Runtime], X: Float32Array
) -> Float32Array | str | None:
    """Check one artifact and return its predictions for X: a sentence if it is damaged, None if no runtime runs it."""
    try:
        content = store.artifact(manifest, kind)
        runtime = next((runtime for runtime in runtimes if runtime.kind == kind), None)
        return runtime.load(content, X.shape[1]).predict(X) if runtime else None
    except ModelError as error:
        return str(error)


def _difference(answers: Sequence[Float32Array]) -> float:
    return float(np.max(np.abs(answers[0] - answers[-1]))) if answers else 0.0


def wide_rows(n: int, n_features: int) -> Float32Array:
    """Rows float32 [n, n_features] whose values span six orders of magnitude, the same at every call."""
    rng = np.random.default_rng(0)
    scale = 10.0 ** rng.uniform(-3, 3, (n, n_features))
    return (rng.normal(size=(n, n_features)) * scale).astype(np.float32)


def bench(config: Config, seconds: float = 2.0) -> dict[str, Any]:
    """Measure the configured runtime on the models in service.

    Raises:
        ModelError: there is no model.
    """
    loading = config.model_loading
    store = ModelStore.from_config(config, loading.models_directory)
    ids = [athlete_id for athlete_id in model_ids(store) if athlete_id != DEFAULT] or model_ids(store)
    if not ids:
        raise ModelError(none_there(store))
    runtime = configured_runtime(config)
    return measure(store, runtime, ids, seconds)


def measure(store: ModelStore, runtime: Runtime, ids: Sequence[AthleteId], seconds: float) -> dict[str, Any]:
    """Time loads, cached access and predictions over the models ``ids``, and the memory that they hold."""
    loader = DynamicModelLoader(store.updated, len(ids) + 1, runtime=runtime, store=store)
    first_s = _timed(lambda: loader.get_model(ids[0]))
    before_bytes = rss_bytes()
    cold_s = [_timed(partial(loader.get_model, key)) for key in ids[1:]] or [first_s]
    grown_bytes = rss_bytes() - before_bytes
    model = loader.get_model(ids[0])
    if model is None:
        raise ModelError(loader.why_not(ids[0]) or f"model {ids[0]} cannot be loaded")
    rows = wide_rows(30, len(model.manifest.feature_names))
    one = rows[:1].copy()
    return {
        "runtime": runtime.name,
        "device": runtime.device,
        "models": len(ids),
        "first_load_ms": 1e3 * first_s,
        "cold_load_ms": 1e3 * statistics.median(cold_s),
        "cold_load_worst_ms": 1e3 * max(cold_s),
        "cached_get_us": 1e6 * median_s(lambda: loader.get_model(ids[0]), seconds / 4),
        "one_row_us": 1e6 * median_s(lambda: model.predict(one), seconds / 4),
        "thirty_rows_us": 1e6 * median_s(lambda: model.predict(rows), seconds / 4),
        "memory_per_model_mb": grown_bytes / max(len(ids) - 1, 1) / 1e6,
        "rss_mb": rss_bytes() / 1e6,
        "peak_rss_mb": peak_rss_bytes() / 1e6,
    }


def _timed(action: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    action()
    return time.perf_counter() - started_s


def median_s(action: Callable[[], object], seconds: float, batch: int = 20) -> float:
    """Median time of one call in s, over batches of calls that fill the given time."""
    for _ in range(batch):
        action()
    ends_s = time.perf_counter() + seconds
    times: list[float] = []
    while not times or time.perf_counter() < ends_s:
        started_s = time.perf_counter()
        for _ in range(batch):
            action()
        times.append((time.perf_counter() - started_s) / batch)
    return statistics.median(times)
