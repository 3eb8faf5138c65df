"""The queue from the network thread to the loop: bounded, and it never blocks the network thread."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

Message = tuple[bytes, float, int]
"""Payload, time of arrival in seconds, and the token by which it is acknowledged (0 for none)."""

SHARED_TOPIC_FACTOR = 16
"""A topic that many devices share holds this many times the messages of one device."""


@dataclass
class InboxCounts:
    """Counters of the inbox since start-up."""

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
        self._waiting: dict[str, deque[Message]] = {}
        self._something = threading.Event()
        self._counts = InboxCounts()

    def put(self, topic: str, payload: bytes, arrived_s: float, token: int = 0) -> int:
        """Put a message; called in the network thread.

        Returns:
            The token of a message that has been dropped for it, or its own if it is refused; 0 for none.
        """
        dropped = 0
        with self._lock:
            self._counts.messages += 1
            queue = self._waiting.get(topic)
            if queue is None:
                queue = self._open(topic)
                if queue is None:
                    return token
            if len(queue) >= self._limits.get(topic, self._per_topic):
                dropped = queue.popleft()[2]
                self._counts.overflowed += 1
                self._note_overflow(topic)
            queue.append((payload, arrived_s, token))
        self._something.set()
        return dropped

    def __len__(self) -> int:
        return len(self._waiting)

    def wait(self, timeout_s: float) -> bool:
        """Wait until there is something; False when nothing came in time."""
        return self._something.wait(timeout_s)

    def wake(self) -> None:
        """End a wait at once."""
        self._something.set()

    def take(self, most: int | None = None, held: Collection[str] = ()) -> dict[str, list[Message]]:
        """Take waiting messages, oldest first: at most ``most`` of each topic, none of the topics ``held``."""
        taken: dict[str, list[Message]] = {}
        with self._lock:
            for topic, queue in list(self._waiting.items()):
                if topic in held:
                    continue
                taken[topic] = [queue.popleft() for _ in range(len(queue) if most is None else min(most, len(queue)))]
                if not queue:
                    del self._waiting[topic]
            if not self._waiting:
                self._something.clear()
        return taken

    def counts(self) -> InboxCounts:
        """Copy of the counts; the set of overflowed topics is reset with each call."""
        with self._lock:
            counts = self._counts
            result = InboxCounts(counts.messages, counts.overflowed, counts.refused_topics, counts.overflowed_topics)
            counts.overflowed_topics = set()
        return result

    def _note_overflow(self, topic: str) -> None:
        if len(self._counts.overflowed_topics) < self._max_topics:
            self._counts.overflowed_topics.add(topic)

    def _open(self, topic: str) -> deque[Message] | None:
        if len(self._waiting) >= self._max_topics:
            self._counts.refused_topics += 1
            return None
        return self._waiting.setdefault(topic, deque())
