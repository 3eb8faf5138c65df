"""The interface fuzzed against its own description, and the borders between roles."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import datetime, timezone
from functools import partial
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from athlete_monitor.dashboard.accounts import make_account, save_accounts, verify
from athlete_monitor.dashboard.app import build_app
from athlete_monitor.dashboard.programs import Programs
from athlete_monitor.dashboard.simulation import Simulation
from athlete_monitor.dashboard.visits import FIRST_WAIT_S, LASTS_S, TRIES, Brake, Visits
from tests.dashboard.kit import client_of, figures, packed
from tests.helpers import ROOT


class NoMatch(Simulation):
    """Starts nothing: the fuzzer would start a match with every call."""

    def start(self) -> bool:
        return False


def make_app(config: Any) -> Any:
    app = build_app(config, NoPrograms(), NoMatch(Programs()))
    app.state.station.live.take("player/007/metrics", packed(figures(7)), 1.0)
    return app


@pytest.fixture
def app(sample_config):
    return make_app(sample_config(mqtt={"broker": "external", "port": 1}))


@pytest.fixture
def client(app):
    return client_of(app, base_url="http://127.0.0.1")


NOT_FUZZED = {"/api/logout", "/api/me"}
"""They end the log-in that the fuzzer has, and give its token."""


class NoPrograms(Programs):
    """Makes no report: the fuzzer would make one with every call."""

    def made_file(self, script: str, options: Any, name: str) -> bytes:
        return b"%PDF"

    def made_files(self, script: str, options: Any) -> bytes:
        return b"PK"


def test_every_address_of_the_application_is_described(app, client):
    described = set(client.get("/openapi.json").json()["paths"])
    served = {
        path for one in app.routes if (path := getattr(one, "path", "")).startswith(("/api", "/health", "/metrics"))
    }
    assert served | {"/api/squad", "/api/control"} <= described


def test_the_page_for_people_names_every_address_and_no_other(client):
    described = {re.sub(r"\{\w+\}", "{}", path) for path in client.get("/openapi.json").json()["paths"]}
    page = (ROOT / "docs" / "screen.md").read_text(encoding="utf-8").partition("## Interface for programs")[2]
    named = set()
    for row in re.findall(r"^\| `/.*$", page, re.MULTILINE):
        whole = ""
        for address in re.findall(r"`(/[^`?]*)[^`]*`", row.split(" | ")[0]):
            path = re.sub(r"\{\w+\}", "{}", address)
            whole = path if path.startswith(("/api", "/push", "/health", "/metrics")) else whole
            named.add(path if path == whole else whole + path)
    assert named == described


def people_of(secured: Any, app: Any) -> dict[str, tuple[Any, dict[str, str]]]:
    """Applications and headers of everybody who may ask."""
    found = {"local": (app, {"host": "127.0.0.1"}), "nobody": (secured, {"host": "box.local"})}
    for name, secret in (("vera", "111111"), ("carl", "222222")):
        client = log_in(secured, name, secret)
        cookie = f"athlete_screen={client.cookies.get('athlete_screen')}"
        token = client.get("/api/me").json()["csrf"]
        found[name] = (secured, {"host": "box.local", "cookie": cookie, "x-csrf-token": token})
    local = client_of(app, base_url="http://127.0.0.1")
    found["local"][1]["x-csrf-token"] = local.get("/api/me").json()["csrf"]
    return found


@pytest.mark.parametrize("who", ["local", "nobody", "vera", "carl"])
def test_no_input_of_anybody_makes_the_interface_fail(app, secured, who):
    asked, headers = people_of(secured, app)[who]
    asked.state.access.brake = Brake(lambda: 0.0)
    schema = schemathesis.openapi.from_asgi("/openapi.json", asked, headers={"host": headers["host"]})
    undescribed: list[str] = []
    count = 0
    for result in schema.exclude(path=sorted(NOT_FUZZED)).get_all_operations():
        operation = result.ok()  # type: ignore[union-attr]  # an invalid description fails here
        run_examples(operation.as_strategy(), partial(check, headers, undescribed), EXAMPLES[who])
        count += 1
    assert undescribed == []
    assert count > 20


EXAMPLES = {"local": 4, "nobody": 2, "vera": 3, "carl": 3}


def run_examples(strategy: Any, fuzz_one: Any, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(strategy)
    def run(case: Any) -> None:
        fuzz_one(case)

    run()


def check(headers: dict[str, str], found: list[str], case: Any) -> None:
    answer = case.call(headers=headers)
    told = {str(status) for status in case.operation.definition.raw["responses"]}
    if str(answer.status_code) not in told | {"405"}:
        found.append(f"{case.method} {case.path}: {answer.status_code} {answer.text[:200]}")
    is_open = case.path in {"/health", "/api/login"} or answer.status_code in {403, 405, 413, 422}
    if "cookie" not in headers and headers["host"] != "127.0.0.1" and not is_open and answer.status_code != 401:
        found.append(f"{case.method} {case.path}: {answer.status_code} without a log-in")


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "..%2F..%2Fetc", "a/b", "x" * 100, "%00", "'; DROP TABLE x", "--help", "-o/etc/x"]
)
def test_no_key_of_a_path_reaches_a_file_or_a_program(client, key):
    described = client.get("/openapi.json").json()["paths"]
    paths = [path for path in described if "{" in path and "get" in described[path]]
    assert len(paths) >= 9
    for path in [*paths, "/static/{name}"]:
        address = f"{path.partition('{')[0]}{key}{path.partition('}')[2]}?columns=trimp"
        answer = client.get(address)
        assert answer.status_code in {400, 404, 422} or answer.json() == {"sessions": []}, address


def test_a_journal_that_cannot_be_read_is_told_and_the_live_figures_go_on(sample_config, tmp_path):
    (tmp_path / "journal.db").write_bytes(b"this is no journal" * 100)
    app = make_app(sample_config(mqtt={"port": 1}, paths={"journal": str(tmp_path / "journal.db")}))
    client = client_of(app, base_url="http://127.0.0.1")
    answer = client.get("/api/sessions")
    assert answer.status_code == 503
    assert "journal.db" in answer.json()["detail"]
    assert client.get("/api/squad").json()["frame"]["rows"]


@pytest.fixture
def secured(sample_config, tmp_path):
    people = [("vera", "viewer", "111111"), ("carl", "coach", "222222"), ("ada", "admin", "333333")]
    save_accounts(tmp_path / "accounts.json", [make_account(*one) for one in people])
    sections = {"accounts_file": str(tmp_path / "accounts.json"), "heart_rate_hidden_from": ["viewer"]}
    return make_app(sample_config(mqtt={"port": 1}, dashboard=sections))


def log_in(app: Any, name: str, secret: str) -> Any:
    client = client_of(app, base_url="http://box.local")
    assert client.post("/api/login", json={"name": name, "secret": secret}).status_code == 200
    return client


def test_without_a_log_in_nothing_is_told(secured):
    client = client_of(secured, base_url="http://box.local", follow_redirects=False)
    for path in ("/api/squad", "/api/me", "/api/team", "/metrics", "/api/qr.svg", "/api/athletes/007"):
        assert client.get(path).status_code == 401, path
    assert client.get("/").status_code == 303
    assert client.get("/health").status_code in {200, 503}


def test_a_forged_or_old_cookie_opens_nothing(secured):
    client = client_of(secured, base_url="http://box.local")
    client.cookies.set("athlete_screen", "forged")
    assert client.get("/api/squad").status_code == 401
    client = log_in(secured, "carl", "222222")
    kept = client.cookies.get("athlete_screen")
    token = client.get("/api/me").json()["csrf"]
    client.post("/api/logout", headers={"x-csrf-token": token})
    client.cookies.set("athlete_screen", kept or "")
    assert client.get("/api/squad").status_code == 401


def test_a_viewer_may_not_act_and_sees_nothing_of_the_heart(secured):
    client = log_in(secured, "vera", "111111")
    token = client.get("/api/me").json()["csrf"]
    answer = client.post("/api/control", json={"do": "marker", "text": "x"}, headers={"x-csrf-token": token})
    assert answer.status_code == 403
    assert client.get("/api/log").status_code == 403
    told = client.get("/api/athletes/007").json()["figures"]
    assert "distance_m" in told
    assert not {"heart_rate_bpm", "trimp", "heart_rate_zone", "hr_max_bpm"} & set(told)
    assert client.get("/api/history?columns=heart_rate_bpm").status_code == 400
    assert client.get("/api/athletes/007/seconds?columns=trimp").status_code == 400


def test_guessing_is_slowed_down():
    now = [0.0]
    brake = Brake(lambda: now[0])
    for _ in range(TRIES):
        assert brake.wait_s("x") == 0.0
        brake.failed("x")
    assert brake.wait_s("x") == FIRST_WAIT_S
    now[0] = FIRST_WAIT_S
    brake.failed("x")
    assert brake.wait_s("x") == 2 * FIRST_WAIT_S
    brake.succeeded("x")
    assert brake.wait_s("x") == 0.0


def test_guesses_that_come_all_at_once_are_slowed_down_too(secured):
    async def guess() -> list[int]:
        transport = httpx.ASGITransport(secured)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            guesses = [client.post("/api/login", json={"name": "carl", "secret": f"{at:06d}"}) for at in range(40)]
            return [answer.status_code for answer in await asyncio.gather(*guesses)]

    statuses = asyncio.run(guess())
    assert (statuses.count(401), statuses.count(429)) == (TRIES, 40 - TRIES)


def test_a_log_in_survives_a_restart_and_ends_with_its_time(tmp_path):
    now = [datetime(2026, 5, 4, tzinfo=timezone.utc).timestamp()]
    token, _ = Visits(lambda: now[0], tmp_path / "visits.json").begin("ada", "admin")
    again = Visits(lambda: now[0], tmp_path / "visits.json")
    found = again.find(token)
    assert found is not None
    assert (found.name, found.role) == ("ada", "admin")
    assert token not in (tmp_path / "visits.json").read_text(encoding="utf-8")
    now[0] += LASTS_S
    assert again.find(token) is None


def test_a_secret_is_kept_as_a_hash_and_the_name_matters(tmp_path):
    one, other = make_account("a", "coach", "123456"), make_account("b", "viewer", "654321")
    assert "123456" not in one.secret
    assert verify([one, other], "b", "654321") == other
    assert verify([one, other], "b", "123456") is None
    assert verify([one, other], "nobody", "123456") is None


def test_without_consent_an_athlete_is_nowhere(sample_config, tmp_path):
    from athlete_monitor.athletes import Athlete, Roster

    app = make_app(sample_config(mqtt={"port": 1}))
    app.state.station.live.use_roster(Roster((Athlete(id=7, device="007", name="Ada", consent=False),)))
    app.state.station.live.take("player/007/metrics", packed(figures(7)), 2.0)
    client = client_of(app, base_url="http://127.0.0.1")
    assert client.get("/api/squad").json()["athletes"] == []
    assert client.get("/api/athletes/007").status_code == 404


def test_prometheus_reads_every_figure_with_the_token_and_nothing_without_it(sample_config, tmp_path):
    save_accounts(tmp_path / "accounts.json", [make_account("vera", "viewer", "111111")])
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    sections = {
        "accounts_file": str(tmp_path / "accounts.json"),
        "heart_rate_hidden_from": ["viewer"],
        "metrics_token_file": str(token),
    }
    app = make_app(sample_config(mqtt={"port": 1}, dashboard=sections))
    app.state.station.live.take("player/007/metrics", packed(figures(7, box="box 3")), time.time())
    client = client_of(app, base_url="http://box.local")
    for header in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Bearer "}, {"authorization": "s3cret"}):
        assert client.get("/metrics", headers=header).status_code == 401
    text = client.get("/metrics", headers={"authorization": "Bearer s3cret"}).text
    (line,) = re.findall(r"^athlete_monitor_athlete_distance_m{(.*)} ", text, re.MULTILINE)
    assert set(re.findall(r'(\w+)="', line)) == {"athlete", "name", "device", "box"}
    assert 'box="box 3"' in line
    assert "athlete_monitor_athlete_heart_rate_bpm{" in text
    seen = log_in(app, "vera", "111111").get("/metrics").text
    assert "athlete_monitor_athlete_distance_m{" in seen
    assert "heart_rate" not in seen
    app.state.station.live.devices["007"].arrived_s -= 60
    assert "athlete_monitor_athlete_" not in client.get("/metrics", headers={"authorization": "Bearer s3cret"}).text
    token.unlink()
    assert client.get("/metrics", headers={"authorization": "Bearer s3cret"}).status_code == 401
    assert client.get("/metrics", headers={"authorization": b"Bearer \xff"}).status_code == 401


def test_no_simulated_match_is_mixed_into_what_devices_send(client, app):
    station = app.state.station
    station.connected = True
    token = {"x-csrf-token": client.get("/api/me").json()["csrf"]}
    for ago_s, detail in [
        (3600, "a simulated match is on already"),  # which the stand-in always answers
        (1, "devices are sending: a simulated match would mix with theirs"),
    ]:
        station.live.take("player/007/metrics", packed(figures(7)), time.time() - ago_s)
        answer = client.post("/api/simulation", headers=token)
        assert (answer.status_code, answer.json()["detail"]) == (409, detail)


@pytest.mark.parametrize("path", ["/health", "/metrics", "/api/squad", "/", "/static/app.js"])
def test_what_can_be_read_can_be_asked_for_its_head(client, path):
    head, full = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (full.status_code, b"")
    assert head.headers["content-type"] == full.headers["content-type"]
    assert head.headers["x-frame-options"] == "DENY"


def test_an_address_names_the_methods_that_it_takes(client):
    assert client.put("/api/squad").headers["allow"] == "GET, HEAD"
    assert client.get("/api/control").headers["allow"] == "POST"


@pytest.mark.parametrize("marked", ["{}", "W/{}", '"other", {}', "*"])
def test_a_file_that_the_browser_has_is_not_sent_again_whatever_a_proxy_made_of_its_tag(client, marked):
    tag = client.get("/static/app.js").headers["etag"]
    assert client.get("/static/app.js", headers={"if-none-match": marked.replace("{}", tag)}).status_code == 304
    assert client.get("/static/app.js", headers={"if-none-match": '"other", W/"x"'}).status_code == 200


def test_who_does_not_take_gzip_gets_none(client):
    found = client.get("/static/app.js", headers={"accept-encoding": "gzip;q=0, identity"})
    assert "content-encoding" not in found.headers


def test_a_wrong_parameter_is_refused_in_a_sentence(client):
    answer = client.get("/api/history")
    assert (answer.status_code, answer.json()) == (422, {"detail": "columns: Field required"})
    answer = client.post("/api/login", json={"name": 7})
    assert answer.json()["detail"] == "name: Input should be a valid string; secret: Field required"
    answer = client.post("/api/login", content=b"{", headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/api/history?columns=heart_rate_source", 400, "'heart_rate_source' is none of them"),
        ("/api/device-sessions/1/seconds?columns=heart_rate_source", 400, "'heart_rate_source' is none of them"),
        ("/api/history?columns=", 400, "'' is none of them"),
        (f"/api/history?columns=trimp&after={'9' * 30}", 422, "after: "),
        ("/api/sessions?from_t=5&to_t=1", 422, "from_t: 5 lies after to_t, 1"),
        ("/api/device-sessions/1/seconds?columns=trimp&from_t=nan", 422, "from_t: "),
        ("/api/nothing", 404, "Not Found"),
        ("/api/athletes/007/seconds?columns=trimp&points=1", 422, "points: "),
    ],
)
def test_a_parameter_that_cannot_be_used_is_one_error_in_words(client, path, status, words):
    answer = client.get(path)
    assert (answer.status_code, list(answer.json())) == (status, ["detail"])
    assert words in answer.json()["detail"]


@pytest.mark.parametrize(
    "value", ['"\\ud800"', "[" * 900 + "]" * 900, "9" * 5000, '{"\\ud800": 1}', "[" * 9000 + "]" * 9000]
)
def test_a_command_that_no_message_can_hold_is_refused_in_words(client, value):
    headers = {"x-csrf-token": client.get("/api/me").json()["csrf"], "content-type": "application/json"}
    answer = client.post("/api/control", content=f'{{"do": "marker", "text": {value}}}', headers=headers)
    assert answer.status_code in {400, 422}
    assert list(answer.json()) == ["detail"]
