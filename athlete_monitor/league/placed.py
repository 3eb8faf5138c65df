"""Shards on a cluster, as far as the coordinator needs to know them; the cluster itself is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athlete_monitor.league.keeper import EngineReport
    from athlete_monitor.league.placing import Need, Node
    from athlete_monitor.league.shard import ShardAnswer, SquadOrder


class RemoteShard(Protocol):
    """A shard on the cluster. Nothing in here waits."""

    def sync(self, wanted: Mapping[str, SquadOrder]) -> bool:
        """Say which squads it is to have; return False where nothing was sent, because it still owes an answer."""

    def answer(self) -> ShardAnswer | None:
        """Return its answer, if one has come since the last call."""

    def end(self) -> None:
        """End its process, for good."""

    @property
    def ending(self) -> str:
        """Why its process has ended; empty while that is not known."""


class ShardCluster(Protocol):
    """Machines that take shards."""

    def nodes(self) -> Sequence[Node]:
        """Return the nodes."""

    def answers(self, node: Node) -> bool:
        """Whether a node can be reached at this moment."""

    def start(self, name: str, node: Node, need: Need, runtime: str | None) -> RemoteShard:
        """Start a shard under a new name, on this node if that is possible; it loads the runtime of its engines."""

    def find(self, name: str) -> RemoteShard | None:
        """Return a shard that runs already."""


@dataclass
class Placed:
    """A shard that was started.

    Attributes:
        remote: to talk with it.
        node_id: where it is, as far as known.
        began_s: when it was started.
        answered_s: when it has answered last; None before the first answer.
        reports: how its squads are doing, by its last answer.
        sent: the squads that it was ordered to run since its last answer.
        is_found: an earlier coordinator started it: until its first answer nobody knows which squads it has.
        niceness: of its processes.
    """

    remote: RemoteShard
    node_id: str
    began_s: float
    answered_s: float | None = None
    reports: dict[str, EngineReport] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)
    is_found: bool = False
    niceness: int = 0

    def may_run(self, squad: str) -> bool:
        """Whether the engine of a squad may run in it."""
        if self.is_found and self.answered_s is None:
            return True
        report = self.reports.get(squad)
        return squad in self.sent or (report is not None and report.condition != "prepared")

    @property
    def is_left(self) -> bool:
        """Whether it has confirmed that it has no squad."""
        return self.answered_s is not None and not self.sent and not self.reports
