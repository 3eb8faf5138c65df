"""Damage to files, and what a reader makes of it. Used by the tests and by the long campaign."""

from __future__ import annotations

import copy
import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from athlete_monitor.errors import MonitorError
from athlete_monitor.recordings.format import Options
from athlete_monitor.recordings.prepare import prepared
from athlete_monitor.recordings.registry import recognised
from athlete_monitor.recordings.search import search

if TYPE_CHECKING:
    import random

SAMPLES = Path(__file__).parent / "samples"
SPICES = (
    b"",
    b"\0",
    b"\xff" * 4,
    b",",
    b";",
    b'"',
    b"\n",
    b"nan",
    b"1e308",
    b"-1",
    b"99999999999999999999",
    b"<",
    b"&a;",
    b"{",
    b"[",
    b"\xef\xbb\xbf",
)


JUNK: tuple[object, ...] = (
    None,
    True,
    -1,
    1e308,
    10**30,
    "",
    "x",
    "nan",
    [],
    {},
    [[]],
    [None],
    {"a": 1},
    "2026-13-40T25:61:61",
)
CELL = re.compile(rb"[^,;\t\n\r<>\"= ]+")


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Return the content with damaged bytes, or whole but with a value that no device writes."""
    if chance.randrange(3):
        return _damaged(content, chance)
    return _falsified(content, chance)


def _falsified(content: bytes, chance: random.Random) -> bytes:
    """Return the content with one to four values replaced, its form kept."""
    if content[:1] in b"{[":
        document = json.loads(content)
        for _ in range(chance.randint(1, 4)):
            _falsify(document, chance)
        return json.dumps(document).encode()
    for _ in range(chance.randint(1, 4)):
        cells = list(CELL.finditer(content))
        if cells:
            cell = chance.choice(cells)
            content = content[: cell.start()] + str(chance.choice(JUNK)).encode() + content[cell.end() :]
    return content


def _falsify(document: Any, chance: random.Random) -> None:
    """Replace a value somewhere in the tree."""
    places = list(document) if isinstance(document, dict) else list(range(len(document)))
    if not places:
        return
    place = chance.choice(places)
    below = document[place]
    if isinstance(below, dict | list) and below and chance.randrange(4):
        _falsify(below, chance)
    else:
        document[place] = copy.deepcopy(chance.choice(JUNK))


def _damaged(content: bytes, chance: random.Random) -> bytes:
    """Return the content with one to four places damaged."""
    data = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(6)
        if kind == 0 and at < len(data):
            data[at] = chance.randrange(256)
        elif kind == 1:
            data[at : at + chance.randrange(1, 64)] = b""
        elif kind == 2:
            data[at:at] = chance.choice(SPICES) * chance.randrange(1, 4)
        elif kind == 3:
            end = min(at + chance.randrange(1, 256), len(data))
            data[at:at] = data[at:end]
        elif kind == 4:
            del data[at:]
        elif at < len(data):
            data[at] ^= 1 << chance.randrange(8)
    return bytes(data)


def tried(folder: Path, name: str, content: bytes) -> str:
    """Return ``read``, ``refused`` (one line), or what went wrong; the folder is emptied before."""
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / name).write_bytes(content)
    partner = {"epts_metadata.xml": "epts_tracking.txt", "epts_tracking.txt": "epts_metadata.xml"}.get(name)
    if partner:
        shutil.copy(SAMPLES / partner, folder / partner)
    try:
        for source in search([folder]).files:
            known = recognised(source)
            if known is not None:
                for recording in known.read(source, Options(start_t=1_777_881_600.0, day_first=True)):
                    if not recording.summary:
                        prepared(recording)
    except MonitorError as error:
        return "refused" if str(error) and "\n" not in str(error) else f"not one line: {error}"
    return "read"
