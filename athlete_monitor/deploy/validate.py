"""``validate``: checks whether a configuration or roster file is correct."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from athlete_monitor.athletes import Roster
from athlete_monitor.config import Config, load_config, read_yaml, updated
from athlete_monitor.config.updating import HOW
from athlete_monitor.errors import ConfigError
from athlete_monitor.project import PROJECT
from athlete_monitor.system.files import replace_file

if TYPE_CHECKING:
    from collections.abc import Sequence

OURS = ("jetson_nano_4gb_config.yaml", "jetson_orin_32gb_config.yaml")


def validate(files: Sequence[Path]) -> int:
    """Check each file, or both configurations of the project: one line for each, and one for each problem.

    Returns 2 when a file is not valid, else 0.
    """
    problems = [problem for file in files or [PROJECT / name for name in OURS] for problem in _problems(file)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return ConfigError.exit_code if problems else 0


def update(files: Sequence[Path], *, dry_run: bool) -> int:
    """Bring configurations of an earlier version up to date; the old file is kept as ``NAME.before-update``.

    Returns 2 when a file is not valid even so; such a file is not changed.
    """
    if not files:
        raise ConfigError("validate --update: give the configuration, such as --config FILE")
    problems = [problem for file in files for problem in _update_problems(file, dry_run=dry_run)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return ConfigError.exit_code if problems else 0


def _update_problems(file: Path, *, dry_run: bool) -> list[str]:
    try:
        text, changes = updated(file)
        with tempfile.TemporaryDirectory() as folder:
            trial = Path(folder, file.name)
            trial.write_text(text, encoding="utf-8")
            load_config(trial, environ={})
    except ConfigError as error:
        return str(error).removesuffix(f"\n{HOW}").splitlines()
    for change in changes or ["nothing to change"]:
        print(f"{file}: {change}")
    if changes and not dry_run:
        kept = _free(file.with_name(f"{file.name}.before-update"))
        shutil.copy2(file, kept)
        replace_file(file.resolve(), text.encode(), mode=file.stat().st_mode & 0o777)
        print(f"{file}: up to date; the earlier file is {kept.name}")
    return []


def _free(path: Path) -> Path:
    names = (path, *(path.with_name(f"{path.name}-{number}") for number in range(2, 1000)))
    return next(each for each in names if not each.exists())


def _problems(file: Path) -> list[str]:
    try:
        print(f"{file}: {_describe(file)}")
    except ConfigError as error:
        return str(error).splitlines()
    return []


def _describe(file: Path) -> str:
    data = read_yaml(file).data
    if isinstance(data, dict) and "athletes" in data and isinstance(data["athletes"], list):
        known = len(Roster.load(file))
        return f"a valid roster of {known} athlete{'' if known == 1 else 's'}"
    config = load_config(file, environ={})
    sections = len(Config.model_fields)
    roster = Roster.load(config.athletes.roster)
    athletes = f"{len(roster)} athlete{'' if len(roster) == 1 else 's'}"
    return f"a valid configuration, {sections} sections; its roster names {athletes}"
