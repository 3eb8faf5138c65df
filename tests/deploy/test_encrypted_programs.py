"""Publisher, engine and screen over the encrypted listener: with the right certificate, a wrong one, an expired one."""

from __future__ import annotations

import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from athlete_monitor.deploy import setup as setting_up
from athlete_monitor.deploy.broker_place import owner_of
from athlete_monitor.deploy.certificates import Pair, make_authority, make_certificate
from athlete_monitor.deploy.setup import SYSTEM_FILES, Wish, setup
from athlete_monitor.project import DEFAULT_CONFIG
from tests.deploy.test_secure import Box, as_user
from tests.helpers import MOSQUITTO, unused_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.integration,
    pytest.mark.campaign,
    pytest.mark.timeout(600),
    pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed"),
]
NOW = datetime.now(timezone.utc)


@pytest.fixture(scope="module", autouse=True)
def _everything_is_imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Set up once: later a user without rights could not read the modules that are imported where they are needed."""
    folder = tmp_path_factory.mktemp("first")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SYSTEM_FILES, str(folder))
        setup(DEFAULT_CONFIG, folder, Wish(secure=True, tls=True), notify=lambda _line: None)


@pytest.fixture
def box(make_config, monkeypatch) -> Iterator[Box]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        made = Box(Path(folder), make_config)
        monkeypatch.setenv(SYSTEM_FILES, str(made.system))
        monkeypatch.setattr(setting_up, "service_owner", lambda: owner_of(made.home))
        made.setup(root=False, tls=True)
        yield made


def settings(box: Box, authority: Path, folder: Path, user: str = "engine") -> Path:
    """A configuration for programs on another machine: the encrypted port, an account, an authority."""
    document = yaml.safe_load(box.config.read_text(encoding="utf-8"))
    document["mqtt"] |= {
        "broker": "external",
        "port": box.tls_port,
        "username": user,
        "password_file": str(box.home / "broker" / "credentials" / user),
        "tls": {"enabled": True, "ca_file": str(authority), "cert_file": None, "key_file": None},
    }
    document["dashboard"]["port"] = unused_port()
    document["model_loading"]["runtime"] = "onnx"
    path = folder / f"{user}-{authority.stem}.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


def expire(box: Box) -> None:
    tls = box.home / "broker" / "tls"
    with as_user(root=False):
        authority = Pair((tls / "ca.crt").read_bytes(), (tls / "ca.key").read_bytes())
        pair = make_certificate(authority, ["127.0.0.1", "localhost"], NOW - timedelta(days=40), days=30)
        (tls / "box.crt").write_bytes(pair.certificate)
        (tls / "box.key").write_bytes(pair.key)


def test_programs_work_with_the_right_certificate(box, run_program, tmp_path):
    authority = box.home / "broker" / "tls" / "ca.crt"
    config = settings(box, authority, tmp_path)
    with box.broker(root=False):
        options = ["--config", config, "--root", tmp_path / "e"]
        engine = run_program("main.py", "--no-ui", "--json", "--exit-when-idle", *options)
        screen = run_program("dashboard.py", *options)
        wait_until(lambda: "connected to the broker" in engine.stderr, 60, "the engine's connection")
        publisher = run_program(
            "publisher.py", "--players", "1", "--duration", "10s", "--speed", "5", "--config", config,
            "--root", tmp_path / "p",
        )  # fmt: skip
        assert publisher.wait() == 0, publisher.stderr
        assert engine.wait() == 0, engine.stderr
        assert '"athlete_id": 1' in engine.stdout
        screen.terminate()
        assert screen.wait() == 0


@pytest.mark.parametrize("fault", ["wrong", "expired"])
def test_programs_refuse_another_box_and_an_expired_certificate_and_say_so(box, run_program, tmp_path, fault):
    authority = box.home / "broker" / "tls" / "ca.crt"
    if fault == "wrong":
        authority = tmp_path / "wrong.crt"
        authority.write_bytes(make_authority("another box", NOW).certificate)
    else:
        expire(box)
    config = settings(box, authority, tmp_path)
    reason = "has expired" if fault == "expired" else "certificate is not signed by mqtt.tls.ca_file"
    with box.broker(root=False):
        engine = run_program("main.py", "--no-ui", "--config", config, "--root", tmp_path / "e")
        publisher = run_program(
            "publisher.py", "--players", "1", "--duration", "2s", "--config", config, "--root", tmp_path / "p"
        )
        control = run_program("control.py", "state", "--config", config, "--root", tmp_path / "e")
        assert publisher.wait() == 1
        assert "nothing was sent" in publisher.stderr
        assert control.wait() != 0
        for program in (publisher, control):
            assert reason in program.stderr, program.stderr
            assert "Traceback" not in program.stderr
        wait_until(lambda: reason in engine.stderr, 60, "the engine's reason")
        assert engine.process.poll() is None
        engine.terminate()
        assert engine.wait() == 0
