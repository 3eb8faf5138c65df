"""The coordinator: every squad runs once, whatever happens to shards and nodes."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.errors import ConfigError, MonitorError
from athlete_monitor.league.coordinator import Coordinator
from athlete_monitor.league.placing import Node
from athlete_monitor.league.settings import load_league
from tests.league.machines import Machines

SHARDS = {"one": ("reds", "blues"), "two": ("greens",)}
LEAGUE = load_league().model_copy(update={"shards": SHARDS})
NODES = ("n1", "n2", "n3")


class World:
    """A league on three machines, with a clock."""

    def __init__(self, league=LEAGUE):
        self.machines = Machines([Node(name, name, 1, 4.0, 9000.0) for name in NODES])
        self.league, self.now_s = league, 0.0
        self.coordinator = Coordinator(league, self.machines)

    def go_on(self, ticks=1):
        for _ in range(ticks):
            self.now_s += 0.5
            self.coordinator.tick(self.now_s)
            self.machines.work()
            running = [squad for squad, _ in self.machines.running()]
            assert len(running) == len(set(running)), "two engines of one squad"

    def homes(self):
        self.go_on(12)
        return {squad: (row["shard"], row["node"]) for row in self.rows() for squad in [row["squad"]]}

    def rows(self):
        return self.coordinator.view().rows(self.now_s)["squads"]

    @property
    def all_run(self):
        return all(row["condition"] == "running" for row in self.rows())


def test_every_squad_is_started_in_its_shard_and_shards_are_spread_over_the_nodes():
    world = World()
    homes = world.homes()
    assert {squad: shard for squad, (shard, _) in homes.items()} == {"reds": "one", "blues": "one", "greens": "two"}
    assert world.all_run
    assert len({node for _, node in homes.values()}) == 2


def test_a_squad_that_moves_is_prepared_before_the_old_engine_ends_and_runs_after_it():
    world = World()
    world.homes()
    world.coordinator.move("reds", "two", world.now_s)
    seen = []
    for _ in range(12):
        world.go_on()
        seen.append(
            {each.name: each.engines["reds"].condition for each in world.machines.shards if "reds" in each.engines}
        )
    assert {"one.1": "running", "two.1": "prepared"} in seen
    assert {"one.1": "stopping", "two.1": "prepared"} in seen
    assert seen[-1] == {"two.1": "running"}


def test_the_shards_of_a_lost_node_start_on_another_one():
    world = World()
    lost = world.homes()["reds"][1]
    world.machines.lose(lost)
    homes = world.homes()
    assert world.all_run
    assert lost not in {node for _, node in homes.values()}


def test_a_node_that_cannot_be_reached_is_left_at_once_though_the_cluster_still_calls_it_alive():
    world = World()
    node = world.homes()["reds"][1]
    world.machines.unreachable.add(node)
    for each in world.machines.shards:
        each.is_alive = each.is_alive and each.node_id != node
    world.go_on(8)
    assert node not in {row["node"] for row in world.rows()}
    assert [row["node"] for row in world.coordinator.view().rows(world.now_s)["nodes"] if not row["alive"]] == [node]
    world.machines.unreachable.clear()
    world.go_on()
    assert all(row["alive"] for row in world.coordinator.view().rows(world.now_s)["nodes"])


def test_a_shard_whose_process_ended_starts_again_at_once_on_its_node():
    world = World()
    name, node = world.homes()["reds"]
    ended = next(each for each in world.machines.shards if each.node_id == node and "reds" in each.engines)
    ended.is_alive, ended.engines, ended.ending = False, {}, "its process ended"
    world.go_on(5)
    assert world.all_run
    assert world.homes()["reds"] == (name, node)


def test_a_shard_that_cannot_start_is_tried_more_and_more_seldom_and_says_why():
    world = World()
    world.machines.broken = "it cannot start: no such module"
    world.go_on(400)
    starts = sum(each.name.startswith("one.") for each in world.machines.shards)
    assert 4 <= starts <= 30
    assert {row["note"] for row in world.rows()} == {"it cannot start: no such module"}
    world.machines.broken = ""
    world.go_on(100)
    assert world.all_run


def test_a_shard_that_was_restarted_by_the_cluster_gets_its_squads_again():
    world = World()
    world.homes()
    for each in world.machines.shards:
        each.engines, each.wanted, each.ready = {}, None, None
    world.go_on(12)
    assert world.all_run


def test_a_shard_that_does_not_answer_any_more_is_replaced():
    world = World()
    world.homes()
    silent = next(each for each in world.machines.shards if each.name == "one.1")
    silent.is_deaf = True
    world.go_on(40)
    assert world.all_run
    assert [each.name for each in world.machines.shards if each.is_alive] == ["two.1", "one.2"]


def test_a_drained_node_becomes_empty_and_takes_nothing_until_it_is_allowed_again():
    world = World()
    node = world.homes()["reds"][1]
    world.coordinator.drain(node)
    homes = world.homes()
    assert world.all_run
    assert node not in {where for _, where in homes.values()}
    world.coordinator.drain(node, undo=True)
    for other in {where for _, where in homes.values()}:
        world.machines.lose(other)
    assert node in {where for _, where in world.homes().values()}


def test_a_node_is_not_drained_while_no_other_one_has_room_for_its_shards():
    world = World()
    world.homes()
    for name in NODES[:2]:
        world.coordinator.drain(name)
        world.homes()
    with pytest.raises(MonitorError, match=r"^no other node has .* left for shard one; start another node first"):
        world.coordinator.drain("n3")
    world.homes()
    assert world.all_run
    assert {row["node"] for row in world.rows()} == {"n3"}


def test_a_shard_for_which_no_node_has_room_waits_with_the_reason_until_one_joins():
    league = LEAGUE.model_copy(update={"costs": LEAGUE.costs.model_copy(update={"engine_cpus": 2.5})})
    world = World(league)
    world.machines.found = world.machines.found[:1]
    world.go_on(6)
    assert [row["note"] for row in world.rows() if row["squad"] == "reds"] == ["no node has 5.15 CPUs and 530 MB left"]
    world.machines.found = [*world.machines.found, Node("big", cpus=16.0, memory_mb=9000.0)]
    world.go_on(12)
    assert world.all_run


def test_a_coordinator_that_was_lost_finds_its_shards_again_and_disturbs_nobody():
    world = World()
    before = world.homes()
    world.coordinator.move("reds", "two", world.now_s)
    world.go_on(12)
    world.coordinator = Coordinator(world.league, world.machines, world.coordinator.plan)
    after = world.homes()
    assert after == before | {"reds": before["greens"]}
    assert [each.name for each in world.machines.shards] == ["one.1", "two.1"]


def test_a_squad_that_is_taken_out_of_the_file_ends_and_a_new_one_starts():
    world = World()
    world.homes()
    squads = {name: squad for name, squad in LEAGUE.squads.items() if name != "blues"}
    squads["golds"] = LEAGUE.squads["blues"]
    shards = {"one": ("reds",), "three": ("golds", "greens")}
    world.coordinator.use(LEAGUE.model_copy(update={"squads": squads, "shards": shards}))
    homes = world.homes()
    assert {squad: shard for squad, (shard, _) in homes.items()} == {"reds": "one", "golds": "three", "greens": "three"}
    assert world.all_run
    assert sorted(squad for squad, _ in world.machines.running()) == ["golds", "greens", "reds"]


def test_stop_ends_every_engine_before_its_shard():
    world = World()
    world.homes()
    world.coordinator.stop()
    world.go_on(10)
    assert world.coordinator.is_empty
    assert world.machines.running() == []


@pytest.mark.parametrize(
    ("squad", "shard", "said"),
    [
        ("golds", "one", "'golds' is not a squad; allowed: reds, blues"),
        ("reds", "x", "'x' is not a shard; allowed: one"),
    ],
)
def test_a_move_that_names_nothing_is_refused_with_what_is_allowed(squad, shard, said):
    with pytest.raises(ConfigError, match=said):
        World().coordinator.move(squad, shard, 0.0)


def test_a_drain_that_names_no_node_is_refused_with_the_nodes():
    world = World()
    world.go_on()
    with pytest.raises(ConfigError, match=r"'n9' is no node; allowed: n1 \(n1\), n2 \(n2\), n3 \(n3\)"):
        world.coordinator.drain("n9")


HAPPENINGS = st.lists(
    st.one_of(
        st.tuples(st.just("move"), st.sampled_from(sorted(LEAGUE.squads)), st.sampled_from(sorted(SHARDS))),
        st.tuples(st.just("drain"), st.sampled_from(NODES), st.booleans()),
        st.tuples(st.just("restart"), st.sampled_from(sorted(SHARDS))),
        st.tuples(st.just("coordinator")),
        st.tuples(st.just("lose"), st.sampled_from(NODES[1:])),
        st.tuples(st.just("wait"), st.integers(1, 6)),
    ),
    max_size=12,
)


@given(happenings=HAPPENINGS)
@settings(max_examples=60)
def test_whatever_happens_no_squad_runs_twice_and_all_run_in_the_end(happenings):
    world = World()
    for what, *how in happenings:
        happen(world, what, how)
        world.go_on()
    for node in world.coordinator.plan.drained & {node.id for node in world.machines.found}:
        world.coordinator.drain(node, undo=True)
    world.go_on(130)
    assert world.all_run, world.rows()


def happen(world, what, how):
    if what == "move":
        world.coordinator.move(how[0], how[1], world.now_s)
    elif what == "drain" and how[0] in {node.id for node in world.coordinator.nodes}:
        with suppress(MonitorError):  # no other node has room
            world.coordinator.drain(how[0], undo=how[1])
    elif what == "restart":
        for each in world.machines.shards:
            if each.name.startswith(how[0]):
                each.engines, each.wanted, each.ready = {}, None, None
    elif what == "coordinator":
        world.coordinator = Coordinator(world.league, world.machines, world.coordinator.plan)
        world.coordinator.tick(world.now_s)
    elif what == "lose":
        world.machines.lose(how[0])
    elif what == "wait":
        world.go_on(how[0])
