"""The connection of a strap or phone to a bridge: the retained message on ``player/{device}/link``.

>>> link = LinkMessage("007", "lost", since_s=1767261600.0, t_s=1767261630.0, reason="out of range", reconnects=2)
>>> decode(encode(link)) == link
True
>>> link.is_current(1767261650.0), link.is_current(1767261700.0)
(True, False)
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from athlete_monitor.errors import PayloadError

LinkState = Literal["searching", "connected", "lost", "off"]

EVERY_S: Final = 10.0
"""Interval at which a bridge repeats the state of each device, s; a change of state is published at once."""
FORGOTTEN_S: Final = 35.0
"""An older message is no longer valid: the bridge itself has gone."""


class LinkMessage(msgspec.Struct, frozen=True, omit_defaults=False):
    """The connection of one device.

    Attributes:
        device_id: as in the topic.
        state: ``searching``: not found since the bridge started; ``connected``; ``lost``: was connected, the bridge
            tries again; ``off``: the bridge was stopped.
        since_s: when the state began, epoch seconds by the box's clock.
        t_s: when this was published, epoch seconds.
        seen_s: when the last reading came, epoch seconds; None before the first.
        athlete_id: the wearer according to the roster; None if it has no wearer.
        name: as the device calls itself.
        address: Bluetooth address, or the id that a phone gives itself.
        adapter: the Bluetooth adapter, such as ``hci0``.
        rssi_dbm: strength of the signal, dBm; None where unknown.
        battery_percent: charge of the battery, %; None where unknown.
        contact: whether the strap touches the skin; None if it does not report this.
        artefact_percent: share of the last minute's intervals that are not heartbeats, %; None without intervals.
        reconnects: how often the connection was lost since the bridge started.
        reason: why it is not connected, in a few words; None if it is.
    """

    device_id: str
    state: LinkState
    since_s: float
    t_s: float
    seen_s: float | None = None
    athlete_id: int | None = None
    name: str | None = None
    address: str | None = None
    adapter: str | None = None
    rssi_dbm: float | None = None
    battery_percent: float | None = None
    contact: bool | None = None
    artefact_percent: float | None = None
    reconnects: int = 0
    reason: str | None = None

    def is_current(self, now_s: float) -> bool:
        """Return whether the message is still valid at this time of the box's clock."""
        return self.state == "off" or now_s - self.t_s <= FORGOTTEN_S


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(LinkMessage)


def encode(link: LinkMessage) -> bytes:
    """Return the payload of a message."""
    return _encoder.encode(link)


def decode(payload: bytes) -> LinkMessage:
    """Return what a payload says.

    Raises:
        PayloadError: it is not such a message.
    """
    try:
        return _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PayloadError(f"not a link message: {error}") from None
