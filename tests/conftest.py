"""Shared fixtures: a real Mosquitto, free ports, programs as processes, configurations to vary."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import settings

from athlete_monitor.boundary import STRICT
from athlete_monitor.deploy.setup import SYSTEM_FILES
from tests.helpers import MOSQUITTO, ROOT, Mosquitto, Program, unused_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from athlete_monitor.config import Config

settings.register_profile("any machine", deadline=None)  # how long an example takes says nothing on a shared machine
settings.load_profile("any machine")
os.environ[STRICT] = "1"  # a failure that no code expected fails the test, in every process


@pytest.fixture(autouse=True, scope="session")
def _system_files_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Root's setup writes to /etc and /var: in tests, and in the processes that they start, to a folder of theirs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SYSTEM_FILES, str(tmp_path_factory.mktemp("system")))
        yield


@pytest.fixture
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """A running Mosquitto; skips where there is none on the machine, and fails there in CI."""
    if MOSQUITTO is None:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail("mosquitto is not installed, and CI must run what needs it")
        pytest.skip("mosquitto is not installed")
    broker = Mosquitto(tmp_path_factory.mktemp("mosquitto"))
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


@pytest.fixture
def free_port() -> int:
    """A loopback port that nobody uses."""
    return unused_port()


@pytest.fixture
def run_program(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """``run_program("publisher.py", "--replay", path, env={...})``: a program that ends with the test."""
    programs: list[Program] = []

    def run(script: str, *arguments: object, env: dict[str, str] | None = None, cwd: Path | None = None) -> Program:
        paths = [tmp_path / f"{len(programs)}_{Path(script).stem}.{name}" for name in ("out", "err")]
        with paths[0].open("w") as out, paths[1].open("w") as err:
            process = subprocess.Popen(
                [sys.executable, str(ROOT / script), *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                text=True,
                cwd=cwd or tmp_path,
                env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"} | (env or {}),
            )
        programs.append(Program(process, *paths))
        return programs[-1]

    yield run
    for program in programs:
        program.kill()


@pytest.fixture
def make_config(tmp_path: Path) -> Callable[..., Path]:
    """``make_config(mqtt={"port": 1884}, ...)``: a configuration file, the default one with these keys changed.

    Its relative paths land in the test's folder. ``load`` it with ``athlete_monitor.config.load_config``.
    """

    def make(name: str = "config.yaml", **sections: dict[str, Any]) -> Path:
        document = yaml.safe_load((ROOT / "jetson_nano_4gb_config.yaml").read_text(encoding="utf-8"))
        for section, keys in sections.items():
            document[section] = {**document[section], **keys}
        path = tmp_path / name
        path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        return path

    return make


@pytest.fixture
def sample_config(make_config: Callable[..., Path]) -> Callable[..., Config]:
    """``sample_config(mqtt={"port": 1884})``: the loaded configuration, without the environment's overrides."""
    from athlete_monitor.config import load_config

    return lambda **sections: load_config(make_config(**sections), environ={})
