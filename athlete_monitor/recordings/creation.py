"""Adding athletes to the roster file, for recordings of people who are not in it yet. Comments are preserved."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from athlete_monitor.athletes import Roster
from athlete_monitor.errors import ConfigError, RecordingError
from athlete_monitor.recordings.cells import safe_text
from athlete_monitor.recordings.owners import FULL, alike

if TYPE_CHECKING:
    from pathlib import Path

    from athlete_monitor.recordings.imported import Whose


class Creator:
    """Adds athletes to a roster file, one for each new name.

    Args:
        path: the roster file; created if it does not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._made: dict[str, int] = {}
        self.said: list[str] = []

    def __call__(self, whose: Whose) -> int:
        """Return the new athlete's id; the same for the same name.

        Raises:
            RecordingError: the roster cannot be written.
        """
        key = str(whose)
        known = next((name for name in self._made if whose.name and alike(name, whose.name) == FULL), key)
        if known in self._made:
            return self._made[known]
        if key not in self._made:
            self._made[key] = self._add(whose)
            self.said.append(f"created athlete {self._made[key]}: {key}, in {self._path}")
        return self._made[key]

    def _add(self, whose: Whose) -> int:
        roster = Roster.load(self._path)
        taken = {athlete.id for athlete in roster}
        number = whose.athlete_id if whose.athlete_id and whose.athlete_id not in taken else _free(taken)
        devices = {athlete.device for athlete in roster}
        device = f"{number:03d}" if f"{number:03d}" not in devices else f"new-{number}"
        name = json.dumps(tidy(whose.name) if whose.name else key_name(whose), ensure_ascii=False)
        entry = f"{{id: {number}, device: {json.dumps(device)}, name: {name}}}"
        try:
            old = self._path.read_text(encoding="utf-8") if self._path.exists() else "athletes: []\n"
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new = self._path.with_name(self._path.name + ".new")
            new.write_text(appended(old, entry), encoding="utf-8")
            Roster.load(new)
            new.replace(self._path)
        except (OSError, ConfigError) as error:
            raise RecordingError(f"{self._path}: an athlete cannot be added: {' '.join(str(error).split())}") from None
        return number


def tidy(name: str) -> str:
    """Return a name with the first name first and not all in capitals.

    >>> tidy("O'NEILL, Sean"), tidy("Ada van der Example")
    ("Sean O'Neill", 'Ada van der Example')
    """
    last, comma, first = safe_text(name).partition(",")
    words = f"{first} {last}".split() if comma else name.split()
    return " ".join(word.title() if word.isupper() and len(word) > 2 else word for word in words)[:80]


def key_name(whose: Whose) -> str:
    """Return a name for a person known only by number."""
    return f"Number {whose.number}" if whose.number else f"Athlete {whose.athlete_id}"


def _free(taken: set[int]) -> int:
    return next(number for number in range(1, len(taken) + 2) if number not in taken)


def appended(text: str, entry: str) -> str:
    r"""Return a roster's text with one more athlete at its end.

    >>> appended("athletes: []\n", "{id: 1}")
    'athletes:\n  - {id: 1}\n'
    """
    lines = text.rstrip("\n").split("\n")
    lines = ["athletes:" if line.replace(" ", "") == "athletes:[]" else line for line in lines]
    items = [line for line in lines if line.lstrip().startswith("- ")]
    indent = " " * (len(items[-1]) - len(items[-1].lstrip())) if items else "  "
    return "\n".join([*lines, f"{indent}- {entry}"]) + "\n"
