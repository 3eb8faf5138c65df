"""The pace at which the live files of a squad are replaced: the disk sets it, and the oldest file comes first."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

SHARE: Final = 0.04
"""Writing live files takes at most this share of the time; beyond it each file is replaced less often."""
_MOST_SAVED_S: Final = 0.05
"""Longest time that a quiet period saves up for writing."""
_SMOOTHING: Final = 16.0


class LiveFiles(Generic[T]):
    """The newest content of each live file, written within a share of the time.

    A file is replaced at most once an ``interval_s``. Where the disk cannot do that within ``share`` of the time, files
    wait, and those whose content has waited longest are written first, so that every athlete's file has the same age.

    Args:
        interval_s: shortest time between two writes of one file.
        write: writes one content; may raise OSError.
        clock: monotonic seconds.
        share: largest share of the time for writing.
        spent: seconds by which a write is measured.

    Example:
        >>> files = LiveFiles(5.0, lambda content: None, clock=lambda: 0.0)
        >>> files.put("001", "figures"), files.write_due(), len(files)
        (None, [], 0)
    """

    def __init__(
        self,
        interval_s: float,
        write: Callable[[T], None],
        clock: Callable[[], float] = time.monotonic,
        share: float = SHARE,
        spent: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._interval_s, self._write, self._clock, self._share = interval_s, write, clock, share
        self._spent = spent
        self._latest: dict[str, T] = {}
        self._written_s: dict[str, float] = {}
        self._ended: set[str] = set()
        self._looked_s = clock()
        self._left_s = _MOST_SAVED_S
        self._apart_s = interval_s

    def __len__(self) -> int:
        return len(self._latest)

    @property
    def apart_s(self) -> float:
        """The present time between two writes of one file, s: the interval, or longer where the disk is slow."""
        return self._apart_s

    def put(self, key: str, content: T) -> None:
        """Keep the newest content of a file; safe from another thread than the one that writes."""
        self._latest[key] = content

    def write_due(self, *, everything: bool = False) -> list[OSError]:
        """Write the files that are due, as many as the pace allows or ``everything``; return the errors."""
        now_s = self._clock()
        self._left_s = min(_MOST_SAVED_S, self._left_s + (now_s - self._looked_s) * self._share)
        self._looked_s = now_s
        due = [key for key in list(self._latest) if everything or self._is_due(key, now_s)]
        errors: list[OSError] = []
        for key in due:
            if not everything and self._left_s <= 0.0:
                break
            if error := self._write_one(key, now_s):
                errors.append(error)
        self._drop_ended()
        return errors

    def forget(self, key: str) -> None:
        """A session has ended: its last content is still written; safe from another thread."""
        self._ended.add(key)

    def _drop_ended(self) -> None:
        for key in [each for each in list(self._ended) if each not in self._latest]:
            self._ended.discard(key)
            self._written_s.pop(key, None)

    def _is_due(self, key: str, now_s: float) -> bool:
        written_s = self._written_s.get(key)
        return written_s is None or now_s - written_s >= self._interval_s

    def _write_one(self, key: str, now_s: float) -> OSError | None:
        content, began_s = self._latest[key], self._spent()
        try:
            self._write(content)
        except OSError as error:
            return error
        finally:
            self._left_s -= self._spent() - began_s
        before_s = self._written_s.pop(key, None)
        if before_s is not None:
            self._apart_s += (max(now_s - before_s, self._interval_s) - self._apart_s) / _SMOOTHING
        self._written_s[key] = now_s
        if self._latest[key] is content:
            del self._latest[key]
        return None
