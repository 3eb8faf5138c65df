"""Loading of a file into the tree of settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from athlete_monitor.config.checking import ARE_MISSING, MISSING, NO_LONGER, validate
from athlete_monitor.config.document import read_yaml
from athlete_monitor.config.environment import override
from athlete_monitor.config.fields import Section
from athlete_monitor.config.schema import Config
from athlete_monitor.config.updating import HOW
from athlete_monitor.errors import ConfigError
from athlete_monitor.project import DEFAULT_CONFIG, home_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

S = TypeVar("S", bound=Section)


def load_config(
    path: Path = DEFAULT_CONFIG, root: Path | None = None, environ: Mapping[str, str] = os.environ
) -> Config:
    """Load a configuration file, apply the environment and make every path absolute.

    Args:
        path: the YAML file.
        root: folder of relative paths; the file's folder when None.
        environ: variables that override the file, see ``environment.VARIABLES``.

    Raises:
        ConfigError: the file or a variable is not valid.
    """
    document = read_yaml(path)
    if not document.data:
        raise ConfigError(f"{path}: is empty; {DEFAULT_CONFIG} is a complete one")
    try:
        config = validate(document, Config)
    except ConfigError as error:
        raise ConfigError(_with_way_out(str(error))) from None
    return _absolute(override(config, environ), home_of(path, root))


def _with_way_out(problems: str) -> str:
    """Return the problems; a file of an earlier version lacks keys, and has some that are no longer used."""
    is_old = any(f" {problem}" in problems for problem in (MISSING, ARE_MISSING, NO_LONGER))
    return f"{problems}\n{HOW}" if is_old else problems


def config_from_args(args: argparse.Namespace) -> Config:
    """Load the configuration that ``--config`` and ``--root`` name.

    Raises:
        ConfigError: see ``load_config``.
    """
    return load_config(args.config, args.root)


def _absolute(section: S, root: Path) -> S:
    """Return the section with every relative path below ``root``."""
    updates: dict[str, Any] = {}
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Path):
            updates[name] = root / value.expanduser()
        elif isinstance(value, Section):
            updates[name] = _absolute(value, root)
    return section.model_copy(update=updates)
