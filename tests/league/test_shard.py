"""A shard without Ray, with real engines and a real Mosquitto: whatever ends an engine, it is back."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from athlete_monitor.batch.storage import store_at
from athlete_monitor.league.assignment import assignment_of
from athlete_monitor.league.fence import Fence
from athlete_monitor.league.settings import RegionalBroker, SquadSettings, load_league
from athlete_monitor.league.shard import Shard, SquadOrder
from athlete_monitor.league.state import CLAIMS
from tests.helpers import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.campaign, pytest.mark.timeout(400)]
PATIENCE_S = 120.0


@pytest.fixture
def wanted(make_config, mosquitto, tmp_path):
    config = make_config(model_loading={"runtime": "onnx"}, engine={"record": "none"})
    parts = {
        "engine_config": config,
        "state": str(tmp_path / "state"),
        "brokers": {"north": RegionalBroker(host=mosquitto.host, port=mosquitto.port)},
        "squads": {name: SquadSettings(broker="north", prefix=f"{name}/") for name in ("reds", "blues")},
    }
    league = load_league().model_copy(update=parts)
    return {name: SquadOrder(assignment_of(league, name)) for name in league.squads}


@pytest.fixture
def shard():
    made = Shard("test")
    yield made
    assert made.stop()


def reports(shard, wanted):
    return {report.squad: report for report in shard.sync(wanted)}


def running(shard, wanted, *others):
    """Wait until the squads run, in other processes than these; return their reports."""

    def all_run():
        found = reports(shard, wanted)
        good = {name for name, each in found.items() if each.condition == "running" and each.pid not in {None, *others}}
        return found if good == set(wanted) else None

    return wait_until(all_run, PATIENCE_S, "all engines")


def test_an_engine_that_is_killed_hangs_or_loses_its_template_runs_again(shard, wanted):
    first = running(shard, wanted)
    os.kill(first["reds"].pid, signal.SIGKILL)
    second = running(shard, wanted, first["reds"].pid)
    assert second["reds"].note == "ended by SIGKILL"
    assert second["blues"].pid == first["blues"].pid
    os.kill(second["reds"].pid, signal.SIGSTOP)
    third = running(shard, wanted, second["reds"].pid)
    assert third["reds"].restarts == 2
    shard._template._process.kill()
    shard._template._process.wait()
    os.kill(third["reds"].pid, signal.SIGKILL)
    fourth = running(shard, wanted, third["reds"].pid)
    assert (fourth["reds"].restarts, fourth["blues"].restarts) == (3, 0)


def test_an_engine_whose_state_was_taken_over_ends_and_stays_away(shard, wanted):
    only = {"reds": wanted["reds"]}
    pid = running(shard, only)["reds"].pid
    Fence(store_at(only["reds"].assignment.state, CLAIMS)).claim("another node")
    keeper = shard._keepers["reds"]
    assert keeper.join(PATIENCE_S)
    assert keeper.report().note == "taken over by another node"
    assert not Path(f"/proc/{pid}").exists()


def test_changed_settings_of_a_squad_start_its_engine_again(shard, wanted):
    pid = running(shard, wanted)["reds"].pid
    changed = wanted | {"reds": SquadOrder(replace(wanted["reds"].assignment, hung_s=9.0))}
    assert running(shard, changed, pid)["blues"].restarts == 0


def test_a_prepared_engine_waits_without_the_squads_state_and_takes_over_when_it_may(shard, wanted):
    prepared = {"reds": replace(wanted["reds"], role="prepare")}
    wait_until(lambda: reports(shard, prepared)["reds"].condition == "prepared", PATIENCE_S, "the prepared engine")
    claims = Path(wanted["reds"].assignment.state) / CLAIMS
    assert not claims.exists() or not list(claims.iterdir())
    pid = reports(shard, prepared)["reds"].pid
    assert running(shard, {"reds": wanted["reds"]})["reds"].pid == pid


def test_an_engine_that_cannot_start_says_why_and_is_tried_again(shard, wanted, tmp_path):
    (tmp_path / "bad.yaml").write_text("nonsense: 1\n")
    broken = wanted["reds"].assignment.engine.replace("config.yaml", "bad.yaml")
    bad = {"reds": SquadOrder(replace(wanted["reds"].assignment, engine=broken))}
    wait_until(lambda: "bad.yaml:1" in reports(shard, bad)["reds"].note, PATIENCE_S, "the reason")
    wait_until(lambda: reports(shard, bad)["reds"].restarts >= 2, PATIENCE_S, "another try")
