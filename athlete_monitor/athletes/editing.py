"""Changes to the roster file: comments and order are preserved, and the file is replaced atomically.

Only the lines of the changed athlete are rewritten. A change that would make the roster invalid is refused, and nothing
is written.
"""

from __future__ import annotations

import io
import textwrap
from typing import TYPE_CHECKING, Any, Final

from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from athlete_monitor.athletes.roster import check
from athlete_monitor.config.bounded import bounded_yaml, read_bounded
from athlete_monitor.config.document import Document, read_yaml
from athlete_monitor.errors import ConfigError
from athlete_monitor.system.files import READABLE, replace_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

    from ruamel.yaml import YAML

    from athlete_monitor.athletes.entry import Athlete

EMPTY: Final = "athletes:\n"
_FIRST: Final = ("id", "device", "name", "number", "position", "group", "strap")
"""Keys that identify an athlete; they come first in a new entry."""


class RosterEditor:
    """A roster file with changes that ``save`` writes together.

    Args:
        path: the file; ``save`` creates it if it does not exist.

    Raises:
        ConfigError: the file is not a valid roster.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        self._text = EMPTY
        if self._path.exists():
            check(read_yaml(path))
            self._text = read_bounded(path)

    def ids(self) -> list[int]:
        """Return the ids in file order."""
        return [entry["id"] for entry in self._entries()]

    def add(self, values: Mapping[str, Any]) -> int:
        """Add an athlete and return the id, by default the lowest free one; the default device is made from the id."""
        taken, devices = set(self.ids()), {str(entry["device"]) for entry in self._entries()}
        athlete_id = values.get("id") or next(number for number in range(1, len(taken) + 2) if number not in taken)
        plain = f"{athlete_id:03d}"
        device = values.get("device") or (plain if plain not in devices else f"new-{athlete_id}")
        known = {**values, "id": athlete_id, "device": device}
        entry = CommentedMap((key, known[key]) for key in (*_FIRST, *known) if known.get(key) is not None)
        self._text = _appended(self._text, self._entries(), entry)
        return int(athlete_id)

    def edit(self, athlete_id: int, values: Mapping[str, Any], since: date | None = None) -> None:
        """Set ``values`` of an athlete, None removes a key; with ``since`` they are limits, valid from that day.

        Raises:
            ConfigError: no athlete in the roster has this id.
        """
        if athlete_id not in self.ids():
            raise ConfigError(f"{self._path}: no athlete in the roster has id {athlete_id}")
        place = self.ids().index(athlete_id)
        if self._entries().fa.flow_style():
            data = _load(self._text)
            _set(data["athletes"][place], values, since)
            self._text = _dump(data)
            return
        lines = self._text.split("\n")
        begin, end = _lines_of(lines, self._entries(), place)
        (entry,) = entries = _load(textwrap.dedent("\n".join(lines[begin:end])))
        _set(entry, values, since)
        indent = " " * (len(lines[begin]) - len(lines[begin].lstrip()))
        lines[begin:end] = textwrap.indent(_dump(entries).rstrip("\n"), indent).split("\n")
        self._text = "\n".join(lines)

    def remove(self, athlete_id: int) -> None:
        """Remove an athlete; comments after the entry stay.

        Raises:
            ConfigError: no athlete in the roster has this id.
        """
        if athlete_id not in self.ids():
            raise ConfigError(f"{self._path}: no athlete in the roster has id {athlete_id}")
        place, entries = self.ids().index(athlete_id), self._entries()
        if entries.fa.flow_style() or len(entries) == 1:
            data = _load(self._text)
            del data["athletes"][place]
            self._text = _dump(data)
            return
        lines = self._text.split("\n")
        begin, end = _lines_of(lines, entries, place)
        del lines[begin:end]
        self._text = "\n".join(lines)

    def save(self) -> tuple[Athlete, ...]:
        """Check the new roster, replace the old one with it, and return its athletes.

        Raises:
            ConfigError: it would be invalid; nothing is written.
            OSError: it cannot be written; the old file stays.
        """
        try:
            document = Document(self._path, _load(self._text))
        except YAMLError as error:
            problem = " ".join(str(getattr(error, "problem", error)).split())
            raise ConfigError(
                f"{self._path}: cannot be changed by this program ({problem}); change it by hand"
            ) from None
        athletes = check(document)
        mode = self._path.stat().st_mode & 0o777 if self._path.exists() else READABLE
        replace_file(self._path, self._text.encode(), mode=mode)
        return athletes

    def _entries(self) -> Any:  # noqa: ANN401 - ruamel has no types
        return (_load(self._text) or {}).get("athletes") or CommentedSeq()


def _yaml() -> YAML:
    yaml = bounded_yaml()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _load(text: str) -> Any:  # noqa: ANN401 - ruamel has no types
    return _yaml().load(text)


def _dump(data: object) -> str:
    stream = io.StringIO()
    _yaml().dump(data, stream)
    return textwrap.dedent(stream.getvalue()) if isinstance(data, list) else stream.getvalue()


def _lines_of(lines: list[str], entries: Any, place: int) -> tuple[int, int]:  # noqa: ANN401 - ruamel has no types
    """Return the first line of an entry and the line after its end, without the comments and blank lines after it."""
    begin = entries.lc.item(place)[0]
    end = entries.lc.item(place + 1)[0] if place + 1 < len(entries) else len(lines)
    while end > begin + 1 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    return begin, end


def _appended(text: str, entries: Any, entry: CommentedMap) -> str:  # noqa: ANN401 - ruamel has no types
    """Return the text with one more entry after the last one."""
    if len(entries) and entries.fa.flow_style():
        data = _load(text)
        data["athletes"].append(entry)
        return _dump(data)
    lines = text.rstrip("\n").split("\n")
    if len(entries):
        begin, at = _lines_of(lines, entries, len(entries) - 1)
        indent = " " * (len(lines[begin]) - len(lines[begin].lstrip()))
    else:
        at = 1 + next(number for number, line in enumerate(lines) if line.startswith("athletes:"))
        lines[at - 1] = lines[at - 1].replace("[]", "", 1).rstrip()
        indent = "  "
    lines[at:at] = textwrap.indent(_dump(CommentedSeq([entry])).rstrip("\n"), indent).split("\n")
    return "\n".join(lines) + "\n"


def _set(entry: Any, values: Mapping[str, Any], since: date | None) -> None:  # noqa: ANN401 - ruamel has no types
    target = entry if since is None else _dated(entry, since)
    for key, value in values.items():
        if value is None:
            target.pop(key, None)
        else:
            target[key] = _in_one_line(value)


def _dated(entry: Any, since: date) -> Any:  # noqa: ANN401 - ruamel has no types
    """Return the limits of an athlete that are valid from a day; an entry is created if there is none."""
    if not entry.get("limits"):
        entry["limits"] = CommentedSeq()
    found = next((each for each in entry["limits"] if each["from"] == since), None)
    if found is None:
        found = CommentedMap([("from", since)])
        entry["limits"].append(found)
    return found


def _in_one_line(value: Any) -> Any:  # noqa: ANN401 - whatever a key holds
    """Return a list or mapping that is written in one line; other values as they are."""
    if not isinstance(value, list | dict):
        return value
    kept: Any = CommentedSeq(value) if isinstance(value, list) else CommentedMap(value.items())
    kept.fa.set_flow_style()
    return kept
