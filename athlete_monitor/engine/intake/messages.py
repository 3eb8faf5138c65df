"""From payloads to samples: invalid ones are counted, logged and shown; samples beyond the limits are dropped."""

from __future__ import annotations

import logging
import math
import re
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from athlete_monitor.boundary import printable
from athlete_monitor.engine.intake.far_ahead import FarAhead
from athlete_monitor.errors import PayloadError
from athlete_monitor.wire.topics import device_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from athlete_monitor.engine.counts import Counts
    from athlete_monitor.engine.intake.guard import IntakeBudgets
    from athlete_monitor.wire.codec import Decoder
    from athlete_monitor.wire.sample import Sample

_log = logging.getLogger(__name__)

LOG_EVERY_S: Final = 1.0
NOTICE_EVERY_S: Final = 60.0
"""Shortest time between two notices about the same device."""
DEVICE_LENGTH: Final = 32
REASONS_KINDS: Final = 200
_MOST_KEYS: Final = 8
_time_of = attrgetter("t")
_DEVICE: Final = re.compile(rb'"device_id"\s*:\s*"([A-Za-z0-9_-]{1,32})"')
_HEAD_BYTES: Final = 512


def _named_in(payload: bytes) -> str | None:
    """Return the device that the beginning of a payload names, without decoding it."""
    found = _DEVICE.search(payload, 0, _HEAD_BYTES)
    return found[1].decode() if found else None


@dataclass
class Rejection:
    """Invalid messages of one device."""

    device_id: str
    reason: str
    last_s: float
    count: int = 0
    noticed_s: float = float("-inf")
    logged_s: float = float("-inf")


class Intake:
    """Decodes messages, and keeps the senders of invalid ones.

    Args:
        decoder: for payloads.
        guard: how much a device may send.
        counts: counters of the engine.
        notice: called with a sentence for the operator.
        max_devices: largest number of senders of invalid messages that are kept.
        wall_s: the box's clock, epoch seconds; for recordings none, whose samples may be of any time.
    """

    def __init__(
        self,
        decoder: Decoder,
        guard: IntakeBudgets,
        counts: Counts,
        notice: Callable[[str], None],
        max_devices: int,
        wall_s: Callable[[], float] = lambda: math.inf,
    ) -> None:
        self._ahead = FarAhead(wall_s, notice, max_devices)
        self._decoder, self._guard, self._counts, self._notice = decoder, guard, counts, notice
        self._max_devices = max_devices
        self._rejections: dict[str, Rejection] = {}
        self._fast: dict[str, Rejection] = {}
        decoder.on_unused, decoder.on_left_out = self._unused, self._left_out
        self._arrived_s = float("-inf")

    def samples(self, topic: str, payload: bytes, arrived_s: float) -> Sequence[Sample] | str:
        """Return the samples of a message in order of time, or the sender's name if the message is invalid."""
        if not payload:  # deletes a message that the broker retained
            return ()
        device_id = device_of(topic)
        sender = device_id or _named_in(payload)
        if sender is not None and self._guard.is_exhausted(sender, arrived_s):
            self._over_rate(sender, 1, arrived_s)
            return ()
        self._arrived_s = arrived_s
        try:
            samples = self._decoder.decode(payload, device_id, partial(self._allow, arrived_s))
        except PayloadError as error:
            return self._invalid((device_id or topic)[:DEVICE_LENGTH], str(error), arrived_s)
        return self._ahead.dated(sorted(samples, key=_time_of) if len(samples) > 1 else samples)

    def _allow(self, arrived_s: float, device_id: str, wanted: int) -> int:
        """Return how many of a message's samples are made at all: making them is most of what a large one costs."""
        allowed = self._guard.samples(device_id, arrived_s, wanted)
        if allowed < wanted:
            self._over_rate(device_id, wanted - allowed, arrived_s)
        return allowed

    def not_understood(self, since_s: float) -> list[Rejection]:
        """Return the senders of invalid messages since then, by name."""
        recent = [each for each in list(self._rejections.values()) if each.last_s >= since_s]
        return sorted(recent, key=lambda each: each.device_id)

    def _left_out(self, device_id: str, reason: str, _count: int) -> None:
        """Count and report a batch in which some samples are not valid; the others are used."""
        self._invalid(device_id, f"{reason}; the other samples of the batch are used", self._arrived_s)

    def _invalid(self, who: str, reason: str, arrived_s: float) -> str:
        self._counts.invalid += 1
        reasons = self._counts.invalid_reasons
        kind = reason.partition(" - at ")[0]
        reasons[kind if kind in reasons or len(reasons) < REASONS_KINDS else "other"] += 1
        known = self._remember(self._rejections, who, reason, arrived_s)
        if known.count == 1 or arrived_s - known.noticed_s >= NOTICE_EVERY_S:
            known.noticed_s = known.logged_s = arrived_s
            self._notice(f"messages of {who} are not understood: {reason}")  # which is logged too
        elif arrived_s - known.logged_s >= LOG_EVERY_S:
            known.logged_s = arrived_s
            _log.warning("event=invalid_payload from=%r reason=%r count=%d", who, reason, known.count)
        return who

    def _unused(self, device_id: str, unused: dict[str, str | None]) -> None:
        """Report once which keys of a device are ignored; on the screen too if one resembles a key of ours."""
        named = [f"{key} (did you mean {ours}?)" if ours else key for key, ours in unused.items()][:_MOST_KEYS]
        text = printable(f"device {device_id} sends keys that are not used: {', '.join(named)}")
        _log.info("event=unused_keys device=%s keys=%r", device_id, ", ".join(named))
        if any(unused.values()):
            self._notice(text)

    def _over_rate(self, device_id: str, dropped: int, arrived_s: float) -> None:
        self._counts.over_rate += dropped
        known = self._remember(self._fast, device_id, "too fast", arrived_s)
        if arrived_s - known.noticed_s >= NOTICE_EVERY_S:
            known.noticed_s = arrived_s
            self._notice(f"device {device_id} sends faster than engine.max_rate_hz: the excess is dropped")

    def _remember(self, known: dict[str, Rejection], who: str, reason: str, arrived_s: float) -> Rejection:
        found = known.get(who)
        if found is None:
            if len(known) >= self._max_devices:
                known.clear()
            found = known[who] = Rejection(who, reason, arrived_s)
        found.reason, found.last_s, found.count = reason, arrived_s, found.count + 1
        return found
