from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from athlete_monitor.config import load_config
from athlete_monitor.deploy import services
from athlete_monitor.deploy.setup import SYSTEM_FILES
from athlete_monitor.errors import MonitorError
from tests.helpers import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from athlete_monitor.config import Config

CONFIG = ROOT / "jetson_nano_4gb_config.yaml"
EXPOSURE_LIMIT = 3.0
NEEDS_SYSTEMD = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None and os.environ.get("CI", "").lower() != "true",
    reason="systemd-analyze is not installed",
)


@pytest.fixture
def place(tmp_path: Path) -> services.ServicePlace:
    return replace(services.here(CONFIG, tmp_path, user=False), owner="daemon", group="daemon")


def all_bridges(tmp_path: Path) -> Config:
    config = load_config(CONFIG, tmp_path, environ={})
    every = {"straps": True, "phones": True, "mapping": tmp_path / "map.yaml"}
    return config.model_copy(update={"bridge": config.bridge.model_copy(update=every)})


@pytest.fixture
def written(tmp_path: Path, place: services.ServicePlace) -> list[Path]:
    config = all_bridges(tmp_path)
    files = {tmp_path / name: text for name, text in services.render_units(config, place).items()}
    for file, text in files.items():
        file.write_text(text)
    return list(files)


def test_new_sessions_of_every_athlete_start_a_training_whatever_the_number(tmp_path: Path) -> None:
    (tmp_path / "athletes.yaml").write_text("athletes: [{id: 77, device: '077'}]\n")
    (tmp_path / "athlete_training_data" / "player_5000").mkdir(parents=True)
    config = load_config(CONFIG, tmp_path, environ={})
    roster = config.athletes.model_copy(update={"roster": tmp_path / "athletes.yaml", "max_players": 2})
    units = services.render_units(
        config.model_copy(update={"athletes": roster}), services.here(CONFIG, tmp_path, user=False)
    )
    watched = {line for text in units.values() for line in text.splitlines() if line.startswith("PathChanged=")}
    folder = f"PathChanged={tmp_path}/athlete_training_data"
    assert {folder, *(f"{folder}/player_{number}" for number in (1, 2, 77, 5000))} <= watched
    assert f"{folder}/player_3" not in watched


@NEEDS_SYSTEMD
def test_every_service_is_little_exposed(written: list[Path]) -> None:
    units = [str(file) for file in written if file.suffix == ".service"]
    command = ["systemd-analyze", "--offline=true", "security", "--no-pager", *units]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    levels = [float(level) for level in re.findall(r"Overall exposure level for \S+: ([\d.]+)", said)]
    assert len(levels) == len(units)
    assert max(levels) <= EXPOSURE_LIMIT


@NEEDS_SYSTEMD
def test_systemd_accepts_every_unit(written: list[Path]) -> None:
    command = ["systemd-analyze", "verify", "--man=no", *map(str, written)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_bridges_that_the_configuration_asks_for_are_installed(
    tmp_path: Path, place: services.ServicePlace
) -> None:
    assert not services.BRIDGES.keys() & services.render_units(load_config(CONFIG, tmp_path), place).keys()
    units = services.render_units(all_bridges(tmp_path), place)
    for name, (command, _) in services.BRIDGES.items():
        assert f"bridge.py {command} --config {CONFIG}" in units[name]


@NEEDS_SYSTEMD
def test_systemd_accepts_the_units_of_one_user(tmp_path: Path, place: services.ServicePlace) -> None:
    config = load_config(CONFIG, tmp_path, environ={})
    units = services.render_units(config, replace(place, user=True))
    for name, text in units.items():
        (tmp_path / name).write_text(text)
        assert "User=" not in text.replace("PrivateUsers=", "")
    env = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    command = ["systemd-analyze", "--user", "verify", "--man=no", *(str(tmp_path / name) for name in units)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr


def test_prediction_is_watched_limited_and_ordered(tmp_path: Path, place: services.ServicePlace) -> None:
    config = load_config(CONFIG, tmp_path, environ={})
    unit = services.render_units(config, place)["athlete-prediction.service"]
    for line in ("Type=notify", "WatchdogSec=60", "StartLimitBurst=5", "MemoryMax=1800M", "RestartPreventExitStatus=2"):
        assert line in unit.splitlines()
    assert "mosquitto.service" in next(line for line in unit.splitlines() if line.startswith("After="))


def test_new_sessions_of_every_athlete_start_the_training(tmp_path: Path, place: services.ServicePlace) -> None:
    config = load_config(CONFIG, tmp_path, environ={})
    unit = services.render_units(config, place)["athlete-training.path"]
    watched = re.findall(r"PathChanged=(\S+)", unit)
    assert len(watched) == 2 * (1 + config.athletes.max_players)
    assert str(config.paths.data_root / "player_30") in watched


def test_only_a_broker_on_this_machine_lets_the_network_be_closed(make_config, place: services.ServicePlace) -> None:
    units = [
        services.render_units(load_config(make_config(mqtt={"host": host}), environ={}), place)
        for host in ("localhost", "192.0.2.7")
    ]
    assert ["IPAddressDeny=any" in unit["athlete-prediction.service"] for unit in units] == [True, False]


def test_a_gpu_is_let_through_only_where_it_is_used(make_config, place: services.ServicePlace) -> None:
    units = [
        services.render_units(load_config(make_config(model_loading={"device": device}), environ={}), place)
        for device in ("cpu", "cuda")
    ]
    assert ["PrivateDevices=yes" in unit["athlete-prediction.service"] for unit in units] == [True, False]
    assert "DeviceAllow=/dev/nvhost-* rw" in units[1]["athlete-prediction.service"]


def test_a_dry_run_shows_the_units_and_installs_nothing(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setenv(SYSTEM_FILES, str(tmp_path))
    assert services.install(CONFIG, tmp_path, user=False, dry_run=True) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in services.UNITS)
    assert "copytruncate" in said
    assert not (tmp_path / "etc").exists()


def test_nothing_to_uninstall_is_said(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setenv(SYSTEM_FILES, str(tmp_path))
    assert services.uninstall(user=False, dry_run=False) == 0
    assert "nothing is installed" in capsys.readouterr().out


def test_what_was_installed_is_named_before_it_is_removed(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setenv(SYSTEM_FILES, str(tmp_path))
    timer = tmp_path / "etc" / "systemd" / "system" / "athlete-training.timer"
    timer.parent.mkdir(parents=True)
    timer.touch()
    assert services.uninstall(user=False, dry_run=True) == 0
    assert capsys.readouterr().out == f"would remove {timer}\n"


def test_the_files_for_another_system_are_written_twice_and_removed_and_nothing_is_started(
    tmp_path: Path, capsys, monkeypatch
) -> None:
    monkeypatch.setenv(SYSTEM_FILES, str(tmp_path / "system"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(services, "run_command", _no_systemd)
    for _ in range(2):
        assert services.install(CONFIG, tmp_path / "data", user=False, dry_run=False) == 0
    assert "nothing is started" in capsys.readouterr().out
    written = {file.name for file in (tmp_path / "system" / "etc").rglob("*") if file.is_file()}
    assert written == {*services.UNITS, services.LOGROTATE.name}
    assert services.uninstall(user=False, dry_run=False) == 0
    assert not [file for file in (tmp_path / "system" / "etc").rglob("*") if file.is_file()]


def test_an_installation_that_systemd_refused_can_be_undone(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(services, "run_command", _no_systemd)
    with pytest.raises(MonitorError, match="no systemd"):
        services.install(CONFIG, tmp_path / "data", user=True, dry_run=False)
    folder = services.unit_folder(user=True)
    assert {file.name for file in folder.iterdir()} == set(services.UNITS)
    with pytest.raises(MonitorError, match="no systemd"):
        services.uninstall(user=True, dry_run=False)
    assert list(folder.iterdir()) == []


def _no_systemd(_command: object) -> None:
    raise MonitorError("no systemd")


def test_system_services_without_root_are_refused_in_one_line(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv(SYSTEM_FILES, str(tmp_path))
    with pytest.raises(MonitorError, match="add --user"):
        services.install(CONFIG, tmp_path, user=False, dry_run=False)
    assert not (tmp_path / "etc").exists()


def test_a_folder_that_systemd_cannot_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MonitorError, match="blank"):
        services.install(CONFIG, tmp_path / "my data", user=True, dry_run=True)


def test_a_service_cannot_write_the_code_it_runs(tmp_path: Path, place: services.ServicePlace) -> None:
    config = load_config(CONFIG, environ={})  # the home is the project's own folder
    units = services.render_units(config, replace(place, home=ROOT))
    for name, text in units.items():
        if name.endswith(".service"):
            (line,) = re.findall(r"^ReadWritePaths=(.*)$", text, re.MULTILINE)
            assert "ProtectSystem=strict" in text
            writable = [tmp_path.__class__(part) for part in line.split()]
            code = [ROOT, ROOT / "main.py", ROOT / "athlete_monitor" / "engine", ROOT / ".venv" / "lib"]
            assert not [(file, part) for file in code for part in writable if file.is_relative_to(part)]
            assert ROOT / ".prediction_running.lock" in writable


def test_code_inside_a_folder_that_the_services_write_is_refused(make_config) -> None:
    config = load_config(make_config(paths={"data_root": str(ROOT.parent)}), environ={})
    with pytest.raises(MonitorError, match="must not contain their code"):
        services.writable(config)


def test_a_screen_for_other_machines_may_be_reached_and_the_engine_may_not(
    make_config, place: services.ServicePlace
) -> None:
    config = load_config(make_config(dashboard={"host": "0.0.0.0"}), environ={})
    units = services.render_units(config, place)
    assert "IPAddressDeny=any" in units["athlete-prediction.service"]
    assert "IPAddressDeny" not in units["athlete-dashboard.service"]
