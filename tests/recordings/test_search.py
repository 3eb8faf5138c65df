"""Archives that are searched for recordings."""

from __future__ import annotations

import bz2
import gc
import gzip
import io
import lzma
import random
import resource
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Literal

import pytest

from athlete_monitor.recordings.archives import close_all, members
from athlete_monitor.recordings.import_request import ImportRequest
from athlete_monitor.recordings.importing import import_files
from athlete_monitor.recordings.source import Source, from_path
from athlete_monitor.wire.session_reader import read_session

TABLE = b"timestamp,heart_rate\n2026-05-04 10:00:00,120\n2026-05-04 10:00:01,121\n"


def imported(root: Path, *paths: Path, **request):
    return import_files(ImportRequest(paths, root / "t", root / "g", athlete_id=7, **request), ())


def zipped(**files: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.csv", content)
    return made.getvalue()


def tarred(mode: Literal["w", "w:gz", "w:bz2", "w:xz"], **files: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(f"./inner/{name}.csv")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        archive.addfile(tarfile.TarInfo("inner/folder"))
        link = tarfile.TarInfo("inner/link.csv")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return made.getvalue()


PACKED = {
    "a.csv.gz": gzip.compress(TABLE),
    "a.csv.bz2": bz2.compress(TABLE),
    "a.csv.xz": lzma.compress(TABLE),
    "two_streams.csv.xz": lzma.compress(TABLE[:30]) + lzma.compress(TABLE[30:]) + b"\0\0\0\0",
    "two_streams.csv.bz2": bz2.compress(TABLE[:30]) + bz2.compress(TABLE[30:]),
    "twice.csv.gz.xz": lzma.compress(gzip.compress(TABLE)),
    "a.zip": zipped(a=TABLE),
    "a.zip.gz": gzip.compress(zipped(a=TABLE)),
    "wrong.fit": zipped(a=TABLE),
    "a.tar": tarred("w", a=TABLE),
    "a.tar.gz": tarred("w:gz", a=TABLE),
    "a.tgz": tarred("w:bz2", a=TABLE),
    "a.txz": tarred("w:xz", a=TABLE),
    "deep.zip": zipped(a=tarred("w:gz", a=gzip.compress(TABLE))),
}


@pytest.mark.parametrize("name", PACKED)
def test_a_packed_file_is_opened_by_its_content(tmp_path, name):
    (tmp_path / name).write_bytes(PACKED[name])
    report = imported(tmp_path, tmp_path / name)
    [done] = report.done
    assert len(read_session(done.path).t) == 2
    assert not report.failed


@pytest.mark.parametrize("name", [name for name in PACKED if name.endswith(("gz", "bz2", "xz"))])
def test_a_packed_file_that_is_cut_is_one_line(tmp_path, name):
    (tmp_path / name).write_bytes(PACKED[name][: len(PACKED[name]) // 3])
    report = imported(tmp_path, tmp_path)
    assert report.failed or report.passed_over
    assert not report.done
    assert all("\n" not in cause for cause in report.failed)


CLOSED = {
    "a.7z": (b"7z\xbc\xaf'\x1c" + bytes(50), "is a 7-Zip archive, which is not opened; unpack it"),
    "a.rar": (b"Rar!\x1a\x07\x01\0" + bytes(50), "is a RAR archive, which is not opened; unpack it"),
    "a.csv.zst": (b"\x28\xb5\x2f\xfd" + bytes(50), "is compressed with Zstandard, which is not opened"),
    "a.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(50), "is an old Excel workbook or one with a password"),
    "empty.zip": (b"PK\x05\x06" + bytes(18), "is an archive without files"),
    "cut.csv.gz": (gzip.compress(TABLE)[:10], "is damaged: its compressed data end early or are not valid"),
    "cut.csv.xz": (lzma.compress(TABLE)[:20], "is damaged: its compressed data end early or are not valid"),
    "greedy.csv.xz": (
        lzma.compress(TABLE, filters=[{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 30}]),
        "is damaged: its compressed data",
    ),
}


@pytest.mark.parametrize("searched", [False, True])
@pytest.mark.parametrize("name", CLOSED)
def test_what_cannot_be_opened_is_said_in_a_searched_folder_too(tmp_path, name, searched):
    """It may hold recordings, which must not be missing silently."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(CLOSED[name][0])
    [cause] = imported(tmp_path, tmp_path / "in" / ("" if searched else name)).failed
    assert CLOSED[name][1] in cause


def test_more_archives_than_files_may_be_open_are_read(tmp_path):
    for number in range(60):
        text = TABLE.replace(b"10:00:", b"10:%02d:" % number)
        packed = zipped(a=text) if number % 3 else tarred("w:gz", a=zipped(b=text))
        (tmp_path / f"{number}.zip").write_bytes(packed)
    close_all()
    gc.collect()
    before = len(list(Path("/proc/self/fd").iterdir()))
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before + 30, most[1]))
    try:
        report = imported(tmp_path, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, most)
    assert report.failed == []
    assert len(report.done) == 60


def test_encrypted_files_of_an_archive_are_said_and_the_others_imported(tmp_path):
    content = bytearray(zipped(a=TABLE, b=TABLE))
    for magic, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(magic) + flags] |= 1
    (tmp_path / "a.zip").write_bytes(content)
    report = imported(tmp_path, tmp_path)
    assert len(report.done) == 1
    [cause] = report.failed
    assert cause.endswith("a.zip: 1 of its 2 files is encrypted; unpack it with its password and import the files")


def test_a_damaged_tar_is_read_or_refused_in_one_line(tmp_path):
    chance = random.Random(1)
    whole = tarred("w", a=TABLE, b=TABLE.replace(b"05-04", b"05-05"))
    for number in range(300):
        content = bytearray(whole)
        for _ in range(chance.randrange(1, 8)):
            content[chance.randrange(1536)] = chance.randrange(256)
        (tmp_path / "a.tar").write_bytes(content[: chance.choice([None, chance.randrange(len(content))])])
        report = imported(tmp_path / str(number), tmp_path / "a.tar", dry_run=True)
        assert all("\n" not in cause and "cannot be read: " not in cause for cause in report.failed)


def test_a_link_to_nothing_is_said(tmp_path):
    (tmp_path / "a.csv").symlink_to("missing.csv")
    [cause] = imported(tmp_path, tmp_path / "a.csv").failed
    assert cause.endswith("a.csv: is a link to nothing")


def test_a_workbook_is_recognised_whatever_its_name_says(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.create_sheet()
    for row in (("timestamp", "heart_rate"), ("2026-05-04 10:00:00", 120), ("2026-05-04 10:00:01", 121)):
        sheet.append(row)
    book.save(tmp_path / "a.xlsx")
    for name in ("export.csv", "export.zip", "export.xls"):
        (tmp_path / name).write_bytes((tmp_path / "a.xlsx").read_bytes())
        assert len(imported(tmp_path / name.replace(".", "_"), tmp_path / name).done) == 1


def test_the_first_of_many_files_is_on_the_disk_before_the_last_one_is_opened(tmp_path):
    (tmp_path / "in").mkdir()
    for second in range(60):
        text = TABLE.replace(b"10:00:", b"10:%02d:" % second)
        (tmp_path / "in" / f"{second:02d}.csv").write_bytes(text)
    written: list[int] = []
    import_files(
        ImportRequest([tmp_path / "in"], tmp_path / "t", tmp_path / "g", athlete_id=7),
        (),
        lambda _label, _place, _of: written.append(len(list((tmp_path / "t").rglob("TR*.csv")))),
    )
    assert written[0] == 0
    assert written[-1] >= 32


def test_what_was_read_of_many_files_is_released(tmp_path, monkeypatch):
    for number in range(5):
        (tmp_path / f"{number}.csv").write_bytes(TABLE.replace(b"05-04", b"05-%02d" % (number + 1)))
    made: list[Source] = []
    original = Source.__init__

    def kept(self, *args, **options):
        original(self, *args, **options)
        made.append(self)

    monkeypatch.setattr(Source, "__init__", kept)
    report = imported(tmp_path, tmp_path)
    assert len(report.done) == 5
    assert not [source for source in made if "head" in vars(source)]


def test_an_archive_that_is_no_longer_used_is_closed_once_and_in_order(tmp_path, monkeypatch):
    """Whether the collector meets the archive or its file first: its sources refer to each other."""
    failed: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", failed.append)
    close_all()
    gc.collect()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for number in range(30):
        path = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.csv", "1")
            archive.writestr("b.csv", "2")
        sources, _ = members(from_path(path))
        assert set(sources[0].siblings()) == {"a.csv", "b.csv"}
        circle = [sources, [source.opener() for source in sources]]
        circle.append(circle)
        gc.collect(number % 2)
    del sources, circle
    close_all()
    gc.collect()
    assert not failed
    assert len(list(Path("/proc/self/fd").iterdir())) == before
