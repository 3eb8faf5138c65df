from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from athlete_monitor.athletes import Roster
from athlete_monitor.config import load_config
from athlete_monitor.deploy import broker_files
from athlete_monitor.deploy.setup import power_steps, setup
from athlete_monitor.errors import ConfigError, MonitorError
from tests.helpers import MOSQUITTO, ROOT, accepts_connections, unused_port, wait_until

CONFIG = ROOT / "jetson_nano_4gb_config.yaml"
BOARDS = Path(__file__).parent / "boards"


def _tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    files = sorted(folder.rglob("*"))
    return {str(f.relative_to(folder)): (f.stat().st_mode, f.read_bytes() if f.is_file() else b"") for f in files}


@pytest.mark.parametrize("secure", [False, True])
def test_a_second_setup_changes_nothing(tmp_path: Path, capsys, secure: bool) -> None:
    assert setup(CONFIG, tmp_path, secure=secure, listen="127.0.0.1", dry_run=False) == 0
    first = _tree(tmp_path)
    capsys.readouterr()
    assert setup(CONFIG, tmp_path, secure=secure, listen="127.0.0.1", dry_run=False) == 0
    assert _tree(tmp_path) == first
    assert "made" not in capsys.readouterr().out


def test_a_dry_run_says_what_it_would_do_and_does_nothing(tmp_path: Path, capsys) -> None:
    assert setup(CONFIG, tmp_path, secure=True, listen="127.0.0.1", dry_run=True) == 0
    assert _tree(tmp_path) == {}
    told = capsys.readouterr().out
    assert "would make" in told
    assert "Nothing was made" in told
    assert "Next:" not in told


def test_the_next_command_looks_at_the_same_place(tmp_path: Path, make_config, capsys) -> None:
    config = make_config()
    setup(config, tmp_path / "a box", secure=False, listen="127.0.0.1", dry_run=False)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"Next: python3 jetson_deploy.py status --config {config} --root '{tmp_path}/a box'"


def test_every_folder_of_the_configuration_is_made(tmp_path: Path) -> None:
    setup(CONFIG, tmp_path, secure=False, listen="127.0.0.1", dry_run=False)
    for name in ("athlete_training_data", "athlete_game_data", "athlete_models_tensors_updated", "logs"):
        assert (tmp_path / name).is_dir()
    assert len(Roster.load(tmp_path / "athletes.yaml")) == 0


def test_the_users_roster_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "athletes.yaml").write_text("athletes:\n  - {id: 7, device: abc}\n")
    setup(CONFIG, tmp_path, secure=True, listen="127.0.0.1", dry_run=False)
    assert (tmp_path / "athletes.yaml").read_text() == "athletes:\n  - {id: 7, device: abc}\n"
    assert sorted(file.name for file in (tmp_path / "broker/credentials").iterdir()) == ["abc", "engine"]


def test_the_broker_holds_ten_minutes_of_the_configured_squad(make_config) -> None:
    config = load_config(make_config(athletes={"roster": "athletes.yaml", "max_players": 40}), environ={})
    plan = broker_files.plan_broker(config, Roster(), Path("/broker"), address="127.0.0.1", secure=False)
    assert plan.queued_messages == 40 * 10 * 600
    assert f"max_queued_messages {40 * 10 * 600}" in plan.configuration()


def test_a_broker_open_to_others_needs_passwords(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="add --secure"):
        setup(CONFIG, tmp_path, secure=False, listen="0.0.0.0", dry_run=True)
    with pytest.raises(ConfigError, match="not an IP address"):
        setup(CONFIG, tmp_path, secure=True, listen="my-host", dry_run=True)


def test_secrets_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    setup(CONFIG, tmp_path, secure=True, listen="127.0.0.1", dry_run=False)
    secrets = [*(tmp_path / "broker/credentials").iterdir(), tmp_path / "broker/passwords", tmp_path / "broker/acl"]
    assert {file.stat().st_mode & 0o777 for file in secrets} == {0o600}


def test_a_new_athlete_gets_a_password_and_the_others_keep_theirs(tmp_path: Path) -> None:
    roster = tmp_path / "athletes.yaml"
    roster.write_text("athletes:\n  - {id: 1, device: a}\n")
    setup(CONFIG, tmp_path, secure=True, listen="127.0.0.1", dry_run=False)
    before = (tmp_path / "broker/passwords").read_text()
    roster.write_text("athletes:\n  - {id: 1, device: a}\n  - {id: 2, device: b}\n")
    setup(CONFIG, tmp_path, secure=True, listen="127.0.0.1", dry_run=False)
    assert (tmp_path / "broker/passwords").read_text().startswith(before)
    assert (tmp_path / "broker/credentials/b").exists()


def test_a_jetson_in_a_weak_mode_gets_its_full_one() -> None:
    steps = list(power_steps(BOARDS / "nano"))
    assert [step.stands for step in steps] == ([False] if os.geteuid() == 0 else [])
    assert [step.stands for step in power_steps(BOARDS / "orin")] == [True]
    assert list(power_steps(Path("/no/board"))) == []


@pytest.mark.integration
@pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")
def test_mosquitto_lets_each_device_write_its_own_samples_and_nothing_else(tmp_path: Path, make_config) -> None:
    port = unused_port()
    home = tmp_path / "home"
    config = make_config(mqtt={"port": port})
    setup(config, home, secure=True, listen="127.0.0.1", dry_run=False)
    conf = home / "broker" / "mosquitto.conf"
    if os.geteuid() == 0:
        conf.write_text(conf.read_text() + "\nuser root\n")
    broker = subprocess.Popen([str(MOSQUITTO), "-c", str(conf)], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: accepts_connections(port), what="Mosquitto")
        passwords = {file.name: file.read_text().strip() for file in (home / "broker/credentials").iterdir()}
        heard: list[str] = []
        engine = _client(port, "engine", passwords["engine"], lambda _c, _u, m: heard.append(m.topic))
        engine.subscribe("player/#")
        device = _client(port, "001", passwords["001"])
        wait_until(engine.is_connected, what="the engine's login")
        wait_until(device.is_connected, what="the device's login")
        device.publish("player/002/sensor/data", b"{}", qos=1)
        device.publish("player/001/sensor/data", b"{}", qos=1)
        wait_until(lambda: heard, what="the sample")
        assert heard == ["player/001/sensor/data"]
        assert not _may_log_in(port, "001", "wrong")
        for client in (engine, device):
            client.disconnect()
            client.loop_stop()
    finally:
        broker.terminate()
        broker.wait(10)


def _client(port: int, user: str, password: str, on_message=None) -> paho.Client:
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.username_pw_set(user, password)
    client.on_message = on_message
    client.connect("127.0.0.1", port)
    client.loop_start()
    return client


def _may_log_in(port: int, user: str, password: str) -> bool:
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.username_pw_set(user, password)
    answers: list[bool] = []
    client.on_connect = lambda _c, _u, _f, reason, _p: answers.append(not reason.is_failure)
    client.connect("127.0.0.1", port)
    client.loop_start()
    wait_until(lambda: answers, what="the broker's answer")
    client.disconnect()
    client.loop_stop()
    return answers[0]


def test_a_password_line_fits_its_password_alone() -> None:
    line = broker_files.password_line("engine", "secret")
    assert re.fullmatch(r"engine:\$7\$20000\$[\w+/=]+\$[\w+/=]+", line)
    assert broker_files.matches(line, "secret")
    assert not broker_files.matches(line, "other")


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MonitorError, match=r"athlete_training_data/: cannot be made \(Not a directory\)"):
        setup(ROOT / "jetson_nano_4gb_config.yaml", tmp_path / "file", secure=False, listen="127.0.0.1", dry_run=False)
