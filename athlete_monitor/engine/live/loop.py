"""The loop of the live engine: take messages, step, do upkeep. No device can block the others."""

from __future__ import annotations

import math
import time
from collections import deque
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from athlete_monitor.engine.live.pace import StepPace, Throughput
from athlete_monitor.engine.stepping import FAR_BEHIND
from athlete_monitor.wire.topics import device_of, sensor_data

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from athlete_monitor.engine.intake.inbox import Inbox, Message
    from athlete_monitor.engine.live.stats import Lags
    from athlete_monitor.engine.live.upkeep import Upkeep
    from athlete_monitor.engine.monitor import Monitor

LOOK_S: Final = 0.0005
STEP_COALESCES: Final = 2.0
"""Steps start at least this many times ``engine.coalesce_ms`` apart. A larger value saves processor time and costs
latency."""
MESSAGES_A_ROUND: Final = 16
"""Most messages of one topic that are taken in a round."""
AHEAD_S: Final = 0.5
"""About as many samples wait outside the inbox as are used in this time: of those in it, an overloaded engine drops the
oldest."""
ASSUMED_PER_S: Final = 8000.0
"""Samples used in a second, before any have been."""
FEWEST_AHEAD: Final = 256
"""So many samples may wait outside the inbox however slow the machine is."""
NEW_MESSAGES: Final = 64
"""A session begins with at most so many of the messages that wait."""
NEW_KEPT_S: Final = 3.0
"""Messages of QoS 0 that have waited for the beginning of their session for longer are dropped, but not the newest: the
engine is overloaded."""
BEGIN_S: Final = 0.02
"""Longest time in a round for devices whose sessions begin: however many they are, running sessions do not wait."""
BEGIN_SHARE: Final = 0.25
"""But always this share of the time that the last step took, and of the samples that may wait outside the inbox: an
overloaded engine begins sessions too."""
MOST_NEW: Final = 20_000
"""Most devices that wait for their beginning; of further ones each message is used as it comes."""
LATE_S: Final = 2.0
"""Where messages have waited longer than this, and still do after as long again, the engine is overloaded."""
OVERLOADED_S: Final = 10.0
"""For so long after that, messages that have waited longer than ``LATE_S`` are dropped at once."""
SAMPLES_A_ROUND: Final = 32
"""Most samples of one device that are used in a round."""
CROWDED_SAMPLES: Final = 10
"""Where most devices are behind, one with more waiting samples gets no further messages: they wait in the inbox, where
an overloaded engine drops the oldest, so that figures stay fresh."""
FEW_DEVICES: Final = 8
"""So many devices may be behind in any case before the engine counts as overloaded; else half of them."""
STEP_S: Final = 0.02
"""After this long only the first sample of each device is used in a round, where few devices have samples."""
WIDE_S: Final = 0.2
"""The same where all devices have samples, or as many wait as may: wide steps are the cheapest way to catch up. 2,000
devices that sent 400,000 samples in 20 s: 343,420 used with it, 255,120 with ``STEP_S`` for all
(``benchmarks/engine.py --batch 10``)."""
ROUND_S: Final = 0.05
"""Longest time for decoding messages in a round; the others wait for the next."""
DRAIN_S: Final = 5.0
"""At a stop, longest time for using received messages."""


class Loop:
    """Passes messages from the inbox to the monitor, in rounds of bounded length.

    Args:
        inbox: the queue that the network thread fills.
        monitor: gets the messages.
        upkeep: is called between rounds.
        lags: gets the latency of messages.
        coalesce_ms: ``engine.coalesce_ms``.
        on_overload: called with the engine's clock, and topics that it is not about, when it cannot use messages in
            time.
    """

    def __init__(
        self,
        inbox: Inbox,
        monitor: Monitor,
        upkeep: Upkeep,
        lags: Lags,
        coalesce_ms: float,
        on_overload: Callable[[float, Collection[str]], object] = lambda _now_s, _waived: None,
    ) -> None:
        self._inbox, self._monitor, self._upkeep, self._lags = inbox, monitor, upkeep, lags
        self._on_overload = on_overload
        self._coalesce_s = coalesce_ms / 1000.0
        self._taken: deque[tuple[str, Message]] = deque()
        self._new: dict[str, None] = {}
        """Topics of devices without a session whose messages wait in the inbox, the oldest device first."""
        self._late_since_s, self._overloaded_s = math.inf, -math.inf
        self._arrivals: list[float] = []
        self._pace = StepPace(STEP_COALESCES * self._coalesce_s)
        self._throughput = Throughput(ASSUMED_PER_S)
        self._step_s = 0.0
        self._entered, self._messages, self._per_message = 0, 0, 1.0

    def run(self, is_over: Callable[[float], bool]) -> None:
        """Serve until ``is_over``, which is called with the time since the start, s."""
        start_s = time.monotonic()
        self._upkeep.begin(start_s)
        while True:
            if self._inbox.wait(self._patience_s()) and not self._is_behind:
                time.sleep(LOOK_S)  # further messages usually follow at once
            began_s, samples = time.monotonic(), self._monitor.counts.samples
            self._receive()
            if self._is_due():
                began_s += self._wait_for_company()
                self._step()
            self._begin()
            now_s = time.monotonic()
            self._upkeep.look(now_s)
            if self._is_behind or len(self._inbox):  # else what arrives limits it
                self._throughput.note(self._monitor.counts.samples - samples, time.monotonic() - began_s)
            if is_over(now_s - start_s):
                return

    def drain(self) -> None:
        """Use the messages that have already arrived; the intake is closed."""
        end_s = time.monotonic() + DRAIN_S
        while (self._receive() or self._is_behind) and time.monotonic() < end_s:
            self._begin()
            self._step()
        self._step()

    @property
    def _is_behind(self) -> bool:
        """Whether messages or samples wait that can be used at once."""
        return bool(self._taken or self._new) or self._monitor.stepper.is_behind

    def _patience_s(self) -> float:
        """How long to wait for messages."""
        if self._is_behind:
            return 0.0
        return max(0.0, min(self._upkeep.due_s, self._monitor.stepper.due_s) - time.monotonic())

    def _is_due(self) -> bool:
        """Whether waiting samples must be used, or those of all devices wait and cause an output."""
        stepper = self._monitor.stepper
        return time.monotonic() >= stepper.due_s or (stepper.has_output and self._is_complete())

    def _receive(self) -> bool:
        """Take received messages, within limits; return whether there were any."""
        if not self._taken:
            self._take()
        found = bool(self._taken)
        end_s = time.monotonic() + ROUND_S
        while self._taken:
            self._use(*self._taken.popleft())
            if time.monotonic() >= end_s:
                break
        return found

    def _take(self) -> None:
        """Take messages out of the inbox, and drop there what an overloaded engine cannot use in time."""
        stepper = self._monitor.stepper
        behind = stepper.behind_by(CROWDED_SAMPLES if self._is_crowded else FAR_BEHIND)
        held = {sensor_data(device_id) for device_id in behind}
        self._find_new()
        now_s = time.monotonic()
        self._inbox.shed(now_s - NEW_KEPT_S, -math.inf, only=self._new)
        is_overloaded = now_s - self._overloaded_s < OVERLOADED_S
        self._shed(now_s, held if self._are_few(held) and not is_overloaded else set())
        held.update(self._new)
        of_a_topic, total = self._most()
        self._taken.extend(_interleaved(self._inbox.take(of_a_topic, held, total)))

    def _most(self) -> tuple[int, int]:
        """Most messages to take of one topic and of all together: fewer where a message holds many samples."""
        stepper, counts = self._monitor.stepper, self._monitor.counts
        entered = stepper.queued + counts.samples
        if self._messages:
            self._per_message = max(1.0, (entered - self._entered) / self._messages)
        self._entered, self._messages = entered, 0
        total = (self._ahead - stepper.queued_up_to(SAMPLES_A_ROUND)) / self._per_message
        of_a_topic = min(total / max(1, len(self._inbox)), FAR_BEHIND / self._per_message, MESSAGES_A_ROUND)
        return max(1, int(of_a_topic)), max(1, int(total))

    @property
    def _ahead(self) -> float:
        """Number of samples that may wait outside the inbox."""
        return max(AHEAD_S * self._throughput.per_s, FEWEST_AHEAD)

    @property
    def _is_crowded(self) -> bool:
        """Whether most devices have samples waiting that did not fit into the last round."""
        stepper = self._monitor.stepper
        return stepper.is_behind and stepper.waiting > max(FEW_DEVICES, len(self._monitor.sessions) // 2)

    def _are_few(self, held: set[str]) -> bool:
        """Whether only a few devices are behind, because they send what they stored: the engine is not overloaded."""
        return len(held) <= max(FEW_DEVICES, len(self._monitor.sessions) // 2)

    def _shed(self, now_s: float, waived: set[str]) -> None:
        """Drop what cannot be used in time, if that goes on; the topics ``waived`` wait for their own device.

        That sessions wait for their beginning is no overload, but in one they lose what all others lose.
        """
        late_s = now_s - self._inbox.oldest_s(waived.union(self._new))
        if late_s < LATE_S:
            self._late_since_s = math.inf
        else:
            self._late_since_s = min(self._late_since_s, now_s)
        is_lasting = now_s - self._late_since_s >= LATE_S
        if is_lasting or (late_s >= LATE_S and now_s - self._overloaded_s < OVERLOADED_S):
            self._on_overload(now_s, waived)
            self._late_since_s, self._overloaded_s = math.inf, now_s

    def _find_new(self) -> None:
        """Find devices that send and have no session: they wait for their beginning."""
        running = self._monitor.sessions
        for topic in self._inbox.topics():
            if len(self._new) >= MOST_NEW:
                return
            device_id = device_of(topic)
            if device_id is not None and device_id not in running:
                self._new[topic] = None

    def _begin(self) -> None:
        """Begin sessions of devices that wait, within the time for it; at least one."""
        if not self._new:
            return
        end_s = time.monotonic() + max(BEGIN_S, BEGIN_SHARE * self._step_s)
        room = max(self._ahead - self._monitor.stepper.queued_up_to(SAMPLES_A_ROUND), BEGIN_SHARE * self._ahead)
        while self._new:
            topic = next(iter(self._new))
            del self._new[topic]
            for message in self._inbox.take_of(topic, NEW_MESSAGES):
                self._use(topic, message)
                room -= self._per_message
            if room <= 0.0 or time.monotonic() >= end_s:
                return

    def _use(self, topic: str, message: Message) -> None:
        payload, arrived_s, token, _, follows_gap = message
        if follows_gap:
            self._monitor.note_gap(topic)
        self._monitor.receive(topic, payload, arrived_s, token)
        self._arrivals.append(arrived_s)
        self._messages += 1

    def _wait_for_company(self) -> float:
        """Wait briefly while messages of more devices arrive: one wide step costs less than several narrow ones.

        Returns:
            How long that took, s.
        """
        if self._is_behind:
            return 0.0
        began_s = time.monotonic()
        end_s = began_s + self._coalesce_s
        pause_s = self._pace.next_s - began_s
        if pause_s > 0.0 and not self._is_complete():
            time.sleep(pause_s)
            self._receive()
        while not self._is_complete() and time.monotonic() < end_s:
            time.sleep(min(self._coalesce_s, LOOK_S))
            if not self._receive():
                break
        return time.monotonic() - began_s

    def _is_complete(self) -> bool:
        """Whether samples of the whole squad wait."""
        return self._monitor.stepper.waiting >= len(self._monitor.sessions)

    def _step(self) -> None:
        began_s = time.monotonic()
        self._pace.begin(began_s)
        stepper = self._monitor.stepper
        share = stepper.waiting / max(1, len(self._monitor.sessions))
        share = max(share, stepper.queued_up_to(CROWDED_SAMPLES) / self._ahead)
        end_s = began_s + STEP_S + (WIDE_S - STEP_S) * min(share, 1.0)
        self._monitor.advance(SAMPLES_A_ROUND, lambda: time.monotonic() >= end_s)
        ended_s = time.monotonic()
        self._pace.end(ended_s)
        self._step_s = ended_s - began_s
        self._lags.add(self._arrivals, ended_s)
        self._arrivals = []


def _interleaved(messages: dict[str, list[Message]]) -> Iterator[tuple[str, Message]]:
    """Yield the first message of each topic, then the second of each, and so on."""
    for row in zip_longest(*messages.values()):
        for topic, message in zip(messages, row, strict=True):
            if message is not None:
                yield topic, message
