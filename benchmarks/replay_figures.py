"""Every figure of a replay, before and after a change: equal to the last bit, and at what cost.

Runs the example recordings and one synthetic session that has every channel through the offline engine, with a model
of known answers, and compares the JSON of all figures, events and summaries of two trees. ``--rounds`` runs both trees
alternately and compares the processor time of the fastest run of each.

    python benchmarks/replay_figures.py --against ../before            # equal or not, and the first difference
    python benchmarks/replay_figures.py --against ../before --rounds 5 # and the cost
    python benchmarks/replay_figures.py --write figures.jsonl          # this tree only
"""

from __future__ import annotations

import argparse
import math
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 120
RATE_HZ = 50
START_T = 1_760_000_000.0


def main() -> int:
    """Write this tree's figures, or compare them with another tree's; return 1 where they differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, help="write the figures of the tree in PYTHONPATH into this file")
    parser.add_argument("--against", type=Path, metavar="DIR", help="another checkout of this project")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    if options.write:
        write(options.write)
        return 0
    if options.against is None:
        parser.error("--against DIR or --write FILE")
    return compare(options.against, options.rounds)


def compare(other: Path, rounds: int) -> int:
    """Run both trees alternately; return 1 where a figure differs."""
    with tempfile.TemporaryDirectory(prefix="replay_figures_") as folder:
        files = {tree: Path(folder) / f"{number}.jsonl" for number, tree in enumerate((other, ROOT))}
        cost: dict[Path, list[float]] = {other: [], ROOT: []}
        for _ in range(rounds):
            for tree, file in files.items():
                cost[tree].append(run(tree, file))
        before, after = (file.read_text(encoding="utf-8").splitlines() for file in files.values())
    slower = 100.0 * (min(cost[ROOT]) / min(cost[other]) - 1.0)
    print(f"{len(before)} lines before, {len(after)} after; processor time {slower:+.1f} %")
    print("  before", *(f"{seconds:.2f}" for seconds in cost[other]), "s")
    print("  after ", *(f"{seconds:.2f}" for seconds in cost[ROOT]), "s")
    if before == after:
        print("equal to the last bit")
        return 0
    for number, (old, new) in enumerate(zip(before, after, strict=False), 1):
        if old != new:
            print(f"line {number}:\n- {old}\n+ {new}")
            break
    return 1


def run(tree: Path, file: Path) -> float:
    """Write the figures of a tree; return the seconds of processor time that the replay took."""
    environ = {**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(Path(__file__)), "--write", str(file)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return float(done.stdout)


def write(file: Path) -> None:
    """Replay, write one line of JSON for each figure, event and summary, and print the processor time."""
    sys.path[:] = [entry for entry in sys.path if entry != str(ROOT / "benchmarks")]
    import msgspec

    import athlete_monitor
    from athlete_monitor.config import load_config
    from athlete_monitor.engine.offline import run_recordings
    from athlete_monitor.wire.session_reader import read_session

    tree = Path(athlete_monitor.__file__).parents[1]
    config = load_config(tree / "jetson_nano_4gb_config.yaml", environ={})
    examples = [read_session(path) for path in sorted((ROOT / "examples").glob("stream/*/*.csv.gz"))]
    began = time.process_time()
    told = [
        run_recordings(config, recordings, models=Models(config))
        for recordings in (examples, [SimpleNamespace(samples=every_channel)])
    ]
    took = time.process_time() - began
    for summary in (summary for collected in told for summary in collected.summaries if summary["recovery"]):
        del summary["recovery"]["text"]  # words, no figure
    lines = [
        msgspec.json.encode(each, order="sorted").decode()
        for collected in told
        for each in (*collected.figures, *collected.events, *collected.summaries)
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    print(took)


def every_channel() -> Iterator[Any]:
    """Yield samples of two minutes at 50 Hz with every channel, beats, impacts, sprints and a change of phase."""
    from athlete_monitor.arrays import CHANNEL_INDEX
    from athlete_monitor.wire.sample import NOT_MEASURED, Sample, Tags, WireProfile

    rng = random.Random(7)
    profile = WireProfile(25.0, 75.0, 180.0, "male")
    for number in range(SECONDS * RATE_HZ):
        s = number / RATE_HZ
        row = list(NOT_MEASURED)
        speed = 4.5 + 4.0 * math.sin(s / 7.0)
        known = {
            "acc_x": rng.gauss(0, 2), "acc_y": rng.gauss(0, 2),
            "acc_z": 9.8 + rng.gauss(0, 2) + (70.0 if number % 997 == 5 else 0.0),
            "gyro_x": rng.gauss(0, 1), "gyro_y": rng.gauss(0, 1), "gyro_z": rng.gauss(0, 1),
            "mag_x": 20.0, "mag_y": rng.gauss(0, 1), "mag_z": 40.0,
            "x_m": 30 * math.cos(s / 9.0), "y_m": 20 * math.sin(s / 9.0),
        }  # fmt: skip
        if s < SECONDS / 2:
            known["speed_mps"] = speed
        if number % RATE_HZ == 0 and not 40.0 < s < 55.0:
            known["heart_rate_bpm"] = round(140 + 45 * math.sin(s / 60.0))
        for name, value in known.items():
            row[CHANNEL_INDEX[name]] = value
        beats = (round(430 + rng.gauss(0, 12), 1),) if number % 22 == 0 else ()
        tags = Tags(mode="training", session_phase="main" if s > 60 else "warmup")
        if number % 411:
            yield Sample("E01", START_T + s, tuple(row), 3, number, profile, tags, rr_intervals_ms=beats)


class Models:
    """A source with one model of known answers."""

    def __init__(self, config: Any) -> None:  # noqa: ANN401 - of the tree that is run
        self._model = Model(config)

    def candidates(self, athlete_id: int) -> list[Any]:  # noqa: ARG002 - the protocol's
        """The model, for everybody."""
        return [self._model]

    def has_other(self, athlete_id: int, served: object) -> bool:  # noqa: ARG002 - the protocol's
        """Never."""
        return False

    def join(self, models: object) -> None:
        """Never."""

    def arrivals(self) -> tuple[()]:
        """Nobody."""
        return ()

    def release(self, athlete_id: int) -> None:
        """Nothing to release."""


class Model:
    """A level and some of the motion."""

    model_id = "default@2026-01-01"

    def __init__(self, config: Any) -> None:  # noqa: ANN401 - of the tree that is run
        from athlete_monitor.features import PROFILE_FEATURES, FeatureSpec
        from athlete_monitor.models.manifest import Holdout, Manifest, ResidualQuantiles

        spec = FeatureSpec.from_config(config.feature_engineering)
        groups = ("acceleration",)
        holdout = dict.fromkeys(("mae_bpm", "rmse_bpm", "bias_bpm", "r2", "correlation", "coverage_80"), 1.0)
        self.manifest = Manifest(
            athlete_id="default",
            groups=groups,
            feature_names=(*spec.names(groups), *PROFILE_FEATURES),
            feature_spec=spec.to_dict(),
            schema_hash=spec.schema_hash(groups),
            sample_rate_hz=10.0,
            window=8,
            sessions=(),
            holdout=Holdout(**holdout, baselines={}, rows=1, kind="none"),
            residual_quantiles=ResidualQuantiles(-6.0, 5.0),
            versions={},
            created="2026-01-01",
        )

    def predict(self, X: Any) -> Any:  # noqa: ANN401 - float32 arrays
        """130 bpm and up to ten more or less."""
        import numpy as np

        return (np.float32(130.0) + np.tanh(X[:, 0]) * np.float32(10)).astype(np.float32)


if __name__ == "__main__":
    sys.exit(main())
