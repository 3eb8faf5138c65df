"""An identifier of this machine."""

from __future__ import annotations

import hashlib
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_LENGTH: Final = 12
_NO_ADDRESS: Final = "00:00:00:00:00:00"


def machine_id(root: Path = Path("/")) -> str:
    """Return twelve hexadecimal digits that stay the same on this machine and differ on any other.

    They are a hash of systemd's machine id, the board's serial number and the addresses of the built-in network cards.
    Memory cards are cloned with their machine id, so that id is not enough. Where none of these exist (a container),
    the host's name is used instead. The hash does not reveal its inputs.

    Args:
        root: where the file system begins.
    """
    known = list(_marks(root)) or [socket.gethostname()]
    return hashlib.sha256("\n".join(["athlete-monitor", *known]).encode()).hexdigest()[:_LENGTH]


def _marks(root: Path) -> Iterator[str]:
    for file in ("etc/machine-id", "var/lib/dbus/machine-id"):
        if text := _text(root / file):
            yield text
            break
    if text := _text(root / "proc/device-tree/serial-number"):  # that of a PC can be read by root only
        yield text
    cards = (root / "sys/class/net").glob("*/device")
    addresses = {_text(card.parent / "address") for card in cards if "usb" not in str(card.resolve())}
    yield from sorted(address for address in addresses if address and address != _NO_ADDRESS)


def _text(file: Path) -> str | None:
    try:
        return re.sub(r"[\x00\s]+", "", file.read_text(encoding="utf-8", errors="replace")) or None
    except OSError:
        return None
