"""Where a pass of the trainer spends its processor time: seconds of each stage, in one process.

The sessions are those below a folder, such as ``benchmarks/training.py --squad FOLDER`` leaves; models go there too.

    python benchmarks/training_stages.py FOLDER --force
"""

from __future__ import annotations

import argparse
import functools
import importlib
import json
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

if TYPE_CHECKING:
    from collections.abc import Callable

TRAINING, MODELS = "athlete_monitor.training.", "athlete_monitor.models."
STAGES = (
    ("list and hash the sessions", TRAINING + "plan", "candidates"),
    ("read CSV", TRAINING + "dataset", "load_track"),
    ("replay", TRAINING + "dataset", "replay"),
    ("rows to the cache", TRAINING + "row_cache", "RowCache.save"),
    ("rows from the cache", TRAINING + "row_cache", "RowCache.load"),
    ("assemble", TRAINING + "work", "assemble"),
    ("fit models that are judged", TRAINING + "athlete", "choose_kind"),
    ("fit models", TRAINING + "athlete", "fit"),
    ("baselines", TRAINING + "athlete", "baseline_errors"),
    ("day's form", TRAINING + "athlete", "estimate"),
    ("squad: judge", TRAINING + "squad", "judge_folds"),
    ("squad: fit", TRAINING + "squad", "evaluated"),
    ("export: Hummingbird", MODELS + "export", "hummingbird_zip"),
    ("export: ONNX", MODELS + "export", "onnx_of"),
    ("export: check", MODELS + "export", "check_agreement"),
    ("publish", MODELS + "store", "ModelStore.publish"),
)
"""A name, and the function whose own time counts for it: without the time of other stages inside it."""

LIBRARIES = ("sklearn.ensemble", "sklearn.linear_model", "torch", "hummingbird.ml", "skl2onnx", "onnxruntime")


class Stopwatch:
    """Processor time by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._running: list[str] = []
        self._since = time.process_time()

    def enter(self, stage: str) -> None:
        """A stage begins, perhaps inside another one."""
        self._count()
        self._running.append(stage)

    def leave(self) -> None:
        """The newest stage ends."""
        self._count()
        self._running.pop()

    def _count(self) -> None:
        now = time.process_time()
        if self._running:
            self.seconds[self._running[-1]] += now - self._since
        self._since = now

    def watch(self, stage: str, module: str, name: str) -> None:
        """Count the time of a function of a module, or of a method of its class."""
        *owners, last = name.split(".")
        owner = functools.reduce(getattr, owners, importlib.import_module(module))
        setattr(owner, last, self._timed(stage, getattr(owner, last)))

    def _timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def timed(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - any function
            self.enter(stage)
            try:
                return function(*args, **options)
            finally:
                self.leave()

        return timed


def main() -> None:
    """Train once, print the stages as JSON, the longest first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--force", action="store_true", help="train all athletes, also those without new sessions")
    args = parser.parse_args()
    watch = Stopwatch()
    watch.enter("imports")
    from athlete_monitor.config import DEFAULT_CONFIG, load_config
    from athlete_monitor.models.manifest import DEFAULT
    from athlete_monitor.training.pipeline import Pass, PassContext, PassOptions

    for library in LIBRARIES:
        importlib.import_module(library)
    for stage in STAGES:
        watch.watch(*stage)
    watch.leave()
    config = load_config(DEFAULT_CONFIG, args.folder)
    config = config.model_copy(update={"training": config.training.model_copy(update={"n_jobs": 1})})
    watch.enter("other")
    athletes = [
        each for each in Pass(config, PassOptions(force=args.force), PassContext(cores=1)).run() if each.product
    ]
    watch.leave()
    count = max(sum(each.athlete_id != DEFAULT for each in athletes), 1)
    ranked = sorted(watch.seconds.items(), key=lambda item: -item[1])
    shown = {name: {"seconds": round(spent, 2), "an_athlete": round(spent / count, 3)} for name, spent in ranked}
    print(json.dumps({"athletes": count, "seconds": round(sum(watch.seconds.values()), 1), "stages": shown}, indent=1))


if __name__ == "__main__":
    main()
