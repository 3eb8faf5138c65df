"""The files of the pages, read once at start: no path of a request ever reaches the disk."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from athlete_monitor.german import PERIODS, SENTENCES
from athlete_monitor.german_figures import LABELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.requests import Request

STATIC: Final = Path(__file__).resolve().parent / "static"
MEDIA: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
_SOME: Final = re.compile(r"1(?:\.0{0,3})?|0\.(?=\d{0,2}[1-9])\d{1,3}")
"""A weight above 0, as an ``Accept-Encoding`` writes it."""


@dataclass(frozen=True)
class Asset:
    """A file as it is sent."""

    media_type: str
    plain: bytes
    packed: bytes
    tag: str

    def response(self, request: Request, status: int = 200) -> Response:
        """Return the answer: nothing where the browser has it already, compressed where it takes that."""
        headers = {"etag": self.tag, "cache-control": "no-cache", "vary": "accept-encoding"}
        if status == 200 and _is_known(request.headers.get("if-none-match", ""), self.tag):
            return Response(status_code=304, headers=headers)
        if takes_gzip(request.headers.get("accept-encoding", "")) and len(self.packed) < len(self.plain):
            return Response(
                self.packed, status, media_type=self.media_type, headers=headers | {"content-encoding": "gzip"}
            )
        return Response(self.plain, status, media_type=self.media_type, headers=headers)


def takes_gzip(accepted: str) -> bool:
    """Whether an ``Accept-Encoding`` allows gzip.

    >>> [takes_gzip(one) for one in ("gzip, br", "br", "gzip;q=0", "GZIP; q=0.5", "*", "gzip;q=0, *", "gzip;q=x")]
    [True, False, False, True, True, False, False]
    """
    weights = {}
    for part in accepted.lower().split(","):
        name, *parameters = (one.strip() for one in part.split(";"))
        weight = next((one[2:] for one in parameters if one.startswith("q=")), "1")
        weights[name] = bool(_SOME.fullmatch(weight))
    return weights.get("gzip", weights.get("*", False))


def _is_known(asked: str, tag: str) -> bool:
    """Whether one of the tags of an ``If-None-Match`` is ours; a proxy that packs what passes marks it with ``W/``."""
    return tag in {one.strip().removeprefix("W/") for one in asked.split(",")} or asked.strip() == "*"


def load_assets(folder: Path = STATIC) -> Mapping[str, Asset]:
    """Return every file below the folder by its relative name."""
    files = (file for file in sorted(folder.rglob("*")) if file.suffix in MEDIA)
    return {file.relative_to(folder).as_posix(): _asset(file) for file in files}


def build_of(assets: Mapping[str, Asset], columns: Iterable[str]) -> str:
    """Return a name of these files and of a frame's figures in their order: pages of another build are loaded again."""
    parts = [f"{name} {asset.tag}" for name, asset in sorted(assets.items())]
    return hashlib.sha256("\n".join([*parts, *columns]).encode()).hexdigest()[:20]


def _asset(file: Path) -> Asset:
    plain = lean(script(file)).encode() if file.suffix in {".css", ".js"} else file.read_bytes()
    tag = hashlib.sha256(plain).hexdigest()[:20]
    return Asset(MEDIA[file.suffix], plain, gzip.compress(plain, 9, mtime=0), f'"{tag}"')


def script(file: Path) -> str:
    """Return a script or style; the German texts with those that reports have too (``german.py``)."""
    text = file.read_text(encoding="utf-8")
    return with_sentences(text) if file.match("texts/de.js") else text


def with_sentences(texts: str) -> str:
    r"""Return a script of texts with the engine's sentences, names of figures and of periods in German added.

    >>> with_sentences('export default {\n"skip": "Zum Inhalt"\n};\n').count("said.sex unknown")
    1
    """
    said = {f"said.{text}": german for text, german in SENTENCES.items()}
    said |= {f"label.{text}": german for text, german in LABELS.items()}
    said |= {f"phase.{name}": german for name, german in PERIODS.items()}
    return f"{texts.rpartition('};')[0].rstrip()},\n{json.dumps(said, ensure_ascii=False, indent=0)[2:-2]}\n}};\n"


def lean(text: str) -> str:
    """Return a script or style without comments on lines of their own, indentation and empty lines.

    A fifth less is sent so, and what people read in the tree stays as it is.

    >>> lines = ["// what it does", "/** a: first", " * b: second */", "const add =", "  a + b; // kept"]
    >>> print(lean(chr(10).join(lines)))
    const add =
    a + b; // kept
    <BLANKLINE>
    """
    kept, inside = [], False
    for line in map(str.strip, text.splitlines()):
        inside = inside or line.startswith("/*")
        if not inside and line and not line.startswith("//"):
            kept.append(line)
        inside = inside and not line.endswith("*/")
    return "\n".join(kept) + "\n"
