from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from athlete_monitor.deploy import bootstrap
from athlete_monitor.deploy.bootstrap import SetupError
from tests.deploy.checkout import make_checkout
from tests.helpers import ROOT

STDLIB_ONLY = ("bootstrap", "check", "cli", "findings", "probes")


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


@pytest.fixture
def environment(tmp_path: Path, monkeypatch) -> Path:
    """An environment whose making and filling are only noted down, in ``steps.txt``."""
    folder = tmp_path / "env"

    def note(name: str):
        def step(environment: Path, *_: object) -> None:
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
    monkeypatch.setattr(bootstrap, "fingerprint", lambda _files: "another")
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
    def fail(*_: object) -> None:
        raise SetupError("no network")

    with monkeypatch.context() as broken:
        broken.setattr(bootstrap, "_install", fail)
        with pytest.raises(SetupError):
            bootstrap.ensure_environment(environment=environment)
    assert not bootstrap.stands(environment)
    bootstrap.ensure_environment(environment=environment)
    assert bootstrap.stands(environment)


def test_a_python_without_venv_is_told_which_package_to_install(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(SetupError, match=r"sudo apt-get install python3\.\d+-venv"):
        bootstrap.ensure_environment(environment=tmp_path / "env")


def test_a_folder_that_cannot_be_written_is_named() -> None:
    with pytest.raises(SetupError, match=r"/proc/env: cannot be written"):
        bootstrap.ensure_environment(environment=Path("/proc/env"))


@pytest.mark.integration
def test_pips_own_words_are_shown_when_it_fails(tmp_path: Path, monkeypatch, capfd) -> None:
    pins = tmp_path / "pins.txt"
    pins.write_text("no-such-package-anywhere @ file:///no/such/file.whl\n")
    monkeypatch.setattr(bootstrap, "requirement_files", lambda **_: [pins])
    with pytest.raises(SetupError, match="could not be installed"):
        bootstrap.ensure_environment(environment=tmp_path / "env")
    assert "file.whl" in capfd.readouterr().err


@pytest.mark.parametrize("door", bootstrap.DOORS)
def test_a_door_enters_the_environment_by_itself(door: str, tmp_path: Path) -> None:
    checkout = make_checkout(tmp_path)
    bare = [sys.executable, "-S", "-E", str(checkout / door), "--help"]
    done = subprocess.run(
        bare, capture_output=True, text=True, check=False, cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}
    )
    assert done.returncode == 0, done.stderr
    assert "usage:" in done.stdout


def test_a_door_without_packages_says_how_to_install_them(tmp_path: Path) -> None:
    checkout = make_checkout(tmp_path)
    (checkout / ".venv" / bootstrap.STAMP).unlink()
    bare = [sys.executable, "-S", "-E", str(checkout / "main.py")]
    done = subprocess.run(bare, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "The packages are not installed; install them with: python3 jetson_deploy.py setup\n"
