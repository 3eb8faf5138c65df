"""Rows from sessions: the features that live prediction would use, with the strap's clean heart rate.

Several sessions are replayed in parallel as rows of one feature bank: the same calls as live, at a fraction of the cost
of one session after the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from athlete_monitor.arrays import (
    CHANNELS,
    HEART_RATE,
    BoolArray,
    Float32Array,
    FloatArray,
    IntArray,
)
from athlete_monitor.boundary import described, printable
from athlete_monitor.channels import of_group
from athlete_monitor.errors import RecordingError
from athlete_monitor.features import GROUPS, FeatureSpec
from athlete_monitor.features.blocks import BlockBank
from athlete_monitor.physiology.strap_readings import StrapReadings
from athlete_monitor.training.errors import TooFewSessionsError, TrainingError, brief

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from athlete_monitor.features.blocks import FeatureBlock
    from athlete_monitor.training.sessions import Candidates, SessionFile
    from athlete_monitor.wire.sample import WireProfile

USUAL_SHARE: Final = 0.5
"""A session holds a group if the group is available in at least this share of its rows."""

USED_CHANNELS: Final = tuple(sorted({HEART_RATE, *(channel for group in GROUPS for channel in of_group(group))}))
LEAST_SESSION_ROWS: Final = 30
SHARED_ROWS_LIMIT: Final = 0.2
LEAST_SPREAD_BPM: Final = 0.5
BLOCK_SAMPLES: Final = 1920
"""Samples of all tracks together that are computed at once: more no longer fit into a processor's cache."""


@dataclass(frozen=True)
class Track:
    """A session ready to be replayed: times [n] and the measured channels [n, len(columns)], axis 0 is time."""

    file: SessionFile
    t: FloatArray
    columns: IntArray
    values: FloatArray
    profile: WireProfile
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.t)


@dataclass(frozen=True)
class SessionRows:
    """The training data of a session. Axis 0 is time.

    Attributes:
        file: name of the session file.
        sha256: of its bytes.
        t: epoch s, [n].
        X: features, float32 [n, len(columns)].
        columns: the columns of the specification in X: those of the channels that the session measured.
        available: which groups were available, bool [n, len(GROUPS)].
        y: clean heart rate, bpm, [n].
        prints: a number for each row's raw measurement, int64 [n]; equal measurements have equal numbers.
        rate_hz: usual sample rate.
        profile: the body from the file.
        notes: what a user should know.
        false_beginning: rows that models are judged on but do not learn from, bool [n] (``beginnings.py``); None: no
            such row.
    """

    file: str
    sha256: str
    t: FloatArray
    X: Float32Array
    columns: IntArray
    available: BoolArray
    y: FloatArray
    prints: IntArray
    rate_hz: float
    profile: WireProfile
    notes: tuple[str, ...] = ()
    false_beginning: BoolArray | None = None

    def __len__(self) -> int:
        return len(self.t)

    @property
    def trusted(self) -> BoolArray:
        """Which rows models learn from, bool [n]."""
        return np.ones(len(self), dtype=bool) if self.false_beginning is None else ~self.false_beginning

    @property
    def learned(self) -> SessionRows:
        """The rows that models learn from."""
        return self if self.false_beginning is None else self.keep(self.trusted, self.columns)

    def keep(self, rows: BoolArray, columns: IntArray) -> SessionRows:
        """Only these rows, and only these columns of the specification."""
        places = np.searchsorted(self.columns, columns)
        return replace(
            self,
            t=self.t[rows],
            X=self.X[np.ix_(rows, places)],
            columns=columns,
            available=self.available[rows],
            y=self.y[rows],
            prints=self.prints[rows],
            false_beginning=None if self.false_beginning is None else self.false_beginning[rows],
        )


@dataclass(frozen=True)
class Unusable:
    """A session without usable rows, and why; ``trace`` is the traceback of an unexpected failure."""

    file: str
    sha256: str
    reason: str
    trace: str = ""


@dataclass(frozen=True)
class AthleteData:
    """All usable sessions of an athlete, oldest first, with the columns of ``groups``."""

    athlete_id: int
    groups: tuple[str, ...]
    sessions: tuple[SessionRows, ...]
    unusable: tuple[Unusable, ...]

    @property
    def rows(self) -> int:
        """Rows of all sessions together."""
        return sum(len(session) for session in self.sessions)

    @property
    def profile(self) -> WireProfile:
        """The body from the latest session."""
        return self.sessions[-1].profile


def load_track(file: SessionFile, athlete_id: int) -> Track:
    """Read a session for training.

    Raises:
        RecordingError: not readable, of another athlete, or without any heart rate.
    """
    from athlete_monitor.wire.session_reader import read_session

    with file.on_disk() as path:
        try:
            recording = read_session(path, with_tags=False)
        except RecordingError as error:
            raise RecordingError(str(error).replace(str(path), str(file.path))) from error
    if recording.athlete_id != athlete_id:
        raise RecordingError(
            f"{file.path}: holds rows of athlete {recording.athlete_id}, in athlete {athlete_id}'s folder"
        )
    measured = np.array([c for c in USED_CHANNELS if not np.isnan(recording.values[:, c]).all()])
    if HEART_RATE not in measured:
        raise RecordingError(f"{file.path}: holds no heart rate")
    ordered = recording.t >= np.maximum.accumulate(recording.t)
    values = np.ascontiguousarray(recording.values[np.ix_(ordered, measured)])
    lost = int(len(ordered) - ordered.sum())
    notes = (*recording.notes, *([f"the clock goes back; {lost} rows left out"] if lost else []))
    return Track(file, recording.t[ordered], measured, values, recording.profile, notes)


def replay(tracks: Sequence[Track], spec: FeatureSpec, rows_per_second: float, batch_steps: int) -> list[SessionRows]:
    """Replay sessions in parallel; one row is kept for each 1/``rows_per_second`` s with an accepted reading.

    Impossible readings (outside 30-220 bpm, jumps above 10 bpm/s) are left out, never repaired.
    The result has the order of ``tracks`` and does not depend on the choice of sessions that are replayed together.
    """
    order = sorted(range(len(tracks)), key=lambda i: -len(tracks[i]))
    ordered = [tracks[i] for i in order]
    groups = {group for track in tracks for group in _measured_groups(track)}
    bank, straps = BlockBank(spec, len(tracks), groups), [StrapReadings() for _ in tracks]
    kept = [_Kept(track, spec, groups, rows_per_second) for track in ordered]
    for t, values in _blocks(ordered, batch_steps):
        block = bank.update_block(t, values)
        for row in range(t.shape[1]):
            accepted = straps[row].accepted(t[:, row], values[:, HEART_RATE, row])
            if accepted.any():
                kept[row].add(block, values[:, :, row], accepted, row)
    replayed = dict(zip(order, (rows.session() for rows in kept), strict=True))
    return [replayed[i] for i in range(len(tracks))]


def _blocks(tracks: Sequence[Track], batch_steps: int) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Times [T, k] and samples [T, len(CHANNELS), k] of the next steps, for tracks ordered from long to short.

    A block ends where a track ends, so that each of its tracks has all of its steps.
    """
    lengths = [len(track) for track in tracks]
    start = 0
    while running := sum(length > start for length in lengths):
        stop = min(lengths[running - 1], start + max(1, min(batch_steps, BLOCK_SAMPLES // running)))
        t = np.empty((stop - start, running))
        values = np.full((stop - start, len(CHANNELS), running), np.nan)
        for place, track in enumerate(tracks[:running]):
            t[:, place] = track.t[start:stop]
            values[:, track.columns, place] = track.values[start:stop]
        yield t, values
        start = stop


class _Kept:
    """The kept rows of one track, in arrays that are long enough from the start."""

    def __init__(self, track: Track, spec: FeatureSpec, groups: Iterable[str], rows_per_second: float) -> None:
        self._track, self._rate = track, rows_per_second
        most = min(len(track), max(0, int((track.t[-1] - track.t[0]) * rows_per_second)) + 2)
        self._columns = spec.columns(_measured_groups(track))
        self._places = np.searchsorted(spec.columns(groups), self._columns)
        self._X = np.empty((most, len(self._columns)), dtype=np.float32)
        self._available = np.empty((most, len(GROUPS)), dtype=np.bool_)
        self._t, self._y = np.empty(most), np.empty(most)
        self._prints = np.empty(most, dtype=np.int64)
        self._interval = -1.0
        self._n = 0

    def add(self, block: FeatureBlock, values: FloatArray, accepted: BoolArray, row: int) -> None:
        """Keep those of the samples [T, len(CHANNELS)] whose interval has no kept row yet."""
        steps = self._due(block.t[:, row], accepted)
        kept = slice(self._n, self._n + len(steps))
        self._X[kept] = block.features(steps, row)[:, self._places]
        self._available[kept] = block.available(steps, row)
        self._t[kept], self._y[kept] = block.t[steps, row], values[steps, HEART_RATE]
        self._prints[kept] = _prints(values[steps])
        self._n = kept.stop

    def _due(self, t: FloatArray, accepted: BoolArray) -> IntArray:
        """Steps with an accepted reading in another interval than the accepted reading before."""
        steps = np.flatnonzero(accepted)
        interval = np.floor((t[steps] - self._track.t[0]) * self._rate)
        new = interval != np.concatenate([[self._interval], interval[:-1]])
        self._interval = float(interval[-1])
        due: IntArray = steps[new]
        return due

    def session(self) -> SessionRows:
        """The kept rows."""
        track, n = self._track, self._n
        rate_hz = (len(track) - 1) / max(float(track.t[-1] - track.t[0]), 1e-3) if len(track) > 1 else 1.0
        return SessionRows(
            track.file.name,
            track.file.sha256,
            self._t[:n],
            self._X[:n],
            self._columns,
            self._available[:n],
            self._y[:n],
            self._prints[:n],
            rate_hz,
            track.profile,
            track.notes,
        )


def _measured_groups(track: Track) -> list[str]:
    """Groups whose channels occur in the track."""
    measured = np.isin(np.arange(len(CHANNELS)), track.columns)
    return [group for group in GROUPS if measured[list(of_group(group))].all()]


def _prints(values: FloatArray) -> IntArray:
    """One number for each measurement [n, len(CHANNELS)]: equal for equal ones, almost surely different else."""
    bits = np.ascontiguousarray(np.where(np.isnan(values), 0.0, values)).view(np.uint64)
    odd = np.array([pow(0x9E3779B97F4A7C15, 2 * i + 1, 1 << 64) for i in range(values.shape[1])], dtype=np.uint64)
    mixed = (bits ^ (bits >> np.uint64(29))) * odd
    prints: IntArray = np.bitwise_xor.reduce(mixed ^ (mixed >> np.uint64(32)), axis=1).view(np.int64)
    return prints


class Kept(Protocol):
    """Rows of sessions that were replayed before: ``training/row_cache.py``."""

    def load(self, athlete_id: int, file: SessionFile) -> SessionRows | None:
        """The rows of a session; None if they are not cached."""

    def save(self, athlete_id: int, file: SessionFile, rows: SessionRows) -> None:
        """Store the rows of a session."""

    def prune(self, athlete_id: int, files: Iterable[SessionFile]) -> None:
        """Remove an athlete's other sessions."""


def extract(
    candidates: Sequence[Candidates],
    spec: FeatureSpec,
    rows_per_second: float,
    batch_steps: int,
    kept: Kept | None = None,
) -> list[list[SessionRows | Unusable]]:
    """Read and replay the sessions of several athletes together; unusable ones get a reason, for each athlete.

    Sessions whose rows are ``kept`` are not read again.
    """
    found = [
        [kept.load(athlete.athlete_id, file) if kept else None for file in athlete.files] for athlete in candidates
    ]
    fresh = _fresh(candidates, found, spec, rows_per_second, batch_steps)
    results: list[list[SessionRows | Unusable]] = []
    for athlete, items in zip(candidates, found, strict=True):
        results.append([])
        for file, known in zip(athlete.files, items, strict=True):
            item = next(fresh) if known is None else known
            results[-1].append(item)
            if kept and known is None and isinstance(item, SessionRows):
                kept.save(athlete.athlete_id, file, item)
        if kept:
            kept.prune(athlete.athlete_id, athlete.files)
    return results


def _fresh(
    candidates: Sequence[Candidates],
    found: Sequence[Sequence[SessionRows | None]],
    spec: FeatureSpec,
    rows_per_second: float,
    batch_steps: int,
) -> Iterator[SessionRows | Unusable]:
    """Read and replay the sessions that were not found, in order."""
    loaded = [
        _load(file, athlete.athlete_id)
        for athlete, items in zip(candidates, found, strict=True)
        for file, known in zip(athlete.files, items, strict=True)
        if known is None
    ]
    tracks = [item for item in loaded if isinstance(item, Track)]
    replayed = iter(_replayed(tracks, spec, rows_per_second, batch_steps))
    return (item if isinstance(item, Unusable) else next(replayed) for item in loaded)


def _load(file: SessionFile, athlete_id: int) -> Track | Unusable:
    try:
        return load_track(file, athlete_id)
    except Exception as error:  # noqa: BLE001 - a session's reading is a border
        return _unusable(file, error)


def _unusable(file: SessionFile, error: Exception) -> Unusable:
    fault = described(error)
    reason = fault.cause.removeprefix(printable(str(file.path))).lstrip(":1 ")
    return Unusable(file.name, file.sha256, f"cannot be read ({reason})" if fault.trace else reason, fault.trace)


def _replayed(
    tracks: Sequence[Track], spec: FeatureSpec, rows_per_second: float, batch_steps: int
) -> list[SessionRows | Unusable]:
    """Replay together; if that fails, one by one, so that only the faulty session is lost."""
    try:
        return [*replay(tracks, spec, rows_per_second, batch_steps)]
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a session's replay is a border
        if len(tracks) == 1:
            return [_unusable(tracks[0].file, error)]
    return [item for track in tracks for item in _replayed([track], spec, rows_per_second, batch_steps)]


def assemble(
    athlete_id: int,
    found: Iterable[SessionRows | Unusable],
    spec: FeatureSpec,
    sessions_to_use: int,
    min_sessions: int,
    min_rows: int,
) -> AthleteData:
    """Choose the latest usable sessions, the groups that they share, and the rows that have these groups.

    Raises:
        TooFewSessionsError: fewer usable sessions than ``min_sessions``.
        TrainingError: too few rows, no channel but the heart rate, or a constant heart rate.
    """
    usable, unusable = _sort_out(found)
    usable, repeated = _apart(usable)
    moving = sorted(usable, key=lambda session: float(session.t[0]))
    groups, usable, without = _common_groups(moving)
    usable = usable[-sessions_to_use:]
    columns = spec.columns(groups)
    needed = np.array([group in groups for group in GROUPS])
    kept = [session.keep(np.logical_and.reduce(session.available[:, needed], axis=1), columns) for session in usable]
    sessions, too_short = _sort_out(kept)
    data = AthleteData(athlete_id, groups, tuple(sessions), (*unusable, *repeated, *without, *too_short))
    _check_enough(data, min_sessions, min_rows)
    return data


def _sort_out(found: Iterable[SessionRows | Unusable]) -> tuple[list[SessionRows], list[Unusable]]:
    usable, unusable = [], []
    for item in found:
        if isinstance(item, Unusable):
            unusable.append(item)
        elif len(item) < LEAST_SESSION_ROWS:
            reason = f"only {len(item)} rows with a clean heart rate, {LEAST_SESSION_ROWS} are needed"
            unusable.append(Unusable(item.file, item.sha256, reason))
        else:
            usable.append(item)
    return usable, unusable


def _apart(sessions: Iterable[SessionRows]) -> tuple[list[SessionRows], list[Unusable]]:
    """Leave out sessions that share minutes or measurements with a better one: held-out data must be independent.

    The better one has more usable rows, and contains most information of the other. Among equals the first name is
    kept, so that the choice is the same each time.
    """
    kept: list[SessionRows] = []
    left_out = []
    for session in sorted(sessions, key=lambda session: (-len(session), session.file)):
        reason = next(filter(None, (_shared(session, better) for better in kept)), "")
        if reason:
            left_out.append(Unusable(session.file, session.sha256, reason))
        else:
            kept.append(session)
    return kept, left_out


def _shared(session: SessionRows, better: SessionRows) -> str:
    """What a session has in common with a better one, and what to do; empty if nothing."""
    advice = (
        f", which has {len(better)} usable rows against {len(session)}; "
        f"if {session.file} is the better one, move the other out of its folder and train with --force"
    )
    if session.t[0] <= better.t[-1] and better.t[0] <= session.t[-1]:
        return f"overlaps in time with {better.file}{advice}"
    share = float(np.isin(session.prints, better.prints).mean())
    return f"repeats {share:.0%} of the measurements of {better.file}{advice}" if share > SHARED_ROWS_LIMIT else ""


def _held_groups(session: SessionRows) -> set[str]:
    share = session.available.mean(axis=0)
    return {group for group, part in zip(GROUPS, share.tolist(), strict=True) if part >= USUAL_SHARE}


def _common_groups(
    sessions: Sequence[SessionRows],
) -> tuple[tuple[str, ...], list[SessionRows], list[Unusable]]:
    """Choose the groups for training: held by the latest session that measured any, and by most rows of the others.

    Returns the groups, the sessions that hold all of them, and those that do not, each with the reason.
    """
    held = [_held_groups(session) for session in sessions]
    latest = next((groups for groups in reversed(held) if groups), set[str]())
    choices = sorted({tuple(group for group in GROUPS if group in latest & groups) for groups in held} - {()})
    if not choices:
        return (), [], [_without_movement(session) for session in sessions]
    rows = {choice: sum(len(s) for s, g in zip(sessions, held, strict=True) if g >= set(choice)) for choice in choices}
    chosen = max(choices, key=lambda choice: (rows[choice] * len(choice), len(choice)))
    usable = [session for session, groups in zip(sessions, held, strict=True) if groups >= set(chosen)]
    left = [
        _without_movement(session) if not groups else _without_groups(session, sorted(set(chosen) - groups))
        for session, groups in zip(sessions, held, strict=True)
        if not groups >= set(chosen)
    ]
    return chosen, usable, left


def _without_movement(session: SessionRows) -> Unusable:
    reason = f"measures only the heart rate; one of {', '.join(GROUPS)} is needed for training"
    return Unusable(session.file, session.sha256, reason)


def _without_groups(session: SessionRows, missing: Sequence[str]) -> Unusable:
    return Unusable(session.file, session.sha256, f"has no {', '.join(missing)}, which the other sessions have")


def _check_enough(data: AthleteData, min_sessions: int, min_rows: int) -> None:
    why = brief([f"{item.file}: {item.reason}" for item in data.unusable], "; ")
    because = f" ({why})" if why else ""
    if len(data.sessions) < max(min_sessions, 1):
        raise TooFewSessionsError(f"{len(data.sessions)} usable sessions, {max(min_sessions, 1)} are needed{because}")
    if not data.groups:
        raise TrainingError(f"there is no channel except the heart rate; one of {', '.join(GROUPS)} is needed{because}")
    if data.rows < min_rows:
        raise TrainingError(f"{data.rows} rows with a clean heart rate, {min_rows} are needed{because}")
    y = np.concatenate([session.y for session in data.sessions])
    if float(y.std()) < LEAST_SPREAD_BPM:
        raise TrainingError(
            f"the heart rate is constant ({float(np.median(y)):.0f} bpm): it cannot be used for training"
        )
