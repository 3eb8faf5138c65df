"""Real handshakes with servers whose certificates have a fault: the reason in words."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from athlete_monitor.deploy.certificates import make_authority, make_certificate
from athlete_monitor.wire.tls_problems import tls_problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime.now(timezone.utc)
AUTHORITY = make_authority("box", NOW - timedelta(days=200))
OTHER = make_authority("another box", NOW)


def server_context(folder: Path, names: list[str], start: datetime, days: int) -> ssl.SSLContext:
    pair = make_certificate(AUTHORITY, names, start, days)
    (folder / "box.crt").write_bytes(pair.certificate)
    (folder / "box.key").write_bytes(pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "box.crt", folder / "box.key")
    return context


def handshake(served: ssl.SSLContext | None, trusted: bytes, host: str) -> str | None:
    """Return the problem of one connection between two ends of a socket."""
    here, there = socket.socketpair()
    here.settimeout(30)
    there.settimeout(30)

    def serve() -> None:
        with there, suppress(OSError):
            if served is None:
                there.recv(1)
                there.sendall(b"\x20\x02\x00\x00HTTP")
            else:
                with served.wrap_socket(there, server_side=True) as link:
                    link.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with here, ssl.create_default_context(cadata=trusted.decode()).wrap_socket(here, server_hostname=host):
            return None
    except ssl.SSLError as error:
        return tls_problem(error, datetime(1970, 1, 1, 0, 5, tzinfo=timezone.utc))
    finally:
        thread.join()


def faults() -> Iterator[tuple[dict[str, object], bytes, str, str | None]]:
    day = timedelta(days=1)
    good = {"names": ["box.local"], "start": NOW, "days": 30}
    mine = AUTHORITY.certificate
    yield good, mine, "box.local", None
    yield good | {"start": NOW - 90 * day}, mine, "box.local", "has expired (the clock of this machine says 1970"
    yield good | {"start": NOW + 9 * day}, mine, "box.local", "is not valid yet (the clock of this machine says 1970"
    yield good, mine, "other.local", "is not for the name mqtt.host"
    yield good, mine, "127.0.0.1", "is not for the address mqtt.host"
    yield good, OTHER.certificate, "box.local", "is not signed by mqtt.tls.ca_file"


@pytest.mark.parametrize(("served", "trusted", "host", "expected"), list(faults()))
def test_the_fault_of_a_certificate_is_named(tmp_path, served, trusted, host, expected):
    problem = handshake(server_context(tmp_path, **served), trusted, host)
    assert (problem is None) == (expected is None)
    assert (expected or "") in (problem or "")


def test_a_listener_without_encryption_is_named():
    problem = handshake(None, AUTHORITY.certificate, "box.local")
    assert problem == "the server does not use encryption on this port (mqtt.port, mqtt.tls.enabled)"


def test_other_errors_have_no_reason_of_encryption():
    assert tls_problem(ConnectionRefusedError(111, "Connection refused")) is None
    assert tls_problem(ssl.SSLError(1, "[SSL] unknown")) is not None
