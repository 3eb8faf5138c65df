"""Reasons of refused payloads: msgspec's messages made readable, without any text from the sender.

There are only a few different reasons, so that they can be counted.

>>> reason("Expected `float | null`, got `str` - at `$.samples[3].acc_x`")
'`samples[...].acc_x`: expected a number, got text'
>>> reason("Expected `float` <= 300.0 - at `$.heart_rate_bpm`")
'`heart_rate_bpm` is above 300'
"""

from __future__ import annotations

import re
from typing import Final

_LIST_INDEX: Final = re.compile(r"\[\d+\]")
_PLACE: Final = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<place>.*?)`)?", re.DOTALL)
_TYPE: Final = re.compile(r"Expected `(?P<wanted>[^`]+)`, got `(?P<got>[^`]+)`")
_BOUND: Final = re.compile(r"Expected `\w+` (?P<sign>[<>]=?) (?P<bound>[-+.\de]+)")
_LENGTH: Final = re.compile(r"Expected `str` of length <= (?P<most>\d+)")
_WORDS: Final = {
    "float": "a number",
    "int": "a whole number",
    "str": "text",
    "array": "a list",
    "object": "an object",
    "bool": "true or false",
    "null": "null",
}


def reason(text: str) -> str:
    """Return the reason for an error of msgspec's typed decoder."""
    match = _PLACE.fullmatch(_LIST_INDEX.sub("[...]", text))
    what, place = (match["what"], match["place"]) if match else (text, None)
    if what.startswith("Invalid enum value"):
        return f"`{place}`: not an allowed value" if place else "not an allowed value"
    if bound := _BOUND.fullmatch(what):
        return f"`{place}` is {'above' if bound['sign'][0] == '<' else 'below'} {float(bound['bound']):.6g}"
    if length := _LENGTH.fullmatch(what):
        return f"`{place}` is longer than {length['most']} characters"
    if "matching regex" in what:
        return f"`{place}`: only letters, digits, `_` and `-` are allowed, 32 at most"
    if kind := _TYPE.fullmatch(what):
        what = f"expected {_in_words(kind['wanted'])}, got {_in_words(kind['got'])}"
    return f"`{place}`: {what}" if place else what


def _in_words(kinds: str) -> str:
    return " or ".join(_WORDS.get(kind, kind) for kind in kinds.split(" | ") if kind != "null" or kinds == "null")
