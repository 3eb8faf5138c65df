"""Keeps the engine of one squad running: claim, state, process, heartbeats, copies of the state, orderly end."""

from __future__ import annotations

import logging
import socket
import sqlite3
import threading
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from athlete_monitor.archive.address import address
from athlete_monitor.errors import MonitorError
from athlete_monitor.league.child import NOTHING, Child, Usage
from athlete_monitor.league.fence import FencedError
from athlete_monitor.league.state import state_of

if TYPE_CHECKING:
    from pathlib import Path

    from athlete_monitor.league.assignment import Assignment, Role
    from athlete_monitor.league.state import StateFolder
    from athlete_monitor.league.template import Template

EngineCondition = Literal["waiting", "prepared", "starting", "running", "stopping", "failed", "ended"]

LOOK_S: Final = 0.5
STOP_S: Final = 10.0
PAUSES_S: Final = (0.0, 1.0, 2.0, 5.0, 10.0)
"""Pauses before a restart; the last one for all further ones."""
STEADY_S: Final = 60.0
"""After running for so long, the pauses begin with the first one again."""

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class EngineReport:
    """How the engine of a squad is doing.

    Attributes:
        squad: its name.
        condition: ``running`` once it has been connected to its broker.
        since_s: seconds in this condition.
        pid: process id; None without a process.
        restarts: how often it was started again.
        note: what went wrong last; empty for nothing.
        status: the engine's own line.
        delay_s: age of the newest sample when it was stored, the largest of all athletes, s; None without athletes.
        usage: processor time and memory so far.
    """

    squad: str
    condition: EngineCondition
    since_s: float
    pid: int | None = None
    restarts: int = 0
    note: str = ""
    status: str = ""
    delay_s: float | None = None
    usage: Usage = NOTHING


class EngineKeeper:
    """The engine of one squad, in a thread of its own until ``leave``.

    Args:
        assignment: the squad.
        who: name of shard and node, for others who find the claim.
        template: forks the engine's process.
        role: see ``assignment.Role``.
    """

    def __init__(self, assignment: Assignment, who: str, template: Template, role: Role = "run") -> None:
        self._given, self._who, self._template = assignment, who, template
        self._may_run = threading.Event()
        self._leaving = threading.Event()
        self._wake_from, self._wake_to = socket.socketpair()
        self._child: Child | None = None
        self._condition: EngineCondition = "waiting"
        self._since_s = time.monotonic()
        self._restarts = 0
        self._note = ""
        self._folder: Path | None = None
        if role == "run":
            self._may_run.set()
        self._thread = threading.Thread(target=self._keep, name=f"squad {assignment.squad}", daemon=True)
        self._thread.start()

    @property
    def assignment(self) -> Assignment:
        """The squad, as it was given."""
        return self._given

    def run(self) -> None:
        """Let a prepared engine take over; harmless for one that runs."""
        if not self._may_run.is_set():
            self._may_run.set()
            self._wake()

    def leave(self) -> None:
        """Request the orderly end; ``report`` says when it has come."""
        if not self._leaving.is_set():
            self._leaving.set()
            self._wake()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; return whether it has come."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def report(self) -> EngineReport:
        """Return how the engine is doing; safe from any thread."""
        child = self._child
        return EngineReport(
            self._given.squad,
            self._condition,
            round(time.monotonic() - self._since_s, 1),
            None if child is None else child.pid,
            self._restarts,
            self._note,
            "" if child is None else child.status,
            _delay_s(self._folder) if self._condition == "running" else None,
            NOTHING if child is None else child.usage(),
        )

    def _keep(self) -> None:
        tries = 0
        while not self._leaving.is_set():
            began_s = time.monotonic()
            try:
                self._serve()
            except FencedError as error:  # it belongs to another shard now; only the coordinator may give it back
                self._fail(str(error))
                break
            except MonitorError as error:
                self._fail(str(error))
            except Exception as error:  # noqa: BLE001 - a supervisor outlives every fault of what it watches
                _log.exception("event=keeper_failed squad=%s", self._given.squad)
                self._fail(f"{type(error).__name__}: {error}")
            tries = 0 if time.monotonic() - began_s > STEADY_S else tries + 1
            if not self._leaving.is_set():
                self._restarts += 1
                self._pause(PAUSES_S[min(tries - 1, len(PAUSES_S) - 1)] if tries else 0.0)
        self._become("ended")
        self._wake_from.close()
        self._wake_to.close()

    def _serve(self) -> None:
        """Run one process from its start to its end."""
        state = state_of(self._given)
        self._folder = state.folder
        child: Child | None = None
        try:
            if not self._may_run.is_set():
                child = self._prepared(state.folder)
            if self._leaving.is_set():
                return
            self._become("starting")
            state.fence.claim(self._who)
            lost = state.fetch()
            if lost:
                self._note = f"lost: {lost}"
            child = child or self._started(state.folder)
            child.go()
            self._watch(child, state)
        finally:
            self._child = None
            if self._condition == "running":
                self._become("starting")
            if child is not None and (ending := child.close()):
                self._note = ending

    def _started(self, folder: Path) -> Child:
        given = self._given
        self._child = Child(self._template, given.engine, folder, given.runtime, given.start_s)
        return self._child

    def _prepared(self, folder: Path) -> Child:
        """Start a process that waits, and wait until it may take over."""
        folder.mkdir(parents=True, exist_ok=True)
        child = self._started(folder)
        self._become("prepared")
        while not (self._may_run.is_set() or self._leaving.is_set()) and child.wait(LOOK_S, self._wake_to):
            self._drain()
        return child

    def _watch(self, child: Child, state: StateFolder) -> None:
        """Watch a running engine until it ends, hangs, loses its claim, or is to leave."""
        kept_s = time.monotonic()
        while child.wait(LOOK_S, self._wake_to):
            self._drain()
            now_s = time.monotonic()
            if child.ready and self._condition == "starting":
                self._become("running")
            if self._leaving.is_set():
                self._end(child, state)
                return
            self._check_heartbeat(child, now_s)
            if now_s - kept_s >= state.every_s:
                kept_s = now_s
                self._copy(child, state)

    def _check_heartbeat(self, child: Child, now_s: float) -> None:
        limit_s = self._given.hung_s if child.has_beaten else self._given.start_s
        if now_s - child.beat_s > limit_s:
            child.kill()
            raise MonitorError(f"the engine gave no heartbeat for {limit_s:g} s and was killed")

    def _copy(self, child: Child, state: StateFolder) -> None:
        """Check the claim and copy the state; a store that fails for a while stops nothing."""
        try:
            state.keep()
        except FencedError:
            child.stop(STOP_S)
            raise
        except Exception as error:  # noqa: BLE001 - whatever a store does, the engine goes on
            self._note = f"the state cannot be copied or checked: {error}"

    def _end(self, child: Child, state: StateFolder) -> None:
        self._become("stopping")
        child.stop(STOP_S)
        try:
            state.keep(whole=True)
        except Exception as error:  # noqa: BLE001 - as above
            self._note = f"the last copy of the state failed: {error}"

    def _fail(self, text: str) -> None:
        self._note = text
        self._become("failed")
        _log.error("event=engine_failed squad=%s reason=%r", self._given.squad, text)

    def _become(self, condition: EngineCondition) -> None:
        self._condition, self._since_s = condition, time.monotonic()

    def _pause(self, pause_s: float) -> None:
        self._leaving.wait(pause_s)

    def _wake(self) -> None:
        with suppress(OSError):
            self._wake_from.send(b"0")

    def _drain(self) -> None:
        self._wake_to.setblocking(False)  # noqa: FBT003 - the socket's own
        with suppress(BlockingIOError):
            self._wake_to.recv(64)


def _delay_s(folder: Path | None) -> float | None:
    """Return the age of the newest stored sample at the time it was stored, the largest of the running sessions, s."""
    if folder is None:
        return None
    question = (
        "SELECT MAX(arrived_s - last_t) FROM totals t JOIN sessions s ON s.id = t.session "
        "WHERE s.end_t IS NULL AND arrived_s > ?"
    )
    try:
        with closing(sqlite3.connect(address(folder / "prediction_outputs" / "journal.sqlite3"), uri=True)) as journal:
            (found,) = journal.execute(question, (time.time() - 10.0,)).fetchone()
    except sqlite3.Error:
        return None
    return None if found is None else round(max(0.0, found), 2)
