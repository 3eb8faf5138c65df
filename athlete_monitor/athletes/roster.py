"""The roster file: all athletes, found by id or by device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import Field

from athlete_monitor.athletes.entry import Athlete
from athlete_monitor.config import Section
from athlete_monitor.config.checking import validate
from athlete_monitor.config.document import read_yaml
from athlete_monitor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from athlete_monitor.config.document import Document

UNIQUE: Final = ("id", "device", "number", "strap")
"""Keys whose values must be unique."""


class RosterFile(Section):
    """The content of a roster file."""

    athletes: tuple[Athlete, ...] = Field(strict=False)


class Roster:
    """The athletes of a roster file, found by id or by device."""

    def __init__(self, athletes: tuple[Athlete, ...] = ()) -> None:
        self._athletes = athletes
        self._by_id = {athlete.id: athlete for athlete in athletes}
        self._by_device = {athlete.device: athlete for athlete in athletes}

    @classmethod
    def load(cls, path: Path) -> Roster:
        """Read a roster file; a file that does not exist is an empty roster.

        Raises:
            ConfigError: the file is not a valid roster; one line for each problem, with file and line.
        """
        return cls(check(read_yaml(path))) if path.exists() else cls()

    def by_id(self, athlete_id: int) -> Athlete | None:
        """Return the athlete of this id, or None."""
        return self._by_id.get(athlete_id)

    def by_device(self, device_id: str) -> Athlete | None:
        """Return the athlete who wears this device, or None."""
        return self._by_device.get(device_id)

    def __iter__(self) -> Iterator[Athlete]:
        return iter(self._athletes)

    def __len__(self) -> int:
        return len(self._athletes)


def check(document: Document) -> tuple[Athlete, ...]:
    """Return the athletes of a document.

    Raises:
        ConfigError: one line for each problem, with file and line.
    """
    athletes = validate(document, RosterFile).athletes
    problems = [problem for key in UNIQUE for problem in _repeated(document, athletes, key)]
    if problems:
        raise ConfigError("\n".join(problems))
    return athletes


def _repeated(document: Document, athletes: tuple[Athlete, ...], key: str) -> Iterator[str]:
    """Yield a line for each athlete whose value of ``key`` is already that of an earlier athlete."""
    first: dict[object, int] = {}
    for place, athlete in enumerate(athletes):
        value = getattr(athlete, key)
        same = value.casefold() if key == "strap" and value else value
        if value is None:
            continue
        if same in first:
            other = first[same]
            line, before = (document.line_of(("athletes", at, key)) for at in (place, other))
            yield (
                f"{document.path}:{line}: {key} {value} of {_called(athlete)} is already that of "
                f"{_called(athletes[other])} (line {before})"
            )
        first.setdefault(same, place)


def _called(athlete: Athlete) -> str:
    return athlete.name or f"athlete {athlete.id}"
