"""A least-recently-used cache bounded by count and by bytes, whose count can shrink and grow back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from cachetools import Cache, LRUCache

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


class HoldsMemory(Protocol):
    """A value that can be cached: it knows how much memory it holds."""

    @property
    def held_bytes(self) -> int:
        """Bytes of memory, at least 0."""


Key = TypeVar("Key", bound="Hashable")
Value = TypeVar("Value", bound=HoldsMemory)


class BoundedCache(Generic[Key, Value]):
    """Holds at most ``limit`` values of together at most ``most_bytes`` bytes; the least recently used goes first.

    ``limit`` begins as ``most`` and follows ``resize``. Not safe for threads by itself.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self.most = most
        self.most_bytes = most_bytes
        self.limit = most
        self._values: LRUCache[Key, Value] = LRUCache(most_bytes, getsizeof=lambda value: value.held_bytes)

    def __len__(self) -> int:
        return len(self._values)

    @property
    def held_bytes(self) -> int:
        """Bytes of all values together."""
        return int(self._values.currsize)

    def items(self) -> list[tuple[Key, Value]]:
        """Keys and values, without making any of them recent."""
        return [(key, Cache.__getitem__(self._values, key)) for key in self._values]

    def get(self, key: Key) -> Value | None:
        """The value, now the most recent one; None if it is not held."""
        try:
            return self._values[key]
        except KeyError:
            return None

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
        return gone

    def resize(self, limit: int) -> list[Key]:
        """Allow ``limit`` values from now on (kept within 1 and ``most``); return the evicted keys."""
        self.limit = min(max(limit, 1), self.most)
        return self._drop_while(lambda: len(self._values) > self.limit)

    def discard(self, key: Key) -> None:
        """Remove a value, if it is held."""
        self._values.pop(key, None)

    def clear(self) -> None:
        """Remove all values."""
        self._values.clear()

    def _drop_while(self, crowded: Callable[[], bool]) -> list[Key]:
        gone = []
        while crowded():
            gone.append(self._values.popitem()[0])
        return gone
