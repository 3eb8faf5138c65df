"""What models cost: scikit-learn, Hummingbird's own container, and the two runtimes, on the same forests.

Makes a squad of forests (``--athletes``, ``--trees``, ``--depth``, ``--features``), publishes them, and measures every
contestant in a process of its own, so that memory is measured separately. Prints JSON:

- ``runtimes``: loads, cached access, predictions and memory of ours, each in its own process;
- ``others``: one and thirty rows through scikit-learn and through Hummingbird's container;
- ``crowded``: a step of all athletes, one row each, with ``cache_size: 3``, in ms; ``kept`` as the live process does
  it, which holds the models it serves, ``dropped`` as a caller that lets every model go;
- ``live`` (only with ``--live N``): N athletes with a model each appear at once at 10 Hz. Time until all are served by
  their own model, time of a step meanwhile and afterwards, processor time of the loading, memory;
- ``layouts``: Hummingbird's tree layouts, one and thirty rows, and whether a row's bits depend on its company.

    python benchmarks/models.py --seconds 8
    python benchmarks/models.py --device cuda --contestants hummingbird
    python benchmarks/models.py --live 1000 --contestants live-hummingbird live-onnx
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from athlete_monitor.models.inspection import measure, median_s
from athlete_monitor.models.loader import DynamicModelLoader
from athlete_monitor.models.manifest import Holdout, Manifest, ResidualQuantiles
from athlete_monitor.models.probes import rss_bytes
from athlete_monitor.models.runtimes import open_runtime
from athlete_monitor.models.store import ModelStore
from athlete_monitor.system.allocator import return_large_blocks

if TYPE_CHECKING:
    from collections.abc import Callable

    from sklearn.ensemble import RandomForestRegressor

    from athlete_monitor.arrays import Float32Array
    from athlete_monitor.models.runtimes import Runtime, RuntimeName

RUNTIMES = ("hummingbird", "onnx")
OTHERS = ("scikit-learn", "hummingbird-container", "layouts")
LIVE = ("live-hummingbird", "live-onnx")
STEP_S = 0.1
LONGEST_S = 300.0


def draft(athlete_id: int, n_features: int) -> Manifest:
    """Return a manifest for a model of noise."""
    unknown = dict.fromkeys(("r2", "correlation", "coverage_80"))
    return Manifest(
        athlete_id=athlete_id,
        groups=("acceleration",),
        feature_names=tuple(f"feature_{i}" for i in range(n_features)),
        feature_spec={},
        schema_hash="benchmark",
        sample_rate_hz=10.0,
        window=8,
        sessions=(),
        holdout=Holdout(mae_bpm=0, rmse_bpm=0, bias_bpm=0, baselines={}, rows=0, kind="none", **unknown),
        residual_quantiles=ResidualQuantiles(0.0, 0.0),
        versions={},
    )


def rows(n: int, n_features: int) -> Float32Array:
    """Return standard normal rows, the same at every call."""
    return np.random.default_rng(1).normal(size=(n, n_features)).astype(np.float32)


def fitted_forest(options: argparse.Namespace, seed: int) -> RandomForestRegressor:
    """Fit one athlete's forest."""
    from sklearn.ensemble import RandomForestRegressor

    X = rows(6000, options.features)
    bpm = 120 + 20 * np.tanh(X[:, 0]) + 8 * X[:, 1] * X[:, 2] + 3 * np.random.default_rng(seed).normal(size=len(X))
    forest = RandomForestRegressor(options.trees, max_depth=options.depth, max_features=0.3, random_state=seed)
    return forest.fit(X, bpm)


def make_squad(folder: Path, options: argparse.Namespace) -> None:
    """Train and publish a model for each athlete."""
    from athlete_monitor.models.export import check_agreement, export_trees

    store = store_in(folder)
    for athlete_id in range(1, options.athletes + 1):
        forest = fitted_forest(options, athlete_id)
        artifacts = export_trees(forest)
        if athlete_id == 1:
            check_agreement(forest, artifacts, rows(1000, options.features))
        store.publish(draft(athlete_id, options.features), artifacts.by_kind())


def store_in(folder: Path) -> ModelStore:
    """Open the squad's store."""
    return ModelStore(folder / "updated", folder / "previous", folder / "pickles")


def one_runtime(folder: Path, name: RuntimeName, options: argparse.Namespace) -> dict[str, Any]:
    """Measure one of our runtimes; MB of memory before it, with it, and with the models."""
    bare_mb = rss_bytes() / 1e6
    store, ids = store_in(folder), list(range(1, options.athletes + 1))
    runtime = open_runtime(name, options.device, lambda line: print(line, file=sys.stderr))
    runtime_mb = rss_bytes() / 1e6
    result = measure(store, runtime, ids, options.seconds / 2)
    kept, dropped = (crowded_steps(store, runtime, ids, options, keep=keep) for keep in (True, False))
    return {**result, "bare_mb": bare_mb, "runtime_mb": runtime_mb, "crowded": {"kept": kept, "dropped": dropped}}


def crowded_steps(
    store: ModelStore, runtime: Runtime, ids: list[int], options: argparse.Namespace, *, keep: bool
) -> dict[str, float]:
    """Steps in which every athlete gets one prediction from a cache of three models."""
    loader = DynamicModelLoader(store.updated, 3, runtime=runtime, store=store)
    row = rows(1, options.features)
    kept, times = {}, list[float]()
    ends_s = time.perf_counter() + options.seconds / 4
    while len(times) < 5 or time.perf_counter() < ends_s:
        started_s = time.perf_counter()
        for athlete_id in ids:
            model = loader.get_model(athlete_id)
            if model is None:
                raise SystemExit(loader.why_not(athlete_id))
            model.predict(row)
            if keep:
                kept[athlete_id] = model
        times.append(1e3 * (time.perf_counter() - started_s))
    steady = np.array(times[2:])
    return {"median_ms": float(np.median(steady)), "p99_ms": float(np.percentile(steady, 99)), "first_ms": times[0]}


def live(folder: Path, name: RuntimeName, options: argparse.Namespace) -> dict[str, Any]:
    """Let all athletes appear at once, and step until every one has its own model and for some seconds more."""
    from athlete_monitor.athletes import Profile
    from athlete_monitor.features import GROUPS, FeatureSpec
    from athlete_monitor.models.limits import LoaderLimits
    from athlete_monitor.squad.model_sources import LiveSource
    from athlete_monitor.squad.prediction import ModelBook

    return_large_blocks()
    store, spec, athletes = store_in(folder / "live"), FeatureSpec(), options.live
    runtime = open_runtime(name, options.device, lambda line: print(line, file=sys.stderr))
    limits = LoaderLimits(total_model_memory_bytes=int(options.most_mb * 1e6))
    loader = DynamicModelLoader(store.updated, athletes + 1, runtime=runtime, store=store, limits=limits)
    book, numbers = ModelBook(LiveSource(loader), spec, athletes), np.arange(athletes)
    for row in numbers.tolist():
        book.add(row, Profile(row + 1))
    available = np.ones((athletes, len(GROUPS)), dtype=bool)
    features = np.random.default_rng(0).normal(size=(athletes, len(spec.names()))).astype(np.float32)
    before_mb, began_s = rss_bytes() / 1e6, time.perf_counter()
    meanwhile, afterwards = list[float](), list[float]()
    stepping_s, busy_s, loaded_s = 0.0, time.process_time(), 0.0
    while len(afterwards) * STEP_S < options.seconds and (passed_s := time.perf_counter() - began_s) < LONGEST_S:
        step_s, thread_s = time.perf_counter(), time.thread_time()
        book.serving(numbers, available)
        book.predict(numbers, features)
        if len(meanwhile) % 50 == 49:
            book.look_again()
        took_s = time.perf_counter() - step_s
        stepping_s += time.thread_time() - thread_s
        loading = loader.live.loading or len(meanwhile) < 2
        loaded_s = passed_s if loading else loaded_s
        (meanwhile if loading else afterwards).append(1e3 * took_s)
        time.sleep(max(STEP_S - took_s, 0.0))
    info = loader.get_cache_info()
    return {
        "athletes": athletes,
        "own_model": athletes - info["athletes_waiting"],
        "all_loaded_after_s": loaded_s,
        "step_ms_while_loading": percentiles(meanwhile),
        "step_ms_afterwards": percentiles(afterwards),
        "processor_s_stepping": stepping_s,
        "processor_s_loading": time.process_time() - busy_s - stepping_s,
        "before_mb": before_mb,
        "rss_mb": rss_bytes() / 1e6,
        "peak_mb": info["peak_rss_bytes"] / 1e6,
    }


def percentiles(times: list[float]) -> dict[str, float]:
    """Median, 99th percentile and largest value."""
    values = np.array(times or [np.nan])
    return {"p50": float(np.percentile(values, 50)), "p99": float(np.percentile(values, 99)), "max": values.max()}


def make_live_squad(folder: Path, options: argparse.Namespace) -> None:
    """Publish one forest for many athletes, and the squad's model: what they cost, not what they predict, matters."""
    import msgspec

    from athlete_monitor.features import PROFILE_FEATURES, FeatureSpec
    from athlete_monitor.models.export import export_trees

    store, spec, groups = store_in(folder / "live"), FeatureSpec(), ("acceleration",)
    names = spec.names(groups)
    for features, ids in ((names, range(1, options.live + 1)), ((*names, *PROFILE_FEATURES), ("default",))):
        sized = argparse.Namespace(**{**vars(options), "features": len(features)})
        exported = export_trees(fitted_forest(sized, 1)).by_kind()
        manifest = msgspec.structs.replace(
            draft(1, len(features)), feature_names=features, groups=groups, schema_hash=spec.schema_hash(groups)
        )
        for athlete_id in ids:
            store.publish(msgspec.structs.replace(manifest, athlete_id=athlete_id), exported)


def two_sizes(predict: Callable[[Float32Array], object], options: argparse.Namespace) -> dict[str, float]:
    """Time one and thirty rows, µs."""
    sizes = {"one_row_us": rows(1, options.features), "thirty_rows_us": rows(30, options.features)}
    return {name: 1e6 * median_s(partial(predict, X), options.seconds / 4) for name, X in sizes.items()}


def scikit_learn(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Time the forest itself."""
    import pickle

    forest = pickle.loads((folder / "pickles" / "Player1_rf.pkl").read_bytes())
    return two_sizes(forest.predict, options)


def hummingbird_container(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Time Hummingbird's own load and predict."""
    import shutil

    import hummingbird.ml

    path = str(shutil.copy(folder / "updated" / "hb_1_model.zip", folder / "container.zip"))
    started_s = time.perf_counter()
    container = hummingbird.ml.load(path, override_flag=True)
    load_ms = 1e3 * (time.perf_counter() - started_s)
    return {"load_ms": load_ms, **two_sizes(container.predict, options)}


def predict_with(model: Callable[[Any], object], X: Float32Array) -> object:
    """Call a TorchScript model with an array."""
    import torch

    return model(torch.from_numpy(X))


def layouts(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Compare the tree layouts that Hummingbird offers."""
    import pickle

    import torch
    from hummingbird.ml import convert

    forest = pickle.loads((folder / "pickles" / "Player1_rf.pkl").read_bytes())
    X, found = torch.from_numpy(rows(256, options.features)), {}
    torch.set_num_threads(1)
    for layout in ("gemm", "tree_trav", "perf_tree_trav"):
        model: Any = convert(forest, "torch.jit", X[:2].numpy(), extra_config={"tree_implementation": layout}).model
        with torch.inference_mode(), cast("Any", torch.jit).optimized_execution(should_optimize=False):
            together, alone = model(X), torch.cat([model(X[i : i + 1]) for i in range(len(X))])
            timed = two_sizes(partial(predict_with, model), options)
        found[layout] = {**timed, "same_bits_in_any_company": bool(torch.equal(together, alone))}
    return found


def child(name: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Measure one contestant in this process."""
    if name in LIVE:
        return live(folder, cast("RuntimeName", name.partition("-")[2]), options)
    if name in RUNTIMES:
        return one_runtime(folder, cast("RuntimeName", name), options)
    warnings.simplefilter("ignore")
    contestants = {"scikit-learn": scikit_learn, "hummingbird-container": hummingbird_container, "layouts": layouts}
    return contestants[name](folder, options)


def run_child(name: str, folder: Path) -> dict[str, Any]:
    """Measure one contestant in a process of its own."""
    command = [sys.executable, __file__, *sys.argv[1:], "--child", name, "--folder", str(folder)]
    run = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    result: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return result


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8.0, help="for each contestant")
    parser.add_argument("--athletes", type=int, default=30)
    parser.add_argument("--trees", type=int, default=60)
    parser.add_argument("--depth", type=int, default=6)
    parser.add_argument("--features", type=int, default=60)
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="cpu")
    parser.add_argument("--contestants", nargs="*", default=[*RUNTIMES, *OTHERS], choices=[*RUNTIMES, *OTHERS, *LIVE])
    parser.add_argument("--live", type=int, default=0, metavar="N", help="athletes of the live case")
    parser.add_argument("--most-mb", type=float, default=600.0, help="model_loading.total_model_memory_mb")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Make the squad, measure every contestant, print JSON."""
    options = parsed()
    if options.child:
        print(json.dumps(child(options.child, options.folder, options)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if set(options.contestants) - set(LIVE):
            make_squad(folder, options)
        if options.live:
            make_live_squad(folder, options)
        results = {contestant: run_child(contestant, folder) for contestant in options.contestants}
    sizes = {key: getattr(options, key) for key in ("athletes", "trees", "depth", "features", "device")}
    print(json.dumps({"sizes": sizes, **results}, indent=1))


if __name__ == "__main__":
    main()
