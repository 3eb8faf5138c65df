"""Keeps a league as its plan says: places shards, replaces lost ones, moves squads, drains nodes.

It says to every shard, again and again, which squads it is to have, and reads from the answer which it has. So a shard
that was restarted, moved or forgotten needs no special case, and a squad is given to a shard only when no other one
still has it. No Ray and no clock in here: both are given.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from athlete_monitor.errors import ConfigError, MonitorError
from athlete_monitor.league.assignment import Role, assignment_of
from athlete_monitor.league.placing import Need, Node, chosen_node, need_of, no_node_text, planned_shards
from athlete_monitor.league.shard import Wanted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athlete_monitor.league.keeper import Report
    from athlete_monitor.league.settings import League
    from athlete_monitor.league.shard import Answer

NICE: Final = 5
NICE_TEXT: Final = (
    "engines run with niceness {}: other programs delay them; start the node with RAY_worker_niceness=0 ray start ..."
)
LONGEST_PAUSE_S: Final = 30.0
"""A shard that cannot start is tried again after pauses that double up to this one, s."""
PREPARE_S: Final = 45.0
"""A move waits for so long for the prepared engine of the new shard, s."""


class Remote(Protocol):
    """A shard on the cluster. Nothing in here waits."""

    def sync(self, wanted: Mapping[str, Wanted]) -> bool:
        """Say which squads it is to have; return False where nothing was sent, because it still owes an answer."""

    def answer(self) -> Answer | None:
        """Return its answer, if one has come since the last call."""

    def end(self) -> None:
        """End its process, for good."""

    @property
    def ending(self) -> str:
        """Why its process has ended; empty while that is not known."""


class Cluster(Protocol):
    """Machines that take shards."""

    def nodes(self) -> Sequence[Node]:
        """Return the nodes."""

    def answers(self, node: Node) -> bool:
        """Whether a node can be reached at this moment."""

    def start(self, name: str, node: Node, need: Need, runtime: str | None) -> Remote:
        """Start a shard under a new name, on this node if that is possible; it loads the runtime of its engines."""

    def find(self, name: str) -> Remote | None:
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

    remote: Remote
    node_id: str
    began_s: float
    answered_s: float | None = None
    reports: dict[str, Report] = field(default_factory=dict)
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


@dataclass
class Plan:
    """What was asked for, beyond the file; kept over restarts.

    Attributes:
        moved: squads that were moved, and to which shard.
        drained: ids of nodes that are to be empty.
        numbers: how often each shard was started.
    """

    moved: dict[str, str] = field(default_factory=dict)
    drained: set[str] = field(default_factory=set)
    numbers: dict[str, int] = field(default_factory=dict)


class Coordinator:
    """The league's plan and the shards that carry it out.

    Args:
        league: the league.
        cluster: where shards run.
        plan: what was asked for before.
    """

    def __init__(self, league: League, cluster: Cluster, plan: Plan | None = None) -> None:
        self.plan = plan or Plan()
        self._cluster = cluster
        self._placed: dict[str, Placed] = {}
        self._notes: dict[str, str] = {}
        self._moves: dict[str, float] = {}
        self._silent_nodes: set[str] = set()
        self._stopping = False
        self._tried: dict[str, int] = {}
        self._failures: dict[str, int] = {}
        self._not_before_s: dict[str, float] = {}
        self._homes: dict[str, str] = {}
        self.nodes: Sequence[Node] = ()
        self.use(league)

    def use(self, league: League) -> None:
        """Take a new version of the file: squads and shards are added and removed."""
        self.league = league
        self._of_file = planned_shards(league)
        home = {squad: shard for shard, squads in self._of_file.items() for squad in squads}
        self.plan.moved = {
            squad: shard
            for squad, shard in self.plan.moved.items()
            if squad in home and shard in self._of_file and home[squad] != shard
        }
        self._assignments = {squad: assignment_of(league, squad) for squad in league.squads}

    def shards(self) -> dict[str, list[str]]:
        """Return the squads that each shard is to have."""
        if self._stopping:
            return {}
        found: dict[str, list[str]] = {shard: [] for shard in self._of_file}
        for shard, squads in self._of_file.items():
            for squad in squads:
                found[self.plan.moved.get(squad, shard)].append(squad)
        return found

    def move(self, squad: str, shard: str, now_s: float) -> None:
        """Move a squad to another shard.

        Raises:
            ConfigError: there is no such squad or shard.
        """
        if squad not in self.league.squads:
            raise ConfigError(f"{squad!r} is not a squad; allowed: {', '.join(self.league.squads)}")
        if shard not in self._of_file:
            raise ConfigError(f"{shard!r} is not a shard; allowed: {', '.join(self._of_file)}")
        self.plan.moved[squad] = shard
        self._moves[squad] = now_s
        self.use(self.league)

    def drain(self, node: str, *, undo: bool = False) -> Node:
        """Empty a node, or allow shards on it again.

        Args:
            node: its name, address, or the beginning of its id.
            undo: allow shards again.

        Raises:
            ConfigError: no such node, or several.
            MonitorError: no other node has room for its shards.
        """
        found = [each for each in self.nodes if node in {each.name, each.address} or each.id.startswith(node)]
        if len(found) != 1:
            known = ", ".join(f"{each.id[:8]} ({each.name or each.address})" for each in self.nodes)
            raise ConfigError(f"{node!r} is {'no node' if not found else 'more than one node'}; allowed: {known}")
        if not undo:
            self._check_room_without(found[0])
        (self.plan.drained.discard if undo else self.plan.drained.add)(found[0].id)
        return found[0]

    def _check_room_without(self, node: Node) -> None:
        taken, avoided, wanted = self._taken(), self.plan.drained | self._silent_nodes | {node.id}, self.shards()
        for shard, placed in self._placed.items():
            if placed.node_id == node.id and shard in wanted:
                need = need_of(self.league, wanted[shard])
                other = chosen_node(need, self.nodes, taken, avoided)
                if other is None:
                    raise MonitorError(
                        f"no other node has {need.cpus:g} CPUs and {need.memory_mb:g} MB left for shard {shard}; "
                        "start another node first, or end the league: league.py stop"
                    )
                taken[other.id] = taken.get(other.id, Need()) + need

    def stop(self) -> None:
        """End all engines in order; ``is_empty`` says when they have."""
        self._stopping = True

    @property
    def is_empty(self) -> bool:
        """Whether no shard is left."""
        return not self._placed

    def tick(self, now_s: float) -> None:
        """Read the answers, and do what is missing."""
        self.nodes = self._cluster.nodes()
        silent = [node for node in self.nodes if node.id in self._silent_nodes]
        self._silent_nodes = {node.id for node in silent if not self._cluster.answers(node)}
        self._read_answers(now_s)
        wanted = self.shards()
        for shard, placed in list(self._placed.items()):
            if (shard not in wanted or placed.node_id in self.plan.drained) and placed.is_left:
                placed.remote.end()
                del self._placed[shard]
        for shard in wanted:
            if shard not in self._placed:
                self._place(shard, now_s)
        for shard, orders in self._orders(now_s).items():
            placed = self._placed[shard]
            if placed.remote.sync({squad: Wanted(self._assignments[squad], role) for squad, role in orders.items()}):
                placed.sent = {squad for squad, role in orders.items() if role == "run"}

    def _read_answers(self, now_s: float) -> None:
        """Read what has been answered, and give up the shards that are lost."""
        for shard, placed in self._placed.items():
            if self._read(placed, now_s):
                self._notes.pop(shard, None)
                self._failures.pop(shard, None)
        for shard in list(self._placed):
            if (why := self._loss(self._placed[shard], now_s)) is not None:
                self._give_up(shard, why, now_s)

    def report_of(self, squad: str) -> tuple[str, Placed | None, Report | None]:
        """Return the shard that has a squad, or is to have it, and the squad's report."""
        for shard, placed in self._placed.items():
            report = placed.reports.get(squad)
            if report is not None and report.condition != "prepared":
                return shard, placed, report
        home = next((shard for shard, squads in self.shards().items() if squad in squads), "")
        return home, self._placed.get(home), None

    def document(self, now_s: float) -> dict[str, Any]:
        """Return how squads, shards and nodes are doing."""
        nodes = {node.id: node for node in self.nodes}
        return {
            "squads": [self._squad_row(squad, nodes) for squad in self.league.squads],
            "shards": [self._shard_row(shard, squads, now_s, nodes) for shard, squads in self.shards().items()],
            "nodes": [self._node_row(node) for node in self.nodes],
        }

    def _squad_row(self, squad: str, nodes: Mapping[str, Node]) -> dict[str, Any]:
        shard, placed, report = self.report_of(squad)
        return {
            "squad": squad,
            "shard": shard,
            "node": None if placed is None else _name_of(placed.node_id, nodes),
            "condition": "waiting" if report is None else report.condition,
            "since_s": None if report is None else report.since_s,
            "delay_s": None if report is None else report.delay_s,
            "restarts": 0 if report is None else report.restarts,
            "note": _note_of(report) or self._notes.get(shard, ""),
            "pid": None if report is None else report.pid,
            "cpu_s": None if report is None else report.usage.cpu_s,
            "memory_mb": None if report is None else report.usage.rss_mb,
        }

    def _shard_row(self, shard: str, squads: list[str], now_s: float, nodes: Mapping[str, Node]) -> dict[str, Any]:
        placed = self._placed.get(shard)
        answered_s = None if placed is None else placed.answered_s
        return {
            "shard": shard,
            "node": None if placed is None else _name_of(placed.node_id, nodes),
            "squads": squads,
            "silent_s": None if answered_s is None else round(now_s - answered_s, 1),
            "starts": self.plan.numbers.get(shard, 0),
            "note": self._notes.get(shard, ""),
        }

    def _node_row(self, node: Node) -> dict[str, Any]:
        return {
            "node": node.id[:8],
            "name": node.name or node.address,
            "alive": node.is_alive and node.id not in self._silent_nodes,
            "drained": node.id in self.plan.drained,
            "shards": sorted(shard for shard, placed in self._placed.items() if placed.node_id == node.id),
            "note": self._note_of_node(node),
        }

    def _note_of_node(self, node: Node) -> str:
        niceness = max((each.niceness for each in self._placed.values() if each.node_id == node.id), default=0)
        return NICE_TEXT.format(niceness) if niceness > NICE else ""

    def _read(self, placed: Placed, now_s: float) -> bool:
        """Read an answer; return whether there was one."""
        answer = placed.remote.answer()
        if answer is not None:
            placed.answered_s, placed.node_id, placed.niceness = now_s, answer.node_id, answer.niceness
            placed.reports = {report.squad: report for report in answer.reports}
            placed.sent = set()
        return answer is not None

    def _loss(self, placed: Placed, now_s: float) -> str | None:
        """Return why a shard counts as lost; None where it does not."""
        node = next((each for each in self.nodes if each.id == placed.node_id), None)
        silent_s = now_s - (placed.began_s if placed.answered_s is None else placed.answered_s)
        health = self.league.health
        limit_s = health.start_s if placed.answered_s is None and not placed.is_found else health.lost_s
        if placed.node_id and (node is None or not node.is_alive):
            return "its node was lost"
        if placed.remote.ending:
            return placed.remote.ending
        if silent_s > limit_s:
            return f"it did not answer for {silent_s:.0f} s"
        if node is not None and silent_s > 1.0 and not self._cluster.answers(node):
            self._silent_nodes.add(node.id)
            return "its node does not answer"
        return None

    def _give_up(self, shard: str, why: str, now_s: float) -> None:
        placed = self._placed.pop(shard)
        placed.remote.end()
        self._notes[shard] = why
        if placed.answered_s is None:  # it could not start: do not try again at full speed
            self._failures[shard] = self._failures.get(shard, 0) + 1
            self._not_before_s[shard] = now_s + min(2.0 ** self._failures[shard], LONGEST_PAUSE_S)
        elif placed.remote.ending:
            self._homes[shard] = placed.node_id

    def _place(self, shard: str, now_s: float) -> None:
        known = self.plan.numbers.get(shard, 0)
        if known and shard not in self._tried:
            self._tried[shard] = known
            if (remote := self._cluster.find(f"{shard}.{known}")) is not None:
                self._placed[shard] = Placed(remote, "", now_s, is_found=True)
                return
        if now_s < self._not_before_s.get(shard, float("-inf")):
            return
        need = need_of(self.league, self.shards()[shard])
        node = self._node_for(shard, need)
        if node is None:
            self._notes[shard] = no_node_text(need, self.plan.drained)
            return
        number = known + 1
        try:
            remote = self._cluster.start(f"{shard}.{number}", node, need, self._runtime_of(shard))
        except MonitorError as error:
            self._notes[shard] = str(error)
            return
        self.plan.numbers[shard] = self._tried[shard] = number
        self._placed[shard] = Placed(remote, node.id, now_s)

    def _node_for(self, shard: str, need: Need) -> Node | None:
        """Return the node where the shard's process has just ended, and else the one with the most room."""
        taken, avoided = self._taken(), self.plan.drained | self._silent_nodes
        home = self._homes.pop(shard, "")
        there = chosen_node(need, [node for node in self.nodes if node.id == home], taken, avoided)
        return there or chosen_node(need, self.nodes, taken, avoided)

    def _runtime_of(self, shard: str) -> str | None:
        return next((self._assignments[squad].runtime for squad in self.shards()[shard]), None)

    def _taken(self) -> dict[str, Need]:
        found: dict[str, Need] = {}
        wanted = self.shards()
        for shard, placed in self._placed.items():
            found[placed.node_id] = found.get(placed.node_id, Need()) + need_of(self.league, wanted.get(shard, []))
        return found

    def _orders(self, now_s: float) -> dict[str, dict[str, Role]]:
        """Return what each shard is to have. A squad changes shards in three steps.

        The new shard prepares its engine, the old one ends its own, and only then the new one runs.
        """
        orders: dict[str, dict[str, Role]] = {shard: {} for shard in self._placed}
        for shard, squads in self.shards().items():
            placed = self._placed.get(shard)
            target = None if placed is None or placed.node_id in self.plan.drained else placed
            for squad in squads:
                holders = [name for name, other in self._placed.items() if other is not placed and other.may_run(squad)]
                if target is not None:
                    orders[shard][squad] = "prepare" if holders else "run"
                if target is None or not self._is_prepared(target, squad, now_s):
                    for name in holders:
                        if self._placed[name].node_id not in self.plan.drained:
                            orders[name][squad] = "run"
        return orders

    def _is_prepared(self, target: Placed, squad: str, now_s: float) -> bool:
        report = target.reports.get(squad)
        waited_s = now_s - self._moves.get(squad, float("-inf"))
        return waited_s > PREPARE_S or (report is not None and report.condition == "prepared")


def _note_of(report: Report | None) -> str:
    """Return what went wrong last, and what an engine waits for that does not run yet."""
    if report is None:
        return ""
    return report.note or ("" if report.condition == "running" else report.status)


def _name_of(node_id: str, nodes: Mapping[str, Node]) -> str:
    node = nodes.get(node_id)
    return node_id[:8] if node is None or not node.name else node.name
