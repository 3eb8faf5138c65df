"""Recording of received samples in session files, so that real sensors produce training data.

A session that is already in the folder (it is replayed, or the simulator writes it) is not recorded a second time. A
simulation is not recorded for an athlete of the roster or with real sessions, unless training uses simulations.
"""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from athlete_monitor.athletes import Roster
from athlete_monitor.engine.sinks.sink import Sink
from athlete_monitor.engine.sinks.worker import Alarm, Worker
from athlete_monitor.wire.sample import SIMULATED, WireProfile, values_of
from athlete_monitor.wire.session_copies import copy_of, has_real_sessions
from athlete_monitor.wire.session_files import RR_COLUMN, SessionWriter, extras_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from athlete_monitor.config import Config
    from athlete_monitor.engine.sessions.session import Session
    from athlete_monitor.engine.sessions.wearers import Wearer
    from athlete_monitor.engine.sinks.registry import SinkContext
    from athlete_monitor.wire.sample import Sample
    from athlete_monitor.wire.session_files import Mode

_log = logging.getLogger(__name__)

KEPT_SAMPLES = 60_000
"""Most samples of all files together that wait while the disk is full."""
_PERIOD_S = 0.5
WRITE_EVERY_S = 5.0
"""A file is appended to this often: a kill costs at most so much of a recording (never a figure)."""
_QUEUE = 20_000
OPENED_AT_ONCE = 200
"""Most files that are created in a round: those of thousands of devices that begin together must not stop the rest."""
SYNCED_EACH = 16
"""Up to so many files that end in a round are put on the disk one by one; more of them together, with one wait."""
_LOOK_AHEAD_S = 3.0
"""The first seconds of a session determine the columns of its file; later channels are added."""


def make(context: SinkContext) -> Recorder | None:
    """Return the sink of the live engine, if received samples are recorded."""
    paths, record = context.config.paths, context.config.engine.record
    if record == "none" or not context.is_live:
        return None
    folders: dict[Mode, Path] = {"training": paths.data_root}
    if record == "all":
        folders["game"] = paths.game_data_root
    return Recorder(folders, context.notify, takes_simulated=_simulated_rule(context.config))


def _simulated_rule(config: Config) -> Callable[[int], bool]:
    """Return whether a simulation is recorded for an athlete."""
    roots: tuple[tuple[Path, Mode], ...] = (
        (config.paths.data_root, "training"), (config.paths.game_data_root, "game")
    )  # fmt: skip
    roster = Roster.load(config.athletes.roster)

    def takes(athlete_id: int) -> bool:
        known = roster.by_id(athlete_id) is not None
        return config.training.use_simulated or not (known or has_real_sessions(roots, athlete_id))

    return takes


class Recorder(Sink):
    """Writes the samples of sessions, in order, to ``TR…``/``GM…`` files.

    A change of mode within a session begins another file. Without a mode from the sender it is training.

    Args:
        folders: the folder of each mode's files; a mode that is absent is not recorded.
        notify: called when the disk fails or works again.
        clock: monotonic seconds.
        takes_simulated: whether a simulation of an athlete is recorded.
    """

    wants_samples = True

    def __init__(
        self,
        folders: dict[Mode, Path],
        notify: Callable[[str, bool], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        takes_simulated: Callable[[int], bool] = lambda _athlete: True,
    ) -> None:
        self._folders, self._clock, self._takes_simulated = folders, clock, takes_simulated
        self._open: dict[str, _OpenFile] = {}
        self._ending: list[_OpenFile] = []
        self._lost = 0
        self._worker = Worker(
            "recorder", self._write, limit=_QUEUE, period_s=_PERIOD_S, alarm=Alarm("recording sessions", notify)
        )
        self._worker.start()

    @property
    def lost(self) -> int:
        """Chunks and samples dropped because the disk is too slow, or was full for too long."""
        return self._worker.dropped + self._lost

    def samples(self, session: Session, samples: Sequence[Sample]) -> None:
        """Queue samples for the file of their session."""
        mode: Mode = "game" if session.mode == "game" else "training"
        if mode in self._folders:
            self._worker.put((session.session_id, session.wearer, mode, samples))

    def ended(self, session: Session, summary: dict[str, Any]) -> None:  # noqa: ARG002
        """Close the session's file."""
        self._worker.put((session.session_id, session.wearer, None, ()))

    def stop(self) -> None:
        """Write waiting samples and close all files; what the disk refuses now is lost and reported."""
        self._worker.stop()
        self._end(list(self._open))
        _attempt(self._write, ())
        for file in self._ending:
            self._lost += file.abandon()
        self._ending.clear()
        if self._lost:
            _log.error("event=samples_not_recorded samples=%d", self._lost)

    def _write(self, items: Sequence[tuple[str, Wearer, Mode | None, Sequence[Sample]]]) -> None:
        """Add samples, then write to every file; one that fails keeps its samples and does not delay other files."""
        for session_id, wearer, mode, samples in items:
            file = self._open.get(session_id)
            if file is not None and file.mode != mode:
                self._end([session_id])
                file = None
            if mode is not None:
                if file is None:
                    file = _OpenFile(self._folders[mode], mode, wearer, self._clock(), self._takes_simulated)
                    self._open[session_id] = file
                file.add(samples)
        now_s = self._clock()
        errors = [error for file in self._due(now_s) if (error := _attempt(file.write, now_s))]
        syncs_each = len(self._ending) <= SYNCED_EACH
        failed = {id(file): error for file in self._ending if (error := _attempt(file.close, syncs_each))}
        if not syncs_each:
            os.sync()
        self._ending = [file for file in self._ending if id(file) in failed]
        errors += failed.values()
        if errors:
            self._bound()
            raise errors[0]

    def _due(self, now_s: float) -> Iterator[_OpenFile]:
        """Yield the files that are written to now."""
        left = OPENED_AT_ONCE
        for file in self._open.values():
            if file.is_due(now_s) and (left or not file.is_undecided):
                left -= file.is_undecided
                yield file

    def _end(self, session_ids: Sequence[str]) -> None:
        self._ending += [self._open.pop(session_id) for session_id in session_ids]

    def _bound(self) -> None:
        """While the disk fails: drop the oldest samples beyond each file's share of the limit."""
        files = [*self._open.values(), *self._ending]
        for file in files:
            self._lost += file.keep(KEPT_SAMPLES // len(files))


def _attempt(act: Callable[..., None], *arguments: object) -> OSError | None:
    try:
        act(*arguments)
    except OSError as error:
        return error
    return None


class _OpenFile:
    """One file, created when the first seconds have determined its columns.

    After a failure the file ends after its last whole row, and the next file continues with all unwritten samples.
    """

    def __init__(
        self, root: Path, mode: Mode, wearer: Wearer, now_s: float, takes_simulated: Callable[[int], bool]
    ) -> None:
        self.mode: Mode = mode
        self._root, self._wearer, self._began_s = root, wearer, now_s
        self._takes_simulated = takes_simulated
        self._written_s = now_s
        self._is_wanted: bool | None = None
        self._waiting: list[Sample] = []
        self._writer: SessionWriter | None = None

    def add(self, samples: Sequence[Sample]) -> None:
        self._waiting.extend(samples)

    def keep(self, limit: int) -> int:
        """Drop the oldest waiting samples beyond the limit; return how many."""
        excess = max(0, len(self._waiting) - limit)
        del self._waiting[:excess]
        return excess

    @property
    def is_undecided(self) -> bool:
        """Whether nothing has been written yet: the first write looks for copies and creates a file."""
        return self._is_wanted is None

    def is_due(self, now_s: float) -> bool:
        due_s = self._began_s + _LOOK_AHEAD_S if self._writer is None else self._written_s + WRITE_EVERY_S
        return now_s >= due_s

    def write(self, now_s: float) -> None:
        self._written_s = now_s
        self._write_waiting()

    def close(self, sync: bool) -> None:  # noqa: FBT001 - an argument of ``_attempt``
        self._write_waiting()
        if self._writer is not None:
            writer, self._writer = self._writer, None
            writer.close(sync=sync)

    def abandon(self) -> int:
        """Close without writing waiting samples; return how many they are."""
        if self._writer is not None:
            self._writer.abandon()
        return len(self._waiting)

    def _write_waiting(self) -> None:
        if not self._waiting:
            return
        if self._is_wanted is None:
            self._is_wanted = self._decide()
        if not self._is_wanted:
            self._waiting.clear()
            return
        samples = self._waiting
        values = values_of(samples)
        extras = extras_of(values, samples)
        writer = self._writer = self._writer or self._make_writer(extras)
        beats = {}
        if RR_COLUMN in extras:
            beats = {row: sample.rr_intervals_ms for row, sample in enumerate(samples) if sample.rr_intervals_ms}
        try:
            writer.widen(extras)
            writer.write_arrays(np.array([each.t for each in samples]), values, [each.tags for each in samples], beats)
            writer.flush()
        except OSError:
            self._writer = None
            writer.abandon()
            raise
        self._waiting.clear()

    def _decide(self) -> bool:
        """Whether this becomes a file; the first seconds decide."""
        athlete_id, first = self._wearer.athlete_id, self._waiting[0]
        if first.tags.source == SIMULATED and not self._takes_simulated(athlete_id):
            reason = "simulated"
        elif copy := copy_of(self._root, self.mode, athlete_id, self._waiting):
            reason = f"is_in={copy.name}"
        else:
            return True
        _log.info("event=not_recorded device=%s athlete=%d %s", first.device_id, athlete_id, reason)
        return False

    def _make_writer(self, extras: Collection[str]) -> SessionWriter:
        body = self._wearer.profile
        profile = WireProfile(body.age_years, body.weight_kg, body.height_cm, body.sex)
        first = self._waiting[0]
        return SessionWriter(
            self._root, self.mode, self._wearer.athlete_id, first.device_id, first.t, profile, sorted(extras)
        )
