"""The league's state: read from the broker, served to who is logged in."""

from __future__ import annotations

import json
import time

import pytest

from athlete_monitor.dashboard.app import build_app
from athlete_monitor.dashboard.live import Live
from athlete_monitor.dashboard.programs import Programs
from athlete_monitor.league.document import league_document
from tests.dashboard.kit import client_of

ROW = {"squad": "reds", "condition": "running", "delay_s": 0.4, "shard": "one", "node": "n1", "note": ""}
DOCUMENT = league_document(
    "cup", {"squads": [ROW], "shards": [], "nodes": []}, {"reds": {"athletes_live": 12, "box": "sending"}}, time.time()
)


@pytest.fixture
def app(sample_config):
    return build_app(sample_config(mqtt={"broker": "external", "port": 1}), Programs())


@pytest.fixture
def client(app):
    return client_of(app, base_url="http://127.0.0.1")


def test_the_newest_message_is_kept_with_the_time_at_which_it_came():
    live = Live()
    assert live.take("league/state", json.dumps(DOCUMENT).encode(), 5.0) == "league/state"
    assert (live.league["league"], live.league_heard_s) == ("cup", 5.0)


@pytest.mark.parametrize("payload", [b"", b"[]", b"\xff", b"[" * 5000, b'"x"'])
def test_what_is_no_state_changes_nothing(payload):
    live = Live()
    live.take("league/state", json.dumps(DOCUMENT).encode(), 5.0)
    assert live.take("league/state", payload, 9.0) == ""
    assert live.league_heard_s == 5.0


def test_without_a_league_the_answer_is_null_with_the_reason(client):
    answer = client.get("/api/league").json()
    assert answer["league"] is None
    assert answer["reason"].startswith("no league publishes")


def test_the_answer_is_the_leagues_state_and_its_age(app, client):
    app.state.station.live.take("league/state", json.dumps(DOCUMENT).encode(), time.time())
    answer = client.get("/api/league").json()
    assert answer["league"]["totals"]["athletes_live"] == 12
    assert answer["age_s"] < 60.0
    assert client.post("/api/league").status_code in {403, 405}
