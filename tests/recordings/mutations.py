"""Damage to files, and what a reader makes of it. Used by the tests and by the long campaign."""

from __future__ import annotations

import gzip
import io
import random
import re
import shutil
import warnings
import zipfile
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from athlete_monitor.errors import MonitorError
from athlete_monitor.recordings.figures import figures_of
from athlete_monitor.recordings.format import Options
from athlete_monitor.recordings.import_request import ImportRequest
from athlete_monitor.recordings.importing import import_files
from athlete_monitor.recordings.jobs import jobs_of
from athlete_monitor.recordings.prepare import prepared
from athlete_monitor.recordings.registry import by_kind, recognised
from athlete_monitor.recordings.search import Search, search
from athlete_monitor.recordings.source import Source
from athlete_monitor.recordings.writing import samples
from tests.recordings.damage import documents, fit, tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from athlete_monitor.recordings.format import Format
    from athlete_monitor.recordings.imported import Imported

SAMPLES = Path(__file__).parent / "samples"
OPTIONS = Options(start_t=1_777_881_600.0, day_first=True)
LARGEST_BYTES = 2**20
SPICES = (
    b"",
    b"\0",
    b"\xff" * 4,
    b",",
    b";",
    b'"',
    b"\n",
    b"\r",
    b"\t",
    b"nan",
    b"inf",
    b"1e308",
    b"-1",
    b"0",
    b"99999999999999999999",
    b"0000000000000000000000000000001",
    b"2026-13-32T25:61:61Z",
    b"0001-01-01T00:00:00+23:59",
    b"9999-12-31 23:59:59",
    b"1,234.5",
    b"<",
    b"&a;",
    b"<!--",
    b"<![CDATA[",
    b"{",
    b"[",
    b"null",
    b"true",
    "\u0661\u0662".encode(),
    "\u2212\u00b2\u202e".encode(),
    b"\xef\xbb\xbf",
    b"\xff\xfe",
)
_TOKEN = re.compile(rb"[A-Za-z0-9_.+:-]+")


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Return the content damaged in its structure, or in one to four places; of a zip, mostly inside a member."""
    if content.startswith(b"PK\x03\x04") and chance.random() < 0.8:
        return _in_a_member(content, chance)
    structured = _structured(content) if chance.random() < STRUCTURED_SHARE else None
    if structured is not None:
        content = structured(content, chance)[:LARGEST_BYTES]
    return content if structured is not None and chance.random() < 0.8 else _in_places(content, chance)


STRUCTURED_SHARE = 0.6
"""So many files are damaged in a way that leaves their structure valid."""


def _structured(content: bytes) -> Callable[[bytes, random.Random], bytes] | None:
    """Return what damages the structure of a content, None if it has none that is known here."""
    start = content.lstrip()[:1]
    if start in {b"{", b"["}:
        return documents.damaged_json
    if start == b"<":
        return documents.damaged_xml
    if content[8:12] == b".FIT":
        return fit.damaged
    return None if b"\0" in content[:64] and content[:2] not in {b"\xff\xfe", b"\xfe\xff"} else tables.damaged


def _in_places(content: bytes, chance: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        chance.choice(_DAMAGES)(data, chance)
        del data[LARGEST_BYTES:]
    return bytes(data)


def _a_byte(data: bytearray, chance: random.Random) -> None:
    if data:
        data[chance.randrange(len(data))] = chance.choice((0, 1, 127, 128, 255, chance.randrange(256)))


def _a_bit(data: bytearray, chance: random.Random) -> None:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _a_hole(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data) + 1)
    data[at : at + chance.randrange(1, 64)] = b""


def _a_spice(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data) + 1)
    data[at:at] = chance.choice(SPICES) * chance.randrange(1, 4)


def _again(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data) + 1)
    data[at:at] = data[at : at + chance.randrange(1, 256)]


def _an_end(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data) + 1) :]


def _a_token(data: bytearray, chance: random.Random) -> None:
    """Replace a word or a number by something else."""
    found = _TOKEN.search(data, chance.randrange(len(data) + 1))
    if found:
        data[found.start() : found.end()] = chance.choice((*SPICES, found[0] * 2, found[0][:1], found[0].upper()))


def _two_lines(data: bytearray, chance: random.Random) -> None:
    """Swap two lines, or repeat one many times."""
    lines = bytes(data).split(b"\n")
    first, second = chance.randrange(len(lines)), chance.randrange(len(lines))
    if chance.random() < 0.5:
        lines[first], lines[second] = lines[second], lines[first]
    else:
        lines[first:first] = [lines[second]] * chance.randrange(1, 200)
    data[:] = b"\n".join(lines)


def _a_column(data: bytearray, chance: random.Random) -> None:
    """Remove or double one cell in every line: a table with another header than rows."""
    sign = chance.choice((b",", b";", b"\t", b" "))
    place, skipped = chance.randrange(6), chance.randrange(3)
    lines = bytes(data).split(b"\n")
    for number, line in enumerate(lines[skipped:], skipped):
        cells = line.split(sign)
        if place < len(cells):
            cells[place : place + 1] = [] if skipped % 2 else [cells[place]] * 2
            lines[number] = sign.join(cells)
    data[:] = b"\n".join(lines)


def _two_columns(data: bytearray, chance: random.Random) -> None:
    """Swap two cells in every line: a table whose header is right and whose rows are not, or the other way."""
    sign = chance.choice((b",", b";", b"\t"))
    first, second, skipped = chance.randrange(8), chance.randrange(8), chance.randrange(3)
    lines = bytes(data).split(b"\n")
    for number, line in enumerate(lines[skipped:], skipped):
        cells = line.split(sign)
        if max(first, second) < len(cells):
            cells[first], cells[second] = cells[second], cells[first]
            lines[number] = sign.join(cells)
    data[:] = b"\n".join(lines)


def _a_long_line(data: bytearray, chance: random.Random) -> None:
    """Join all lines, or write one cell far beyond any length."""
    if chance.random() < 0.5:
        data[:] = bytes(data).replace(b"\n", chance.choice((b" ", b",", b"")))
    else:
        at = chance.randrange(len(data) + 1)
        data[at:at] = chance.choice((b"1", b"a,", b'"', b"<x>", b" ", b"[")) * chance.choice((300, 70_000, 300_000))


def _a_nest(data: bytearray, chance: random.Random) -> None:
    """Put a part into many others."""
    opened, closed = chance.choice(((b"<a>", b"</a>"), (b"[", b"]"), (b'{"a":', b"}"), (b"<trk>", b""), (b'"', b'"')))
    at, many = chance.randrange(len(data) + 1), chance.choice((3, 70, 5000))
    end = chance.randrange(at, len(data) + 1)
    data[at:end] = opened * many + bytes(data[at:end]) + closed * many


def _a_count(data: bytearray, chance: random.Random) -> None:
    """Write another number where a length, a count or a time may be."""
    width = chance.choice((1, 2, 4, 8))
    at = chance.randrange(min(len(data), chance.choice((16, 64, 512, len(data) + 1))) + 1)
    value = chance.choice(
        (0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**64 - 1, len(data), len(data) - 1, chance.randrange(2**32))
    )
    data[at : at + width] = (value % 256**width).to_bytes(width, chance.choice(("little", "big")))


_DAMAGES = (
    *(_a_byte, _a_bit, _a_hole, _a_spice, _again, _an_end, _a_token, _a_token, _two_lines, _a_column),
    *(_two_columns, _a_long_line, _a_nest, _a_count),
)


def _in_a_member(content: bytes, chance: random.Random) -> bytes:
    """Return a valid archive with one damaged member."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        names = old.namelist()
        chosen = chance.choice(names)
        for name in names:
            member = old.read(name)
            new.writestr(name, mutated(member, chance) if name == chosen else member)
    return made.getvalue()


@cache
def cases() -> dict[str, tuple[str, dict[str, bytes]]]:
    """Return for each case the kind of its format and the files of its folder: all samples, and what is made here."""
    single = {path.name: {path.name: _short(path.read_bytes())} for path in SAMPLES.iterdir()}
    epts = {name: single[name][name] for name in ("epts_metadata.xml", "epts_tracking.txt")}
    found = {name: (_kind_of(name, files), files) for name, files in single.items() if name not in epts}
    table = single["polar_flow.csv"]["polar_flow.csv"]
    made = {
        "epts": epts,
        "hexoskin": dict(_shirt()),
        "workbook.xlsx": {"workbook.xlsx": _workbook()},
        "packed.csv.gz": {"packed.csv.gz": gzip.compress(table)},
        "semicolons.csv": {"semicolons.csv": _semicolons()},
        "2026-05-04-10-00-00.csv": {"2026-05-04-10-00-00.csv": _run()},
        "memory.fit": {"memory.fit": _memory()},
    }
    return found | {name: (_kind_of(name, files), files) for name, files in sorted(made.items())}


MOST_LINES = 18


def _short(content: bytes) -> bytes:
    """Return a sample cut to few rows: what a reader does with a cell, it does with each of a thousand."""
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return zipped({name: _short(archive.read(name)) for name in archive.namelist()})
    if content[:1] in b"<[{" or content[8:12] == b".FIT":
        return content
    return b"".join(content.splitlines(keepends=True)[:MOST_LINES])


def _kind_of(name: str, files: dict[str, bytes]) -> str:
    import tempfile

    if name == "epts":
        return "epts"
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder), files)
        known = [known for source in search([Path(folder)]).files if (known := recognised(source)) is not None]
    assert known, name
    return known[0].kind


def _shirt() -> Iterator[tuple[str, bytes]]:
    import tempfile

    from tests.recordings.test_hexoskin import Shirt, a_beat_a_second

    with tempfile.TemporaryDirectory() as root:
        folder = Shirt(seconds=8, beats=a_beat_a_second(8)).write(Path(root))
        yield from ((path.name, path.read_bytes()) for path in sorted(folder.iterdir()))


def _workbook() -> bytes:
    from datetime import datetime

    import openpyxl

    book, made = openpyxl.Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Timestamp", "Heart rate (bpm)", "Speed (km/h)", "Athlete"])
    for second in range(30):
        sheet.append([datetime(2026, 5, 4, 10, 0, second), 120 + second, 10.8, "Ada Example"])  # noqa: DTZ001 - a cell
    book.save(made)
    return made.getvalue()


def _semicolons() -> bytes:
    rows = "".join(
        f"04.05.2026 10:00:{s:02d};{120 + s};{10 + s // 10},{s % 10};52,00{s:02d};13,0\r\n" for s in range(30)
    )
    text = "Datum;Herzfrequenz;Geschwindigkeit [km/h];Breite;Länge\r\n" + rows
    return text.encode("cp1252")


def _run() -> bytes:
    rows = "".join(f"{s},{120 + s},{2 + s / 10:.1f},{160 + s},35.0,{2 * s}\n" for s in range(30))
    return f"t_s,hr_bpm,speed_mps,cadence_spm,altitude_m,distance_m\n{rows}".encode()


def _memory() -> bytes:
    from tests.recordings.fit_kit import running

    return running(60).bytes()


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content)


def damaged(name: str, chance: random.Random) -> dict[str, bytes]:
    """Return the files of a case, one of them damaged; the content of a compressed one mostly inside."""
    files = dict(cases()[name][1])
    chosen = chance.choice(sorted(files))
    content = files[chosen]
    if chosen.endswith(".gz") and chance.random() < 0.7:
        files[chosen] = gzip.compress(mutated(gzip.decompress(content), chance), 1)
    else:
        files[chosen] = mutated(content, chance)
    return packed(files, chance) if chance.random() < PACKED_SHARE else files


PACKED_SHARE = 0.06
"""So many of the damaged files are in an archive that is made with intent."""


def packed(files: dict[str, bytes], chance: random.Random) -> dict[str, bytes]:
    """Return the files in an archive of an unusual kind: nested, with paths out of it, links, or very many entries."""
    kind = chance.choice(("gz of gz", "nested", "absolute", "above", "link", "twice", "devices", "many"))
    if kind == "gz of gz":
        return {f"{name}.gz": gzip.compress(gzip.compress(content, 1), 1) for name, content in files.items()}
    names = list(files)
    if kind == "nested":
        made = zipped(files)
        for _ in range(chance.randrange(1, 6)):
            made = zipped({"inner.zip": made})
        return {"nested.zip": made}
    before = {"absolute": "/etc/", "above": "../../", "devices": "C:\\AUX/"}.get(kind, "")
    entries = {f"{before}{name}": files[name] for name in names}
    if kind == "many":
        entries |= {f"{number % 10}/{number}.csv": b"" for number in range(chance.choice((*[100] * 60, 10_000)))}
    return {"packed.zip": zipped(entries, links=kind == "link", twice=kind == "twice")}


def zipped(entries: dict[str, bytes], *, links: bool = False, twice: bool = False) -> bytes:
    """Return an archive; its first entry may be there twice, or all may be links by their mode."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in [*entries.items(), *(list(entries.items())[:1] if twice else [])]:
            info = zipfile.ZipInfo(name)
            info.external_attr = (0o120777 if links else 0o100644) << 16
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                archive.writestr(info, b"/etc/passwd" if links else content)
    return made.getvalue()


def tried(folder: Path, name: str, chance: random.Random) -> str:
    """Damage a case and read it: ``read``, ``refused`` (one line), or what went wrong.

    Archives and imports use the folder, which is emptied before; other files stay in memory. A file that is not
    recognised any more goes to its own reader anyway, as with ``--kind``.
    """
    kind = cases()[name][0]
    files = damaged(name, chance)
    as_user = chance.random() < IMPORTED_SHARE
    if as_user or any(content.startswith(b"PK\x03\x04") for content in files.values()):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        _write(folder, files)
    elif folder.exists():
        shutil.rmtree(folder)
    if as_user:
        return _imported(folder, kind if chance.random() < 0.5 else None)
    try:
        found = search([folder]) if folder.exists() else in_memory(folder, files)
        jobs = list(jobs_of(found.files))
        recordings = [(source, known) for source, known in jobs if known is not None]
        for source, known in recordings or [(source, by_kind(kind)) for source, _ in jobs[:1]]:
            _use(source, known)
    except MonitorError as error:
        return "refused" if _is_one_line(str(error)) else f"not one line: {error}"
    return "refused" if found.failed else "read"


IMPORTED_SHARE = 0.03
"""So many of the damaged files are imported as a user does, which writes sessions."""


def in_memory(folder: Path, files: Mapping[str, bytes]) -> Search:
    """Return files of a folder that does not exist, as a search would find them there."""
    here: dict[str, Source] = {}
    for name in sorted(files):
        here[name] = Source(folder / name, partial(io.BytesIO, files[name]), siblings=here.copy)
    return Search(list(here.values()))


def _use(source: Source, known: Format) -> None:
    for recording in known.recordings(source, OPTIONS):
        for part in [] if recording.summary else prepared(recording):
            check(part)
            figures_of(part)
            next(samples(part, 1, "001"))


def check(part: Imported) -> None:
    """Check what every later step relies on: times that increase, columns of one length, no infinite number.

    Raises:
        AssertionError: the recording breaks it.
    """
    rows = len(part.t)
    assert np.isfinite(part.t).all(), "a time is not finite"
    assert (np.diff(part.t) > 0).all(), "times do not increase"
    for name, column in part.channels.items():
        assert column.shape == (rows,), f"{name} has another length"
        assert not np.isinf(column).any(), f"{name} is infinite"
    assert all(0 <= row < rows for row in part.rr), "beats beyond the rows"
    assert part.tag_index is None or np.isin(part.tag_index, range(len(part.tags))).all()
    assert all(note and len(note.splitlines()) == 1 for note in part.notes), f"a note is not one line: {part.notes}"


def _imported(folder: Path, kind: str | None) -> str:
    """Import the folder as a user does; nothing may stay behind but whole sessions."""
    there = folder / "there"
    report = import_files(ImportRequest([folder], there / "t", there / "g", OPTIONS, kind, athlete_id=7), ())
    bad = [
        text for text in report.failed if not _is_one_line(text) or ("cannot be read: " in text and "Error: " in text)
    ]
    left = [str(path) for path in there.rglob("*.partial")]
    if bad or left:
        return f"{[*bad, *left][0]}"
    return "read" if report.done else "refused"


def _is_one_line(text: str) -> bool:
    return bool(text.strip()) and len(text.splitlines()) == 1 and len(text) < 2000


def replayed(name: str, seed: str) -> dict[str, bytes]:
    """Return the files of one try of the campaign again, by its seed."""
    return damaged(name, random.Random(seed))
