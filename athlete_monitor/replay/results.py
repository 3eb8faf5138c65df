"""The result of a recording as bytes: what travels between processes and lies in the store."""

from __future__ import annotations

import zlib
from dataclasses import asdict, dataclass
from typing import Any, Final

import msgspec
import numpy as np

from athlete_monitor.engine.gathering import GatheredSession
from athlete_monitor.engine.side_by_side import Phase
from athlete_monitor.errors import MonitorError

_LEVEL: Final = 1
_ARRAYS: Final = ("t", "cells")


@dataclass(frozen=True)
class Result:
    """What came out of one file: its sessions, and the parts that its samples name."""

    sessions: tuple[GatheredSession, ...]
    phases: tuple[Phase, ...]


def encode(result: Result) -> bytes:
    """Return a result as bytes; equal results have equal bytes."""
    content = {
        "sessions": [_plain(session) for session in result.sessions],
        "phases": [asdict(phase) for phase in result.phases],
    }
    return zlib.compress(msgspec.msgpack.encode(content), _LEVEL)


def decode(content: bytes) -> Result:
    """Return the result of ``encode``, equal to the last bit.

    Raises:
        MonitorError: the bytes are no result, or are cut off.
    """
    try:
        plain = msgspec.msgpack.decode(zlib.decompress(content))
        return Result(
            tuple(_session(each) for each in plain["sessions"]), tuple(Phase(**each) for each in plain["phases"])
        )
    except (zlib.error, msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
        raise MonitorError(f"a stored result is damaged ({type(error).__name__})") from error


def _plain(session: GatheredSession) -> dict[str, Any]:
    values = {name: getattr(session, name) for name in GatheredSession.__dataclass_fields__}
    return values | {name: _array(values[name]) for name in _ARRAYS}


def _array(values: Any) -> tuple[list[int], bytes]:  # noqa: ANN401 - an array
    return list(values.shape), np.ascontiguousarray(values, dtype="<f8").tobytes()


def _session(plain: dict[str, Any]) -> GatheredSession:
    arrays = {name: np.frombuffer(plain[name][1], dtype="<f8").reshape(plain[name][0]).copy() for name in _ARRAYS}
    return GatheredSession(**{**plain, **arrays, "span_t": tuple(plain["span_t"]), "events": tuple(plain["events"])})
