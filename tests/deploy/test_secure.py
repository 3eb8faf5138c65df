"""The secure set-up with a real Mosquitto: it starts for whoever set it up, and every role has exactly its rights."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import tempfile
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from athlete_monitor.config import load_config
from athlete_monitor.deploy import check
from athlete_monitor.deploy import setup as setting_up
from athlete_monitor.deploy.broker_place import broker_place, owner_of
from athlete_monitor.deploy.certificates import Pair, is_good, make_authority, make_certificate
from athlete_monitor.deploy.mqtt_probe import Listener, ProbeError, log_in
from athlete_monitor.deploy.rights import access_file
from athlete_monitor.deploy.secure_check import measure, read_accounts
from athlete_monitor.deploy.setup import SYSTEM_FILES, Wish, setup
from athlete_monitor.errors import BrokerError, MonitorError
from athlete_monitor.project import DEFAULT_CONFIG
from athlete_monitor.wire.mqtt import MqttLink
from tests.helpers import MOSQUITTO, accepts_connections, unused_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from athlete_monitor.deploy.rights import Role
    from athlete_monitor.deploy.secure_check import Cell

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        MOSQUITTO is None and os.environ.get("CI", "").lower() != "true", reason="mosquitto is not installed"
    ),
]

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can set up for others")
USER = 65534
"""A user without rights: nobody."""
NOW = datetime.now(timezone.utc)

#                                    engine coach viewer device
MATRIX = {
    "player/001/sensor/data":        "rw     --    --     -w",
    "sensor/data":                   "rw     --    --     --",
    "player/001/link":               "rw     r-    r-     -w",
    "phone/001":                     "rw     --    --     -w",
    "owntracks/001/phone":           "rw     --    --     -w",
    "phone/001/joins":               "rw     --    --     --",
    "strap/001":                     "rw     --    --     --",
    "player/001/metrics":            "rw     r-    r-     --",
    "player/001/events":             "rw     r-    r-     --",
    "player/001/session":            "rw     r-    r-     --",
    "player/001/status":             "rw     r-    r-     --",
    "engine/status":                 "rw     r-    r-     --",
    "engine/stats":                  "rw     r-    r-     --",
    "models/001/updated":            "rw     --    --     --",
    "team/control":                  "rw     -w    --     --",
    "team/control/result":           "rw     r-    --     --",
    "team/state":                    "rw     r-    r-     --",
    "team/events":                   "rw     r-    r-     --",
    "player/somebody-else/sensor/data": "rw  --    --     --",
    "player/somebody-else/link":     "rw     r-    r-     --",
    "phone/somebody-else":           "rw     --    --     --",
    "owntracks/somebody-else/phone": "rw     --    --     --",
    "phone/somebody-else/joins":     "rw     --    --     --",
    "strap/somebody-else":           "rw     --    --     --",
    "player/somebody-else/metrics":  "rw     r-    r-     --",
    "player/somebody-else/events":   "rw     r-    r-     --",
    "player/somebody-else/session":  "rw     r-    r-     --",
    "player/somebody-else/status":   "rw     r-    r-     --",
    "models/somebody-else/updated":  "rw     --    --     --",
}  # fmt: skip


def shown(found: Mapping[tuple[str, Role], Cell]) -> dict[str, list[str]]:
    """The cells of each topic, in the order of the roles."""
    rows: dict[str, list[str]] = {}
    for (topic, _), cell in found.items():
        rows.setdefault(topic, []).append(str(cell))
    return rows


class Box:
    """A machine: a home folder with mode 0750, the system's folders, ports, a configuration and a broker."""

    def __init__(
        self, folder: Path, make_config: Callable[..., Path], prefix: str = "", home: dict[str, bool] | None = None
    ) -> None:
        folder.chmod(0o755)
        self.home, self.system = folder / "home", folder / "system"
        self.system.mkdir()
        self.home.mkdir()
        self.home.chmod(0o750)
        if os.geteuid() == 0:
            os.chown(self.home, USER, USER)
        self.port, self.tls_port, self.websocket_port = (unused_port() for _ in range(3))
        mqtt = {"port": self.port, "tls_port": self.tls_port, "websocket_port": self.websocket_port}
        self.config = self.home / "config.yaml"
        shutil.copy(
            make_config(
                mqtt=mqtt | {"topic_prefix": prefix},
                performance={"auto_performance_mode": False},
                home_assistant=home or {},
            ),
            self.config,
        )
        self.config.chmod(0o644)

    def setup(self, *, root: bool, tls: bool = False) -> None:
        with as_user(root=root):
            assert setup(self.config, None, Wish(secure=True, tls=tls), notify=lambda _line: None) == 0

    @contextmanager
    def broker(self, *, root: bool) -> Iterator[int]:
        with as_user(root=root):
            conf = broker_place(self.home, self.system).configuration
        user = None if root or os.geteuid() != 0 else USER
        log = self.system.parent / "mosquitto.log"
        with log.open("w") as errors:
            process = subprocess.Popen([str(MOSQUITTO), "-c", str(conf)], stderr=errors, user=user, group=user)
        try:
            ports = [self.port, self.websocket_port]  # the last one to be opened
            wait_until(lambda: process.poll() is not None or all(map(accepts_connections, ports)), what="Mosquitto")
            assert process.poll() is None, log.read_text()
            yield process.pid
        finally:
            process.terminate()
            process.wait(10)


@contextmanager
def as_user(*, root: bool) -> Iterator[None]:
    """Act without root's rights inside the block, where the tests run with them."""
    if root or os.geteuid() != 0:
        yield
        return
    os.setegid(USER)
    os.seteuid(USER)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@pytest.fixture
def box(make_config, monkeypatch) -> Iterator[Callable[..., Box]]:
    """Make a machine in a folder that every user may enter."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:

        def make(prefix: str = "", home: dict[str, bool] | None = None) -> Box:
            made = Box(Path(folder), make_config, prefix, home)
            monkeypatch.setenv(SYSTEM_FILES, str(made.system))
            monkeypatch.setattr(setting_up, "service_owner", lambda: owner_of(made.home))
            return made

        yield make


@pytest.fixture(scope="module", autouse=True)
def _everything_is_imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Set up once: later a user without rights could not read the modules that are imported where they are needed."""
    folder = tmp_path_factory.mktemp("first")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SYSTEM_FILES, str(folder))
        setup(DEFAULT_CONFIG, folder, Wish(secure=True, tls=True), notify=lambda _line: None)


FLOWS = [
    pytest.param([False], id="a user"),
    pytest.param([True], id="root", marks=ROOT_ONLY),
    pytest.param([False, True], id="a user, then root", marks=ROOT_ONLY),
]


@pytest.mark.parametrize("flow", FLOWS)
def test_the_broker_starts_for_whoever_set_it_up_and_every_cell_of_the_matrix_is_right(box, flow) -> None:
    machine = box()
    for root in flow:
        machine.setup(root=root)
    with machine.broker(root=flow[-1]):
        accounts = read_accounts(machine.home / "broker" / "credentials")
        found = measure(Listener("127.0.0.1", machine.port), accounts)
    assert shown(found) == {topic: cells.split() for topic, cells in MATRIX.items()}


@ROOT_ONLY
@pytest.mark.parametrize("flow", FLOWS[1:])
def test_what_root_made_in_the_home_belongs_to_the_user_of_the_services(box, flow) -> None:
    machine = box()
    for root in flow.values[0] if hasattr(flow, "values") else flow:
        machine.setup(root=root, tls=True)
    owners = {path: path.stat().st_uid for path in machine.home.rglob("*")}
    foreign = {path.name for path, uid in owners.items() if uid != USER and path != machine.config}
    assert foreign <= {"ca.key"}
    place = broker_place(machine.home, machine.system)
    assert place.owner is not None
    assert {path.stat().st_uid for path in [place.data, *place.secrets.rglob("*")]} == {place.owner.uid}


def test_rights_follow_the_topic_prefix_in_every_cell_and_nothing_is_allowed_without_it(box) -> None:
    machine = box("club/box3/")
    machine.setup(root=False)
    with machine.broker(root=False):
        accounts = read_accounts(machine.home / "broker" / "credentials")
        listener = Listener("127.0.0.1", machine.port)
        found = measure(listener, accounts, "club/box3/")
        bare = measure(listener, accounts)
        other = measure(listener, accounts, "club/box4/")
    assert shown(found) == {topic: cells.split() for topic, cells in MATRIX.items()}
    assert {str(cell) for cell in (*bare.values(), *other.values())} == {"--"}


def test_home_assistant_finds_athletes_as_a_viewer_and_only_the_engine_announces_them(box) -> None:
    machine = box("", {"enabled": True})
    machine.setup(root=False)
    with machine.broker(root=False):
        accounts = read_accounts(machine.home / "broker" / "credentials")
        listener = Listener("127.0.0.1", machine.port)
        for role, account in accounts.items():
            with log_in(listener, account.user, account.password) as session:
                announces = session.may_write("homeassistant/device/athlete_monitor_box_a7/config")
                reports = session.may_write("homeassistant/status")
                session.subscribe("homeassistant/#")
                with log_in(listener, "engine", accounts["engine"].password) as engine:
                    engine.publish("homeassistant/device/athlete_monitor_box_a7/config")
                assert (announces, reports) == (role == "engine", role == "viewer")
                assert bool(session.heard()) is (role == "viewer")
        assert shown(measure(listener, accounts)) == {topic: cells.split() for topic, cells in MATRIX.items()}


def test_a_mac_address_may_be_written_with_colons() -> None:
    text = access_file(["AABBCC001122"])
    assert "topic write player/AA:BB:CC:00:11:22/sensor/data" in text
    assert "topic write player/AABBCC001122/sensor/data" in text


def test_the_check_shows_the_matrix_and_finds_a_right_too_many(box, capsys) -> None:
    machine = box()
    machine.setup(root=False)
    with machine.broker(root=False):
        assert check.check(machine.config, None, secure=True) == 0
    shown = capsys.readouterr().out
    assert "team/control" in shown
    assert "refused (not authorized)" in shown
    with as_user(root=False):
        rights = broker_place(machine.home, machine.system).rights
        rights.write_text(rights.read_text().replace("topic read team/state", "topic readwrite team/state"))
    with machine.broker(root=False):
        assert check.check(machine.config, None, secure=True) == 1
    assert "coach should have r-, viewer should have r-" in " ".join(capsys.readouterr().out.split())


def test_the_check_says_what_is_missing(box, capsys) -> None:
    machine = box()
    assert check.check(machine.config, None, secure=True) == 1
    assert "credentials: No such file or directory" in capsys.readouterr().out
    machine.setup(root=False)
    assert check.check(machine.config, None, secure=True) == 1
    assert "Connection refused" in capsys.readouterr().out


def test_a_link_in_the_home_is_not_followed(box) -> None:
    machine = box()
    (machine.home / "broker").mkdir()
    (machine.home / "broker" / "credentials").symlink_to("/tmp")
    with pytest.raises(MonitorError, match="links are not followed"):
        setup(machine.config, None, Wish(secure=True), notify=lambda _line: None)


def context(authority: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority)


def test_the_encrypted_listener_shows_a_certificate_of_this_box_and_of_no_other(box, tmp_path) -> None:
    machine = box()
    machine.setup(root=False, tls=True)
    tls = machine.home / "broker" / "tls"
    with machine.broker(root=False):
        account = read_accounts(machine.home / "broker" / "credentials")["device"]

        def enter(authority: Path, host: str = "127.0.0.1") -> bool:
            listener = Listener(host, machine.tls_port, context(authority))
            with log_in(listener, account.user, account.password) as session:
                return session.may_write("player/001/sensor/data")

        assert enter(tls / "ca.crt")
        assert enter(tls / "ca.crt", "localhost")
        (tmp_path / "wrong.crt").write_bytes(make_authority("another box", NOW).certificate)
        with pytest.raises(ConnectionError, match="not signed by"):
            enter(tmp_path / "wrong.crt")
        with pytest.raises((ProbeError, OSError)), log_in(Listener("127.0.0.1", machine.tls_port), "engine", "x"):
            pytest.fail("a client without encryption got in")
        with as_user(root=False):
            authority = Pair((tls / "ca.crt").read_bytes(), (tls / "ca.key").read_bytes())
            expired = make_certificate(authority, ["127.0.0.1"], NOW - timedelta(days=40), days=30)
            (tls / "box.crt").write_bytes(expired.certificate)
            (tls / "box.key").write_bytes(expired.key)
    with machine.broker(root=False), pytest.raises(ConnectionError, match="has expired"):
        enter(tls / "ca.crt")
    machine.setup(root=False, tls=True)
    with machine.broker(root=False):
        assert enter(tls / "ca.crt")


def test_programs_of_the_system_connect_with_the_authority_and_say_why_not(box) -> None:
    machine = box()
    machine.setup(root=False, tls=True)
    tls = machine.home / "broker" / "tls"
    mqtt = load_config(machine.config, environ={}).mqtt
    secured = mqtt.tls.model_copy(update={"enabled": True, "ca_file": tls / "ca.crt"})
    keys = {"port": machine.tls_port, "tls": secured, "username": "engine", "broker": "external"}
    keys["password_file"] = machine.home / "broker" / "credentials" / "engine"
    with machine.broker(root=False):
        link = MqttLink(mqtt.model_copy(update=keys), "test")
        link.start()
        try:
            assert wait_until(lambda: link.connected, what="the encrypted connection")
        finally:
            link.stop()
    with pytest.raises(BrokerError, match=r"mqtt.tls: .*no.crt: No such file"):
        MqttLink(
            mqtt.model_copy(update={"tls": secured.model_copy(update={"ca_file": Path("/no.crt")})}), "test"
        ).start()


def test_no_listener_is_open_beyond_the_address_that_was_asked_for(box) -> None:
    machine = box()
    machine.setup(root=False, tls=True)
    with machine.broker(root=False) as pid:
        listening = {each.laddr for each in psutil.Process(pid).net_connections() if each.status == "LISTEN"}
    assert {(ip, port) for ip, port in listening} == {
        ("127.0.0.1", port) for port in (machine.port, machine.tls_port, machine.websocket_port)
    }


@pytest.mark.parametrize("tls", [False, True])
def test_phones_reach_the_broker_over_websockets(box, tls: bool) -> None:
    machine = box()
    machine.setup(root=False, tls=tls)
    with machine.broker(root=False), socket.create_connection(("127.0.0.1", machine.websocket_port), 5) as plain:
        authority = machine.home / "broker" / "tls" / "ca.crt"
        with context(authority).wrap_socket(plain, server_hostname="localhost") if tls else plain as link:
            link.sendall(
                b"GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n"
                b"Sec-WebSocket-Version: 13\r\n\r\n"
            )
            assert link.recv(1000).startswith(b"HTTP/1.1 101")


def test_a_certificate_is_made_again_for_a_new_name_and_before_it_expires(tmp_path: Path) -> None:
    authority = make_authority("box", NOW)
    (tmp_path / "ca.crt").write_bytes(authority.certificate)
    box = make_certificate(authority, ["box.local", "::1"], NOW)
    (tmp_path / "box.crt").write_bytes(box.certificate)
    (tmp_path / "box.key").write_bytes(box.key)

    def good(names: list[str], days: int = 0) -> bool:
        return is_good(
            tmp_path / "box.crt", tmp_path / "box.key", tmp_path / "ca.crt", names, NOW + timedelta(days=days)
        )

    assert good(["box.local", "::1"])
    assert not good(["box.local", "other.local"])
    assert [good(["::1"], days) for days in (750, 780)] == [True, False]
    (tmp_path / "ca.crt").write_bytes(make_authority("box", NOW).certificate)
    assert not good(["box.local"])
