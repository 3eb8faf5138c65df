from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from athlete_monitor.models.cache import BoundedCache


@dataclass(frozen=True)
class Weight:
    held_bytes: int
    label: int = 0


MOST, MOST_BYTES = 4, 100


class SlowCache:
    """The same promises, kept in an obvious way: a list, oldest first."""

    def __init__(self):
        self.limit, self.values = MOST, []

    def total(self):
        return sum(value.held_bytes for _, value in self.values)

    def get(self, key):
        for i, (k, value) in enumerate(self.values):
            if k == key:
                self.values.append(self.values.pop(i))
                return value
        return None

    def put(self, key, value):
        self.discard(key)
        self.values.append((key, value))
        return self.trim()

    def trim(self):
        gone = []
        while len(self.values) > self.limit or self.total() > MOST_BYTES:
            gone.append(self.values.pop(0)[0])
        return gone

    def discard(self, key):
        self.values = [item for item in self.values if item[0] != key]

    def resize(self, limit):
        self.limit = max(1, min(limit, MOST))
        return self.trim()


class CacheAgainstSlowCache(RuleBasedStateMachine):
    keys = st.integers(1, 7)

    def __init__(self):
        super().__init__()
        self.cache: BoundedCache[int, Weight] = BoundedCache(MOST, MOST_BYTES)
        self.slow = SlowCache()

    @rule(key=keys)
    def get(self, key):
        assert self.cache.get(key) == self.slow.get(key)

    @rule(key=keys, held=st.integers(0, MOST_BYTES), label=st.integers())
    def put(self, key, held, label):
        value = Weight(held, label)
        assert self.cache.put(key, value) == self.slow.put(key, value)

    @rule(key=keys, held=st.integers(MOST_BYTES + 1, 10**6))
    def put_too_large(self, key, held):
        with pytest.raises(ValueError, match="do not fit"):
            self.cache.put(key, Weight(held))

    @rule(key=keys)
    def discard(self, key):
        self.cache.discard(key)
        self.slow.discard(key)

    @rule(limit=st.integers(-2, 10))
    def resize(self, limit):
        assert self.cache.resize(limit) == self.slow.resize(limit)

    @rule()
    def clear(self):
        self.cache.clear()
        self.slow.values = []

    @invariant()
    def holds_the_same(self):
        assert dict(self.cache.items()) == dict(self.slow.values)
        assert len(self.cache) == len(self.slow.values)

    @invariant()
    def stays_in_its_budget(self):
        assert len(self.cache) <= self.cache.limit <= MOST
        assert self.cache.held_bytes == self.slow.total() <= MOST_BYTES


TestCacheAgainstSlowCache = CacheAgainstSlowCache.TestCase
TestCacheAgainstSlowCache.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
