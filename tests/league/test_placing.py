"""Which squads form a shard, and which node takes it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.league.placing import Need, Node, chosen_node, need_of, planned_shards
from athlete_monitor.league.settings import RegionalBroker, SquadSettings, load_league

EXAMPLE = load_league()
NORTH = RegionalBroker(host="north.example")
SIZES = st.lists(st.integers(1, 500), min_size=1, max_size=40)


def league_of(sizes, most=8, shards=None):
    squads = {
        f"s{n}": SquadSettings(prefix=f"s{n}/", broker="ab"[n % 2], athletes=size) for n, size in enumerate(sizes)
    }
    brokers = {"a": NORTH, "b": NORTH.model_copy(update={"port": 1884, "node_resource": "south"})}
    parts = {"squads": squads, "brokers": brokers, "squads_per_shard": most, "shards": shards}
    return EXAMPLE.model_copy(update=parts)


@given(sizes=SIZES, most=st.integers(1, 9))
def test_every_squad_is_in_one_shard_of_its_broker_which_is_not_too_large(sizes, most):
    league = league_of(sizes, most)
    shards = planned_shards(league)
    placed = [squad for squads in shards.values() for squad in squads]
    assert sorted(placed) == sorted(league.squads)
    for squads in shards.values():
        assert 1 <= len(squads) <= most
        assert len({league.squads[squad].broker for squad in squads}) == 1


@given(sizes=st.lists(st.integers(1, 500), min_size=1, max_size=12), squads=st.permutations(range(12)))
def test_the_shards_do_not_depend_on_the_order_in_the_file(sizes, squads):
    league = league_of(sizes)
    mixed = {f"s{n}": league.squads[f"s{n}"] for n in squads if n < len(sizes)}
    assert planned_shards(league.model_copy(update={"squads": mixed})) == planned_shards(league)


def test_squads_are_spread_by_their_athletes():
    shards = planned_shards(league_of([100, 1, 10, 1, 10, 1, 10, 1, 100], most=3))
    athletes = {shard: [s for s in squads if s in {"s0", "s8"}] for shard, squads in shards.items()}
    assert athletes["a-1"] != []
    assert athletes["a-2"] != []


def test_shards_of_the_file_are_taken_as_they_are():
    assert planned_shards(league_of([1, 1], shards={"x": ("s1", "s0")})) == {"x": ("s1", "s0")}


def test_what_a_shard_needs_is_the_sum_of_its_squads_and_the_resources_of_their_brokers():
    league = league_of([30, 60])
    both, first, second = (need_of(league, names) for names in (["s0", "s1"], ["s0"], ["s1"]))
    assert both.cpus == first.cpus + second.cpus
    assert both.memory_mb == first.memory_mb + second.memory_mb
    assert (first.resources, both.resources) == (frozenset(), frozenset({"south"}))


@given(
    free=st.lists(st.tuples(st.floats(0.1, 8), st.floats(100, 9000)), min_size=1, max_size=6),
    need=st.tuples(st.floats(0, 9), st.floats(0, 9500)),
)
def test_a_chosen_node_has_room_and_a_shard_waits_only_where_none_has(free, need):
    nodes = [Node(str(n), cpus=cpus, memory_mb=memory) for n, (cpus, memory) in enumerate(free)]
    found = chosen_node(Need(*need), nodes, {})
    fits = [node for node in nodes if node.cpus >= need[0] - 1e-9 and node.memory_mb >= need[1] - 1e-6]
    assert (found is not None) == bool(fits)
    assert found is None or found in fits


def test_a_node_that_is_drained_lost_full_or_without_the_resource_takes_nothing():
    north, south = Node("n"), Node("s", resources=frozenset({"south"}))
    need = Need(0.5, 10, frozenset({"south"}))
    assert chosen_node(need, [north, south], {}) is south
    assert chosen_node(need, [north, south], {}, {"s"}) is None
    assert chosen_node(need, [north], {}) is None
    assert chosen_node(need, [Node("s", resources=south.resources, is_alive=False)], {}) is None
    assert chosen_node(need, [south], {"s": Need(0.6, 10)}) is None
