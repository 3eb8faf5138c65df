"""The package as people install it: a wheel, outside the checkout, with every program as a subcommand."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from athlete_monitor import __version__
from athlete_monitor.command import candidates, known
from tests.helpers import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.environ.get("CI", "").lower() != "true", reason="builds and installs the wheel: in CI only"),
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a copy of the tree: building leaves files behind."""
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in listed.stdout.split("\0"):
        if name and not name.startswith(("tests/", "benchmarks/", "docs/")) and (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(made)]
    subprocess.run([*command, str(source)], check=True, capture_output=True)
    (found,) = made.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """``installed("deploy", "status")``: run the command as installed, in a folder that is empty at first."""
    target, home = tmp_path_factory.mktemp("target"), tmp_path_factory.mktemp("home")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(target), str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment = kept | {"PYTHONPATH": str(target), "XDG_CACHE_HOME": str(home / "cache"), "OMP_NUM_THREADS": "1"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, str(target / "bin" / "athlete-monitor"), *words]
        return subprocess.run(program, cwd=home, env=environment, capture_output=True, text=True, check=False)

    return run


def test_the_wheel_holds_the_projects_own_files_and_no_module_beside_the_package(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for name in (
        "_project/jetson_nano_4gb_config.yaml",
        "_project/athletes.yaml",
        "_project/main.py",
        "_project/deploy/systemd/athlete-prediction.service",
        "_project/deploy/mosquitto.conf",
        "_project/deploy/grafana/dashboards/athletes.json",
        "_project/deploy/telegraf/athletes.conf",
        "_project/bridge.py",
        "dashboard/static/index.html",
        "report/templates/report.typ",
    ):
        assert f"athlete_monitor/{name}" in names
    assert {name.split("/")[0] for name in names} == {"athlete_monitor", f"athlete_monitor-{__version__}.dist-info"}


def test_every_program_is_a_subcommand_that_explains_itself(installed) -> None:
    assert installed("--version").stdout == f"athlete-monitor {__version__}\n"
    for name in known():
        done = installed(name, "--help")
        assert (done.returncode, done.stderr) == (0, "")
        assert "usage:" in done.stdout


def test_the_main_job_runs_in_the_current_folder(installed) -> None:
    words = ["publish", "--players", "1", "--duration", "30s", "--offline", "--speed", "max", "--seed", "1"]
    done = installed(*words)
    assert done.returncode == 0, done.stderr
    (session,) = (path for path in done.stdout.split() if path.endswith(".csv"))
    assert "_project" not in session
    done = installed("live", "--replay", session)
    assert done.returncode == 0, done.stderr
    assert installed("deploy", "setup").returncode == 0
    assert installed("deploy", "validate").returncode == 0
    shown = installed("deploy", "status")
    assert shown.returncode == 0, shown.stderr
    assert "1 training" in shown.stdout


def test_an_unknown_subcommand_is_one_line(installed) -> None:
    done = installed("lvie")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_of_each_shell_is_printed(installed, shell: str) -> None:
    done = installed("completion", shell)
    assert done.returncode == 0
    assert "athlete-monitor complete" in done.stdout


def test_bash_completes_commands_and_options(installed, tmp_path: Path) -> None:
    script = tmp_path / "completion.bash"
    script.write_text(installed("completion", "bash").stdout)
    subprocess.run(["bash", "-n", str(script)], check=True)
    assert installed("complete", "da").stdout == "dashboard\n"
    assert "--replay" in installed("complete", "live", "--re").stdout.split()
    assert "install-services" in installed("complete", "deploy", "inst").stdout.split()
    assert "bridge-to" in installed("complete", "deploy", "bri").stdout.split()
    assert "--secure" in installed("complete", "deploy", "setup", "--se").stdout.split()


def test_what_cannot_be_completed_is_left_to_the_shell() -> None:
    assert candidates(["live", "--config", "x"]) == []
    assert candidates(["nonsense", ""]) == []
