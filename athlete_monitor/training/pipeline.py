"""One pass over the athletes: read, train, evaluate, publish."""

from __future__ import annotations

import logging
import time
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final, TypedDict

from athlete_monitor.athletes import Profile, Roster, merge
from athlete_monitor.boundary import described
from athlete_monitor.errors import MonitorError
from athlete_monitor.features import FeatureSpec, profile_row
from athlete_monitor.models.manifest import DEFAULT
from athlete_monitor.models.store import ModelStore
from athlete_monitor.system.board import hottest_c
from athlete_monitor.training import resources, squad
from athlete_monitor.training.attempts import Attempt, read_attempts, write_attempts
from athlete_monitor.training.console import LOGGER, PRINTED, Display, Quiet
from athlete_monitor.training.elsewhere import Missing, extract_missing, with_known
from athlete_monitor.training.evidence import EvidenceFiles
from athlete_monitor.training.exporters import import_in_background
from athlete_monitor.training.finished import Finished
from athlete_monitor.training.gate import decide
from athlete_monitor.training.notify import UpdateNotifier
from athlete_monitor.training.outcome import TrainingOutcome, figures
from athlete_monitor.training.parallel import each, local_place
from athlete_monitor.training.plan import Standing, TrainingPlan, make_plan
from athlete_monitor.training.products import product_of, squad_product
from athlete_monitor.training.publication import ModelPublisher, Product
from athlete_monitor.training.rival import DefaultModel, default_model, over_default, over_fold
from athlete_monitor.training.work import (
    Failure,
    Gathered,
    assembled,
    gathered,
    nothing_read,
    read_group,
    rows_of,
    train_one,
    unread,
    untrained,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from athlete_monitor.batch.places import Place
    from athlete_monitor.config import Config
    from athlete_monitor.training.athlete import Trained
    from athlete_monitor.training.gain import Gain
    from athlete_monitor.training.plan import Status
    from athlete_monitor.training.rows import AthleteFacts
    from athlete_monitor.training.sessions import Candidates

_log = logging.getLogger(LOGGER)
_PASSING: Final = (MonitorError, OSError, MemoryError)
"""Failures, once a model is there to be published, of the disk, the memory or workers: the next pass tries again."""


@dataclass(frozen=True)
class PassOptions:
    """The user's request: only these athletes, even without new data, without publishing, without what was kept."""

    players: tuple[int, ...] | None = None
    force: bool = False
    dry_run: bool = False
    from_scratch: bool = False


class _Keeps(TypedDict):
    writes: bool
    reads: bool


@dataclass(frozen=True)
class PassContext:
    """The environment of a pass; tests replace it. ``place`` is where to compute, by default processes."""

    display: Display = field(default_factory=Quiet)
    temperature_c: resources.TemperatureProbe = hottest_c
    sleep: Callable[[float], None] = time.sleep
    cores: int | None = None
    place: Place | None = None


class Pass:
    """One pass. ``run`` yields the outcome of each athlete as soon as it is known, the default model last.

    ``faults`` counts unexpected failures so far: sessions, athletes, models; their tracebacks are in the log file.
    """

    def __init__(self, config: Config, options: PassOptions, around: PassContext | None = None) -> None:
        self.faults = 0
        self._default_model: Finished | None = None
        self._config, self._options = config, options
        self._around = around or PassContext()
        self._spec = FeatureSpec.from_config(config.feature_engineering)
        self._store = ModelStore.from_config(config)
        self._publisher = ModelPublisher(config, self._spec, self._store, dry_run=options.dry_run)
        self._notifier = UpdateNotifier(config.mqtt, _log.info)
        asked = self._around.place
        self._shares = resources.shares(config, self._around.cores, None if asked is None else asked.workers)
        self._place = asked or local_place(self._shares.workers)
        self._thermostat = resources.Thermostat(
            config.performance, self._around.temperature_c, self._around.sleep, _log.warning
        )

    def run(self) -> Generator[TrainingOutcome, None, None]:
        """Run the pass.

        Raises:
            MonitorError: training is impossible, for example because the backend does not exist.
        """
        path = self._config.paths.models_root / "attempts.json"
        attempts = read_attempts(path)
        players, force = self._options.players, self._options.force
        plan = make_plan(self._config, self._spec, self._store, attempts, players, force=force)
        try:
            several = len(plan.read) > 1
            with self._place.kept() if plan.due and several else nullcontext():
                if plan.due and not several and self._place.workers > 1 and not self._place.remote:
                    import_in_background()
                for outcome in self._outcomes(plan):
                    self._remember(plan, outcome, attempts)
                    level = logging.INFO if outcome.succeeded else logging.ERROR
                    _log.log(level, "%s", _event(outcome), extra={PRINTED: True})
                    yield outcome
        finally:
            self._notifier.close()
            if not self._options.dry_run and plan.due:
                write_attempts(path, attempts)

    def _outcomes(self, plan: TrainingPlan) -> Iterator[TrainingOutcome]:
        yield from (_standing_still(standing) for standing in plan.athletes if not standing.reason)
        found: list[Gathered] = []
        failed: list[Failure] = []
        for item in self._gather(plan):
            if isinstance(item, Failure):
                failed.append(item)
                continue
            found.append(item)
            for session in item.facts.unusable:
                self._log_trace(session.file, session.trace)
        due = {standing.sessions.athlete_id: standing.sessions for standing in plan.due}
        yield from (self._lost(failure, due[failure.athlete_id]) for failure in failed if failure.athlete_id in due)
        groups, members = self._members(found) if plan.default_reason else ((), [])
        rates = sorted(session.rate_hz for item in found for session in item.facts.sessions)
        found = [replace(item, sample=None) for item in found if item.sessions.athlete_id in due]
        folds = self._bounded_folds(members, groups)
        yield from self._train(found, folds if isinstance(folds, list) else [])
        if isinstance(folds, TrainingOutcome):
            yield folds
        elif plan.default_reason:
            yield self._bounded_default(members, folds, groups, plan, rates)

    def _bounded_folds(
        self, members: Sequence[squad.Member], groups: tuple[str, ...]
    ) -> list[squad.Fold] | TrainingOutcome:
        """What models of the others say about each athlete; none with too few athletes, an outcome where that fails."""
        try:
            return self._folds(members, groups)
        except Exception as error:  # noqa: BLE001 - the squad's rows are a border
            fault = described(error)
            self._log_trace("default model", fault.trace)
            return TrainingOutcome(DEFAULT, "failed", fault.cause, passing=isinstance(error, _PASSING))

    def _folds(self, members: Sequence[squad.Member], groups: tuple[str, ...]) -> list[squad.Fold]:
        if len(members) < squad.LEAST_ATHLETES:
            return []
        parts = squad.fold_places(len(members))
        self._around.display.stage("default model", len(parts) + 1)
        constraint = squad.rises(self._spec, groups)
        work = partial(squad.computed, members, settings=self._config.training, constraint=constraint)
        found = self._each(work, [None, *parts], _without_folds)
        finished = next(found)
        assert isinstance(finished, Finished)  # noqa: S101 - of the first task
        self._default_model = finished
        self._around.display.advance("all athletes")
        folds: list[squad.Fold] = []
        for places, judged in zip(parts, found, strict=True):
            self._around.display.advance(f"without athlete {members[places[0]].athlete_id}")
            folds += judged
        return folds

    def _bounded_default(
        self,
        members: Sequence[squad.Member],
        folds: Sequence[squad.Fold],
        groups: tuple[str, ...],
        plan: TrainingPlan,
        rates_hz: Sequence[float],
    ) -> TrainingOutcome:
        try:
            return self._default(members, folds, groups, plan, rates_hz)
        except Exception as error:  # noqa: BLE001 - the squad's rows are a border
            fault = described(error)
            self._log_trace("default model", fault.trace)
            return TrainingOutcome(DEFAULT, "failed", fault.cause)

    def _gather(self, plan: TrainingPlan) -> Iterator[Gathered | Failure]:
        """Read and replay sessions, several athletes in parallel in each process."""
        groups = resources.groups([standing.sessions for standing in plan.read], self._shares)
        self._around.display.stage("reading", len(groups))
        read = self._read_elsewhere if self._place.remote else self._read_here
        for group, results in zip(groups, read(groups, sampled=bool(plan.default_reason)), strict=True):
            self._around.display.advance(f"athletes {group[0].athlete_id} to {group[-1].athlete_id}")
            yield from results

    def _read_here(self, groups: Sequence[list[Candidates]], *, sampled: bool) -> Iterator[list[Gathered | Failure]]:
        work = partial(read_group, spec=self._spec, settings=self._config, sampled=sampled, **self._keeps)
        return self._each(work, groups, unread)

    def _read_elsewhere(
        self, groups: Sequence[list[Candidates]], *, sampled: bool
    ) -> Iterator[list[Gathered | Failure]]:
        """Workers get the bytes of new sessions and return their rows; known ones, and what follows, are done here."""
        cache = rows_of(self._config, self._spec, **self._keeps)
        work = partial(extract_missing, spec=self._spec, settings=self._config)
        tasks = [Missing(tuple(group), cache) for group in groups]
        for group, found in zip(groups, self._each(work, tasks, nothing_read), strict=True):
            if isinstance(found, str):
                yield unread(group, found)
            else:
                rows = assembled(group, with_known(group, found, cache), self._spec, self._config)
                yield [gathered(*pair, sampled=sampled) for pair in zip(group, rows, strict=True)]

    @property
    def _keeps(self) -> _Keeps:
        """What may be done with rows and answers of earlier passes."""
        return {"writes": not self._options.dry_run, "reads": not self._options.from_scratch}

    def _members(self, found: Sequence[Gathered]) -> tuple[tuple[str, ...], list[squad.Member]]:
        """The default model's channel groups and rows."""
        samples = [item.sample for item in found if item.sample is not None]
        groups = squad.squad_groups(samples) if samples else ()
        profiles = [profile_row(self._profile(item.facts)) for item in found]
        return groups, squad.members(samples, profiles, self._spec, groups)

    def _train(self, found: list[Gathered], folds: Sequence[squad.Fold]) -> Iterator[TrainingOutcome]:
        """Train athlete by athlete; the rows of finished athletes are removed from ``found`` and memory."""
        self._around.display.stage("training", len(found))
        kept = None if self._place.remote else EvidenceFiles(self._config.paths.models_root, **self._keeps)
        work = partial(train_one, spec=self._spec, settings=self._config, kept=kept)
        rivals = {fold.athlete_id: fold for fold in folds} if self._will_serve(folds) else {}
        for place, result in enumerate(self._each(work, found, untrained)):
            sessions, found[place] = found[place].sessions, replace(found[place], data=None)
            self._around.display.advance(f"athlete {sessions.athlete_id}")
            if isinstance(result, Failure):
                yield self._lost(result, sessions)
            else:
                facts, trained = result.facts, result.trained
                over_squad = partial(self._over_squad, facts, trained, rivals.get(sessions.athlete_id))
                product = product_of(facts, sessions, trained, result.finished)
                yield self._publish(product, _notes(facts, sessions), over_squad)

    def _will_serve(self, folds: Sequence[squad.Fold]) -> bool:
        """Whether the squad's model passes the gate: one that does not is no reason to refuse an athlete's own."""
        if not folds or self._default_model is None:
            return False
        trained = squad.evaluated(folds, self._default_model)
        return decide(trained.holdout, trained.gain, None, self._config.retraining).deploy

    def _over_squad(self, facts: AthleteFacts, trained: Trained, fold: squad.Fold | None) -> Gain | None:
        """How much better an athlete's own model is than the squad's; None where there is none to compare with."""
        if fold is not None:
            return over_fold(trained, fold, facts.rows)
        profile = profile_row(self._profile(facts))
        return over_default(trained, self._default_in_service, self._spec, facts.groups, profile)

    @cached_property
    def _default_in_service(self) -> DefaultModel | None:
        """The squad's model, which changes only at the end of a pass."""
        return default_model(self._store, self._spec)

    def _default(
        self,
        members: Sequence[squad.Member],
        folds: Sequence[squad.Fold],
        groups: tuple[str, ...],
        plan: TrainingPlan,
        rates_hz: Sequence[float],
    ) -> TrainingOutcome:
        """The squad-wide model, if there are enough athletes with the same channels."""
        if len(members) < squad.LEAST_ATHLETES:
            reason = f"{len(members)} athletes share their channels, {squad.LEAST_ATHLETES} are needed"
            return TrainingOutcome(DEFAULT, "unchanged" if self._store_has_default() else "skipped", reason)
        assert self._default_model is not None  # noqa: S101 - the folds were computed
        trained = squad.evaluated(folds, self._default_model)
        product = squad_product(members, plan, groups, rates_hz, trained, self._default_model)
        return self._publish(product, (f"{len(members)} athletes",))

    def _each(self, work: Callable[..., object], tasks: Sequence[object], lost: Callable[..., object]) -> Iterator:  # type: ignore[type-arg]
        return each(work, tasks, self._place, self._config.training.backend, lost, self._thermostat.paced)

    def _publish(
        self, product: Product, notes: tuple[str, ...], over_squad: Callable[[], Gain | None] = lambda: None
    ) -> TrainingOutcome:
        try:
            product = replace(product, over_squad=over_squad())
            published = self._publisher.publish(product)
        except Exception as error:  # noqa: BLE001 - an athlete's model is a border
            fault = described(error)
            self._log_trace(f"athlete {product.athlete_id}", fault.trace)
            why, passing = f"not published: {fault.cause}", isinstance(error, _PASSING)
            return TrainingOutcome(product.athlete_id, "failed", why, product, notes=notes, passing=passing)
        if published.manifest is not None:
            self._notifier.published(published.manifest)
        text = figures(product.trained.holdout)
        status: Status = "would_publish" if self._options.dry_run else "published"
        if not published.decision.deploy:
            served = published.decision.squad_serves or published.deployed_mae_bpm is not None
            status = "kept" if served else "refused"
            text = f"{published.decision.reason}; {text}"
        return TrainingOutcome(
            product.athlete_id,
            status,
            text,
            replace(product, trained=product.trained.without_rows()),
            published.manifest,
            published.deployed_mae_bpm,
            published.agreement_bpm,
            notes,
        )

    def _profile(self, data: AthleteFacts) -> Profile:
        from datetime import datetime, timezone

        athlete = Roster.load(self._config.athletes.roster).by_id(data.athlete_id)
        day = datetime.fromtimestamp(data.until_t, timezone.utc).date()
        wire = data.profile
        sent = Profile(
            data.athlete_id,
            sex=wire.sex,
            age_years=wire.age_years,
            weight_kg=wire.weight_kg,
            height_cm=wire.height_cm,
        )
        return merge(athlete.profile(day) if athlete else None, sent)

    def _store_has_default(self) -> bool:
        return self._store.stamp(DEFAULT) is not None

    def _log_trace(self, what: str, trace: str) -> None:
        """Write a traceback into the log file, and count it."""
        if trace:
            self.faults += 1
            _log.error("event=unexpected_failure what=%r\n%s", what, trace.rstrip(), extra={PRINTED: True})

    def _lost(self, failure: Failure, sessions: Candidates) -> TrainingOutcome:
        self._log_trace(f"athlete {failure.athlete_id}", failure.trace)
        return TrainingOutcome(
            failure.athlete_id, "failed", failure.reason, notes=sessions.problems, passing=failure.passing
        )

    def _remember(self, plan: TrainingPlan, outcome: TrainingOutcome, attempts: dict[str, Attempt]) -> None:
        """Record unsuccessful attempts; remove the record if a model was published, or may be next time."""
        key = str(outcome.athlete_id)
        if outcome.status == "published" or outcome.passing:
            attempts.pop(key, None)
        elif outcome.status != "unchanged":
            shas = plan.fingerprint(outcome.athlete_id)
            attempts[key] = Attempt(tuple(sorted(shas)), self._spec.schema_hash(), outcome.status, outcome.message)


def _without_folds(_places: Sequence[int] | None, reason: str) -> list[squad.Fold]:
    raise MonitorError(reason)


def _standing_still(standing: Standing) -> TrainingOutcome:
    athlete_id, last = standing.sessions.athlete_id, standing.last
    if last is None:
        return TrainingOutcome(athlete_id, "unchanged", "no new sessions since the model in service")
    return TrainingOutcome(athlete_id, last.status, f"{last.message} (no new sessions since)")  # type: ignore[arg-type]


def _notes(data: AthleteFacts, sessions: Candidates) -> tuple[str, ...]:
    unusable = (f"{item.file} left out: {item.reason}" for item in data.unusable)
    remarks = (f"{session.file}: {note}" for session in data.sessions for note in session.notes)
    return (*sessions.problems, *unusable, *remarks)


def _event(outcome: TrainingOutcome) -> str:
    return f"event={outcome.status} athlete={outcome.athlete_id} message={outcome.message!r}"
