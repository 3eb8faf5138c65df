"""All prose uses plain words, in code, tests, benchmarks, settings and documents: a table of words that it avoids."""

from __future__ import annotations

import io
import re
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[1]
BETTER: Final = {
    r"tell|tells|told|telling": "publish, report, show, give",
    r"alone": "only",
    r"doors?": "script, program",
    r"mend(?:s|ed|ing)?": "fix, repair",
    r"anew": "again, re-",
    r"for ever": "forever, until",
    r"for want of": "without, because ... is missing",
    r"in vain": "without success",
    r"of whom": "whose, who",
    r"by the word of": "according to",
    r"stands? twice": "duplicate",
    r"lets? (?:others|anybody) in": "accept",
}
"""Pattern of a word or phrase that is avoided, and what says it better."""
ALLOWED: Final = ("stand-alone",)
"""Phrases in which such a word is right."""
FOLDERS: Final = {
    "athlete_monitor": ("py", "js", "html", "j2"),
    "benchmarks": ("py",),
    "docs": ("py", "md"),
    "tests": ("py",),
    ".": ("py", "md", "yaml", "toml"),
}
THIS: Final = "tests/test_english.py"
GERMAN: Final = ("athlete_monitor/dashboard/static/texts/de.js",)
WORDS: Final = {re.compile(rf"\b(?:{words})\b", re.IGNORECASE): better for words, better in BETTER.items()}


def files() -> Iterator[Path]:
    for folder, endings in FOLDERS.items():
        for ending in endings:
            found = (ROOT / folder).glob(f"*.{ending}") if folder == "." else (ROOT / folder).rglob(f"*.{ending}")
            yield from (path for path in found if path.relative_to(ROOT).as_posix() not in {*GERMAN, THIS})


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a file that people read; of Python its comments and texts, without the names in f-strings."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from enumerate(text.splitlines(), 1)
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if tokenize.tok_name[token.type] in {"COMMENT", "STRING", "FSTRING_MIDDLE"}:
            for number, line in enumerate(token.string.splitlines(), token.start[0]):
                yield number, re.sub(r"\{[^{}]*\}", "", line)


def dialect(line: str) -> Iterator[str]:
    """Yield what a line says in words that the table avoids."""
    for phrase in ALLOWED:
        line = line.replace(phrase, "")
    for pattern, better in WORDS.items():
        yield from (f"{found.group()!r}: rather {better}" for found in pattern.finditer(line))


def test_prose_uses_plain_words():
    found = [
        f"{path.relative_to(ROOT)}:{number}: {what}"
        for path in files()
        for number, line in prose(path)
        for what in dialect(line)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("line", ["The strap is told.", "Tell it anew", "works on one core ALONE", "opens the doors"])
def test_each_avoided_word_is_found(line):
    assert list(dialect(line))


@pytest.mark.parametrize("line", ["a stand-alone box", "the indoor hall", "recommended", "foretold"])
def test_other_words_pass(line):
    assert not list(dialect(line))
