"""The queue from the network thread to the loop: bounded, and it never blocks the network thread."""

from __future__ import annotations

import math
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

Message = tuple[bytes, float, int, bool, bool]
"""Payload, time of arrival in seconds, the token by which it is acknowledged (0 for none), whether it is of QoS 1, and
whether messages before it have been dropped."""

SHARED_TOPIC_FACTOR = 16
"""A topic that many devices share holds this many times the messages of one device."""
TOPIC_BYTES = 4_000_000
"""Most bytes that a topic holds; one that many devices share holds ``SHARED_TOPIC_FACTOR`` times as much."""


@dataclass
class InboxCounts:
    """Counters of the inbox since start-up."""

    messages: int = 0
    overflowed: int = 0
    refused_topics: int = 0
    overflowed_topics: set[str] = field(default_factory=set)


class Inbox:
    """Messages waiting, per topic.

    Each topic holds ``per_topic`` messages and ``TOPIC_BYTES`` at most; on overflow its oldest are dropped and counted.
    Topics beyond ``max_topics`` waiting at once are refused and counted, so memory is bounded whatever arrives; only
    those of known devices (``expects``) still have room.
    """

    def __init__(self, per_topic: int, max_topics: int, shared_topic: str) -> None:
        self._shared_topic = shared_topic
        self._per_topic, self._max_topics = per_topic, max_topics
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Message]] = {}
        self._bytes: dict[str, int] = {}
        self._something = threading.Event()
        self._counts = InboxCounts()
        self.expects: Callable[[str], bool] = lambda _topic: False
        """Whether a topic is that of a known device: strangers cannot displace it. Called in the network thread."""

    def put(self, topic: str, payload: bytes, arrived_s: float, token: int = 0, *, is_qos_1: bool = False) -> list[int]:
        """Put a message; called in the network thread.

        Returns:
            The tokens of messages that have been dropped for it, or its own if it is refused.
        """
        with self._lock:
            self._counts.messages += 1
            queue = self._waiting.get(topic)
            if queue is None:
                queue = self._open(topic)
                if queue is None:
                    return [token]
            queue.append((payload, arrived_s, token, is_qos_1, False))
            waiting_bytes = self._bytes[topic] = self._bytes.get(topic, 0) + len(payload)
            share = SHARED_TOPIC_FACTOR if topic == self._shared_topic else 1
            too_much = len(queue) > self._per_topic * share or waiting_bytes > TOPIC_BYTES * share
            dropped = self._shorten(topic, queue, share) if too_much else []
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

    def take(
        self, most: float = math.inf, held: Collection[str] = (), total: float = math.inf
    ) -> dict[str, list[Message]]:
        """Take waiting messages, oldest first: at most ``most`` of each topic, none of the topics ``held``.

        No further topic is taken from once there are ``total`` messages. Topics take turns: one that has more to give
        waits behind all others.
        """
        taken: dict[str, list[Message]] = {}
        with self._lock:
            for topic, queue in list(self._waiting.items()):
                if topic in held:
                    continue
                if total <= 0:
                    break
                taken[topic] = [queue.popleft() for _ in range(int(min(most, len(queue))))]
                total -= len(taken[topic])
                self._settle(topic, queue, taken[topic])
        return taken

    def take_of(self, topic: str, most: int) -> list[Message]:
        """Take at most ``most`` messages of one topic, oldest first."""
        with self._lock:
            queue = self._waiting.get(topic, deque())
            taken = [queue.popleft() for _ in range(min(most, len(queue)))]
            if taken:
                self._settle(topic, queue, taken)
        return taken

    def _settle(self, topic: str, queue: deque[Message], taken: Collection[Message]) -> None:
        """Messages have been taken from a topic: if it has more, it waits behind the others."""
        self._waiting.pop(topic)
        if queue:
            self._waiting[topic] = queue
            self._bytes[topic] -= sum(len(message[0]) for message in taken)
        else:
            del self._bytes[topic]
        if not self._waiting:
            self._something.clear()

    def topics(self) -> list[str]:
        """Return the topics with waiting messages."""
        with self._lock:
            return list(self._waiting)

    def oldest_s(self, waived: Collection[str] = ()) -> float:
        """When the oldest message of all topics except ``waived`` arrived; infinite without any."""
        with self._lock:
            oldest = (queue[0][1] for topic, queue in self._waiting.items() if topic not in waived)
            return min(oldest, default=math.inf)

    def shed(
        self,
        before_s: float,
        qos_1_before_s: float,
        waived: Collection[str] = (),
        only: Collection[str] | None = None,
    ) -> list[int]:
        """Drop the oldest messages of every topic, but not its newest, up to a time of arrival for each QoS.

        Topics ``waived`` keep theirs; with ``only``, so do all others than these.

        Returns:
            Their tokens.
        """
        tokens: list[int] = []
        with self._lock:
            for topic, queue in self._waiting.items():
                dropped = 0
                if topic in waived or (only is not None and topic not in only):
                    continue
                while len(queue) > 1 and queue[0][1] < (qos_1_before_s if queue[0][3] else before_s):
                    payload, _, token, *_ = queue.popleft()
                    self._bytes[topic] -= len(payload)
                    tokens.append(token)
                    dropped += 1
                if dropped:
                    _mark(queue)
                    self._note_dropped(topic, dropped)
        return tokens

    def _note_dropped(self, topic: str, messages: int) -> None:
        self._counts.overflowed += messages
        self._note_overflow(topic)

    def counts(self) -> InboxCounts:
        """Copy of the counts; the set of overflowed topics is reset with each call."""
        with self._lock:
            counts = self._counts
            result = InboxCounts(counts.messages, counts.overflowed, counts.refused_topics, counts.overflowed_topics)
            counts.overflowed_topics = set()
        return result

    def _shorten(self, topic: str, queue: deque[Message], share: int) -> list[int]:
        """Drop the oldest messages of a topic that holds too much, but not the newest; return their tokens."""
        dropped = []
        while len(queue) > 1 and (len(queue) > self._per_topic * share or self._bytes[topic] > TOPIC_BYTES * share):
            payload, _, token, *_ = queue.popleft()
            self._bytes[topic] -= len(payload)
            self._counts.overflowed += 1
            dropped.append(token)
        _mark(queue)
        self._note_overflow(topic)
        return dropped

    def _note_overflow(self, topic: str) -> None:
        if len(self._counts.overflowed_topics) < self._max_topics:
            self._counts.overflowed_topics.add(topic)

    def _open(self, topic: str) -> deque[Message] | None:
        if len(self._waiting) >= self._max_topics and not self.expects(topic):
            self._counts.refused_topics += 1
            return None
        return self._waiting.setdefault(topic, deque())


def _mark(queue: deque[Message]) -> None:
    """Messages before the oldest one have been dropped."""
    payload, arrived_s, token, is_qos_1, _ = queue[0]
    queue[0] = (payload, arrived_s, token, is_qos_1, True)
