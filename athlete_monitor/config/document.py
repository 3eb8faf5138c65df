"""YAML files as read: their data, and the line of every key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import YAMLError

from athlete_monitor.config.bounded import bounded_yaml, read_bounded
from athlete_monitor.config.syntax import problem_in, problem_of_value
from athlete_monitor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Location = tuple[str | int, ...]


class _TagError(Exception):
    """A value has a tag."""


@dataclass(frozen=True)
class Document:
    """A YAML file as read.

    Attributes:
        path: the file.
        data: its content; mappings know the lines of their keys.
    """

    path: Path
    data: Any

    def line_of(self, location: Location) -> int:
        """Return the line (from 1) of the location, or of the closest parent that the file holds."""
        line, here = 1, self.data
        for part in location:
            found = _line_in(here, part)
            if found is None:
                break
            line, here = found + 1, here[part]
        return line


def read_yaml(path: Path) -> Document:
    """Read a YAML file without executing anything in it.

    Raises:
        ConfigError: the file cannot be read, is too large or too deep, is not YAML, or holds a key twice.
    """
    text = read_bounded(path)
    try:
        return Document(path, _loaded(text))
    except DuplicateKeyError as error:
        raise ConfigError(f"{path}:{_duplicate(text, error)}") from error
    except YAMLError as error:
        raise ConfigError(f"{path}{problem_in(text, error)}") from error
    except _TagError as error:
        raise ConfigError(f"{path}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}{problem_of_value(text, error)}") from error


def dotted(location: Location) -> str:
    """Return a location as people write it: ``training.max_depth``, ``athletes.3.name``."""
    return ".".join(str(part) for part in location) or "(whole file)"


@lru_cache(maxsize=8)
def _loaded(text: str) -> object:
    """Return the data of a text. They are never changed, so programs that read a file twice parse it once (0.1 s)."""
    data = bounded_yaml().load(text)
    if unknown := next(_tags(data, (), set()), None):
        raise _TagError(f"{unknown}: tags (!...) are not allowed; write text in quotes")
    return {} if data is None else data


def _tags(data: object, location: Location, seen: set[int]) -> Iterator[str]:
    """Yield the places of explicit tags such as ``!!python/object``; no value in our files has one.

    ``seen`` holds what was searched before: aliases may name a node billions of times.
    """
    if id(data) in seen:
        return
    if isinstance(data, CommentedMap | CommentedSeq):
        seen.add(id(data))
    tag = getattr(getattr(data, "tag", None), "value", None)
    if tag is not None:
        yield f"{dotted(location)}: {str(tag).replace('tag:yaml.org,2002:', '!!')}"
    if isinstance(data, CommentedMap):
        for key, value in data.items():
            yield from _tags(value, (*location, key), seen)
    elif isinstance(data, CommentedSeq):
        for number, value in enumerate(data):
            yield from _tags(value, (*location, number), seen)


def _line_in(here: object, part: str | int) -> int | None:
    if isinstance(here, CommentedMap) and part in (here.lc.data or {}):  # a key from a merge (<<) has no line here
        return int(here.lc.key(part)[0])
    if isinstance(here, CommentedSeq) and isinstance(part, int) and part < len(here):
        return int(here.lc.item(part)[0])
    return None


def _duplicate(text: str, error: DuplicateKeyError) -> str:
    """Return line, key and first line of a key that a mapping holds twice."""
    lenient = bounded_yaml()
    lenient.allow_duplicate_keys = True
    key = re.match(r'found duplicate key "(.*?)" with value', error.problem or "", re.DOTALL)
    name = key[1] if key else "a key"
    line = error.problem_mark.line + 1
    for location, mapping in _mappings(lenient.load(text), ()):
        first = _line_in(mapping, name)
        if first is not None and mapping.lc.line == error.context_mark.line:
            return f"{line}: {dotted((*location, name))}: duplicate key, first defined on line {first + 1}"
    return f"{line}: {name}: duplicate key"


def _mappings(data: object, location: Location) -> Iterator[tuple[Location, CommentedMap]]:
    if isinstance(data, CommentedMap):
        yield location, data
        for key, value in data.items():
            yield from _mappings(value, (*location, key))
    elif isinstance(data, CommentedSeq):
        for number, value in enumerate(data):
            yield from _mappings(value, (*location, number))
