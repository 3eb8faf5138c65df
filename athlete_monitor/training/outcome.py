"""The outcome for each athlete, as data and as one line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from athlete_monitor.training.errors import count

if TYPE_CHECKING:
    from collections.abc import Iterable

    from athlete_monitor.models.manifest import AthleteId, Holdout, Manifest
    from athlete_monitor.training.athlete import Trained
    from athlete_monitor.training.plan import Status
    from athlete_monitor.training.publication import Product

ALL_SUCCEEDED: Final = 0
NONE_SUCCEEDED: Final = 1
SOME_SUCCEEDED: Final = 3

_KINDS: Final = {
    "latest_session": "the latest session",
    "last_part_of_session": "the last part of its only session",
    "leave_one_athlete_out": "held-out athletes",
}


@dataclass(frozen=True)
class TrainingOutcome:
    """The result for one athlete or for the default model.

    Status: ``published`` (live now), ``would_publish`` (a dry run), ``unchanged`` (nothing new), ``kept`` (the model in
    service is better and stays), ``refused`` (not good enough, and none in service), ``skipped`` (no default model: too
    few athletes), ``failed``. ``passing``: memory, disk or workers were missing; tried again next time.
    """

    athlete_id: AthleteId
    status: Status
    message: str
    product: Product | None = None
    manifest: Manifest | None = None
    deployed_mae_bpm: float | None = None
    agreement_bpm: dict[str, float] | None = None
    notes: tuple[str, ...] = ()
    passing: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether the athlete has a valid model."""
        return self.status in {"published", "would_publish", "unchanged", "kept", "skipped"}

    @property
    def trained(self) -> Trained | None:
        """The trained model, if there is one."""
        return self.product.trained if self.product else None

    def noted(self, note: str) -> TrainingOutcome:
        """The same with one more note."""
        return replace(self, notes=(*self.notes, note))

    @property
    def line(self) -> str:
        """One line for the user."""
        who = "default model" if self.athlete_id == "default" else f"athlete {self.athlete_id}"
        extra = f" [{'; '.join(self.notes)}]" if self.notes else ""
        return " ".join(f"{who}: {self.status.replace('_', ' ')}: {self.message}{extra}".split())


def figures(holdout: Holdout) -> str:
    """The held-out figures in a few words."""
    baselines = ", ".join(
        f"{name.replace('_', ' ')} {value:.1f}" for name, value in holdout.baselines.items() if value is not None
    )
    covers = "" if holdout.coverage_80 is None else f", the 80 % interval covers {holdout.coverage_80:.0%}"
    kind = _KINDS.get(holdout.kind, holdout.kind)
    return f"MAE {holdout.mae_bpm:.2f} bpm on {kind} ({baselines}){covers}"


def summary(outcomes: Iterable[TrainingOutcome], workers: int, retries: int, seconds: float) -> str:
    """A pass in one line: how many models came to what, and what it took.

    >>> kept = [TrainingOutcome(athlete, "kept", "") for athlete in (2, 3)]
    >>> summary([TrainingOutcome(1, "published", ""), *kept], 4, 1, 61.4)
    '3 models: 1 published, 2 kept; 4 workers, 1 retry, 61.4 s'
    """
    statuses = Counter(outcome.status.replace("_", " ") for outcome in outcomes)
    parts = ", ".join(f"{number} {status}" for status, number in statuses.items())
    tried = "1 retry" if retries == 1 else f"{retries} retries"
    models, many = count(statuses.total(), "model"), count(workers, "worker")
    return f"{models}: {parts}; {many}, {tried}, {seconds:.1f} s"


def exit_code(outcomes: Iterable[TrainingOutcome]) -> int:
    """0: all succeeded, 3: some, 1: none."""
    results = [outcome.succeeded for outcome in outcomes if outcome.status != "skipped"]
    if not any(results):
        return NONE_SUCCEEDED
    return ALL_SUCCEEDED if all(results) else SOME_SUCCEEDED
