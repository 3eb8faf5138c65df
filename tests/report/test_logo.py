"""The club's logo: what can be drawn is drawn in both formats, everything else is one sentence."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from athlete_monitor.archive import Archive
from athlete_monitor.athletes import Roster
from athlete_monitor.errors import MonitorError
from athlete_monitor.report.document import Look, document
from athlete_monitor.report.gather import gather
from athlete_monitor.report.logo import LARGEST_BYTES, read_logo
from athlete_monitor.report.page import page
from athlete_monitor.report.pdf import pdf
from athlete_monitor.report.season_document import season_document
from tests.report.kit import make_archive

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="50" height="50"><circle r="20" cx="25" cy="25"/></svg>'


def png(width: int, height: int) -> bytes:
    """A red picture."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\xff\0\0" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@dataclass
class Paper:
    """The report of one session and the season."""

    archive: Archive

    def made(self, logo: bytes) -> list[tuple[bytes, bytes]]:
        """Each as PDF and HTML."""
        look = Look(logo=logo)
        session = document(self.archive, gather(self.archive, "T5", Roster(()), [1]), look)
        season = season_document([], date(2026, 6, 1), 28, look)
        return [
            (pdf(session), page(session)),
            (pdf(season, "season.typ"), page(season, "season.html.j2")),
        ]


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    return Paper(Archive(make_archive(tmp_path_factory.mktemp("logo") / "j.sqlite3", 6, (1,))))


@pytest.mark.parametrize(("width", "height"), [(1, 1), (60, 40), (3000, 4), (4, 3000)])
def test_a_png_is_drawn_on_the_first_page_and_beside_the_title_of_the_html(paper, tmp_path, width, height):
    path = tmp_path / "logo.png"
    path.write_bytes(png(width, height))
    for printed, screen in paper.made(read_logo(path)):
        first = PdfReader(io.BytesIO(printed)).pages[0]
        assert len(first.images) == 1
        assert b"data:image/png;base64," in screen


def test_an_svg_is_drawn_in_both(paper, tmp_path):
    path = tmp_path / "logo.svg"
    path.write_bytes(SVG)
    for _, screen in paper.made(read_logo(path)):
        assert b"data:image/svg+xml;base64," in screen


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "must be a PNG or SVG"),
        (b"\xff\xd8\xff\xe0 a JPEG", "must be a PNG or SVG"),
        (SVG + b" " * LARGEST_BYTES, "at most 2 MB"),
        (png(2100, 2000), "2100 × 2000 pixels; at most 4 million"),
        (png(9, 9)[:-20], "damaged PNG"),
        (b"\x89PNG\r\n\x1a\nxxxx", "damaged PNG"),
        (png(0, 9), "damaged PNG"),
        (SVG[:-6], "no valid SVG"),
        (b"<html><svg/></html>", "is no SVG"),
        (SVG.replace(b"<circle", b'<image href="file:///etc/passwd"/><circle'), "refers to other files"),
        (b"<!DOCTYPE svg [<!ENTITY a 'b'>]>" + SVG, "entities"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence_with_the_file_and_the_setting(tmp_path, content, words):
    path = tmp_path / "logo"
    path.write_bytes(content)
    with pytest.raises(MonitorError, match=words) as caught:
        read_logo(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert "report.logo" in str(caught.value)


@given(st.integers(0, len(png(9, 9)) - 1), st.integers(1, 255))
def test_no_changed_byte_of_a_png_is_drawn(tmp_path_factory, place, change):
    content = bytearray(png(9, 9))
    content[place] ^= change
    path = tmp_path_factory.mktemp("changed") / "logo.png"
    path.write_bytes(bytes(content))
    with pytest.raises(MonitorError):
        read_logo(path)
