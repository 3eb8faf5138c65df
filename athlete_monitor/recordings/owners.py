"""The owner of a recording: by a number, or by a name in the roster. Only a certain match is used; others are listed.

>>> alike("SMITH, John", "John Smith"), alike("J. Smith", "John Smith"), alike("Smith", "John Smith")
(3, 2, 1)
>>> alike("O'Neill", "Sean O’Neill"), alike("Zoe Muller", "Zoë Müller"), alike("Jane Smith", "John Smith")
(1, 3, 0)
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import RecordingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from athlete_monitor.athletes import Athlete
    from athlete_monitor.recordings.imported import Whose

FULL, INITIALS, PART = 3, 2, 1
_LISTED: Final = 6
_FOLDED: Final = str.maketrans(
    {
        "ß": "ss",
        "ø": "o",
        "Ø": "o",
        "ł": "l",
        "Ł": "l",
        "đ": "d",
        "Đ": "d",
        "æ": "ae",
        "Æ": "ae",
        "œ": "oe",
        "\u0131": "i",
        "þ": "th",
    }
)
_UMLAUTS: Final = (("ae", "a"), ("oe", "o"), ("ue", "u"))
_APOSTROPHES: Final = re.compile(r"['’‘`´ʼ]")  # noqa: RUF001 - people write all of them
_TITLES: Final = frozenset({"jr", "sr", "mr", "ms", "mrs", "dr"})


class UnknownOwnerError(RecordingError):
    """The owner of a file is not certain."""


class AmbiguousOwnerError(UnknownOwnerError):
    """Several athletes are possible: none is created."""


def words_of(name: str) -> list[str]:
    """Return the words of a name, without case, accents and signs; the surname last.

    >>> words_of("O'NEILL, Seán"), words_of("Smith J.")
    (['sean', 'oneill'], ['j', 'smith'])
    """
    last, comma, first = _APOSTROPHES.sub("", name).partition(",")
    text = f"{first} {last}" if comma else last
    plain = unicodedata.normalize("NFKD", text.translate(_FOLDED))
    plain = "".join(char for char in plain if not unicodedata.combining(char)).casefold()
    words = [word for word in re.split(r"[\W_]+", plain) if word and word not in _TITLES and not word.isdigit()]
    if len(words) > 1 and len(words[-1]) == 1 and len(words[0]) > 1:
        words = [words[-1], *words[:-1]]
    return words


def _simple(word: str) -> str:
    for two, one in _UMLAUTS:
        word = word.replace(two, one)
    return word


def alike(written: str, known: str) -> int:
    """Return how well two names match: 3 all words, 2 with initials, 1 a part of it, 0 not."""
    first, second = [_simple(word) for word in words_of(written)], [_simple(word) for word in words_of(known)]
    if not first or not second:
        return 0
    if sorted(first) == sorted(second):
        return FULL
    if _initials(first, second) or _initials(second, first):
        return INITIALS
    shorter, longer = sorted((first, second), key=len)
    return PART if len(shorter) < len(longer) and set(shorter) <= set(longer) and max(map(len, shorter)) > 1 else 0


def _initials(short: list[str], full: list[str]) -> bool:
    """Whether the same surname has first names of which some are written as initials."""
    if short[-1] != full[-1] or len(short) < 2 or len(full) < 2 or len(short) > len(full):
        return False
    pairs = list(zip(short[:-1], full[:-1], strict=False))
    return any(len(a) == 1 for a, _ in pairs) and all(b == a or (len(a) == 1 and b[0] == a) for a, b in pairs)


class Owners:
    """Finds the athlete of a recording.

    Args:
        roster: all known athletes.
        athlete_id: the athlete of all recordings, if the user gives one.
        named: athletes by names, as the user assigns them.
    """

    def __init__(
        self, roster: Iterable[Athlete], athlete_id: int | None = None, named: Mapping[str, int] | None = None
    ) -> None:
        self._roster = list(roster)
        self._athlete_id = athlete_id
        self._named = {" ".join(words_of(name)) or name: number for name, number in (named or {}).items()}

    def athlete_of(self, whose: Whose, folders: Sequence[str] = ()) -> int:
        """Return the athlete's id.

        Args:
            whose: the owner as the file gives it.
            folders: names of the folders above the file and of the file itself, used last.

        Raises:
            UnknownOwnerError: no match is certain; the text lists possible ones.
        """
        if self._athlete_id is not None:
            return self._athlete_id
        assigned = self._assigned(whose)
        if assigned is not None:
            return assigned
        if whose.name:
            return self._by_name(whose)
        if whose.athlete_id is not None:
            return self._by_id(whose.athlete_id)
        found = self._by_number(whose) or self._by_device(whose) or self._by_folder(folders)
        if found is None:
            raise UnknownOwnerError(f"{self._unknown(whose)}; give --athlete N{self._known()}")
        return found

    def taken_as(self, whose: Whose, athlete_id: int) -> str:
        """Return a note on a name that is not written as in the roster, empty if it is or the user has assigned it."""
        if self._athlete_id is not None or not whose.name or self._assigned(whose) is not None:
            return ""
        known = next((athlete.name for athlete in self._roster if athlete.id == athlete_id), None)
        if not known or alike(whose.name, known) == FULL:
            return ""
        return f"{whose.name!r} is taken as {athlete_id} {known}"

    def _assigned(self, whose: Whose) -> int | None:
        written = [text for text in (whose.name, whose.number, whose.device) if text]
        return next(
            (self._named[key] for text in written if (key := " ".join(words_of(text)) or text) in self._named), None
        )

    def _unknown(self, whose: Whose) -> str:
        if whose.number:
            return f"no athlete in the roster has number {whose.number}"
        return "it does not name its athlete"

    def _known(self) -> str:
        if not self._roster:
            return " (the roster is empty)"
        listed = [f"{athlete.id} {athlete.name or ''}".strip() for athlete in self._roster]
        return f" ({_list(listed)})"

    def _by_id(self, athlete_id: int) -> int:
        if athlete_id >= 1 and any(athlete.id == athlete_id for athlete in self._roster):
            return athlete_id
        raise UnknownOwnerError(
            f"athlete {athlete_id} is not in the roster; give --athlete {max(athlete_id, 1)} or --create"
        )

    def _by_name(self, whose: Whose) -> int:
        name = str(whose.name)
        levels = {athlete.id: alike(name, athlete.name) for athlete in self._roster if athlete.name}
        for level in (FULL, INITIALS, PART):
            found = [number for number, reached in levels.items() if reached == level]
            if len(found) == 1 and (level > PART or self._is_surname(name, found[0])):
                return found[0]
            if found:
                numbered = self._by_number(whose)
                if numbered in found:
                    return numbered
                likely = [f"{athlete.id} {athlete.name}" for athlete in self._roster if athlete.id in found]
                raise AmbiguousOwnerError(f'{name!r} can be {_list(likely)}; give --athlete "{name}=N"')
        by_number = self._by_number(whose)
        if by_number is not None:
            return by_number
        raise UnknownOwnerError(f'{name!r} is not in the roster; give --athlete "{name}=N" or --create{self._known()}')

    def _is_surname(self, written: str, athlete_id: int) -> bool:
        """Whether a part of a name is a whole surname that is unique in the roster."""
        surname = words_of(next(str(athlete.name) for athlete in self._roster if athlete.id == athlete_id))[-1:]
        others = [words_of(athlete.name)[-1:] for athlete in self._roster if athlete.name and athlete.id != athlete_id]
        return words_of(written)[-1:] == surname and surname not in others

    def _by_number(self, whose: Whose) -> int | None:
        if not whose.number:
            return None
        written = whose.number.strip().lstrip("#").lstrip("0")
        found = [athlete.id for athlete in self._roster if str(getattr(athlete, "number", None) or "") == written]
        return found[0] if len(found) == 1 else None

    def _by_device(self, whose: Whose) -> int | None:
        if not whose.device:
            return None
        return next(
            (
                athlete.id
                for athlete in self._roster
                if whose.device in {athlete.device, getattr(athlete, "strap", None)}
            ),
            None,
        )

    def _by_folder(self, folders: Sequence[str]) -> int | None:
        """Return the one athlete whose full name is in the name of a folder or of the file, the innermost first."""
        for folder in reversed(folders[-4:]):
            words = [_simple(word) for word in words_of(folder.replace(",", " "))]
            found = [
                athlete.id
                for athlete in self._roster
                if _contains(words, [_simple(word) for word in words_of(athlete.name or "")])
            ]
            if len(found) == 1:
                return found[0]
        return None


def _contains(words: list[str], name: list[str]) -> bool:
    if len(name) < 2:
        return False
    turned = [name, [*name[1:], name[0]], [name[-1], *name[:-1]]]
    return any(words[at : at + len(name)] in turned for at in range(len(words) - len(name) + 1))


def _list(items: Sequence[str]) -> str:
    more = f" and {len(items) - _LISTED} more" if len(items) > _LISTED else ""
    return ", ".join(items[:_LISTED]) + more
