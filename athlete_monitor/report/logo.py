"""The club's logo: a PNG or an SVG that every reader of a report can show."""

from __future__ import annotations

import base64
import zlib
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from athlete_monitor.errors import MonitorError

if TYPE_CHECKING:
    from pathlib import Path

LARGEST_BYTES: Final = 2_000_000
MOST_PIXELS: Final = 4_000_000
"""Larger pictures take hundreds of megabytes of memory when they are drawn."""
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_HEADER_END: Final = 33
"""Length of the signature and of the first chunk, which holds the size."""
_DRAWN: Final = "{http://www.w3.org/2000/svg}"
_LINKS: Final = ("href", "{http://www.w3.org/1999/xlink}href")


def read_logo(path: Path) -> bytes:
    """Read a logo and check that it can be drawn.

    Raises:
        MonitorError: it cannot be read, is neither PNG nor SVG, is too large, or is damaged.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise MonitorError(f"{path}: cannot be read ({error.strerror}) (report.logo)") from error
    if len(content) > LARGEST_BYTES or not (is_png(content) or b"<svg" in content[:1000]):
        raise MonitorError(f"{path}: must be a PNG or SVG file of at most 2 MB (report.logo)")
    fault = _fault_of_png(content) if is_png(content) else _fault_of_svg(content)
    if fault:
        raise MonitorError(f"{path}: {fault} (report.logo)")
    return content


def is_png(content: bytes) -> bool:
    """Whether the content begins as a PNG."""
    return content.startswith(_SIGNATURE)


def as_svg(png: bytes) -> bytes:
    """A PNG inside an SVG, because Typst takes files from memory only as text."""
    width, height = _size(png)
    data = base64.b64encode(png).decode()
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' viewBox='0 0 {width} {height}'>"
        f"<image width='{width}' height='{height}' href='data:image/png;base64,{data}'/></svg>"
    ).encode()


def _size(png: bytes) -> tuple[int, int]:
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def _fault_of_png(content: bytes) -> str:
    """What is wrong with a PNG; empty if nothing is."""
    at, kind = len(_SIGNATURE), b""
    while at < len(content) and kind != b"IEND":
        length = int.from_bytes(content[at : at + 4], "big")
        kind, body = content[at + 4 : at + 8], content[at + 4 : at + 8 + length]
        if zlib.crc32(body) != int.from_bytes(content[at + 8 + length : at + 12 + length], "big"):
            return "is a damaged PNG"
        at += 12 + length
    if kind != b"IEND" or at < _HEADER_END or 0 in _size(content):
        return "is a damaged PNG"
    width, height = _size(content)
    if width * height > MOST_PIXELS:
        return f"has {width} × {height} pixels; at most {MOST_PIXELS // 1_000_000} million are allowed"
    return ""


def _fault_of_svg(content: bytes) -> str:
    """What is wrong with an SVG; empty if nothing is."""
    if b"<!ENTITY" in content:
        return "is an SVG with entities, which are not allowed"
    try:
        root = ET.fromstring(content)  # noqa: S314 - without entities
    except (ET.ParseError, ValueError, LookupError) as error:
        return f"is no valid SVG ({error})"
    if root.tag not in {"svg", f"{_DRAWN}svg"}:
        return "is no SVG"
    links = (each.get(name, "") for each in root.iter() for name in _LINKS)
    if any(link and not link.startswith(("#", "data:")) for link in links):
        return "is an SVG that refers to other files; only what is inside it can be drawn"
    return ""
