"""Which squads form a shard, and which node takes a shard. Plain values in, plain values out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from athlete_monitor.league.settings import League


@dataclass(frozen=True)
class Need:
    """What a shard needs of a node.

    Attributes:
        cpus: processors.
        memory_mb: memory, MB.
        resources: names of Ray resources that the node must have.
    """

    cpus: float = 0.0
    memory_mb: float = 0.0
    resources: frozenset[str] = frozenset()

    def __add__(self, other: Need) -> Need:
        return Need(self.cpus + other.cpus, self.memory_mb + other.memory_mb, self.resources | other.resources)


@dataclass(frozen=True)
class Node:
    """A machine of the cluster.

    Attributes:
        id: Ray's id of it.
        address: its address.
        port: port of its raylet.
        cpus, memory_mb: all of it that Ray may give away.
        resources: names of its own resources.
        is_alive: whether the cluster knows it as alive.
        name: as it was started, or its address.
    """

    id: str
    address: str = ""
    port: int = 0
    cpus: float = 1.0
    memory_mb: float = 1000.0
    resources: frozenset[str] = field(default_factory=frozenset)
    is_alive: bool = True
    name: str = ""


def need_of(league: League, squads: Iterable[str]) -> Need:
    """Return what these squads need together, by the league's costs.

    Example:
        >>> from athlete_monitor.league.settings import load_league
        >>> need_of(load_league(), ["reds", "greens"])
        Need(cpus=0.265, memory_mb=545.0, resources=frozenset())
    """
    found, costs = [league.squads[name] for name in squads], league.costs
    athletes = sum(squad.athletes for squad in found)
    asked = (league.brokers[squad.broker].node_resource for squad in found)
    return Need(
        round(len(found) * costs.engine_cpus + athletes * costs.athlete_cpus, 3),
        round(len(found) * costs.engine_memory_mb + athletes * costs.athlete_memory_mb, 1),
        frozenset(name for name in asked if name is not None),
    )


def planned_shards(league: League) -> dict[str, tuple[str, ...]]:
    """Return the squads of each shard: those of the file, or as few shards as ``squads_per_shard`` allows.

    Squads of one shard share a broker. The largest squads are spread first, so that shards are about equally busy.

    Example:
        >>> from athlete_monitor.league.settings import load_league
        >>> planned_shards(load_league().model_copy(update={"squads_per_shard": 2}))
        {'north-1': ('greens',), 'north-2': ('blues', 'reds')}
    """
    if league.shards is not None:
        return dict(league.shards)
    found: dict[str, tuple[str, ...]] = {}
    for broker in league.brokers:
        names = sorted(name for name, squad in league.squads.items() if squad.broker == broker)
        shares = _shares(names, {name: league.squads[name].athletes for name in names}, league.squads_per_shard)
        found |= {f"{broker}-{number}": tuple(sorted(share)) for number, share in enumerate(shares, 1)}
    return found


def _shares(names: Sequence[str], athletes: Mapping[str, int], most: int) -> list[list[str]]:
    shares: list[list[str]] = [[] for _ in range(math.ceil(len(names) / most))]
    for name in sorted(names, key=lambda each: (-athletes[each], each)):
        open_ones = [share for share in shares if len(share) < most]
        min(open_ones, key=lambda share: (sum(athletes[each] for each in share), len(share))).append(name)
    return shares


def chosen_node(
    need: Need, nodes: Iterable[Node], taken: Mapping[str, Need], avoided: Collection[str] = ()
) -> Node | None:
    """Return the node with the most room for a shard; None where none has enough.

    Args:
        need: of the shard.
        nodes: all of them.
        taken: what the shards on each node need already, by the node's id.
        avoided: ids of nodes that are drained, or were lost.

    Example:
        >>> two = [Node("a", cpus=2), Node("b", cpus=4)]
        >>> chosen_node(Need(1), two, {"b": Need(3)}).id, chosen_node(Need(1), two, {}).id
        ('a', 'b')
        >>> chosen_node(Need(5), two, {})
    """
    fitting = [
        (room, node)
        for node in nodes
        if node.is_alive and node.id not in avoided and need.resources <= node.resources
        if (room := _room(need, node, taken.get(node.id, Need()))) is not None
    ]
    return max(fitting, key=lambda each: (each[0], each[1].id))[1] if fitting else None


def _room(need: Need, node: Node, taken: Need) -> float | None:
    """Return the share of the node that is left with the shard on it; None where it does not fit."""
    left = [
        (node.cpus - taken.cpus - need.cpus) / max(node.cpus, 1e-9),
        (node.memory_mb - taken.memory_mb - need.memory_mb) / max(node.memory_mb, 1e-9),
    ]
    return min(left) if min(left) >= -1e-9 else None


def no_node_text(need: Need, avoided: Collection[str]) -> str:
    """Return why a shard waits, in one line."""
    where = f" with {', '.join(sorted(need.resources))}" if need.resources else ""
    drained = f"; {len(avoided)} drained" if avoided else ""
    return f"no node{where} has {need.cpus:g} CPUs and {need.memory_mb:g} MB left{drained}"
