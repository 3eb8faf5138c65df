"""A copy of the repository as a fresh clone would be, on the packages of the Python that runs the tests."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from athlete_monitor.deploy import bootstrap
from tests.helpers import ROOT, unused_port


def tracked_files() -> list[str]:
    """Every file that git knows or would add, without the ignored ones."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [name for name in listed if name and (ROOT / name).is_file() and not name.startswith("tests/")]


def make_checkout(folder: Path) -> Path:
    """Copy the project there, with an environment that stands and a broker port of its own."""
    for name in tracked_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    _share_environment(folder / ".venv")
    for config in folder.glob("jetson_*_config.yaml"):
        config.write_text(re.sub(r"port: 1883", f"port: {unused_port()}", config.read_text()))
    return folder


def _share_environment(environment: Path) -> None:
    """Make an environment on this Python's packages, stamped as installed."""
    prefix = Path(sys.prefix)
    (environment / "bin").mkdir(parents=True)
    for name in ("python", "python3"):
        (environment / "bin" / name).symlink_to(Path(sys.executable).resolve())
    (environment / "lib").symlink_to(prefix / "lib")
    if (prefix / "pyvenv.cfg").exists():
        shutil.copy(prefix / "pyvenv.cfg", environment / "pyvenv.cfg")
    files = bootstrap.own_requirements(development=True)
    (environment / bootstrap.STAMP).write_text(bootstrap.fingerprint(files))


def user_environment(checkout: Path) -> dict[str, str]:
    """The environment variables of a user whose ``python3`` is that of the checkout."""
    kept = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    return {**kept, "PATH": f"{checkout / '.venv/bin'}:{kept['PATH']}", "OMP_NUM_THREADS": "1", "CI": ""}
