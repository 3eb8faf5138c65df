"""How the squads, shards and nodes of a league are doing, as rows of the league's document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from athlete_monitor.league.keeper import EngineReport
    from athlete_monitor.league.placed import Placed
    from athlete_monitor.league.placing import Node
    from athlete_monitor.league.plan import LeaguePlan

NICE: Final = 5
NICE_TEXT: Final = (
    "engines run with niceness {}: other programs delay them; start the node with RAY_worker_niceness=0 ray start ..."
)


@dataclass(frozen=True)
class LeagueView:
    """A league at one moment, as its coordinator sees it.

    Attributes:
        squads: their names.
        shards: the squads that each shard is to have.
        placed: the shards that were started.
        notes: what is wrong with a shard.
        nodes: of the cluster.
        silent_nodes: ids of nodes that do not answer.
        plan: what was asked for by command.
    """

    squads: Sequence[str]
    shards: Mapping[str, Sequence[str]]
    placed: Mapping[str, Placed]
    notes: Mapping[str, str]
    nodes: Sequence[Node]
    silent_nodes: Collection[str]
    plan: LeaguePlan

    def rows(self, now_s: float) -> dict[str, Any]:
        """Return the rows of squads, shards and nodes; ``now_s`` by the clock of the shards' answers, s."""
        return {
            "squads": [self._squad_row(squad) for squad in self.squads],
            "shards": [self._shard_row(shard, now_s) for shard in self.shards],
            "nodes": [self._node_row(node) for node in self.nodes],
        }

    def _squad_row(self, squad: str) -> dict[str, Any]:
        shard, placed, report = self._report_of(squad)
        return {
            "squad": squad,
            "shard": shard,
            "node": None if placed is None else self._name_of(placed.node_id),
            "condition": "waiting" if report is None else report.condition,
            "since_s": None if report is None else report.since_s,
            "delay_s": None if report is None else report.delay_s,
            "restarts": 0 if report is None else report.restarts,
            "note": _note_of(report) or self.notes.get(shard, ""),
            "pid": None if report is None else report.pid,
            "cpu_s": None if report is None else report.usage.cpu_s,
            "memory_mb": None if report is None else report.usage.rss_mb,
        }

    def _report_of(self, squad: str) -> tuple[str, Placed | None, EngineReport | None]:
        """Return the shard that has a squad, or is to have it, and the squad's report."""
        for shard, placed in self.placed.items():
            report = placed.reports.get(squad)
            if report is not None and report.condition != "prepared":
                return shard, placed, report
        home = next((shard for shard, squads in self.shards.items() if squad in squads), "")
        return home, self.placed.get(home), None

    def _shard_row(self, shard: str, now_s: float) -> dict[str, Any]:
        placed = self.placed.get(shard)
        answered_s = None if placed is None else placed.answered_s
        return {
            "shard": shard,
            "node": None if placed is None else self._name_of(placed.node_id),
            "squads": self.shards[shard],
            "silent_s": None if answered_s is None else round(now_s - answered_s, 1),
            "starts": self.plan.numbers.get(shard, 0),
            "note": self.notes.get(shard, ""),
        }

    def _node_row(self, node: Node) -> dict[str, Any]:
        return {
            "node": node.id[:8],
            "name": node.name or node.address,
            "alive": node.is_alive and node.id not in self.silent_nodes,
            "drained": node.id in self.plan.drained,
            "shards": sorted(shard for shard, placed in self.placed.items() if placed.node_id == node.id),
            "note": self._note_of_node(node),
        }

    def _note_of_node(self, node: Node) -> str:
        niceness = max((each.niceness for each in self.placed.values() if each.node_id == node.id), default=0)
        return NICE_TEXT.format(niceness) if niceness > NICE else ""

    def _name_of(self, node_id: str) -> str:
        node = next((each for each in self.nodes if each.id == node_id), None)
        return node_id[:8] if node is None or not node.name else node.name


def _note_of(report: EngineReport | None) -> str:
    """Return what went wrong last, and what an engine waits for that does not run yet."""
    if report is None:
        return ""
    return report.note or ("" if report.condition == "running" else report.status)
