"""``bridge.py phone``: messages of phone apps become samples of the devices that the phones represent."""

from __future__ import annotations

import logging
import queue
import re
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec

from athlete_monitor.arguments import DEVICE_PATTERN
from athlete_monitor.boundary import described
from athlete_monitor.bridge.phone import Phone
from athlete_monitor.bridge.phone_messages import read_message
from athlete_monitor.errors import PayloadError
from athlete_monitor.wire import topics
from athlete_monitor.wire.link import EVERY_S
from athlete_monitor.wire.topics import plain_device

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from athlete_monitor.athletes import Athlete
    from athlete_monitor.bridge.gravity import Sign
    from athlete_monitor.bridge.outlet import Outlet
    from athlete_monitor.bridge.phone_messages import PhoneMessage
    from athlete_monitor.wire.link import LinkMessage

_log = logging.getLogger(__name__)

MOST_PHONES: Final = 500
FORGOTTEN_S: Final = 3600.0
RESTS_S: Final = 2.0
"""After so long without a message, what waits for more is published."""
MOST_WAITING: Final = 2000
_STRAPS: Final = topics.strap("")
_DEVICE: Final = re.compile(DEVICE_PATTERN)


class PhoneBridge:
    """Translates the messages of phones.

    Args:
        outlet: where samples go.
        roster: who the athletes are now.
        rate_hz: samples a second of each phone.
        factors: units of the wire, see ``wire_values``.
        sign: of gravity, see ``gravity``.
        on_link: called with each link that is published.
    """

    def __init__(
        self,
        outlet: Outlet,
        roster: Callable[[], Iterable[Athlete]],
        *,
        rate_hz: float,
        factors: Mapping[str, float],
        sign: Sign = "auto",
        on_link: Callable[[LinkMessage], None] = lambda _link: None,
    ) -> None:
        self.refused: dict[str, int] = {}
        self._outlet, self._roster, self._on_link = outlet, roster, on_link
        self._rate_hz, self._factors, self._sign = rate_hz, factors, sign
        self._phones: dict[str, Phone] = {}
        self._said: dict[str, tuple[str, str | None, float]] = {}

    def take(self, topic: str, payload: bytes, now_s: float) -> None:
        """Take a message; one that cannot be used is counted by its reason and stops nothing."""
        try:
            self._translate(topic, payload, now_s)
        except (PayloadError, msgspec.DecodeError) as error:
            self._refuse(topic, str(error))
        except Exception as error:  # noqa: BLE001 - the boundary: whatever a phone sends, the others go on
            self._refuse(topic, described(error).cause)

    def tick(self, now_s: float) -> None:
        """Publish what waits for messages that do not come, and how the phones are heard."""
        straps = {each.device for each in self._roster() if each.strap}
        for device, phone in list(self._phones.items()):
            if phone.silent_s(now_s) > FORGOTTEN_S:
                del self._phones[device]
            elif phone.silent_s(now_s) > RESTS_S:
                self._publish(phone, phone.rest())
            else:
                self._outlet.joins(device)
            if device not in straps:  # the strap's own link says more
                self._report(phone.link(now_s), now_s)

    def end(self, now_s: float) -> None:
        """The bridge ends."""
        for phone in self._phones.values():
            self._publish(phone, phone.rest())
            self._outlet.link(phone.link(now_s, off=True))

    def _translate(self, topic: str, payload: bytes, now_s: float) -> None:
        if topic.startswith(_STRAPS):
            self._join(topic, payload)
            return
        message = read_message(payload)
        phone = self._phone(device_of(topic, message))
        self._publish(phone, phone.take(message, now_s))

    def _join(self, topic: str, payload: bytes) -> None:
        """Take a message of the bridge of straps; without a phone it goes on as it is."""
        device = topic.removeprefix(_STRAPS)
        message = msgspec.json.decode(payload, type=dict[str, Any])
        samples = message.get("samples", [message])
        phone = self._phones.get(device)
        if phone is None:
            own = ("device_id", "seq", "samples")
            self._outlet.samples(device, [{k: v for k, v in one.items() if k not in own} for one in samples])
            return
        for sample in samples:
            phone.join(sample)

    def _phone(self, device: str) -> Phone:
        if device not in self._phones:
            if len(self._phones) >= MOST_PHONES:
                raise PayloadError(f"more than {MOST_PHONES} phones")
            athlete = next((each.id for each in self._roster() if each.device == device), None)
            self._phones[device] = Phone(
                device, rate_hz=self._rate_hz, factors=self._factors, sign=self._sign, athlete_id=athlete
            )
        return self._phones[device]

    def _publish(self, phone: Phone, samples: list[dict[str, object]]) -> None:
        if samples:
            self._outlet.samples(phone.device_id, samples, **phone.health())

    def _report(self, found: LinkMessage, now_s: float) -> None:
        state, reason, said_s = self._said.get(found.device_id, ("", None, 0.0))
        if (state, reason) != (found.state, found.reason) or now_s - said_s >= EVERY_S:
            self._said[found.device_id] = found.state, found.reason, now_s
            self._outlet.link(found)
            self._on_link(found)

    def _refuse(self, topic: str, reason: str) -> None:
        if reason not in self.refused:
            _log.warning("event=phone_message_refused topic=%r reason=%r", topic, reason)
        if len(self.refused) < MOST_PHONES or reason in self.refused:
            self.refused[reason] = self.refused.get(reason, 0) + 1


def device_of(topic: str, message: PhoneMessage) -> str:
    """Return the device that a phone represents: by its topic, else by the phone's own id.

    Raises:
        PayloadError: neither can be the id of a device.
    """
    levels = topic.split("/")
    named = levels[1] if len(levels) > 1 else message.sender.partition("/")[0].replace("-", "")
    device = plain_device(named)
    if not _DEVICE.fullmatch(device):
        raise PayloadError("no device: the last level of the topic is its id, such as phone/007")
    return device


class PhoneInbox:
    """What has come and waits to be read; what does not fit is counted and dropped."""

    def __init__(self) -> None:
        self.dropped = 0
        self._waiting: queue.Queue[tuple[str, bytes, float]] = queue.Queue(MOST_WAITING)

    def put(self, topic: str, payload: bytes) -> None:
        """Take a message; called in the network thread."""
        try:
            self._waiting.put_nowait((topic, payload, time.time()))
        except queue.Full:
            self.dropped += 1

    def get(self, timeout_s: float) -> tuple[str, bytes, float] | None:
        """Return the oldest message with the time at which it came; None where none comes in time."""
        try:
            return self._waiting.get(timeout=timeout_s)
        except queue.Empty:
            return None
