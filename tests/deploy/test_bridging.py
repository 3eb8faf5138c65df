"""A box's Mosquitto that passes its figures on to a club's: two real brokers, with accounts and encryption."""

from __future__ import annotations

import os
import subprocess
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from athlete_monitor.config import load_config
from athlete_monitor.deploy import setup as setting_up
from athlete_monitor.deploy.bridging import Club, bridge_configuration, bridge_off, bridge_to
from athlete_monitor.deploy.broker_files import password_line
from athlete_monitor.deploy.broker_place import BrokerPlace, broker_place, owner_of
from athlete_monitor.deploy.certificates import Pair, make_authority, make_certificate
from athlete_monitor.deploy.rights import BRIDGED, SAMPLES
from athlete_monitor.deploy.secure_check import read_accounts
from athlete_monitor.deploy.setup import SYSTEM_FILES
from athlete_monitor.errors import ConfigError, MonitorError
from athlete_monitor.project import DEFAULT_CONFIG
from athlete_monitor.wire.mqtt import MqttLink
from tests.deploy.test_secure import Box, as_user
from tests.helpers import MOSQUITTO, accepts_connections, unused_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime.now(timezone.utc)
REAL = pytest.mark.skipif(
    MOSQUITTO is None and os.environ.get("CI", "").lower() != "true", reason="mosquitto is not installed"
)


class ClubServer:
    """The broker of a club: accounts, encryption by an authority of its own, and what it has heard."""

    def __init__(self, folder: Path, authority: Pair) -> None:
        self.folder, self.port = folder, unused_port()
        folder.chmod(0o755)
        pair = make_certificate(authority, ["127.0.0.1"], NOW)
        users = [password_line("box3", "pässwört 1"), password_line("viewer", "look")]
        rights = "user box3\ntopic write club/box3/#\n\nuser viewer\ntopic read club/#\n"
        files = {"crt": pair.certificate.decode(), "key": pair.key.decode(), "users": "\n".join(users) + "\n"}
        for name, text in {**files, "acl": rights, "ca": authority.certificate.decode()}.items():
            (folder / name).write_text(text, encoding="utf-8")
        settings = [f"listener {self.port} 127.0.0.1", f"certfile {folder}/crt", f"keyfile {folder}/key"]
        settings += [f"password_file {folder}/users", f"acl_file {folder}/acl", "allow_anonymous false"]
        settings += [f"log_dest file {folder}/log", "log_type all"]
        settings += ["user root"] if os.geteuid() == 0 else []
        (folder / "conf").write_text("\n".join(settings) + "\n")
        self.heard: dict[str, bytes] = {}

    def start(self) -> None:
        self.process = subprocess.Popen([str(MOSQUITTO), "-c", str(self.folder / "conf")], stderr=subprocess.DEVNULL)
        wait_until(lambda: accepts_connections(self.port), what="the club's broker")

    @property
    def refusals(self) -> int:
        log = (self.folder / "log").read_text(encoding="utf-8", errors="replace")
        return sum(log.count(word) for word in ("SSL routines", "not authorised", "(5)"))

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture(scope="module", autouse=True)
def _everything_is_imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Set up once: later a user without rights could not read the modules that are imported where they are needed."""
    folder = tmp_path_factory.mktemp("first")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SYSTEM_FILES, str(folder))
        setting_up.setup(DEFAULT_CONFIG, folder, setting_up.Wish(secure=True, tls=True), notify=lambda _line: None)


@pytest.fixture
def club() -> Iterator[ClubServer]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        server = ClubServer(Path(folder), make_authority("club", NOW))
        server.start()
        yield server
        server.stop()


@pytest.fixture
def box(make_config, monkeypatch) -> Iterator[Box]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        made = Box(Path(folder), make_config, "club/box3/")
        monkeypatch.setenv(SYSTEM_FILES, str(made.system))
        monkeypatch.setattr(setting_up, "service_owner", lambda: owner_of(made.home))
        made.setup(root=False)
        (Path(folder) / "secret").write_text("pässwört 1\n", encoding="utf-8")
        yield made


def link(port: int, user: str, password: Path, ca: Path | None = None, **options) -> MqttLink:
    mqtt = load_config(environ={}).mqtt
    tls = mqtt.tls.model_copy(update={"enabled": ca is not None, "ca_file": ca})
    keys = {"host": "127.0.0.1", "port": port, "username": user, "password_file": password, "tls": tls}
    return MqttLink(mqtt.model_copy(update=keys), f"test-{user}-{port}", **options)


def bridge(box: Box, club: ClubServer, **changed) -> None:
    wanted: dict[str, Any] = {
        "user": "box3",
        "password_file": box.system.parent / "secret",
        "authority": club.folder / "ca",
        "address": f"127.0.0.1:{club.port}",
    }
    with as_user(root=False):
        assert bridge_to(box.config, None, Club(**(wanted | changed)), notify=lambda _line: None) == 0


def spread(box: Box, club: ClubServer, *, expected: bool = True) -> dict[str, bytes]:
    """Publish on every topic of the box; return what the club has heard by then, without the bridge's own state."""
    (club.folder / "look").write_text("look")
    heard: dict[str, bytes] = {}
    listener = link(
        club.port, "viewer", club.folder / "look", club.folder / "ca",
        on_message=heard.__setitem__, subscriptions=[("club/#", 1)],
    )  # fmt: skip
    credentials = box.home / "broker" / "credentials"
    engine = link(box.port, "engine", credentials / "engine")
    listener.start(10.0)
    engine.start(10.0)
    if expected:
        wait_until(lambda: heard.get("club/box3/bridge/state") == b"1", 30, "the bridge")
    for topic, _ in (*BRIDGED, *SAMPLES, ("team/control", 1), ("models/+/updated", 1)):
        engine.publish(f"club/box3/{topic.replace('+', '001')}", topic.encode(), 1)
    engine.publish("club/box3/engine/status", b"last", 1)
    assert engine.flush(10.0)
    if expected:
        wait_until(lambda: heard.get("club/box3/engine/status") == b"last", 30, "the last message")
    engine.stop()
    listener.stop()
    return {topic: payload for topic, payload in heard.items() if not topic.endswith("bridge/state")}


def names(*rows) -> set[str]:
    return {f"club/box3/{topic.replace('+', '001')}" for row in rows for topic, _ in row}


@pytest.mark.parametrize("samples", ["none", "also"])
@pytest.mark.integration
@REAL
def test_the_club_hears_the_figures_of_the_box_and_samples_only_if_asked(box, club, samples):
    bridge(box, club, samples=samples)
    with box.broker(root=False):
        heard = spread(box, club)
    assert set(heard) == names(BRIDGED, SAMPLES if samples == "also" else ())


@pytest.mark.campaign
@pytest.mark.integration
@REAL
def test_events_of_a_time_without_the_club_arrive_later(box, club):
    bridge(box, club)
    with box.broker(root=False):
        spread(box, club)
        club.stop()
        credentials = box.home / "broker" / "credentials"
        engine = link(box.port, "engine", credentials / "engine")
        engine.start(10.0)
        engine.publish("club/box3/player/001/events", b"meanwhile", 1)
        assert engine.flush(10.0)
        heard: dict[str, bytes] = {}
        club.start()
        listener = link(
            club.port, "viewer", club.folder / "look", club.folder / "ca",
            on_message=heard.__setitem__, subscriptions=[("club/#", 1)],
        )  # fmt: skip
        listener.start(10.0)
        wait_until(lambda: heard.get("club/box3/player/001/events") == b"meanwhile", 60, "the event")
        listener.stop()
        engine.stop()


@pytest.mark.campaign
@pytest.mark.integration
@REAL
@pytest.mark.parametrize("fault", ["authority", "password", "name"])
def test_nothing_leaves_the_box_to_a_server_that_is_not_the_clubs_or_does_not_know_it(box, club, tmp_path, fault):
    wrong = tmp_path / "wrong"
    wrong.write_bytes(make_authority("club", NOW).certificate)
    wrong.chmod(0o644)
    (box.system.parent / "other").write_text("guess\n")
    changed: dict[str, dict[str, Any]] = {
        "authority": {"authority": club.folder / "other-ca"},
        "password": {"password_file": box.system.parent / "other"},
        "name": {"address": f"localhost:{club.port}"},
    }
    (club.folder / "other-ca").write_bytes(wrong.read_bytes())
    bridge(box, club, **changed[fault])
    with box.broker(root=False):
        wait_until(lambda: club.refusals >= 2, 60, "the bridge's second attempt")
        assert spread(box, club, expected=False) == {}


@pytest.mark.campaign
@pytest.mark.integration
@REAL
def test_the_club_cannot_command_the_box_and_the_bridge_goes_away_again(box, club):
    bridge(box, club)
    (club.folder / "acl").write_text("user box3\ntopic readwrite club/#\n\nuser viewer\ntopic readwrite club/#\n")
    club.stop()
    club.start()
    with box.broker(root=False):
        spread(box, club)
        heard: list[str] = []
        credentials = box.home / "broker" / "credentials"
        engine = link(
            box.port, "engine", credentials / "engine",
            on_message=lambda topic, _payload: heard.append(topic), subscriptions=[("club/box3/team/#", 1)],
        )  # fmt: skip
        engine.start(10.0)
        coach = link(club.port, "viewer", club.folder / "look", club.folder / "ca")
        coach.start(10.0)
        coach.publish("club/box3/team/control", b"{}", 1)
        assert coach.flush(10.0)
        engine.publish("club/box3/team/events", b"own", 1)
        wait_until(lambda: "club/box3/team/events" in heard, what="the engine's own message")
        assert "club/box3/team/control" not in heard
        coach.stop()
        engine.stop()
    with as_user(root=False):
        assert bridge_off(box.config, None, notify=lambda _line: None) == 0
        assert not broker_place(box.home, box.system).bridge.exists()
    with box.broker(root=False):
        assert spread(box, club, expected=False) == {}


@pytest.mark.integration
@REAL
def test_accounts_stay_what_they_are_with_a_bridge(box, club):
    bridge(box, club)
    with as_user(root=False):
        place = broker_place(box.home, box.system)
        assert place.bridge.stat().st_mode & 0o077 == 0
        setting_up.setup(box.config, None, setting_up.Wish(secure=True), notify=lambda _line: None)
    assert "pässwört 1" in place.bridge.read_text(encoding="utf-8")
    assert read_accounts(box.home / "broker" / "credentials")["coach"].user == "coach"


PLACE = BrokerPlace(Path("/x/mosquitto.conf"), Path("/x"), Path("/x/data"))


def configuration(make_config, club: Club, **sections) -> str:
    return bridge_configuration(load_config(make_config(**sections), environ={}), club, PLACE)


def test_a_box_without_an_engine_passes_only_the_samples_on(make_config):
    lines = configuration(make_config, Club("region.example", samples="only", prefix="league/reds/")).splitlines()
    assert [line for line in lines if line.startswith("topic")] == [
        'topic player/+/sensor/data out 1 "" league/reds/',
        'topic sensor/data out 1 "" league/reds/',
    ]


def test_a_longer_outage_makes_the_queues_of_the_broker_longer(make_config):
    athletes = {"max_players": 40}
    lines = configuration(
        make_config, Club("region.example", prefix="a/", keep_s=3600.0), athletes=athletes
    ).splitlines()
    assert f"max_queued_messages {40 * 10 * 3600}" in lines
    assert lines.index(f"max_queued_bytes {40 * 10 * 3600 * 1024}") < lines.index("connection a")
    assert not [line for line in configuration(make_config, Club("club.example")).splitlines() if "queued" in line]


def test_two_boxes_without_a_prefix_have_topics_of_their_own_at_the_club(make_config):
    first = configuration(make_config, Club("club.example"), box={"name": "Box 1"})
    second = configuration(make_config, Club("club.example"), box={"name": "Box 2"})
    assert 'topic player/+/metrics out 0 "" boxes/Box_1/' in first.splitlines()
    assert 'topic player/+/metrics out 0 "" boxes/Box_2/' in second.splitlines()
    assert "address club.example:1883" in first.splitlines()


@pytest.mark.parametrize(
    ("club", "text"),
    [
        (Club("club example"), "is not an address; allowed: HOST or HOST:PORT"),
        (Club("club:70000"), "is not an address"),
        (Club("club\naddress evil"), "is not an address"),
        (Club("club", prefix="a b/"), "--prefix 'a b/' is not allowed"),
        (Club("club", prefix="a/\nuser root\n"), "--prefix"),
        (Club("club", user="x\nuser root"), "--user"),
        (Club("club", password_file=Path("/no/such")), "--password-file goes with --user"),
    ],
)
def test_a_mistake_is_one_line(make_config, club, text):
    with pytest.raises(ConfigError) as caught:
        configuration(make_config, club)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_password_file_or_certificate_that_cannot_be_used_is_named(make_config, tmp_path, monkeypatch):
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ConfigError, match="its first line must be the password"):
        configuration(make_config, Club("club", user="u", password_file=tmp_path / "empty"))
    with pytest.raises(MonitorError, match=r"--password-file .*none: cannot be read"):
        configuration(make_config, Club("club", user="u", password_file=tmp_path / "none"))
    config = make_config()
    monkeypatch.setenv(SYSTEM_FILES, str(tmp_path))
    with pytest.raises(MonitorError, match="is not there; first run"):
        bridge_to(config, None, Club("club"))
    setting_up.setup(config, None, setting_up.Wish(), notify=lambda _line: None)
    with pytest.raises(ConfigError, match=r"--ca .*empty: cannot be used"):
        bridge_to(config, None, Club("club", authority=tmp_path / "empty"), notify=lambda _line: None)
