"""What the spectrum of the acceleration (``features.fft_features``) brings and costs, on smart-shirt recordings.

Three choices of features: without step rate and spectrum, with the step rate only, and with both. Each is judged as
``benchmarks/accuracy.py`` judges the shirts: forward in time within a visit, and a person never seen by the model of
the others. Several seeds, since a forest's chance is as large as a small gain. Prints JSON: mean absolute errors, bpm,
over all judged rows, for each seed; and the processor time of a step of the feature bank, by size of the squad.

    python benchmarks/spectrum.py FOLDER          # FOLDER holds hexoskin/
    python benchmarks/spectrum.py                 # only the cost
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from accuracy import Bench, forward, replayed, strangers  # type: ignore[import-not-found]  # beside this script

from athlete_monitor.arrays import CHANNELS
from athlete_monitor.config import load_config
from athlete_monitor.features import FeatureBank, FeatureSpec
from athlete_monitor.recordings.formats.hexoskin import read_hexoskin

if TYPE_CHECKING:
    from athlete_monitor.config import Config

CHOICES: Final[dict[str, dict[str, Any]]] = {
    "neither": {"step_rate": False, "spectrum": False},
    "step_rate": {"step_rate": True, "spectrum": False},
    "spectrum": {"step_rate": True, "spectrum": True},
}
LEAST_GOOD_SHARE: Final = 0.1
"""A person with fewer good seconds of heart rate is not judged."""
SQUADS: Final = (1, 30, 1000)
STEPS: Final = 300


def main() -> None:
    """Measure what is asked for and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="folder of real recordings")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    config = load_config()
    spec = FeatureSpec.from_config(config.feature_engineering)
    specs = {name: replace(spec, **choice) for name, choice in CHOICES.items()}
    result: dict[str, Any] = {"step_us": {name: costs(each) for name, each in specs.items()}}
    if options.folder:
        result["mae_bpm"] = {name: errors(options, config, each) for name, each in specs.items()}
    print(json.dumps(result, indent=1))


def costs(spec: FeatureSpec) -> dict[int, float]:
    """Processor time of a step at 10 Hz, µs, by size of the squad."""
    rng = np.random.default_rng(0)
    found = {}
    for athletes in SQUADS:
        bank, rows = FeatureBank(spec, athletes), np.arange(athletes)
        offsets_s = rng.uniform(0.0, 0.1, athletes)
        values = rng.normal(0.0, 5.0, (athletes, len(CHANNELS)))
        began_s = time.process_time()
        for step in range(STEPS):
            values[:, :3] = rng.normal(0.0, 5.0, (athletes, 3))
            bank.update(rows, 1.7e9 + offsets_s + 0.1 * step, values)
        found[athletes] = round(1e6 * (time.process_time() - began_s) / STEPS, 1)
    return found


def errors(options: argparse.Namespace, config: Config, spec: FeatureSpec) -> dict[str, list[float]]:
    """Errors by protocol, one for each seed."""
    bench = Bench(config.training, spec, ("acceleration",))
    people = sorted(path for path in (options.folder / "hexoskin").iterdir() if (path / "heart_rate.wav").exists())
    recordings = [read_hexoskin(path, config.feature_engineering.sampling_frequency) for path in people]
    rows = replayed(recordings, config, bench)
    shares = [len(each) / float(one.t[-1] - one.t[0]) for each, one in zip(rows, recordings, strict=True)]
    judged = [place for place, share in enumerate(shares) if share >= LEAST_GOOD_SHARE]
    found: dict[str, list[float]] = {"forward": [], "forward_and_line": [], "never_seen": []}
    for seed in range(options.seeds):
        settings = config.training.model_copy(update={"random_state": seed})
        seeded = replace(bench, settings=settings)
        visits = [forward(seeded, rows[place], recordings[place]) for place in judged]
        weights = [visit["rows"] for visit in visits]
        found["forward"].append(float(np.average([visit["model"] for visit in visits], weights=weights)))
        found["forward_and_line"].append(float(np.average([visit["blend"] for visit in visits], weights=weights)))
        unseen = strangers(seeded, [path.name for path in people], recordings, rows)
        found["never_seen"].append(float(np.mean([unseen[people[place].name]["model"] for place in judged])))
    return {name: [round(value, 2) for value in values] for name, values in found.items()}


if __name__ == "__main__":
    main()
