"""Where the network thread leaves messages and the loop finds them: bounded, and never blocking the network thread."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

SHARED_TOPIC_FACTOR = 16
"""A topic that many devices share holds so many times the messages of one device."""


@dataclass
class InboxCounts:
    """What the inbox has seen since the start."""

    messages: int = 0
    overflowed: int = 0
    refused_topics: int = 0
    overflowed_topics: set[str] = field(default_factory=set)


class Inbox:
    """Messages waiting, per topic.

    Each topic holds ``per_topic`` messages at most; on overflow its oldest is dropped and counted. Topics beyond
    ``max_topics`` waiting at once are refused and counted, so memory is bounded whatever arrives.
    """

    def __init__(self, per_topic: int, max_topics: int, shared_topic: str) -> None:
        self._limits = {shared_topic: per_topic * SHARED_TOPIC_FACTOR}
        self._per_topic, self._max_topics = per_topic, max_topics
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[tuple[bytes, float]]] = {}
        self._something = threading.Event()
        self._counts = InboxCounts()

    def put(self, topic: str, payload: bytes, arrived_s: float) -> None:
        """Leave a message; called in the network thread."""
        with self._lock:
            self._counts.messages += 1
            queue = self._waiting.get(topic)
            if queue is None:
                queue = self._open(topic)
                if queue is None:
                    return
            if len(queue) >= self._limits.get(topic, self._per_topic):
                queue.popleft()
                self._counts.overflowed += 1
                self._note_overflow(topic)
            queue.append((payload, arrived_s))
        self._something.set()

    def __len__(self) -> int:
        return len(self._waiting)

    def wait(self, timeout_s: float) -> bool:
        """Wait until there is something; False when nothing came in time."""
        return self._something.wait(timeout_s)

    def wake(self) -> None:
        """End a wait at once."""
        self._something.set()

    def drain(self) -> dict[str, deque[tuple[bytes, float]]]:
        """Take everything that waits: topic to (payload, arrival in seconds), oldest first."""
        with self._lock:
            taken, self._waiting = self._waiting, {}
            self._something.clear()
        return taken

    def counts(self) -> InboxCounts:
        """Copy of the counts; the set of overflowed topics starts anew with each call."""
        with self._lock:
            counts = self._counts
            told = InboxCounts(counts.messages, counts.overflowed, counts.refused_topics, counts.overflowed_topics)
            counts.overflowed_topics = set()
        return told

    def _note_overflow(self, topic: str) -> None:
        if len(self._counts.overflowed_topics) < self._max_topics:
            self._counts.overflowed_topics.add(topic)

    def _open(self, topic: str) -> deque[tuple[bytes, float]] | None:
        if len(self._waiting) >= self._max_topics:
            self._counts.refused_topics += 1
            return None
        return self._waiting.setdefault(topic, deque())
