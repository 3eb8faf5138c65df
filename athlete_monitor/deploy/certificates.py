"""A local certificate authority for the box: its broker and screen are encrypted without an external service.

The authority's key stays on the box. Devices and browsers only get ``ca.crt``. The box's certificate is renewed before
it expires and when its names change; the authority stays, so nothing has to be installed again.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

AUTHORITY_DAYS: Final = 3650
BOX_DAYS: Final = 820
"""Apple's devices refuse certificates that are valid for more than 825 days."""
RENEW_DAYS: Final = 60
CLOCK_SLACK: Final = timedelta(days=1)
"""The clock of a device without a battery clock may be a little slow."""
_LONGEST_NAME: Final = 64


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as PEM."""

    certificate: bytes
    key: bytes


def make_authority(name: str, now: datetime) -> Pair:
    """Return a new authority.

    Args:
        name: shown to people when they install it, such as the box's host name.
        now: the time from which it is valid.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _named(f"Athlete monitor {name}")
    builder = _builder(subject, subject, key.public_key(), now, AUTHORITY_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    usage = _usage(signs_certificates=True)
    built = builder.add_extension(usage, critical=True).sign(key, hashes.SHA256())
    return Pair(built.public_bytes(serialization.Encoding.PEM), _pem(key))


def make_certificate(authority: Pair, names: Iterable[str], now: datetime, days: int = BOX_DAYS) -> Pair:
    """Return a certificate of the box for these host names and addresses.

    Args:
        authority: the signing authority.
        names: host names and IP addresses under which the box is reached.
        now: the time from which it is valid.
        days: how long it is valid.
    """
    signer = x509.load_pem_x509_certificate(authority.certificate)
    signing_key = serialization.load_pem_private_key(authority.key, None)
    assert isinstance(signing_key, ec.EllipticCurvePrivateKey)  # noqa: S101 - made above
    key, listed = ec.generate_private_key(ec.SECP256R1()), sorted(set(names))
    builder = _builder(_named(listed[0]), signer.subject, key.public_key(), now, days)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    builder = builder.add_extension(
        x509.SubjectAlternativeName([_alternative(name) for name in listed]), critical=False
    )
    built = builder.sign(signing_key, hashes.SHA256())
    return Pair(built.public_bytes(serialization.Encoding.PEM), _pem(key))


def fault_of(certificate: bytes, key: bytes, now: datetime) -> str | None:
    """Return why a certificate and its key must be made again, None if they need not.

    One that is not valid yet has no fault here: the clock may be wrong, and devices already trust this authority.
    """
    try:
        found = x509.load_pem_x509_certificate(certificate)
        public = serialization.load_pem_private_key(key, None).public_key()
    except (ValueError, TypeError):
        return "damaged"
    if public != found.public_key():
        return "its key belongs to another"
    return "expires" if now + timedelta(days=RENEW_DAYS) >= found.not_valid_after_utc else None


def is_good(certificate: Path, key: Path, authority: Path, names: Iterable[str], now: datetime) -> bool:
    """Return whether a certificate exists, of this key and authority, for these names, valid for two more months."""
    try:
        if fault_of(certificate.read_bytes(), key.read_bytes(), now) is not None:
            return False
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        found.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.read_bytes()))
        held = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, TypeError, x509.ExtensionNotFound, _signature_error()):
        return False
    known = {str(each.value) for each in held}
    return found.not_valid_before_utc <= now and known >= set(names)


def names_of_this_box(address: str, local_name: str | None = None) -> list[str]:
    """Return the names and addresses under which this machine is reached.

    Args:
        address: where the broker listens.
        local_name: name in the local network, without ``.local``.
    """
    host = socket.gethostname()
    names = {"localhost", "127.0.0.1", "::1", "athletes.local", host, f"{host.split('.')[0]}.local"}
    if local_name is not None:
        names.add(f"{local_name}.local")
    if not ipaddress.ip_address(address).is_unspecified:
        names.add(address)
    return sorted({name for name in names if _is_certifiable(name)} | _own_addresses())


def _own_addresses() -> set[str]:
    import psutil

    families = {socket.AF_INET, socket.AF_INET6}
    found = [each for card in psutil.net_if_addrs().values() for each in card if each.family in families]
    plain = [ipaddress.ip_address(each.address.partition("%")[0]) for each in found]
    return {str(each) for each in plain if not each.is_link_local}


def _signature_error() -> type[Exception]:
    from cryptography.exceptions import InvalidSignature

    return InvalidSignature


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    start = now.astimezone(timezone.utc)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(start - CLOCK_SLACK).not_valid_after(start + timedelta(days=days))
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)


def _is_certifiable(name: str) -> bool:
    """Return whether a certificate can hold the name: host names of other alphabets are reached by their address."""
    return name.isascii() and "" not in name.rstrip(".").split(".")


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:_LONGEST_NAME])])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
