"""A configuration of an earlier version, with the keys that this version needs."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, Final

from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.representer import RoundTripRepresenter

from athlete_monitor.config.bounded import bounded_yaml, read_bounded
from athlete_monitor.config.document import dotted, read_yaml
from athlete_monitor.config.schema import REMOVED
from athlete_monitor.project import DEFAULT_CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from athlete_monitor.config.document import Location

HOW: Final = "a file of an earlier version is brought up to date by: python3 jetson_deploy.py validate --update"


class _Representer(RoundTripRepresenter):
    """Writes null as ``null``, as our files do."""


_Representer.add_representer(type(None), lambda self, _: self.represent_scalar("tag:yaml.org,2002:null", "null"))


def updated(path: Path, shipped: Path = DEFAULT_CONFIG) -> tuple[str, list[str]]:
    """Return the text of an updated configuration, and one line for each change.

    Missing keys get the values and comments of the shipped file, keys without a meaning are removed. Everything else,
    comments included, stays as it is.

    Args:
        path: the file; it is not changed.
        shipped: a complete configuration of this version.

    Raises:
        ConfigError: one of the files cannot be read.
    """
    read_yaml(path)  # its own messages report any mistake in it
    yaml = bounded_yaml()
    yaml.Representer, yaml.preserve_quotes, yaml.width = _Representer, True, 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    data = yaml.load(read_bounded(path))
    if not isinstance(data, CommentedMap):
        data = CommentedMap()
    changes = [*_without_removed(data), *_with_missing(data, bounded_yaml().load(read_bounded(shipped)), ())]
    out = io.StringIO()
    yaml.dump(data, out)
    return out.getvalue(), changes


def _without_removed(data: CommentedMap) -> Iterator[str]:
    for name, why in REMOVED.items():
        *sections, key = name.split(".")
        here: Any = data
        for section in sections:
            here = here.get(section) if isinstance(here, CommentedMap) else None
        if isinstance(here, CommentedMap) and key in here:
            del here[key]
            yield f"removed {name}: {why}"


def _with_missing(data: CommentedMap, shipped: CommentedMap, place: Location) -> Iterator[str]:
    """Add what is missing; in a section first, because the comments of the next section belong to its last key."""
    for number, (key, value) in enumerate(shipped.items()):
        if key not in data:
            data.insert(number if place else len(data), key, value)
            if key in shipped.ca.items:
                data.ca.items[key] = shipped.ca.items[key]
            yield from _added(value, (*place, key))
        elif isinstance(value, CommentedMap) and isinstance(data[key], CommentedMap):
            yield from _with_missing(data[key], value, (*place, key))


def _added(value: object, place: Location) -> Iterator[str]:
    if isinstance(value, CommentedMap):
        for key, inner in value.items():
            yield from _added(inner, (*place, key))
    else:
        yield f"added {dotted(place)}: {json.dumps(value)}"
