"""Puts the project's own files into the wheel; everything else is in pyproject.toml."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
BUNDLED = (
    "athletes.yaml",
    "jetson_*_config.yaml",
    "league.yaml",
    "requirements*.txt",
    "[a-z]*.py",
    "deploy/grafana/**/*.*",
    "deploy/logrotate",
    "deploy/mosquitto.conf",
    "deploy/systemd/*",
    "deploy/telegraf/*",
    "examples/LICENSE*",
    "examples/esp32/*",
    "examples/stream/*/*",
    "examples/train/*/*",
)


class BuildWithFiles(build_py):  # type: ignore[misc]
    """Copies the bundled files to ``athlete_monitor/_project``, where ``athlete_monitor.project`` finds them."""

    def run(self) -> None:
        """Build, then copy."""
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib, "athlete_monitor", "_project")
        for file in (file for pattern in BUNDLED for file in ROOT.glob(pattern) if file.name != "setup.py"):
            place = target / file.relative_to(ROOT)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)


setup(cmdclass={"build_py": BuildWithFiles})
