"""A cluster made of plain values, for tests of the coordinator: shards answer when they are asked to, or never."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from athlete_monitor.league.keeper import EngineReport
from athlete_monitor.league.shard import ShardAnswer

if TYPE_CHECKING:
    from athlete_monitor.league.keeper import EngineCondition
    from athlete_monitor.league.placing import Node


@dataclass
class Engine:
    condition: EngineCondition = "starting"


@dataclass
class MachineShard:
    """A shard on a machine; ``work`` lets it carry out its commands, step by step."""

    name: str
    node_id: str
    engines: dict[str, Engine] = field(default_factory=dict)
    wanted: dict[str, str] | None = None
    is_alive: bool = True
    ready: ShardAnswer | None = None
    is_deaf: bool = False
    ending: str = ""

    def sync(self, wanted):
        if self.wanted is not None or not self.is_alive:
            return False
        self.wanted = {squad: each.role for squad, each in wanted.items()}
        return True

    def answer(self):
        found, self.ready = self.ready, None
        return found if self.is_alive else None

    def end(self):
        self.is_alive = False
        self.engines = {}

    def work(self):
        """Carry out the last order as ``Shard`` does, and let every engine make one step."""
        for squad, engine in list(self.engines.items()):
            if engine.condition == "stopping":
                del self.engines[squad]
            elif engine.condition == "starting":
                engine.condition = "running"
        if self.wanted is not None and self.is_alive and not self.is_deaf:
            self._obey(self.wanted)
            reports = [EngineReport(squad, engine.condition, 0.0) for squad, engine in self.engines.items()]
            self.ready, self.wanted = ShardAnswer(self.node_id, reports), None

    def _obey(self, wanted):
        for squad, engine in list(self.engines.items()):
            if squad not in wanted and engine.condition == "prepared":
                del self.engines[squad]  # it never had the squad's state
            elif squad not in wanted:
                engine.condition = "stopping"
            elif engine.condition == "prepared" and wanted[squad] == "run":
                engine.condition = "starting"
        for squad, role in wanted.items():
            if squad not in self.engines:
                self.engines[squad] = Engine("prepared" if role == "prepare" else "starting")


@dataclass
class Machines:
    """The cluster."""

    found: list[Node]
    shards: list[MachineShard] = field(default_factory=list)
    unreachable: set[str] = field(default_factory=set)
    broken: str = ""
    """Why no shard can start."""

    def nodes(self):
        return self.found

    def answers(self, node):
        return node.id not in self.unreachable

    def start(self, name, node, _need, _runtime):
        self.shards.append(MachineShard(name, node.id, is_alive=not self.broken, ending=self.broken))
        return self.shards[-1]

    def find(self, name):
        return next((each for each in self.shards if each.name == name and each.is_alive), None)

    def lose(self, node_id):
        """A machine is gone, with everything on it."""
        self.found = [node for node in self.found if node.id != node_id]
        for each in self.shards:
            if each.node_id == node_id:
                each.end()

    def work(self):
        for each in self.shards:
            each.work()

    def running(self):
        """Every engine that has its squad's state now: the squad and the node."""
        return [
            (squad, each.node_id)
            for each in self.shards
            for squad, engine in each.engines.items()
            if engine.condition in {"starting", "running", "stopping"}
        ]
