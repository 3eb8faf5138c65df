"""Check the certificates of the broker and the screen: readable, of their keys, and valid at this time."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from athlete_monitor.deploy.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from cryptography.x509 import Certificate

    from athlete_monitor.config import Config
    from athlete_monitor.deploy.findings import Level

SOON_DAYS: Final = 60
SETUP: Final = "python3 jetson_deploy.py setup --secure --tls, then restart broker and screen"
REPLACE: Final = "a new certificate from its issuer"
CLOCK: Final = "set the clock: sudo timedatectl set-ntp true"


@dataclass(frozen=True)
class CertificateFile:
    """A certificate file and where it is configured.

    Attributes:
        name: the setting, or the file's purpose.
        file: PEM; an authority's file may hold several.
        key: the file of its key, if it has one here.
        remedy: how it is replaced.
    """

    name: str
    file: Path
    key: Path | None = None
    remedy: str = REPLACE


def certificate_findings(config: Config, home: Path, now: datetime) -> Iterator[Finding]:
    """Return a finding for each certificate that the configuration or ``setup --tls`` names."""
    return (_readable(each, now) for each in _files(config, home / "broker" / "tls"))


def _files(config: Config, own: Path) -> Iterator[CertificateFile]:
    tls, screen = config.mqtt.tls, config.dashboard.tls
    named = [("dashboard.tls.cert_file", screen.cert_file, screen.key_file)]
    if tls.enabled:
        named += [("mqtt.tls.ca_file", tls.ca_file, None), ("mqtt.tls.cert_file", tls.cert_file, tls.key_file)]
    made = [("of the box", own / "box.crt", own / "box.key"), ("of the box's authority", own / "ca.crt", None)]
    known = set()
    for name, file, key in [*named, *((name, file, key) for name, file, key in made if file.exists())]:
        if file is not None and file not in known:
            known.add(file)
            yield CertificateFile(name, file, key, SETUP if file.parent == own else REPLACE)


def _readable(each: CertificateFile, now: datetime) -> Finding:
    try:
        return _finding(each, now)
    except OSError as error:
        return Finding("certificate", "fail", f"{each.name}: {each.file}: {error.strerror or error}", each.remedy)


def _finding(each: CertificateFile, now: datetime) -> Finding:
    from cryptography.x509 import load_pem_x509_certificates

    try:
        found = load_pem_x509_certificates(each.file.read_bytes())
    except ValueError:
        return Finding("certificate", "fail", f"{each.name}: {each.file} is not a PEM certificate", each.remedy)
    if each.key is not None and not _belongs(each.file, each.key):
        return Finding("certificate", "fail", f"{each.name}: {each.key} is not its key", each.remedy)
    return _dated(each, max(found, key=lambda one: one.not_valid_after_utc), now)


def _dated(each: CertificateFile, found: Certificate, now: datetime) -> Finding:
    begins, ends = found.not_valid_before_utc, found.not_valid_after_utc
    if now < begins:
        text = f"{each.name}: not valid before {begins:%Y-%m-%d}; the clock says {now:%Y-%m-%d}"
        return Finding("certificate", "fail", text, CLOCK)
    level: Level = "fail" if ends <= now else "warn" if ends <= now + timedelta(days=SOON_DAYS) else "ok"
    verb = "expired" if ends <= now else "valid until"
    return Finding("certificate", level, f"{each.name}: {verb} {ends:%Y-%m-%d}", "" if level == "ok" else each.remedy)


def _belongs(certificate: Path, key: Path) -> bool:
    """Return whether the key is that of the certificate.

    Raises:
        OSError: a file cannot be read.
    """
    key.read_bytes()
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: "")
    except ssl.SSLError:
        return False
    return True
