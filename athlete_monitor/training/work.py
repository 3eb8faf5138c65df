"""What a pass computes in workers: groups of athletes read, athletes trained. Failures are results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athlete_monitor.boundary import described
from athlete_monitor.system.allocator import return_free_memory
from athlete_monitor.training.assembling import assemble
from athlete_monitor.training.athlete import Trained, train_athlete
from athlete_monitor.training.beginnings import without_false_beginnings
from athlete_monitor.training.dataset import extract
from athlete_monitor.training.errors import TooFewSessionsError
from athlete_monitor.training.evidence import Evidence
from athlete_monitor.training.row_cache import RowCache
from athlete_monitor.training.rows import AthleteData, SessionRows, Unusable
from athlete_monitor.training.sessions import searched
from athlete_monitor.training.suspect import without_suspects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.config import Config, Training
    from athlete_monitor.features import FeatureSpec
    from athlete_monitor.training.elsewhere import Missing
    from athlete_monitor.training.evidence import EvidenceFiles
    from athlete_monitor.training.sessions import Candidates


@dataclass(frozen=True)
class Failure:
    """Why an athlete could not be trained."""

    athlete_id: int
    reason: str
    trace: str = ""


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
        return [Failure(athlete.athlete_id, "not enough memory to read the sessions") for athlete in group]
    results = assembled(group, found, spec, settings)
    del found  # the rows of all channels; those that are trained on were copied
    return_free_memory()
    return results


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
        minimum = training.min_sessions_required, settings.retraining.min_samples_threshold
        try:
            data = assemble(athlete.athlete_id, items, spec, training.sessions_to_use, *minimum)
            results.append(without_false_beginnings(without_suspects(data, spec), spec))
        except TooFewSessionsError as error:
            traces = "\n".join(item.trace for item in items if isinstance(item, Unusable) and item.trace)
            reason = f"{error}; {searched(settings, athlete.athlete_id)}"
            results.append(Failure(athlete.athlete_id, reason, traces))
        except Exception as error:  # noqa: BLE001 - an athlete's data are a border
            results.append(_failed(athlete.athlete_id, error))
    return results


def unread(group: Sequence[Candidates], reason: str) -> list[AthleteData | Failure]:
    """Return the result of a group whose workers were lost."""
    return [Failure(athlete.athlete_id, f"the sessions cannot be read: {reason}") for athlete in group]


def nothing_read(_missing: Missing, reason: str) -> str:
    """Return the result of sessions whose workers were lost."""
    return reason


def untrained(data: AthleteData, reason: str) -> Failure:
    """Return the result of an athlete whose workers were lost."""
    return Failure(data.athlete_id, f"cannot be trained: {reason}")


def _failed(athlete_id: int, error: Exception) -> Failure:
    fault = described(error)
    return Failure(athlete_id, f"cannot be trained ({fault.cause})" if fault.trace else fault.cause, fault.trace)


def train_one(
    data: AthleteData, spec: FeatureSpec, settings: Training, kept: EvidenceFiles | None = None
) -> Trained | Failure:
    """Train and evaluate an athlete; runs in a worker, which holds sessions no longer.

    ``kept`` is where the answers of earlier models are; None where this machine does not have them.
    """
    return_free_memory()
    try:
        evidence = kept.load(data.athlete_id) if kept else Evidence()
        trained = train_athlete(data, settings, spec.rises(data.groups), evidence)
    except MemoryError:
        return Failure(data.athlete_id, "not enough memory to train")
    except Exception as error:  # noqa: BLE001 - an athlete's training is a border
        return _failed(data.athlete_id, error)
    if kept:
        kept.save(data.athlete_id, evidence)
    return trained
