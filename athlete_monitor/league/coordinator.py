"""Keeps a league as its plan says: places shards, replaces lost ones, moves squads, drains nodes.

It says to every shard, again and again, which squads it is to have, and reads from the answer which it has. So a shard
that was restarted, moved or forgotten needs no special case, and a squad is given to a shard only when no other one
still has it. No Ray and no clock in here: both are given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import ConfigError, MonitorError
from athlete_monitor.league.assignment import Role, assignment_of
from athlete_monitor.league.overview import LeagueView
from athlete_monitor.league.placed import Placed
from athlete_monitor.league.placing import Need, Node, chosen_node, need_of, no_node_text, planned_shards
from athlete_monitor.league.plan import LeaguePlan
from athlete_monitor.league.shard import SquadOrder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.league.placed import ShardCluster
    from athlete_monitor.league.settings import League

LONGEST_PAUSE_S: Final = 30.0
"""A shard that cannot start is tried again after pauses that double up to this one, s."""
PREPARE_S: Final = 45.0
"""A move waits for so long for the prepared engine of the new shard, s."""


class Coordinator:
    """The league's plan and the shards that carry it out.

    Args:
        league: the league.
        cluster: where shards run.
        plan: what was asked for before.
    """

    def __init__(self, league: League, cluster: ShardCluster, plan: LeaguePlan | None = None) -> None:
        self.plan = plan or LeaguePlan()
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
            if placed.remote.sync(
                {squad: SquadOrder(self._assignments[squad], role) for squad, role in orders.items()}
            ):
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

    def view(self) -> LeagueView:
        """Return the league as it is at this moment."""
        return LeagueView(
            list(self.league.squads),
            self.shards(),
            self._placed,
            self._notes,
            self.nodes,
            self._silent_nodes,
            self.plan,
        )

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
