"""A shard: the engines of some squads on one node. Without Ray it is an ordinary object; on Ray it is an actor."""

from __future__ import annotations

import os
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from athlete_monitor.league.keeper import EngineKeeper
from athlete_monitor.league.template import Template

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athlete_monitor.league.assignment import Assignment, Role
    from athlete_monitor.league.keeper import EngineReport

STOP_S: Final = 30.0


@dataclass(frozen=True)
class SquadOrder:
    """A squad that a shard is to have, and what for."""

    assignment: Assignment
    role: Role = "run"


@dataclass(frozen=True)
class ShardAnswer:
    """What a shard answers: the node that it is on, how its squads are doing, and the niceness of its processes."""

    node_id: str
    reports: Sequence[EngineReport]
    niceness: int = 0


class Shard:
    """Keeps the engines that it is asked for.

    Args:
        name: of the shard.
        runtime: ``model_loading.runtime`` of the squads to come, to load it before they come; None: with the first one.
    """

    def __init__(self, name: str, runtime: str | None = None) -> None:
        self._who = f"{name} on {socket.gethostname()} (pid {os.getpid()})"
        self._keepers: dict[str, EngineKeeper] = {}
        self._template = Template()
        if runtime is not None:
            self._template.load(runtime)
        self._lock = threading.Lock()

    def sync(self, wanted: Mapping[str, SquadOrder]) -> Sequence[EngineReport]:
        """Take new squads, leave those that are not wanted any more; return how all of them are doing.

        It never waits for an engine: a squad that is left is reported until its engine has ended.
        """
        with self._lock:
            reports = {name: keeper.report() for name, keeper in self._keepers.items()}
            for name in [name for name, each in reports.items() if each.condition == "ended"]:
                del self._keepers[name]
                del reports[name]
            for name, keeper in self._keepers.items():
                if name not in wanted or wanted[name].assignment != keeper.assignment:
                    keeper.leave()  # one whose settings have changed is started again when it has ended
                elif wanted[name].role == "run":
                    keeper.run()
            for name, each in wanted.items():
                if name not in self._keepers:
                    self._keepers[name] = EngineKeeper(each.assignment, self._who, self._template, each.role)
                    reports[name] = self._keepers[name].report()
            return list(reports.values())

    def stop(self) -> bool:
        """Leave all squads and wait until their engines have ended; return whether all have."""
        with self._lock:
            for keeper in self._keepers.values():
                keeper.leave()
            ended = all(keeper.join(STOP_S) for keeper in self._keepers.values())
            self._template.close()
            return ended
