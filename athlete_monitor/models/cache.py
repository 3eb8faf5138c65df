"""A least-recently-used cache bounded by count and by bytes, whose count can shrink and grow back."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Hashable


class HoldsMemory(Protocol):
    """A value that can be cached: it knows how much memory it holds."""

    @property
    def held_bytes(self) -> int:
        """Bytes of memory, at least 0."""


Key = TypeVar("Key", bound="Hashable")
Value = TypeVar("Value", bound=HoldsMemory)


class BoundedCache(Generic[Key, Value]):
    """Holds at most ``limit`` values of together at most ``most_bytes`` bytes; the least recently used goes first.

    ``limit`` begins as ``most`` and follows ``resize``. A key in ``pinned`` goes only if no other is left. Not safe for
    threads by itself.

    >>> class Text(str):
    ...     held_bytes = property(len)
    >>> cache = BoundedCache(most=2, most_bytes=100)
    >>> cache.put(1, Text("first")), cache.put(2, Text("second")), cache.get(1), cache.put(3, Text("third"))
    ([], [], 'first', [2])
    """

    def __init__(self, most: int, most_bytes: int, pinned: Container[Key] = ()) -> None:
        self.most = most
        self.most_bytes = most_bytes
        self.limit = most
        self.held_bytes = 0
        self._pinned = pinned
        self._values: OrderedDict[Key, Value] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def items(self) -> list[tuple[Key, Value]]:
        """Keys and values, the least recent first, without making any of them recent."""
        return list(self._values.items())

    def get(self, key: Key) -> Value | None:
        """The value, now the most recent one; None if it is not held."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: Key, value: Value) -> list[Key]:
        """Add a value as the most recent one; return the evicted keys, oldest first.

        Raises:
            ValueError: the value by itself is larger than ``most_bytes``; the cache does not change.
        """
        if value.held_bytes > self.most_bytes:
            raise ValueError(f"{value.held_bytes} bytes do not fit in {self.most_bytes}")
        self.discard(key)
        room = self.most_bytes - value.held_bytes
        gone = self._drop_while(lambda: len(self._values) >= self.limit or self.held_bytes > room)
        self._values[key] = value
        self.held_bytes += value.held_bytes
        return gone

    def resize(self, limit: int) -> list[Key]:
        """Allow ``limit`` values from now on (kept within 1 and ``most``); return the evicted keys.

        Pinned values stay: the limit does not fall below their number.
        """
        in_use = sum(key in self._pinned for key in self._values)
        self.limit = min(max(limit, in_use, 1), self.most)
        return self._drop_while(lambda: len(self._values) > self.limit)

    def discard(self, key: Key) -> None:
        """Remove a value, if it is held."""
        value = self._values.pop(key, None)
        self.held_bytes -= value.held_bytes if value is not None else 0

    def clear(self) -> None:
        """Remove all values."""
        self._values.clear()
        self.held_bytes = 0

    def _drop_while(self, crowded: Callable[[], bool]) -> list[Key]:
        gone = []
        while crowded():
            oldest = next(iter(self._values))
            gone.append(next((key for key in self._values if key not in self._pinned), oldest))
            self.discard(gone[-1])
        return gone
