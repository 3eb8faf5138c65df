from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from athlete_monitor.deploy import bootstrap
from athlete_monitor.deploy.bootstrap import SetupError
from tests.deploy.checkout import make_checkout
from tests.helpers import ROOT

STDLIB_ONLY = ("bootstrap", "check", "cli", "findings", "light", "probes")


def test_the_script_itself_can_be_read_by_an_old_python() -> None:
    ast.parse((ROOT / "jetson_deploy.py").read_text(), feature_version=(3, 6))


def test_an_old_python_is_told_so_in_one_line() -> None:
    code = "import sys, runpy; sys.version_info = (3, 8, 1); runpy.run_path('jetson_deploy.py', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Python 3.10 or later is needed")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("module", STDLIB_ONLY)
def test_what_runs_before_the_installation_needs_the_standard_library_alone(module: str) -> None:
    command = [sys.executable, "-S", "-E", "-c", f"import athlete_monitor.deploy.{module}"]
    subprocess.run(command, cwd=ROOT, check=True)


def test_a_nano_takes_its_own_pins_and_others_the_common_ones() -> None:
    def names(machine: str, glibc: tuple[int, ...]) -> list[str]:
        files = bootstrap.requirement_files(development=True, machine=machine, glibc=glibc)
        return [file.name for file in files]

    assert names("aarch64", (2, 27)) == ["requirements-jetson-nano.txt", "requirements-dev.txt"]
    assert names("aarch64", (2, 35)) == ["requirements.txt", "requirements-dev.txt"]
    assert names("x86_64", (2, 27)) == ["requirements.txt", "requirements-dev.txt"]
    assert names("aarch64", ()) == ["requirements.txt", "requirements-dev.txt"]
    (light,) = bootstrap.requirement_files(development=False, machine="x86_64", glibc=(2, 35), light=True)
    assert light.name == "requirements-light.txt"


@pytest.fixture
def environment(tmp_path: Path, monkeypatch) -> Path:
    """An environment whose making and filling are only noted down, in ``steps.txt``."""
    folder = tmp_path / "env"

    def note(name: str):
        def step(environment: Path, *_: object, **__: object) -> None:
            bootstrap.environment_python(environment).parent.mkdir(exist_ok=True)
            bootstrap.environment_python(environment).touch()
            with (tmp_path / "steps.txt").open("a") as steps:
                steps.write(f"{name}\n")

        return step

    monkeypatch.setattr(bootstrap, "_make", note("make"))
    monkeypatch.setattr(bootstrap, "_install", note("install"))
    return folder


def _steps(environment: Path) -> list[str]:
    return (environment.parent / "steps.txt").read_text().split()


def test_a_second_start_installs_nothing(environment: Path) -> None:
    for _ in range(2):
        bootstrap.ensure_environment(environment=environment)
    assert _steps(environment) == ["make", "install"]


def test_a_changed_pin_installs_again(environment: Path, monkeypatch) -> None:
    bootstrap.ensure_environment(environment=environment)
    monkeypatch.setattr(bootstrap, "fingerprint", lambda _files, **_: "another")
    bootstrap.ensure_environment(environment=environment)
    assert _steps(environment).count("install") == 2


def test_development_adds_its_tools_once_and_is_enough_for_everything(environment: Path) -> None:
    bootstrap.ensure_environment(environment=environment)
    bootstrap.ensure_environment(development=True, environment=environment)
    assert _steps(environment).count("install") == 2
    bootstrap.ensure_environment(environment=environment)
    bootstrap.ensure_environment(development=True, environment=environment)
    assert _steps(environment).count("install") == 2


def test_an_installation_that_failed_is_tried_again(environment: Path, monkeypatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise SetupError("no network")

    with monkeypatch.context() as broken:
        broken.setattr(bootstrap, "_install", fail)
        with pytest.raises(SetupError):
            bootstrap.ensure_environment(environment=environment)
    assert not bootstrap.stands(environment)
    bootstrap.ensure_environment(environment=environment)
    assert bootstrap.stands(environment)


def test_a_package_pinned_for_another_python_is_not_asked_for() -> None:
    text = '# words\na==1.0; python_version < "3.2"\nb-c==2.0\nd.e==3; python_version >= "3.2"\n'
    assert bootstrap.pins(text) == {"b-c": "2.0", "d.e": "3"}


def test_packages_that_are_there_already_are_not_installed_again(environment: Path, monkeypatch, tmp_path) -> None:
    site = environment / "lib" / f"python3.{sys.version_info.minor}" / "site-packages" / "a_b-1.0+cpu.dist-info"
    site.mkdir(parents=True)
    (site / "METADATA").write_text("Metadata-Version: 2.1\nName: a.b\nVersion: 1.0+cpu\n")
    (tmp_path / "pins.txt").write_text("A-b==1.0\n")
    monkeypatch.setattr(bootstrap, "requirement_files", lambda **_: [tmp_path / "pins.txt"])
    bootstrap.ensure_environment(environment=environment)
    assert _steps(environment) == ["make"]
    (tmp_path / "pins.txt").write_text("A-b==1.1\n")
    bootstrap.ensure_environment(environment=environment)
    assert _steps(environment) == ["make", "make", "install"]


def test_a_light_installation_serves_every_command_but_development(environment: Path) -> None:
    bootstrap.ensure_environment(light=True, environment=environment)
    bootstrap.ensure_environment(environment=environment)
    assert bootstrap.is_light(environment)
    assert _steps(environment).count("install") == 1
    bootstrap.ensure_environment(development=True, environment=environment)
    assert not bootstrap.is_light(environment)
    bootstrap.ensure_environment(light=True, environment=environment)
    assert _steps(environment).count("install") == 2


def test_the_light_pins_are_up_to_date_and_without_pytorch() -> None:
    script = ROOT / "deploy" / "make_light.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    names = set(bootstrap.pins((ROOT / "requirements-light.txt").read_text()))
    assert not {"torch", "hummingbird-ml"} & names
    assert {"onnx", "onnxruntime", "skl2onnx", "scikit-learn"} <= names


def test_the_size_is_said_before_and_a_small_disk_is_refused(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(bootstrap, "_make", lambda folder: folder.mkdir(exist_ok=True))
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=100_000_000))
    with pytest.raises(SetupError, match=r"100 MB are free on this disk, 620 MB are needed"):
        bootstrap.ensure_environment(light=True, environment=tmp_path / "env")
    assert re.search(r"requirements-light.txt: \d+ MB to download, 620 MB on the disk", capsys.readouterr().out)


def test_pip_shows_its_progress_on_a_terminal_only(tmp_path: Path, monkeypatch) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0, "")

    monkeypatch.setattr(subprocess, "run", run)
    for terminal in (True, False):
        monkeypatch.setattr("sys.stdout.isatty", lambda terminal=terminal: terminal, raising=False)
        bootstrap._pip(tmp_path, ["--requirement", "x"])
    assert ["--quiet" in command for command in commands] == [False, True]


def test_a_python_without_venv_is_told_which_package_to_install(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(SetupError, match=r"sudo apt-get install python3\.\d+-venv"):
        bootstrap.ensure_environment(environment=tmp_path / "env")


def test_a_folder_that_cannot_be_written_is_named() -> None:
    with pytest.raises(SetupError, match=r"/proc/env: cannot be written"):
        bootstrap.ensure_environment(environment=Path("/proc/env"))


@pytest.mark.integration
@pytest.mark.campaign
def test_pips_own_words_are_shown_when_it_fails(tmp_path: Path, monkeypatch, capfd) -> None:
    pins = tmp_path / "pins.txt"
    pins.write_text("no-such-package-anywhere @ file:///no/such/file.whl\n")
    monkeypatch.setattr(bootstrap, "requirement_files", lambda **_: [pins])
    with pytest.raises(SetupError, match="could not be installed"):
        bootstrap.ensure_environment(environment=tmp_path / "env")
    assert "file.whl" in capfd.readouterr().err


@pytest.mark.parametrize("program", [program for program in bootstrap.SCRIPTS if (ROOT / program).exists()])
def test_a_program_enters_the_environment_by_itself(program: str, tmp_path: Path) -> None:
    checkout = make_checkout(tmp_path)
    bare = [sys.executable, "-S", "-E", str(checkout / program), "--help"]
    done = subprocess.run(
        bare, capture_output=True, text=True, check=False, cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}
    )
    assert done.returncode == 0, done.stderr
    assert "usage:" in done.stdout


def test_a_program_without_packages_says_how_to_install_them(tmp_path: Path) -> None:
    checkout = make_checkout(tmp_path)
    (checkout / ".venv" / bootstrap.STAMP).unlink()
    bare = [sys.executable, "-S", "-E", str(checkout / "main.py")]
    done = subprocess.run(bare, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "The packages are not installed; install them with: python3 jetson_deploy.py setup\n"
