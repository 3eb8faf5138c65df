"""YAML within bounds: a small file must not take minutes or all memory to read.

Brackets that open thousands of times, aliases that multiply, and files that are no settings at all would do that.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, ComposerError
from ruamel.yaml.events import AliasEvent

from athlete_monitor.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES: Final = 1_000_000
"""A roster of a thousand athletes with every key has a third of it."""
DEEPEST: Final = 32
"""The deepest of our files has seven levels."""
MOST_VALUES: Final = 100_000
"""Keys and values together; what an alias names counts each time."""


def read_bounded(path: Path) -> str:
    """Return the text of a file, without the mark that some editors put at its start.

    Raises:
        ConfigError: it cannot be read, is too large, or is not UTF-8 text.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    if len(content) > MOST_BYTES:
        raise ConfigError(f"{path}: is larger than {MOST_BYTES:,} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        is_wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        if is_wide:
            raise ConfigError(f"{path}: is not UTF-8 text (it is UTF-16: save it as UTF-8)") from error
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: is not UTF-8 text (byte {error.start})") from error


def bounded_yaml() -> YAML:
    """Return a reader and writer that keeps comments and refuses what is beyond the bounds.

    Example:
        >>> bounded_yaml().load("players: [7, 14]")["players"][1]
        14
    """
    yaml = YAML(typ="rt")
    yaml.Composer = _BoundedComposer
    return yaml


class _BoundedComposer(Composer):
    """Counts levels and values while the tree is made, so that nothing beyond the bounds is ever read."""

    def __init__(self, loader: Any = None) -> None:  # noqa: ANN401 - ruamel has no types
        super().__init__(loader)
        self.warn_double_anchors = False
        self._values = 0
        self._sizes: dict[str, int] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401
        event = self.parser.peek_event()
        if isinstance(event, AliasEvent):
            self._count(self._sizes.get(event.anchor, 1), event)
            if event.anchor in self.anchors and event.anchor not in self._sizes:
                raise _refused(f"*{event.anchor} is inside the value that it names", event)
            return super().compose_node(parent, index)
        if self.depth >= DEEPEST:
            raise _refused(f"nested more than {DEEPEST} levels deep", event)
        before = self._values
        self._count(1, event)
        self._sizes.pop(event.anchor, None)
        node = super().compose_node(parent, index)
        if event.anchor is not None:
            self._sizes[event.anchor] = self._values - before
        return node

    def _count(self, values: int, event: Any) -> None:  # noqa: ANN401
        self._values += values
        if self._values > MOST_VALUES:
            raise _refused(f"more than {MOST_VALUES:,} keys and values", event)


def _refused(problem: str, event: Any) -> ComposerError:  # noqa: ANN401
    return ComposerError(None, None, problem, event.start_mark)
