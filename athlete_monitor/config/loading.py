"""Loading of a file into the tree of settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from athlete_monitor.config.checking import validate
from athlete_monitor.config.document import read_yaml
from athlete_monitor.config.environment import override
from athlete_monitor.config.fields import Section
from athlete_monitor.config.schema import Config
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
    config = validate(read_yaml(path), Config)
    return _absolute(override(config, environ), home_of(path, root))


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
