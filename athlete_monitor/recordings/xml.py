"""XML without entities, document types and external references; read element by element."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, Final
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from athlete_monitor.errors import RecordingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from athlete_monitor.recordings.source import Source

DEEPEST: Final = 64
MOST_ELEMENTS: Final = 12_000_000
_LONGEST_TAG_BYTES: Final = 2 * 2**20
_LOOKED_AT_BYTES: Final = 4096
_NO_TAGS: Final = ((b"<!--", b"-->"), (b"<?", b"?>"), (b"<!", b">"))
"""Comments, which may show tags, instructions and declarations: how they begin and end."""
_ENCODING: Final = re.compile(rb"encoding\s*=\s*[\"']([A-Za-z0-9_-]+)")
_BARE_AMPERSAND: Final = re.compile(rb"&(?![A-Za-z#][A-Za-z0-9]{0,31};)")
_NOT_XML: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_NAME: Final = re.compile(rb"[^\s<>/]+")


def root_tag(source: Source) -> str:
    """Return the name of the outermost element, without its namespace; empty if the file is not XML.

    Blanks before the declaration, which some devices write, do not matter.
    """
    head = source.head.lstrip(b"\xef\xbb\xbf \t\r\n")[:_LOOKED_AT_BYTES]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head = head.decode("utf-16", "ignore").encode()
    at = 0
    while (at := head.find(b"<", at)) >= 0:
        end = next((end for start, end in _NO_TAGS if head.startswith(start, at)), None)
        if end is None:
            opened = _NAME.match(head, at + 1)
            return opened[0].rpartition(b":")[2].decode("ascii", "replace") if opened else ""
        closed = head.find(end, at)
        at = closed + len(end) if closed >= 0 else len(head)
    return ""


def walk(source: Source, on_start: Callable[[str, Any], None], on_end: Callable[[str, Any], bool]) -> list[str]:
    """Read the elements of a document one by one.

    Args:
        source: the file.
        on_start: called with the name and the element when it opens, with its attributes but without its contents.
        on_end: called with them when it is complete; if it returns true, the element's contents are dropped.

    Returns:
        Notes on damage of the file; the callbacks get all elements before the damage.

    Raises:
        RecordingError: it uses entities or a document type, is nested too deeply, or is not XML from the start.
    """
    content = _Watched(_repaired(source.read().lstrip(b" \t\r\n")), str(source))
    depth = count = 0
    try:
        for event, element in iterparse(content, ("start", "end"), forbid_dtd=True):
            content.heard()
            name = local(element.tag)
            count += 1
            if event == "start":
                depth += 1
                if depth > DEEPEST or count > MOST_ELEMENTS:
                    raise RecordingError(f"{source}: has too many elements, or is nested too deeply")
                on_start(name, element)
            else:
                depth -= 1
                if on_end(name, element):
                    element.clear()
    except DefusedXmlException:
        raise RecordingError(f"{source}: declares entities or a document type; such files are not read") from None
    except ParseError as error:
        if count < 3:
            raise RecordingError(f"{source}: is not valid XML: {error}") from None
        return [f"the file is damaged ({error}): it is read up to there"]
    except (ValueError, LookupError) as error:
        if isinstance(error, RecordingError):
            raise
        raise RecordingError(f"{source}: is not valid XML: {' '.join(str(error).split())[:100]}") from None
    return []


class _Watched(io.BytesIO):
    """A document whose tags and texts are bounded: the parser starts again on an open tag with every block it gets."""

    def __init__(self, content: bytes, label: str) -> None:
        super().__init__(content)
        self._label = label
        self._heard_at = 0

    def heard(self) -> None:
        """An element has begun or ended."""
        self._heard_at = self.tell()

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes.

        Raises:
            RecordingError: no element has begun or ended for too long.
        """
        if self.tell() - self._heard_at > _LONGEST_TAG_BYTES:
            raise RecordingError(f"{self._label}: holds a tag or a text of more than {_LONGEST_TAG_BYTES // 2**20} MB")
        return super().read(size)


def _repaired(content: bytes) -> bytes:
    """Return a document without the usual faults of programs that write XML as text.

    Those are names with ``&``, control characters, and another encoding than the declared UTF-8.
    """
    if b"\0" in content[:4] or content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content
    declared = _ENCODING.search(content[:200])
    if declared is None or declared[1].lower() in (b"utf-8", b"utf8"):
        try:
            content.decode()
        except UnicodeDecodeError:
            content = content.decode("cp1252", "replace").encode()
    return _BARE_AMPERSAND.sub(b"&amp;", _NOT_XML.sub(b"", content))


def damaged(source: Source, notes: list[str]) -> None:
    """Refuse a document whose damage comes before anything that could be read.

    Raises:
        RecordingError: it is damaged.
    """
    if notes:
        raise RecordingError(f"{source}: {notes[0].partition(': it is read')[0]} before its first point")


def local(tag: object) -> str:
    """Return a tag's name without its namespace.

    >>> local("{http://www.topografix.com/GPX/1/1}trkpt")
    'trkpt'
    """
    return str(tag).rpartition("}")[2]


def leaves(element: Any) -> dict[str, str]:  # noqa: ANN401 - an element
    """Return the texts inside an element by the names of their elements; ``Value`` by the name above it."""
    found: dict[str, str] = {}
    for child in element:
        name = local(child.tag)
        if len(child):
            inner = leaves(child)
            found.update({name if key == "Value" else key: text for key, text in inner.items()})
        elif child.text and child.text.strip():
            found[name] = child.text.strip()
    return found
