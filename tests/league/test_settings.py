"""``league.yaml``: what it may say, and one clear line for each mistake."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from athlete_monitor.errors import ConfigError, MonitorError
from athlete_monitor.league.assignment import assignment_of
from athlete_monitor.league.command import main
from athlete_monitor.league.ownership import check_owner
from athlete_monitor.league.settings import engine_settings, load_league
from tests.helpers import ROOT


@pytest.fixture
def write(tmp_path):
    """``write(squads={...})``: the example with these parts changed; None removes one."""
    shutil.copy(ROOT / "jetson_nano_4gb_config.yaml", tmp_path)
    shutil.copy(ROOT / "athletes.yaml", tmp_path)

    def make(**parts):
        document = yaml.safe_load((ROOT / "league.yaml").read_text(encoding="utf-8")) | parts
        path = tmp_path / "league.yaml"
        path.write_text(yaml.safe_dump({key: value for key, value in document.items() if value != "absent"}))
        return path

    return make


def squad(**changes):
    return {"broker": "north", "prefix": "league/reds/"} | changes


def test_the_example_is_valid_and_its_paths_are_those_of_its_folder(write, tmp_path):
    league = load_league(write())
    assert Path(league.state) == tmp_path / "league_state"
    assert league.squads["reds"].roster == tmp_path / "athletes.yaml"


def test_a_state_behind_a_url_stays_a_url(write):
    assert load_league(write(state="s3://bucket/league/")).state == "s3://bucket/league"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"name": "Cup 1"}, "name: 'Cup 1' is not allowed; allowed: 1 to 63 small letters"),
        ({"squads": {}}, "squads: "),
        ({"squads": {"re ds": squad()}}, "squads.re ds: 're ds' is not allowed; allowed: 1 to 63 small letters"),
        ({"shards": {"..": ["reds", "blues", "greens"]}}, "shards...: '..' is not allowed; allowed: 1 to 63 small"),
        ({"topic": "league/reds/engine/stats"}, "topic: 'league/reds/engine/stats' is a topic of a squad's engine"),
        ({"squad": {}}, "squad: is not a known key; did you mean squads?"),
        ({"squads": {"reds": squad(broker="south")}}, "squads.reds.broker: 'south' is not a broker; allowed: north"),
        ({"squads": {"reds": squad(prefix="a b/")}}, "squads.reds.prefix: 'a b/' is not allowed; allowed: levels"),
        ({"squads": {"reds": squad(prefix="")}}, "squads.reds.prefix: '' is not allowed"),
        ({"squads": {"reds": squad(athletes=0)}}, "squads.reds.athletes: 0 is not allowed; allowed: a whole number"),
        ({"squads": {"reds": squad(roster="no.yaml")}}, "no.yaml: there is no such file"),
        ({"squads": {"reds": squad(), "blues": squad()}}, "prefix: 'league/reds/' is the prefix of squad"),
        ({"topic_broker": "south"}, "topic_broker: 'south' is not a broker; allowed: north"),
        ({"topic": "league/#"}, "topic: 'league/#' is not allowed; allowed: a topic such as league/state"),
        ({"shards": {"one": ["reds", "blues"]}}, "squads.greens: is in no shard"),
        ({"shards": {"one": ["reds", "blues", "greens", "golds"]}}, "shards.one.3: 'golds' is not a squad"),
        ({"shards": {"one": ["reds", "blues"], "two": ["greens", "reds"]}}, "'reds' is in shard one already"),
        ({"shards": {"one": []}}, "shards.one: a list is not allowed"),
        ({"engine_config": "no.yaml"}, "engine_config: "),
        ({"state": "absent"}, "state: is missing"),
        ({"snapshot_s": "often"}, "snapshot_s: 'often' is not allowed; allowed: a number"),
        ({"health": {"hung_s": 0}}, "health.hung_s: 0 is not allowed"),
    ],
)
def test_a_mistake_is_one_line_with_file_line_and_what_is_allowed(write, parts, said):
    path = write(**parts)
    with pytest.raises(ConfigError) as caught:
        load_league(path)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{path}:")
    assert said in line


def test_every_mistake_of_a_file_has_its_line(write):
    with pytest.raises(ConfigError) as caught:
        load_league(write(squads={"reds": squad(broker="south"), "blues": squad(broker="west", prefix="b/")}))
    assert len(str(caught.value).splitlines()) == 2


def test_an_engine_gets_its_squads_broker_prefix_and_folder_and_keeps_every_sample_at_the_broker(write, tmp_path):
    brokers = {"north": {"host": "broker.example", "port": 8883, "username": "league"}}
    league = load_league(write(brokers=brokers))
    config = engine_settings(league, "reds", tmp_path / "reds")
    mqtt = config.mqtt
    assert (mqtt.broker, mqtt.host, mqtt.port, mqtt.username) == ("external", "broker.example", 8883, "league")
    assert (mqtt.topic_prefix, mqtt.qos, mqtt.persistent_session) == ("league/reds/", 1, True)
    assert config.box.name == "reds"
    assert config.paths.journal.is_relative_to(tmp_path / "reds")
    assert config.athletes.roster == tmp_path / "athletes.yaml"
    blues = engine_settings(league, "blues", tmp_path / "blues")
    assert blues.athletes.roster == tmp_path / "blues" / "athletes.yaml"


def test_a_squads_client_id_does_not_depend_on_the_machine_and_differs_from_every_other(write):
    league = load_league(write())
    ids = {league.client_id(name) for name in league.squads}
    assert len(ids) == len(league.squads)
    other = league.model_copy(update={"name": "other", "state": "/elsewhere"})
    assert other.client_id("reds") not in ids
    assert league.model_copy(update={"state": "/elsewhere"}).client_id("reds") in ids


def test_what_a_shard_gets_for_a_squad_names_no_other_squad(write):
    league = load_league(write())
    found = assignment_of(league, "blues")
    assert "reds" not in found.engine
    assert found.state == f"{league.state}/blues"


def test_a_place_for_state_belongs_to_the_league_that_was_started_there_first(write):
    league = load_league(write())
    check_owner(league)
    check_owner(league)
    with pytest.raises(ConfigError, match=r"belongs to the league 'example'.* or remove .*league\.json"):
        check_owner(league.model_copy(update={"name": "other"}))


def test_check_reads_what_engines_will_read(write, tmp_path):
    (tmp_path / "roster.yaml").write_text("athletes: 3\n")
    with pytest.raises(ConfigError, match=r"roster.yaml:1: "):
        main(["check", "--config", str(write(squads={"reds": squad(roster="roster.yaml")}))])
    with pytest.raises(MonitorError, match="s4"):
        main(["check", "--config", str(write(state="s4://bucket/league"))])


def test_without_ray_a_command_says_how_to_install_it(write):
    if find_spec("ray") is not None:
        pytest.skip("Ray is installed")
    with pytest.raises(MonitorError, match=r"^league.py needs Ray: pip install 'athlete-monitor\[league\]'$"):
        main(["status", "--config", str(write())])


def test_check_shows_the_shards_and_fails_in_one_line(write, capsys):
    assert main(["check", "--config", str(write())]) == 0
    assert "example: 3 squads in 1 shards" in capsys.readouterr().out
    with pytest.raises(ConfigError, match=r"league.yaml:\d+: name: "):
        main(["check", "--config", str(write(name=""))])
