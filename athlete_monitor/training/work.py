"""What a pass computes in workers: groups of athletes read, athletes trained. Failures are results."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from athlete_monitor.boundary import described
from athlete_monitor.system.allocator import return_free_memory
from athlete_monitor.training.assembling import assemble, enough
from athlete_monitor.training.athlete import Trained, train_athlete
from athlete_monitor.training.beginnings import without_false_beginnings
from athlete_monitor.training.dataset import extract
from athlete_monitor.training.errors import TooFewSessionsError
from athlete_monitor.training.evidence import Evidence
from athlete_monitor.training.finished import Finished, finish
from athlete_monitor.training.row_cache import RowCache
from athlete_monitor.training.rows import AthleteData, AthleteFacts, SessionRows, Unusable
from athlete_monitor.training.sessions import searched
from athlete_monitor.training.squad import Sample, sample
from athlete_monitor.training.suspect import without_suspects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.config import Config
    from athlete_monitor.features import FeatureSpec
    from athlete_monitor.training.elsewhere import Missing
    from athlete_monitor.training.evidence import EvidenceFiles
    from athlete_monitor.training.sessions import Candidates


@dataclass(frozen=True)
class Gathered:
    """An athlete who can be trained.

    ``data`` is None where the rows are kept on disk: they are read from there when they are needed, so that the squad's
    rows are never in memory together, and do not travel between processes. ``unreadable`` are sessions without rows.
    ``sample`` is what the squad's model learns from; None where that is not trained.
    """

    sessions: Candidates
    facts: AthleteFacts
    unreadable: tuple[Unusable, ...] = ()
    data: AthleteData | None = None
    sample: Sample | None = None


@dataclass(frozen=True)
class Made:
    """An athlete's model: what it was trained on, its figures, its files."""

    facts: AthleteFacts
    trained: Trained
    finished: Finished


@dataclass(frozen=True)
class Failure:
    """Why an athlete could not be trained; ``passing``: something was missing that may be there next time."""

    athlete_id: int
    reason: str
    trace: str = ""
    passing: bool = False


def rows_of(settings: Config, spec: FeatureSpec, *, writes: bool, reads: bool = True) -> RowCache:
    """Return the cache of rows; ``writes``: whether it may change, ``reads``: whether what is there is used."""
    return RowCache(settings.paths.models_root, spec, settings.training.rows_per_second, writes, reads)


def gather_group(
    group: Sequence[Candidates], spec: FeatureSpec, settings: Config, *, writes: bool = True, reads: bool = True
) -> list[AthleteData | Failure]:
    """Read a group of athletes; runs in a worker. ``writes`` and ``reads`` are those of ``rows_of``."""
    try:
        kept = rows_of(settings, spec, writes=writes, reads=reads)
        found = extract(group, spec, settings.training.rows_per_second, settings.jetson.batch_size, kept)
    except MemoryError:
        return [
            Failure(athlete.athlete_id, "not enough memory to read the sessions", passing=True) for athlete in group
        ]
    results = assembled(group, found, spec, settings)
    del found  # the rows of all channels; those that are trained on were copied
    return_free_memory()
    return results


def read_group(
    group: Sequence[Candidates],
    spec: FeatureSpec,
    settings: Config,
    *,
    sampled: bool,
    writes: bool = True,
    reads: bool = True,
) -> list[Gathered | Failure]:
    """Read a group of athletes, and keep their rows on disk; runs in a worker. ``sampled``: for the squad's model too.

    ``writes`` and ``reads`` are those of ``rows_of``.
    """
    found = gather_group(group, spec, settings, writes=writes, reads=reads)
    kept = rows_of(settings, spec, writes=writes) if writes else None
    return [gathered(athlete, data, sampled=sampled, kept=kept) for athlete, data in zip(group, found, strict=True)]


def gathered(
    sessions: Candidates, data: AthleteData | Failure, *, sampled: bool, kept: RowCache | None = None
) -> Gathered | Failure:
    """Return what training needs of an athlete; without the rows where ``kept`` holds them."""
    if isinstance(data, Failure):
        return data
    without_rows = {item.sha256: item for item in data.unusable}
    unreadable = tuple(
        without_rows[file.sha256]
        for file in sessions.files
        if file.sha256 in without_rows and not (kept and kept.holds(sessions.athlete_id, file))
    )
    known = {item.sha256 for item in unreadable}
    held = kept and all(file.sha256 in known or kept.holds(sessions.athlete_id, file) for file in sessions.files)
    return Gathered(sessions, data.facts, unreadable, None if held else data, sample(data) if sampled else None)


def _again(item: Gathered, spec: FeatureSpec, settings: Config) -> AthleteData | Failure:
    """The rows of an athlete once more, from where they were kept."""
    unreadable = {each.sha256: each for each in item.unreadable}
    readable = replace(item.sessions, files=tuple(f for f in item.sessions.files if f.sha256 not in unreadable))
    kept = rows_of(settings, spec, writes=False)
    (rows,) = extract([readable], spec, settings.training.rows_per_second, settings.jetson.batch_size, kept)
    following = iter(rows)
    found = [unreadable.get(file.sha256) or next(following) for file in item.sessions.files]
    (data,) = assembled([item.sessions], [found], spec, settings)
    return data


def assembled(
    group: Sequence[Candidates],
    found: Sequence[Sequence[SessionRows | Unusable]],
    spec: FeatureSpec,
    settings: Config,
) -> list[AthleteData | Failure]:
    """Turn the sessions of a group of athletes into what they are trained on."""
    training = settings.training
    results: list[AthleteData | Failure] = []
    for athlete, items in zip(group, found, strict=True):
        minimum = (training.min_sessions_required, settings.retraining.min_samples_threshold)
        try:
            data = assemble(athlete.athlete_id, items, spec, training.sessions_to_use, *minimum)
            results.append(without_false_beginnings(enough(without_suspects(data, spec), *minimum), spec))
        except TooFewSessionsError as error:
            traces = "\n".join(item.trace for item in items if isinstance(item, Unusable) and item.trace)
            reason = f"{error}; {searched(settings, athlete.athlete_id)}"
            results.append(Failure(athlete.athlete_id, reason, traces))
        except Exception as error:  # noqa: BLE001 - an athlete's data are a border
            results.append(_failed(athlete.athlete_id, error))
    return results


def unread(group: Sequence[Candidates], reason: str) -> list[Gathered | Failure]:
    """Return the result of a group whose workers were lost."""
    return [Failure(athlete.athlete_id, f"the sessions cannot be read: {reason}", passing=True) for athlete in group]


def nothing_read(_missing: Missing, reason: str) -> str:
    """Return the result of sessions whose workers were lost."""
    return reason


def untrained(item: Gathered, reason: str) -> Failure:
    """Return the result of an athlete whose workers were lost."""
    return Failure(item.sessions.athlete_id, f"cannot be trained: {reason}", passing=True)


def _failed(athlete_id: int, error: Exception) -> Failure:
    fault = described(error)
    return Failure(athlete_id, f"cannot be trained ({fault.cause})" if fault.trace else fault.cause, fault.trace)


def train_one(item: Gathered, spec: FeatureSpec, settings: Config, kept: EvidenceFiles | None = None) -> Made | Failure:
    """Train, evaluate and export an athlete's model; runs in a worker, which holds sessions no longer.

    ``kept`` is where the answers of earlier models are; None where this machine does not have them.
    """
    athlete_id = item.sessions.athlete_id
    return_free_memory()
    try:
        data = item.data or _again(item, spec, settings)
        if isinstance(data, Failure):
            return data
        evidence = kept.load(athlete_id) if kept else Evidence()
        trained = train_athlete(data, settings.training, spec.rises(data.groups), evidence)
    except MemoryError:
        return Failure(athlete_id, "not enough memory to train", passing=True)
    except Exception as error:  # noqa: BLE001 - an athlete's training is a border
        return _failed(athlete_id, error)
    if kept:
        kept.save(athlete_id, evidence)
    return _finished(data.facts, trained)


def _finished(facts: AthleteFacts, trained: Trained) -> Made | Failure:
    try:
        finished = finish(trained.kind, trained.model, trained.check_rows)
    except MemoryError:
        return Failure(facts.athlete_id, "not enough memory to export the model", passing=True)
    except Exception as error:  # noqa: BLE001 - an athlete's model is a border
        fault = described(error)
        return Failure(facts.athlete_id, f"not published: {fault.cause}", fault.trace)
    return Made(facts, trained.without_model(), finished)
