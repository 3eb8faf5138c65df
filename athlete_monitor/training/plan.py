"""The athletes who are trained in this pass, and those without new sessions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from joblib import cpu_count

from athlete_monitor.errors import ModelError
from athlete_monitor.models.manifest import DEFAULT, AthleteId, Manifest
from athlete_monitor.training.contest import GROWTH
from athlete_monitor.training.sessions import Candidates, athlete_ids, candidates
from athlete_monitor.training.squad import LEAST_ATHLETES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athlete_monitor.config import Config
    from athlete_monitor.features import FeatureSpec
    from athlete_monitor.models.store import ModelStore
    from athlete_monitor.training.attempts import Attempt

HASHING_THREADS: Final = 4

Status = Literal["published", "would_publish", "unchanged", "kept", "refused", "skipped", "failed"]


@dataclass(frozen=True)
class Standing:
    """An athlete's sessions, and the reason to train, which is empty if there is nothing new."""

    sessions: Candidates
    reason: str
    last: Attempt | None = None


@dataclass(frozen=True)
class TrainingPlan:
    """The plan of a pass: the state of each athlete, and why the default model is trained (empty: it is not)."""

    athletes: tuple[Standing, ...]
    default_reason: str

    @property
    def due(self) -> tuple[Standing, ...]:
        """Athletes to be trained."""
        return tuple(standing for standing in self.athletes if standing.reason)

    @property
    def read(self) -> tuple[Standing, ...]:
        """Athletes whose sessions are read: all of them if the default model is trained."""
        return self.athletes if self.default_reason else self.due

    def fingerprint(self, athlete_id: AthleteId) -> frozenset[str]:
        """Content of an athlete's sessions; of the whole squad's for the default model."""
        wanted = [s.sessions for s in self.athletes if athlete_id in {DEFAULT, s.sessions.athlete_id}]
        return frozenset().union(*(sessions.fingerprint for sessions in wanted))


def make_plan(
    config: Config,
    spec: FeatureSpec,
    store: ModelStore,
    attempts: Mapping[str, Attempt],
    players: Sequence[int] | None,
    *,
    force: bool,
) -> TrainingPlan:
    """Check every athlete's sessions, models and last attempt; with ``players`` only theirs, and no default model."""
    ids = athlete_ids(config) if players is None else sorted(set(players))
    new_data = config.retraining.force_retrain_on_new_data
    standings = []
    for athlete_id, found in zip(ids, _all_candidates(config, ids), strict=True):
        reason = _reason(found, _manifest(store, athlete_id), spec, new_data=new_data)
        last = attempts.get(str(athlete_id))
        tried = _same(last, found.fingerprint, spec)
        if force:
            reason, tried = "forced", False
        standings.append(Standing(found, "" if tried else reason, last if tried else None))
    plan = TrainingPlan(tuple(standings), "")
    if players is not None or len(standings) < LEAST_ATHLETES:
        return plan
    reason = "forced" if force else _default_reason(store, spec, plan.fingerprint(DEFAULT))
    tried = not force and _same(attempts.get(DEFAULT), plan.fingerprint(DEFAULT), spec)
    return TrainingPlan(plan.athletes, "" if tried else reason)


def _all_candidates(config: Config, ids: Sequence[int]) -> list[Candidates]:
    """Find and hash the sessions of all athletes, several at a time: hashing leaves Python's lock to others."""
    with ThreadPoolExecutor(min(HASHING_THREADS, cpu_count())) as pool:
        return list(pool.map(partial(candidates, config), ids))


def _same(last: Attempt | None, sessions: frozenset[str], spec: FeatureSpec) -> bool:
    """Whether the last attempt was on the same sessions and features."""
    return last is not None and frozenset(last.sessions) == sessions and last.schema == spec.schema_hash()


def _reason(found: Candidates, manifest: Manifest | None, spec: FeatureSpec, *, new_data: bool) -> str:
    if manifest is None:
        return "no model"
    if manifest.schema_hash != _schema(spec, manifest):
        return "other features than before"
    if new_data and not found.fingerprint <= {session.sha256 for session in manifest.sessions}:
        return "new sessions"
    return ""


def _default_reason(store: ModelStore, spec: FeatureSpec, present: frozenset[str]) -> str:
    manifest = _manifest(store, DEFAULT)
    if manifest is None:
        return "no model"
    if store.must_renew_default:
        return "it was trained on data that were erased"
    if manifest.schema_hash != _schema(spec, manifest):
        return "other features than before"
    known = {session.sha256 for session in manifest.sessions}
    return "new sessions" if len(present) > GROWTH * len(present & known) else ""


def _manifest(store: ModelStore, athlete_id: AthleteId) -> Manifest | None:
    """The valid manifest in service; a damaged one counts as none."""
    try:
        return store.manifest(athlete_id)
    except ModelError:
        return None


def _schema(spec: FeatureSpec, manifest: Manifest) -> str:
    try:
        return spec.schema_hash(manifest.groups)
    except ValueError:
        return ""
