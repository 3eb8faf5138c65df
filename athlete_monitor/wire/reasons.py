"""Reasons of refused payloads: msgspec's messages made readable, without any text from the sender.

There are only a few different reasons, so that they can be counted.

>>> reason("Expected `float | null`, got `str` - at `$.samples[3].acc_x`")
'`samples[...].acc_x`: expected a number, got text'
>>> reason("Expected `float` <= 300.0 - at `$.heart_rate_bpm`")
'`heart_rate_bpm` is above 300'
"""

from __future__ import annotations

import codecs
import re
from typing import Final

from athlete_monitor.wire.keys import KEYS

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
_ALLOWED: Final = {name: key.allowed for key in KEYS for name in (key.name, *key.aliases)}
_NO_NUMBER: Final = re.compile(rb"[:,\[]\s*[-+]?(?:nan|inf(?:inity)?)\s*[,\]}]", re.IGNORECASE)
_COMMA: Final = re.compile(rb":\s*-?\d+,\d+\s*[,}]")
_MALFORMED: Final = {
    "truncated": "it ends too early",
    "trailing characters": "something follows the object",
    "keys must be strings": "keys need double quotes",
}


def not_json(payload: bytes, error: Exception) -> str:
    """Return why a payload is not JSON, as far as can be said: these are common mistakes of programs for sensors.

    >>> not_json(b'{"acc_x": nan}', ValueError()), not_json(b'{"acc_x": 0,5}', ValueError())
    ('not JSON: NaN and Infinity are not allowed, send null', 'not JSON: a decimal comma')
    >>> not_json(b"hello", ValueError())
    'not JSON'
    """
    why = _why(payload, error)
    return f"not JSON: {why}" if why else "not JSON"


def _why(payload: bytes, error: Exception) -> str | None:
    if not payload:
        return "it is empty"
    if isinstance(error, RecursionError):
        return "nested too deep"
    return _encoding(payload, error) or _number_of_others(payload) or _shape(str(error))


def _encoding(payload: bytes, error: Exception) -> str | None:
    if payload.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or payload[1:2] == b"\0":
        return "it is in UTF-16, UTF-8 is expected"
    return "it is not in UTF-8" if isinstance(error, UnicodeDecodeError) else None


def _number_of_others(payload: bytes) -> str | None:
    """Numbers as other notations have them."""
    if _NO_NUMBER.search(payload):
        return "NaN and Infinity are not allowed, send null"
    return "a decimal comma" if _COMMA.search(payload) else None


def _shape(text: str) -> str | None:
    return next((words for mark, words in _MALFORMED.items() if mark in text), None)


def reason(text: str) -> str:
    """Return the reason for an error of msgspec's typed decoder."""
    match = _PLACE.fullmatch(_LIST_INDEX.sub("[...]", text))
    what, place = (match["what"], match["place"]) if match else (text, None)
    if what.startswith("Invalid enum value"):
        return f"`{place}`: allowed are {_ALLOWED.get(str(place).rpartition('.')[2], 'other values')}"
    if bound := _BOUND.fullmatch(what):
        return f"`{place}` is {'above' if bound['sign'][0] == '<' else 'below'} {_number(float(bound['bound']))}"
    if length := _LENGTH.fullmatch(what):
        return f"`{place}` is longer than {length['most']} characters"
    if "matching regex" in what:
        return f"`{place}`: only letters, digits, `_` and `-` are allowed, 32 at most"
    if kind := _TYPE.fullmatch(what):
        what = f"expected {_in_words(kind['wanted'])}, got {_in_words(kind['got'])}"
    elif what == "Number out of range":
        what = "the number is too large"
    return f"`{place}`: {what}" if place else what


def _in_words(kinds: str) -> str:
    return " or ".join(_WORDS.get(kind, kind) for kind in kinds.split(" | ") if kind != "null" or kinds == "null")


def _number(value: float) -> str:
    return f"{value:.0f}" if value.is_integer() and abs(value) < 1e16 else f"{value:.6g}"
