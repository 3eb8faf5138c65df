"""The project's own environment: created, filled and entered with only the standard library.

The environment is ``.venv`` beside the scripts. A stamp inside it holds the hash of the installed requirement files, so
that a second start installs nothing and a changed pin installs again.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from athlete_monitor.deploy.light import light_pins
from athlete_monitor.errors import MonitorError
from athlete_monitor.project import IS_CHECKOUT, PROJECT
from athlete_monitor.system.flock import locked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ENVIRONMENT: Final = PROJECT / ".venv"
STAMP: Final = ".athlete-monitor"
SCRIPTS: Final = (
    "bridge.py",
    "control.py",
    "dashboard.py",
    "dynamic_model_loader.py",
    "league.py",
    "main.py",
    "publisher.py",
    "report.py",
    "sup_ml_rf_training.py",
)
NANO_GLIBC: Final = (2, 28)
"""Boards with an older glibc than this use the pins of the Jetson Nano."""


@dataclass(frozen=True)
class Size:
    """Download size and disk space of an installation, MB; measured with Python 3.11."""

    download_mb: int
    installed_mb: int

    def __str__(self) -> str:
        """Return both in one phrase."""
        return f"{self.download_mb} MB to download, {self.installed_mb} MB on the disk, once"


LIGHT: Final = Size(150, 620)
FULL: Final = Size(500, 1900)
FULL_CUDA: Final = Size(2900, 5900)
"""On x86-64 pip installs PyTorch's CUDA build, which includes NVIDIA's libraries."""


class SetupError(MonitorError, RuntimeError):
    """The environment could not be created. The text says what to do."""


def environment_python(environment: Path = ENVIRONMENT) -> Path:
    """Return the interpreter of the environment, which may not exist yet."""
    return environment / "bin" / "python"


def glibc_version() -> tuple[int, ...]:
    """Return the version of the C library, or an empty tuple if it is not glibc."""
    name, version = platform.libc_ver()
    return tuple(int(part) for part in version.split(".")) if name == "glibc" else ()


def requirement_files(*, development: bool, machine: str, glibc: tuple[int, ...], light: bool = False) -> list[Path]:
    """Return the files that pin the packages of this machine."""
    nano = machine == "aarch64" and () < glibc < NANO_GLIBC
    name = "requirements-jetson-nano.txt" if nano else "requirements-light.txt" if light else "requirements.txt"
    return [PROJECT / name, PROJECT / "requirements-dev.txt"] if development else [PROJECT / name]


def fingerprint(files: Sequence[Path], *, light: bool = False) -> str:
    """Return a hash of the files' contents and of the Python that they are installed for."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {platform.machine()}".encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest() + ("-light" if light else "")


def ensure_environment(*, development: bool = False, light: bool = False, environment: Path = ENVIRONMENT) -> Path:
    """Create and fill the environment unless it is complete, and return its interpreter.

    Args:
        development: with the tools of development.
        light: without PyTorch, if nothing is installed yet.
        environment: its folder.

    Raises:
        SetupError: ``venv`` is missing, the folder cannot be written, the disk is too small, or a package cannot be
            installed.
    """
    if not stands(environment, development=development):
        with _only_one(environment):
            if not stands(environment, development=development):
                files = own_requirements(development=development, light=light)
                _make(environment)
                if not satisfied(environment, files, light=light):
                    _install(environment, files, light=light)
                (environment / STAMP).write_text(fingerprint(files, light=light))
    return environment_python(environment)


def own_requirements(*, development: bool, light: bool = False) -> list[Path]:
    """Return the files that pin the packages of the machine this runs on."""
    machine, glibc = platform.machine(), glibc_version()
    return requirement_files(development=development, machine=machine, glibc=glibc, light=light)


def stands(environment: Path = ENVIRONMENT, *, development: bool = False) -> bool:
    """Return whether the environment holds exactly what is pinned.

    The development tools may be installed in addition; a light installation counts, except for development.

    Raises:
        SetupError: this user may not read it.
    """
    kinds = [(tools, False) for tools in {True, development}] + ([] if development else [(False, True)])
    accepted = {fingerprint(own_requirements(development=dev, light=light), light=light) for dev, light in kinds}
    stamp = environment / STAMP
    try:
        return environment_python(environment).exists() and stamp.is_file() and stamp.read_text() in accepted
    except PermissionError as error:
        raise SetupError(f"{error.filename}: this user may not use it; run as the user who installed it") from error


def is_light(environment: Path = ENVIRONMENT) -> bool:
    """Return whether a light installation, without PyTorch, is what was installed."""
    stamp = environment / STAMP
    return stamp.is_file() and stamp.read_text().endswith("-light")


def satisfied(environment: Path, files: Sequence[Path], *, light: bool) -> bool:
    """Return whether every pin is already installed there, by any means: then pip has nothing to do."""
    from importlib import metadata  # slow to import, and only an installation needs it

    lines = [
        line for file in files for line in pinned_text(file, light=light).splitlines() if line[:1] not in {"", "#"}
    ]
    if not all("==" in line and "@" not in line for line in lines):
        return False
    folders = [str(folder) for folder in environment.glob("lib/python3*/site-packages")]
    found = {_canonical(each.metadata["Name"]): each.version for each in metadata.distributions(path=folders)}
    wanted = pins("\n".join(lines))
    return all(found.get(_canonical(name), "").partition("+")[0] == pin for name, pin in wanted.items())


def pins(text: str) -> dict[str, str]:
    """Return name and version of every package that a requirement file pins for this Python."""
    found = {}
    for line in text.splitlines():
        match = re.match(r'([\w.-]+)==([^\s;]+)(?:; python_version (<|>=) "3\.(\d+)")?$', line)
        if match and _holds(match[3], match[4]):
            found[match[1]] = match[2]
    return found


def _holds(comparison: str | None, minor: str | None) -> bool:
    if comparison is None or minor is None:
        return True
    return (sys.version_info.minor < int(minor)) == (comparison == "<")


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned_text(file: Path, *, light: bool) -> str:
    """Return the pins of a file; in a light installation without those of PyTorch."""
    text = file.read_text(encoding="utf-8")
    return light_pins(text) if light and file.name != "requirements-dev.txt" else text


@contextmanager
def _only_one(environment: Path) -> Iterator[None]:
    try:
        environment.mkdir(parents=True, exist_ok=True)
        with (environment / ".lock").open("w") as lock, locked(lock.fileno()):
            yield
    except OSError as error:
        raise SetupError(f"{environment}: cannot be written ({error.strerror}); give this user the folder") from error


def _make(environment: Path) -> None:
    if environment_python(environment).exists():
        return
    if importlib.util.find_spec("ensurepip") is None:
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        raise SetupError(f"Python's venv module is not complete: sudo apt-get install {package}")
    import venv

    print(f"Making {environment} ...", flush=True)
    try:
        venv.create(environment, with_pip=True, symlinks=True)
    except subprocess.CalledProcessError as error:
        raise SetupError(f"{environment}: could not be created ({error}); remove the folder and try again") from error


def _install(environment: Path, files: Sequence[Path], *, light: bool) -> None:
    size = LIGHT if light else FULL_CUDA if platform.machine() == "x86_64" else FULL
    names = " and ".join(file.name for file in files)
    lighter = "" if light else f"; {LIGHT.installed_mb} MB without PyTorch, with setup --light"
    print(f"Installing {names}: {size}{lighter} ...", flush=True)
    free_mb = shutil.disk_usage(environment).free // 1_000_000
    if free_mb < size.installed_mb:
        raise SetupError(
            f"{environment}: {free_mb} MB are free on this disk, {size.installed_mb} MB are needed{lighter}"
        )
    with tempfile.TemporaryDirectory() as folder:
        lists = [_written(file, Path(folder), light=light) for file in files]
        options = [word for file in lists for word in ("--requirement", str(file))]
        # compiled on first use instead: this would take a quarter more time, mostly for modules that are never imported
        _pip(environment, [*(["--no-compile"] if light else []), *options])


def _written(file: Path, folder: Path, *, light: bool) -> Path:
    """Return the file for pip: the pins of a light installation are a copy."""
    copy = folder / file.name
    copy.write_text(pinned_text(file, light=light), encoding="utf-8")
    return copy


def _pip(environment: Path, options: Sequence[str]) -> None:
    """Install; with pip's own progress on a terminal, silently elsewhere."""
    shown = sys.stdout.isatty()
    command = [str(environment_python(environment)), "-m", "pip", "install", "--disable-pip-version-check"]
    command += [*([] if shown else ["--quiet"]), *options]
    output = None if shown else subprocess.PIPE
    done = subprocess.run(command, stdout=output, stderr=None if shown else subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        print("\n".join((done.stdout or "").splitlines()[-15:]), file=sys.stderr)
        raise SetupError(
            "the packages could not be installed (pip's message is above); check the network and try again"
        )


def inside(environment: Path = ENVIRONMENT) -> bool:
    """Return whether this process runs in the environment; always true for an installed package."""
    return not IS_CHECKOUT or Path(sys.prefix).resolve() == environment.resolve()


def enter(script: Path, arguments: Sequence[str], *, development: bool = False, light: bool = False) -> None:
    """Continue in the environment: returns at once if this process already runs in it, otherwise replaces the process.

    Raises:
        SetupError: the environment could not be created.
    """
    if not IS_CHECKOUT:
        return
    python = ensure_environment(development=development, light=light)
    if not inside():
        sys.stdout.flush()
        os.execv(python, [str(python), str(script), *arguments])  # noqa: S606 - no shell is wanted


def enter_from_door(argv: Sequence[str]) -> None:
    """Continue in the environment if a script was started with a Python that lacks the packages.

    It does nothing for other programs, and nothing if the packages are installed.

    Raises:
        SystemExit: the environment does not exist; the text says how to create it.
    """
    script = Path(argv[0]).resolve()
    if script not in {PROJECT / name for name in SCRIPTS} or inside() or _packages_are_there():
        return
    try:
        ready = stands()
    except SetupError as error:
        raise SystemExit(str(error)) from error
    if not ready:
        raise SystemExit("The packages are not installed; install them with: python3 jetson_deploy.py setup")
    python = environment_python()
    os.execv(python, [str(python), str(script), *argv[1:]])  # noqa: S606 - no shell is wanted


def _packages_are_there() -> bool:
    return all(importlib.util.find_spec(name) for name in ("msgspec", "numpy", "paho", "pydantic", "yaml"))
