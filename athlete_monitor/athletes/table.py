"""A squad list as a CSV file: athletes to add to the roster or to update."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.athletes.values import KEYS, value_of
from athlete_monitor.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

LARGEST_BYTES: Final = 5_000_000
_ALIASES: Final = {
    "athlete": "id", "athlete_id": "id", "player_id": "id", "no": "number", "nr": "number", "shirt": "number",
    "shirt_number": "number", "jersey": "number", "jersey_number": "number", "player": "name", "full_name": "name",
    "device_id": "device", "sensor": "device", "gender": "sex", "dob": "birth_date", "birthday": "birth_date",
    "birthdate": "birth_date", "date_of_birth": "birth_date", "born": "birth_date", "weight": "weight_kg",
    "height": "height_cm", "hr_max": "hr_max_bpm", "max_hr": "hr_max_bpm", "hrmax": "hr_max_bpm",
    "hr_rest": "hr_rest_bpm", "resting_hr": "hr_rest_bpm", "team": "group", "squad": "group",
}  # fmt: skip


def read_table(path: Path) -> list[dict[str, Any]]:
    """Return the athletes of a CSV file, one mapping of roster keys for each row; empty cells are left out.

    Comma, semicolon or tab; UTF-8, UTF-16 or cp1252; decimal comma or point. Columns have the names of roster keys or
    usual ones (``shirt number``, ``date of birth``, ``gender``).

    Raises:
        ConfigError: one line for each problem, with file and line.
    """
    lines = _cells(path, _text(path))
    filled = [(number, cells) for number, cells in enumerate(lines, 1) if any(cell.strip() for cell in cells)]
    if not filled:
        raise ConfigError(f"{path}: is empty")
    (at, header), *rows = filled
    keys = _keys(path, at, header)
    problems: list[str] = []
    found = [_row(path, number, keys, cells, problems) for number, cells in rows]
    if problems:
        raise ConfigError("\n".join(problems))
    return found


def _cells(path: Path, text: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text.replace("\0", "")), delimiter=_delimiter(text))
    try:
        return list(reader)
    except csv.Error as error:
        raise ConfigError(f"{path}: line {reader.line_num}: is not CSV: {error}") from None


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    if len(content) > LARGEST_BYTES or b"\0\0" in content[:64]:
        raise ConfigError(f"{path}: is not a squad list (a CSV file of at most 5 MB)")
    wide = content[:2] in {b"\xff\xfe", b"\xfe\xff"}
    text = _decoded(content, "utf-16") if wide else _decoded(content, "utf-8-sig") or _decoded(content, "cp1252")
    if text is None:
        raise ConfigError(f"{path}: is not a text file in UTF-8, UTF-16 or cp1252")
    return text


def _decoded(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _delimiter(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(";\t,", key=first.count)


def _keys(path: Path, line: int, header: list[str]) -> list[str | None]:
    words = [re.sub(r"[^a-z0-9]+", "_", cell.strip().lower()).strip("_") for cell in header]
    keys = [_ALIASES.get(word, word) if _ALIASES.get(word, word) in KEYS else None for word in words]
    unknown = [cell.strip() for cell, key in zip(header, keys, strict=True) if key is None and cell.strip()]
    if unknown:
        raise ConfigError(
            f"{path}:{line}: column {', '.join(map(repr, unknown))} is not known; known columns: {', '.join(KEYS)}"
        )
    twice = next((key for key in keys if key and keys.count(key) > 1), None)
    if twice:
        raise ConfigError(f"{path}:{line}: more than one column is {twice}")
    if not {"id", "name"} & set(keys):
        raise ConfigError(f"{path}:{line}: a column id or name is needed")
    return keys


def _row(path: Path, line: int, keys: list[str | None], cells: list[str], problems: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, cell in zip(keys, cells, strict=False):
        try:
            value = value_of(key, cell) if key else None
        except ValueError as error:
            problems.append(f"{path}:{line}: {key}: {error}")
            continue
        if key and value is not None:
            values[key] = value
    return values
