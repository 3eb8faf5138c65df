"""Tokens with which phones push over HTTP: made of the box's secret and the device's id, so that none is stored.

A token lets one device write its own data and nothing else. A new secret makes all tokens invalid.

>>> token_of(b"secret", "007") == token_of(b"secret", "007"), token_of(b"secret", "008") == token_of(b"secret", "007")
(True, False)
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Final

from athlete_monitor.system.files import PRIVATE, replace_file

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES: Final = 16 * 1024 * 1024
"""Largest message of a phone."""
_LEAST_SECRET: Final = 16
_TOKEN_BYTES: Final = 18


def token_of(secret: bytes, device_id: str) -> str:
    """Return the token of a device."""
    made = hmac.new(secret, f"push:{device_id}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made[:_TOKEN_BYTES]).decode("ascii")


def is_token_of(secret: bytes, device_id: str, token: str) -> bool:
    """Return whether this is the token of the device."""
    return hmac.compare_digest(token_of(secret, device_id).encode(), token.encode("utf-8", "replace"))


def read_secret(file: Path) -> bytes | None:
    """Return the box's secret; None where there is none, and nobody may push."""
    try:
        found = file.read_bytes().strip()
    except OSError:
        return None
    return found if len(found) >= _LEAST_SECRET else None


def make_secret(file: Path) -> bytes:
    """Return the box's secret, made where there is none.

    Raises:
        OSError: it cannot be written.
    """
    found = read_secret(file)
    if found is None:
        found = secrets.token_urlsafe(32).encode()
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, found + b"\n", mode=PRIVATE)
    return found
