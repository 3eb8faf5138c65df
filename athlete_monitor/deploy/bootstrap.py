"""The project's own environment: made, filled and entered with nothing but the standard library.

The environment is ``.venv`` beside the doors. A stamp inside it holds the hash of the requirement files that were
installed, so that a second start installs nothing and a changed pin installs again.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import MonitorError
from athlete_monitor.system.flock import locked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PROJECT: Final = Path(__file__).resolve().parent.parent.parent
ENVIRONMENT: Final = PROJECT / ".venv"
STAMP: Final = ".athlete-monitor"
DOORS: Final = ("main.py", "publisher.py", "sup_ml_rf_training.py", "dynamic_model_loader.py")
NANO_GLIBC: Final = (2, 28)
"""Boards with an older glibc than this take the pins of the Jetson Nano."""


class SetupError(MonitorError, RuntimeError):
    """The environment could not be made. The text says what to do."""


def environment_python(environment: Path = ENVIRONMENT) -> Path:
    """Return the interpreter of the environment, which may not exist yet."""
    return environment / "bin" / "python"


def glibc_version() -> tuple[int, ...]:
    """Return the version of the C library, or an empty tuple where it is not glibc."""
    name, version = platform.libc_ver()
    return tuple(int(part) for part in version.split(".")) if name == "glibc" else ()


def requirement_files(*, development: bool, machine: str, glibc: tuple[int, ...]) -> list[Path]:
    """Return the files that pin the packages of this machine."""
    nano = machine == "aarch64" and () < glibc < NANO_GLIBC
    files = [PROJECT / ("requirements-jetson-nano.txt" if nano else "requirements.txt")]
    return [*files, PROJECT / "requirements-dev.txt"] if development else files


def fingerprint(files: Sequence[Path]) -> str:
    """Return a hash of the files' contents and of the Python that they are installed for."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {platform.machine()}".encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def ensure_environment(*, development: bool = False, environment: Path = ENVIRONMENT) -> Path:
    """Make and fill the environment unless it stands, and return its interpreter.

    Raises:
        SetupError: ``venv`` is missing, the folder cannot be written, or a package cannot be installed.
    """
    if not stands(environment, development=development):
        with _only_one(environment):
            if not stands(environment, development=development):
                files = own_requirements(development=development)
                _make(environment)
                _install(environment, files)
                (environment / STAMP).write_text(fingerprint(files))
    return environment_python(environment)


def own_requirements(*, development: bool) -> list[Path]:
    """Return the files that pin the packages of the machine this runs on."""
    return requirement_files(development=development, machine=platform.machine(), glibc=glibc_version())


def stands(environment: Path = ENVIRONMENT, *, development: bool = False) -> bool:
    """Tell whether the environment holds exactly what is pinned; the development tools may be there in addition.

    Raises:
        SetupError: this user may not look into it.
    """
    accepted = {fingerprint(own_requirements(development=tools)) for tools in {True, development}}
    stamp = environment / STAMP
    try:
        return environment_python(environment).exists() and stamp.is_file() and stamp.read_text() in accepted
    except PermissionError as error:
        raise SetupError(f"{error.filename}: this user may not use it; run as the user who installed it") from error


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
        raise SetupError(f"{environment}: could not be made ({error}); remove the folder and try again") from error


def _install(environment: Path, files: Sequence[Path]) -> None:
    print(f"Installing {' and '.join(file.name for file in files)} (some minutes, once) ...", flush=True)
    command = [str(environment_python(environment)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for file in files:
        command += ["--requirement", str(file)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        print("\n".join(done.stdout.splitlines()[-15:]), file=sys.stderr)
        raise SetupError("the packages could not be installed (pip's words above); check the network and try again")


def inside(environment: Path = ENVIRONMENT) -> bool:
    """Tell whether this process runs in the environment."""
    return Path(sys.prefix).resolve() == environment.resolve()


def enter(script: Path, arguments: Sequence[str], *, development: bool = False) -> None:
    """Continue in the environment: returns at once when already there, otherwise replaces this process.

    Raises:
        SetupError: the environment could not be made.
    """
    python = ensure_environment(development=development)
    if not inside():
        sys.stdout.flush()
        os.execv(python, [str(python), str(script), *arguments])  # noqa: S606 - no shell is wanted


def enter_from_door(argv: Sequence[str]) -> None:
    """Continue in the environment where a door was started with a Python that lacks the packages.

    Does nothing for any other program, and nothing where the packages are there.

    Raises:
        SystemExit: the environment does not stand; the text says how to make it.
    """
    script = Path(argv[0]).resolve()
    if script not in {PROJECT / door for door in DOORS} or inside() or _packages_are_there():
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
