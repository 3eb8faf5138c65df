from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from athlete_monitor.deploy import check, probes
from athlete_monitor.deploy.findings import Finding, render, report
from athlete_monitor.system.board import read_board
from tests.helpers import ROOT, Mosquitto, unused_port

if TYPE_CHECKING:
    from collections.abc import Iterable

BOARDS = Path(__file__).parent / "boards"
WANTED = check.Requirements(folder=Path())


def _one(findings: Iterable[Finding], name: str) -> Finding:
    return next(finding for finding in findings if finding.name == name)


def test_a_hot_nano_is_told_how_to_cool_down_and_speed_up() -> None:
    nano = read_board(BOARDS / "nano")
    heat = list(check.heat_findings(nano))
    assert _one(heat, "temperature").level == "warn"
    assert "Cooling" in _one(heat, "temperature").remedy
    assert _one(heat, "throttling").found == "cpu-balanced"
    assert check.power_finding(nano).remedy == "sudo nvpmodel -m 0"


def test_a_small_machine_without_swap_is_told_where_to_read_about_it() -> None:
    swap = _one(check.memory_findings(read_board(BOARDS / "nano")), "swap")
    assert (swap.level, swap.remedy) == ("warn", "docs/migration.md, Swap")


def test_an_orin_in_order_has_only_its_power_supply_to_look_at() -> None:
    orin = read_board(BOARDS / "orin")
    findings = [*check.heat_findings(orin), *check.memory_findings(orin), check.power_finding(orin)]
    assert [finding.name for finding in findings if finding.level != "ok"] == ["power supply"]


def test_cuda_on_a_nano_leads_to_the_cpu_and_on_an_orin_to_nvidias_build() -> None:
    wanted = check.Requirements(Path(), device="cuda")
    assert "cpu" in check.cuda_finding("", read_board(BOARDS / "nano"), wanted).remedy
    assert "NVIDIA" in check.cuda_finding("", read_board(BOARDS / "orin"), wanted).remedy
    assert check.cuda_finding("", read_board(BOARDS / "nano"), WANTED).level == "ok"


def test_a_missing_broker_matters_only_where_it_is_external() -> None:
    port = unused_port()
    assert check.broker_finding(check.Requirements(Path(), broker_port=port)).level == "ok"
    missing = check.broker_finding(check.Requirements(Path(), broker_port=port, broker_mode="external"))
    assert (missing.level, missing.remedy) == ("fail", "sudo systemctl start mosquitto")


def test_a_broker_that_answers_is_recognised(mosquitto: Mosquitto) -> None:
    assert probes.ask_broker("127.0.0.1", mosquitto.port) == "answers"


def test_something_else_on_the_brokers_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_talk_http, args=(server,))
        thread.start()
        assert "not a broker" in probes.ask_broker("127.0.0.1", server.getsockname()[1])
        thread.join()


def _talk_http(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(64)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_a_broker_that_refuses_the_engine_must_be_fixed(mosquitto: Mosquitto, sample_config) -> None:
    def found(port: int) -> Finding:
        config = sample_config(mqtt={"port": port})
        return check.broker_finding(check.Requirements(Path(), broker_port=port, mqtt=config.mqtt))

    assert found(mosquitto.port).level == "ok"
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_refuse, args=(server,), daemon=True).start()
        refused = found(server.getsockname()[1])
    assert refused.level == "fail"
    assert "mqtt.username" in refused.found


def _refuse(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.recv(64)
            connection.sendall(b"\x20\x02\x00\x05")  # CONNACK: not authorised


def test_marks_are_plain_ascii_where_the_terminal_needs_it() -> None:
    findings = [Finding("disk", "ok", "12 GB"), Finding("heat", "fail", "90 °C", "cool it")]
    assert render(findings, "utf-8").startswith("✓ disk")
    assert render(findings, "ascii").isascii()
    assert "-> cool it" in render(findings, "ascii")


def test_a_remedy_stands_below_where_the_terminal_is_narrow() -> None:
    findings = [Finding("clock", "warn", "not known to be synchronised", "sudo timedatectl set-ntp true")]
    findings += [Finding("packages", "ok", "as pinned in requirements.txt")]
    narrow, wide = (render(findings, "utf-8", width).splitlines() for width in (60, 120))
    assert narrow[:2] == ["! clock     not known to be synchronised", "            -> sudo timedatectl set-ntp true"]
    assert max(map(len, narrow)) <= 60
    assert len(wide) == len(findings)


def test_a_configuration_that_is_not_there_asks_for_another_file(tmp_path: Path, make_config) -> None:
    finding = _one(check.findings(tmp_path / "none.yaml", None, BOARDS / "nano"), "configuration")
    assert finding.remedy == "--config FILE with an existing file"
    wrong = make_config(training={"n_estimators": 0})
    assert _one(check.findings(wrong, None, BOARDS / "nano"), "configuration").remedy.endswith(f"validate {wrong}")


def test_the_exit_code_is_one_only_when_something_must_be_mended(capsys) -> None:
    assert report([Finding("a", "ok", ""), Finding("b", "warn", "")]) == 0
    assert report([Finding("a", "fail", "")]) == 1
    assert "1 to fix" in capsys.readouterr().out


def test_every_direct_dependency_is_tried() -> None:
    text = (ROOT / "pyproject.toml").read_text().split("dependencies = [")[1].split("]")[0]
    named = {line.strip().strip('",').split(">=")[0] for line in text.splitlines() if ">=" in line}
    assert set(probes.IMPORTS) == named


def test_a_module_that_cannot_be_imported_is_named_with_its_reason() -> None:
    failures = probes.try_imports(["json", "no_such_module"]).failures
    assert list(failures) == ["no_such_module"]
    assert "ModuleNotFoundError" in failures["no_such_module"]


def test_modules_that_take_too_long_to_import_are_a_finding() -> None:
    assert "not finished after 0.001 s" in probes.try_imports(["json"], 0.001).failures["all together"]


def test_a_package_of_python_whose_file_was_cut_short_is_named(tmp_path: Path, monkeypatch) -> None:
    info = tmp_path / "halfway-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: halfway\nVersion: 1.0\n")
    (info / "RECORD").write_text(
        "halfway/__init__.py,sha256=x,4\nhalfway/rest.py,sha256=x,7\nhalfway-1.0.dist-info/RECORD,,\n"
    )
    (tmp_path / "halfway").mkdir()
    (tmp_path / "halfway" / "__init__.py").write_text("x=1\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert probes.compiled(["halfway"]) == []
    assert probes.incomplete(["halfway"]) == {"halfway": "halfway/rest.py"}
    (tmp_path / "halfway" / "rest.py").write_text("y = 12\n")
    assert probes.incomplete(["halfway"]) == {}


def test_packages_with_compiled_parts_are_imported_and_those_of_python_are_not() -> None:
    compiled = probes.compiled(list(probes.IMPORTS))
    assert {"numpy", "orjson", "scikit-learn"} <= set(compiled)
    assert not {"fastapi", "jinja2", "paho-mqtt"} & set(compiled)


def test_a_folder_that_cannot_be_written_is_a_finding_with_a_remedy() -> None:
    disk = _one(check.disk_findings(Path("/proc")), "disk speed")
    assert (disk.level, bool(disk.remedy)) == ("fail", True)


def test_a_folder_without_locks_is_a_finding(tmp_path: Path, monkeypatch) -> None:
    assert _one(check.disk_findings(tmp_path), "locks").level == "ok"

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    found = _one(check.disk_findings(tmp_path), "locks")
    assert found.level == "warn"
    assert "only cover programs of this machine" in found.found
    monkeypatch.setattr("fcntl.lockf", refuse)
    assert "no archive" in _one(check.disk_findings(tmp_path), "locks").found
    assert list(tmp_path.iterdir()) == []


def test_check_runs_before_anything_is_installed(tmp_path: Path) -> None:
    copy = tmp_path / "checkout"
    for package in ("deploy", "system"):
        shutil.copytree(ROOT / "athlete_monitor" / package, copy / "athlete_monitor" / package)
    for file in (*ROOT.glob("*.py"), *ROOT.glob("requirements*.txt"), *ROOT.glob("*.yaml")):
        (copy / file.name).write_bytes(file.read_bytes())
    for name in ("__init__.py", "arguments.py", "errors.py", "project.py"):
        (copy / "athlete_monitor" / name).write_bytes((ROOT / "athlete_monitor" / name).read_bytes())
    bare = [sys.executable, "-S", "-E", str(copy / "jetson_deploy.py"), "check", "--root", str(tmp_path)]
    done = subprocess.run(bare, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]})
    assert done.returncode == 1, done.stderr
    assert "not installed" in done.stdout
    assert "jetson_deploy.py setup" in done.stdout


@pytest.mark.parametrize("board", ["nano", "orin"])
def test_the_whole_report_of_a_board_ends_with_its_counts(board: str, tmp_path: Path, capsys) -> None:
    config = ROOT / "jetson_nano_4gb_config.yaml"
    assert check.check(config, tmp_path, BOARDS / board) in {0, 1}
    said = capsys.readouterr().out
    assert "JetPack" in said
    assert said.rstrip().endswith("in order")
