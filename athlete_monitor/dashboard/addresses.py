"""Addresses that people type or scan: of the screen, and of the broker."""

from __future__ import annotations

import io
import socket
from typing import TYPE_CHECKING, Final

import segno

from athlete_monitor.wire.broker import is_loopback

if TYPE_CHECKING:
    from athlete_monitor.config import Config, Dashboard

_ANY: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not bound


def screen_address(dashboard: Dashboard) -> str:
    """Return the address that a browser opens.

    >>> from types import SimpleNamespace as S
    >>> screen_address(S(host="127.0.0.1", port=8080, tls=S(cert_file=None)))
    'http://127.0.0.1:8080'
    """
    host = own_address() if dashboard.host in _ANY else dashboard.host
    scheme = "https" if dashboard.tls.cert_file else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{dashboard.port}"


def broker_address(config: Config) -> str:
    """Return the address to which devices publish."""
    mqtt = config.mqtt
    host = own_address() if mqtt.host in _ANY else mqtt.host
    return f"{'mqtts' if mqtt.tls.enabled else 'mqtt'}://{host}:{mqtt.port}"


def own_address() -> str:
    """Return this machine's address in its network; its loopback address where it has none.

    Nothing is sent: connecting a datagram socket only asks the kernel for the route.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))
            return str(sock.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def qr_code(text: str) -> bytes:
    """Return a QR code as SVG."""
    file = io.BytesIO()
    segno.make(text, error="m").save(file, kind="svg", border=2, scale=4, xmldecl=False)
    return file.getvalue()


def is_reachable(dashboard: Dashboard) -> bool:
    """Return whether other devices can open the screen."""
    return not is_loopback(dashboard.host)
