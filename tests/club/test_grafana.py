"""The Grafana dashboard against Grafana's own model of dashboards, and against what the screen's server exposes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from typing import Any

import pytest
import yaml

from athlete_monitor.catalogue import FIGURES, NUMBERS
from athlete_monitor.config import load_config
from athlete_monitor.dashboard.health import exposition
from athlete_monitor.dashboard.programs import Programs
from athlete_monitor.dashboard.simulation import Simulation
from athlete_monitor.dashboard.station import Station
from athlete_monitor.engine.figures.record import IDENTITY
from tests.engine.kit import feed, monitor_of, stream
from tests.helpers import ROOT

FOLDER = ROOT / "deploy" / "grafana"
DASHBOARD = json.loads((FOLDER / "dashboards" / "athletes.json").read_text(encoding="utf-8"))


def test_the_dashboard_is_up_to_date():
    done = subprocess.run(
        [sys.executable, "deploy/make_grafana.py", "--check"], check=False, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def lost(mine: Any, theirs: Any, place: str = "") -> list[str]:
    """Where Grafana's model does not hold what was written."""
    if isinstance(mine, dict):
        return [fault for key, value in mine.items() for fault in lost(value, theirs.get(key), f"{place}/{key}")]
    if isinstance(mine, list):
        pairs = zip(mine, theirs, strict=True)
        return [fault for number, pair in enumerate(pairs) for fault in lost(*pair, f"{place}/{number}")]
    return [] if mine == theirs else [place]


def test_grafanas_own_model_holds_every_value_of_the_dashboard():
    pytest.importorskip("grafana_foundation_sdk", reason="Grafana's SDK needs Python 3.11 or newer")
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models.dashboard import Dashboard

    read = json.loads(json.dumps(Dashboard.from_json(DASHBOARD), cls=JSONEncoder))
    assert lost(DASHBOARD, read) == []
    changed = DASHBOARD | {"titel": "Athletes"}
    assert lost(changed, json.loads(json.dumps(Dashboard.from_json(changed), cls=JSONEncoder))) == ["/titel"]


def test_panels_have_numbers_of_their_own_and_do_not_overlap():
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


def test_every_series_of_the_dashboard_is_exposed(make_config):
    config = load_config(make_config(), environ={})
    station = Station(config, Programs(), Simulation(Programs()))
    monitor, told = monitor_of(config)
    feed(monitor, stream(seconds=5))
    record = told.figures[-1] | {key: 1 for key, figure in NUMBERS.items() if figure.scope != "summary"}
    now_s = time.time()
    station.live.take("player/001/metrics", json.dumps(record).encode(), now_s)
    stats = {"online": 1, "lag_p99_ms": 1.0, "cpu_percent": 1.0, "memory_mb": 1.0, "temperature_c": 1.0}
    station.live.take("engine/stats", json.dumps(stats).encode(), now_s)
    text = exposition(station, now_s).decode()
    exposed = set(re.findall(r"^(athlete_monitor_\w+?)(?:{| )", text, re.MULTILINE))
    asked = set(re.findall(r"athlete_monitor_[a-z]\w*[a-z0-9]", json.dumps(DASHBOARD["panels"])))
    assert len(asked) > 10
    assert asked - {"athlete_monitor_athlete"} <= exposed


def test_every_figure_can_be_chosen():
    (figure,) = (each for each in DASHBOARD["templating"]["list"] if each["name"] == "figure")
    assert figure["query"].split(",") == list(NUMBERS)


def test_the_provisioning_files_are_what_their_readers_expect():
    provider = yaml.safe_load((FOLDER / "provisioning" / "dashboards" / "athletes.yaml").read_text())
    assert provider["apiVersion"] == 1
    assert provider["providers"][0]["type"] == "file"
    source = yaml.safe_load((FOLDER / "provisioning" / "datasources" / "athletes.yaml").read_text())
    assert source["datasources"][0]["type"] == "prometheus"
    (job,) = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
    assert job["metrics_path"] == "/metrics"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib came with Python 3.11")
def test_telegraf_reads_keys_that_the_messages_have():
    import tomllib

    document = tomllib.loads((ROOT / "deploy" / "telegraf" / "athletes.conf").read_text(encoding="utf-8"))
    (consumer,) = document["inputs"]["mqtt_consumer"]
    known = {name for name, _ in IDENTITY} | set(FIGURES) | {"session_phase", "t_s"}
    assert {*consumer["tag_keys"], *consumer["json_string_fields"], consumer["json_time_key"]} <= known
    assert consumer["topics"] == ["player/+/metrics"]
