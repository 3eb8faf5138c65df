"""``validate``: checks whether a configuration or roster file is correct."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from athlete_monitor.athletes import Roster
from athlete_monitor.config import Config, load_config, read_yaml
from athlete_monitor.errors import ConfigError
from athlete_monitor.project import PROJECT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

OURS = ("jetson_nano_4gb_config.yaml", "jetson_orin_32gb_config.yaml")


def validate(files: Sequence[Path]) -> int:
    """Check each file, or both configurations of the project: one line for each, and one for each problem.

    Returns 2 when a file is not valid, else 0.
    """
    problems = [problem for file in files or [PROJECT / name for name in OURS] for problem in _problems(file)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return ConfigError.exit_code if problems else 0


def _problems(file: Path) -> list[str]:
    try:
        print(f"{file}: {_describe(file)}")
    except ConfigError as error:
        return str(error).splitlines()
    return []


def _describe(file: Path) -> str:
    data = read_yaml(file).data
    if isinstance(data, dict) and "athletes" in data and isinstance(data["athletes"], list):
        return f"a valid roster of {len(Roster.load(file))} athletes"
    config = load_config(file, environ={})
    sections = len(Config.model_fields)
    roster = Roster.load(config.athletes.roster)
    return f"a valid configuration, {sections} sections; its roster names {len(roster)} athletes"
