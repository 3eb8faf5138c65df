"""The fonts of the PDF, and which characters none of them has."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_ALWAYS_THERE: Final = ((0, 0x0700), (0x1E00, 0x2900))
"""Latin, Greek, Cyrillic, Hebrew, Arabic, and signs: DejaVu Sans has what names need of them."""
_INVISIBLE: Final = (0x200B, 0xFE0F)


@cache
def font_folders() -> list[str]:
    """Where matplotlib keeps DejaVu Sans, which knows Latin, Greek, Cyrillic, Arabic and Hebrew."""
    found = importlib.util.find_spec("matplotlib")
    if found is None or found.origin is None:
        return []
    return [str(Path(found.origin).parent / "mpl-data" / "fonts" / "ttf")]


def boxes_in(document: Mapping[str, Any]) -> str:
    """One line that says which characters of a document the PDF shows as boxes; empty if every one has a font."""
    missing = undrawable(_texts(document))
    if not missing:
        return ""
    some = f"{missing[:12]}…" if len(missing) > 12 else missing
    return (
        f"no font here has {some}: the PDF shows boxes; install a font, such as the package fonts-noto-cjk, or use "
        "--format html"
    )


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


def undrawable(texts: Iterable[str]) -> str:
    """The characters that no font has, in their order; none where that cannot be found out.

    >>> undrawable(["Zoë", "محمد", "Ω"])
    ''
    """
    rare = {ord(character) for text in texts if not text.isascii() for character in text if _is_rare(ord(character))}
    for path, index in _files() if rare else ():
        rare -= _characters(path, index)
    return "".join(map(chr, sorted(rare)))


def _is_rare(code: int) -> bool:
    return code not in _INVISIBLE and not any(first <= code < after for first, after in _ALWAYS_THERE)


def _files() -> Iterator[tuple[str, int]]:
    """The fonts that Typst finds: those of matplotlib, the system's, and its own."""
    import typst

    if importlib.util.find_spec("fontTools") is None:
        return
    for each in typst.Fonts(font_paths=font_folders()).fonts():
        if each.path:
            yield str(each.path), int(each.index)


@cache
def _characters(path: str, index: int) -> frozenset[int]:
    """The characters of a font; none where the file cannot be read."""
    from fontTools.ttLib import TTFont, TTLibError  # type: ignore[import-untyped]

    try:
        with Path(path).open("rb") as file, TTFont(file, fontNumber=index, lazy=True) as font:
            return frozenset(font.getBestCmap() or ())
    except (TTLibError, OSError):
        return frozenset()
