"""Why an encrypted connection fails, in words: what is wrong with which certificate, and which setting is meant."""

from __future__ import annotations

import ssl
from datetime import datetime
from typing import Final

_REASONS: Final = {
    9: "the server's certificate, or mqtt.tls.ca_file, is not valid yet ({clock})",
    10: "the server's certificate, or mqtt.tls.ca_file, has expired ({clock})",
    18: "the server's certificate is signed by itself, not by mqtt.tls.ca_file",
    19: "the server's certificate is not signed by mqtt.tls.ca_file",
    20: "the server's certificate is not signed by mqtt.tls.ca_file",
    21: "the server's certificate is not signed by mqtt.tls.ca_file",
    62: "the server's certificate is not for the name mqtt.host",
    64: "the server's certificate is not for the address mqtt.host",
}
"""OpenSSL's numbers of what it found in a certificate."""
_PLAIN: Final = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"})


def tls_problem(error: BaseException, now: datetime | None = None) -> str | None:
    """Return in one sentence why the encryption of a connection failed; None for any other error.

    Args:
        error: what the connection raised.
        now: the clock of this machine: one that is wrong makes good certificates look expired.
    """
    if not isinstance(error, ssl.SSLError):
        return None
    if isinstance(error, ssl.SSLCertVerificationError):
        clock = f"the clock of this machine says {now or datetime.now().astimezone():%Y-%m-%d %H:%M}"
        return _REASONS.get(error.verify_code, error.verify_message or "the certificate is not valid").format(
            clock=clock
        )
    reason = getattr(error, "reason", None)  # Python sets it on what OpenSSL raised only
    if reason in _PLAIN:
        return "the server does not use encryption on this port (mqtt.port, mqtt.tls.enabled)"
    words = (reason or "no reason given").replace("_", " ").lower()
    return f"the server and this machine do not agree on the encryption ({words})"
