"""The text of a session file: its columns with our names, and its rows, each with its line number in the file."""

from __future__ import annotations

import codecs
import os
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.channels import BY_NAME, resolve
from athlete_monitor.errors import RecordingError
from athlete_monitor.wire.foreign import foreign_kind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from athlete_monitor.arrays import IntArray

MOST_BYTES: Final = 1 << 30
"""A larger file (decompressed) is not a session: a week at 100 Hz is smaller."""
_GZIP_MAGIC: Final = b"\x1f\x8b"
_QUOTED: Final = re.compile(rb'(?:(?<=[,\r\n])|\A)"([^",\r\n]*)"(?=[,\r\n]|\Z)')
"""A cell in quotes that do not hold a comma; others stay as they are, and cost their row."""
_LONGEST_NAMED: Final = 5
_SEPARATORS: Final = {";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True)
class SessionText:
    """Rows with one cell for each column.

    Attributes:
        columns: our name for each column; other names are spelled as in the file.
        spelling: the names as the file spells them.
        body: the rows, one line each, without the header.
        lines: the number of each row's line in the file, from 1, [n].
        unreadable: how many lines had another number of cells, or bytes that are not text.
        first_unreadable: the first of those lines; 0 if there is none.
        notes: what a user should know, one sentence each.
    """

    columns: tuple[str, ...]
    spelling: tuple[str, ...]
    body: bytes
    lines: IntArray
    unreadable: int
    first_unreadable: int
    notes: tuple[str, ...]


def shown(path: Path) -> str:
    """Return a path that can be printed, whatever bytes are in its name."""
    return os.fsencode(path).decode("utf-8", "replace")


def read_text(path: Path, required: Sequence[str]) -> SessionText:
    """Read a session file's text, plain or gzip-compressed.

    Args:
        path: the file.
        required: columns that a session file must have.

    Raises:
        RecordingError: it cannot be read, is empty, or is another kind of file.
    """
    notes: list[str] = []
    data = _data(path, notes)
    if b'"' in data:  # a spreadsheet or R has saved the file
        data = _QUOTED.sub(rb"\1", data)
    head, _, body = data.partition(b"\n")
    if _is_plain(head, body):
        spelling, columns = _columns(path, 1, head, required)
        lines_of_rows = np.arange(2, body.count(b"\n") + 2, dtype=np.int64)
        return SessionText(columns, spelling, body, lines_of_rows, 0, 0, tuple(notes))
    lines = _lines(path, data, notes)
    top = next(number for number, line in enumerate(lines) if line.strip())
    spelling, columns = _columns(path, top + 1, lines[top], required)
    kept, bad = _sort_out(lines, top)
    repeated = [number for number in bad if lines[number] == lines[top]]
    if repeated:
        notes.append(f"the header is repeated on line {repeated[0] + 1}")
    bad = [number for number in bad if lines[number] != lines[top]]
    body = b"\n".join([lines[number] for number in kept]) + b"\n"
    first = bad[0] + 1 if bad else 0
    return SessionText(columns, spelling, body, np.array(kept, dtype=np.int64) + 1, len(bad), first, tuple(notes))


def _is_plain(head: bytes, body: bytes) -> bool:
    """Whether every line below the header is a row, as in nearly all files: then no line is looked at by itself."""
    commas = head.count(b",")
    odd = b"\r" in head or b"\r" in body or b"\0" in body
    if odd or not commas or not body.endswith(b"\n") or head + b"\n" in body:
        return False
    letters = np.frombuffer(body, dtype=np.uint8)
    ends, marks = np.flatnonzero(letters == ord("\n")), np.flatnonzero(letters == ord(","))
    if len(marks) != commas * len(ends):
        return False
    of_rows = marks.reshape(len(ends), commas)
    return bool((of_rows[:, -1] < ends).all() and (of_rows[1:, 0] > ends[:-1]).all())


def _columns(path: Path, line: int, head: bytes, required: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the columns as a header spells them, and by our names.

    Raises:
        RecordingError: it is not the header of a session file.
    """
    spelling = tuple(name.strip() for name in head.decode("utf-8", "replace").split(","))
    columns = tuple(map(_our_name, spelling))
    _check(path, line, spelling, columns, required)
    return spelling, columns


def _data(path: Path, notes: list[str]) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordingError(f"{shown(path)}: cannot be read ({error.strerror})") from error
    if data.startswith(_GZIP_MAGIC):
        data = _decompress(path, data, notes)
    kind = foreign_kind(data)
    if kind is not None:
        raise RecordingError(f"{shown(path)}: not a session file: it is {kind}")
    if len(data) > MOST_BYTES:
        raise RecordingError(f"{shown(path)}: not a session file: it is larger than {MOST_BYTES >> 20} MiB")
    return data.removeprefix(codecs.BOM_UTF8)


def _decompress(path: Path, data: bytes, notes: list[str]) -> bytes:
    """Return the readable text of a gzip file; several files in one are joined."""
    parts: list[bytes] = []
    while data.startswith(_GZIP_MAGIC):
        stream = zlib.decompressobj(wbits=31)
        try:
            parts.append(stream.decompress(data, MOST_BYTES + 1))
        except zlib.error as error:
            raise RecordingError(f"{shown(path)}: is damaged ({error})") from error
        if stream.unconsumed_tail or sum(map(len, parts)) > MOST_BYTES:
            raise RecordingError(f"{shown(path)}: not a session file: it is larger than {MOST_BYTES >> 20} MiB")
        if not stream.eof:
            notes.append("the compressed file ends early")
        data = stream.unused_data
    return b"".join(parts)


def _lines(path: Path, data: bytes, notes: list[str]) -> list[bytes]:
    """Return the complete lines, without their ends."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
        data = data if b"\n" in data else data.replace(b"\r", b"\n")
    *lines, torn = data.split(b"\n")
    if torn.strip():
        notes.append("the last line is incomplete and ignored")
    if not any(line.strip() for line in lines):
        raise RecordingError(f"{shown(path)}: is empty")
    return lines


def _our_name(spelling: str) -> str:
    name = resolve(spelling) or resolve(spelling.lower()) or spelling.lower()
    return BY_NAME[name].column if name in BY_NAME else name


def _check(path: Path, line: int, spelling: Sequence[str], columns: Sequence[str], required: Sequence[str]) -> None:
    missing = [name for name in required if name not in columns]
    if not missing:
        return
    text = ",".join(spelling)
    mark = max(_SEPARATORS, key=text.count)
    if text.count(mark) > text.count(","):
        raise RecordingError(
            f"{shown(path)}:{line}: not a session file: its columns are separated by {_SEPARATORS[mark]}, not commas"
        )
    named = ", ".join(missing[:_LONGEST_NAMED]) + (", ..." if len(missing) > _LONGEST_NAMED else "")
    raise RecordingError(f"{shown(path)}:{line}: not a session file: the header lacks {named}")


def _sort_out(lines: list[bytes], top: int) -> tuple[list[int], list[int]]:
    """Return which lines below the header are rows, and which are neither rows nor blank; as indices."""
    rows, head = lines[top + 1 :], lines[top]
    commas = head.count(b",")
    good = [line.count(b",") == commas and line != head for line in rows]
    body = b"\n".join(rows)
    if b"\0" in body or b"\r" in body:
        good = [fits and not (b"\0" in line or b"\r" in line) for fits, line in zip(good, rows, strict=True)]
    kept = [number for number, fits in enumerate(good, top + 1) if fits]
    bad = [number for number, fits in enumerate(good, top + 1) if not fits and lines[number].strip()]
    return kept, bad
