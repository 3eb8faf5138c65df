"""JSON files of recordings, read with limits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.cells import LARGEST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.recordings.source import Source

MOST_BYTES: Final = 48 * 2**20
"""A document in memory is some ten times as large as its text."""


def is_json(source: Source) -> bool:
    """Whether a file begins like a JSON object or list."""
    return source.head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")


def load(source: Source) -> Any:  # noqa: ANN401 - any document
    """Return the document.

    Raises:
        RecordingError: it is not valid, or too large.
    """
    data = source.read(MOST_BYTES).lstrip(b"\xef\xbb\xbf \t\r\n")
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if b"NaN" in data or b"Infinity" in data:
            return _with_nan(source, data)
        raise RecordingError(f"{source}: is not valid JSON: {error}") from None


def _with_nan(source: Source, data: bytes) -> Any:  # noqa: ANN401 - any document
    """Return a document whose numbers may be NaN, which JSON does not have but several programs write."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        cause = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:100]
        raise RecordingError(f"{source}: is not valid JSON: {cause}") from None


def mapping(source: Source, key: str) -> dict[str, Any]:
    """Return the object of a key of the document.

    Raises:
        RecordingError: there is none.
    """
    document = load(source)
    found = document.get(key) if isinstance(document, dict) else None
    if not isinstance(found, dict):
        raise RecordingError(f"{source}: has no {key}")
    return found


def objects(value: object) -> list[dict[str, Any]]:
    """Return the objects in a list; nothing for any other value.

    >>> objects([{"a": 1}, None, 2]), objects(3.0)
    ([{'a': 1}], [])
    """
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def numbers(values: Sequence[object]) -> FloatArray:
    """Return values as numbers [n], NaN for anything else.

    >>> numbers([1, None, "x", True, 2.5]).tolist()
    [1.0, nan, nan, nan, 2.5]
    """
    found = np.array([float(v) if isinstance(v, int | float) and not isinstance(v, bool) else np.nan for v in values])
    return np.where(np.abs(found) < LARGEST, found, np.nan)
