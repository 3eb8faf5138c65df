from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from athlete_monitor.config import load_config
from athlete_monitor.deploy.certificate_check import certificate_findings
from athlete_monitor.deploy.certificates import (
    AUTHORITY_DAYS,
    Pair,
    fault_of,
    make_authority,
    make_certificate,
    names_of_this_box,
)
from athlete_monitor.deploy.secure import _refuse_unset_clock
from athlete_monitor.errors import MonitorError

if TYPE_CHECKING:
    from pathlib import Path

    from athlete_monitor.config import Config
    from athlete_monitor.deploy.findings import Finding

NOW = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)
AUTHORITY = make_authority("box", NOW)


def made(home: Path, pair: Pair) -> None:
    tls = home / "broker" / "tls"
    tls.mkdir(parents=True, exist_ok=True)
    (tls / "ca.crt").write_bytes(AUTHORITY.certificate)
    (tls / "box.crt").write_bytes(pair.certificate)
    (tls / "box.key").write_bytes(pair.key)


def on(config: Config, home: Path, days: int) -> Finding:
    return next(iter(certificate_findings(config, home, NOW + timedelta(days=days))))


def test_a_certificate_is_reported_before_it_is_valid_in_order_soon_expired_and_expired(tmp_path):
    config = load_config(root=tmp_path, environ={})
    made(tmp_path, make_certificate(AUTHORITY, ["localhost"], NOW, days=100))
    assert [on(config, tmp_path, days).level for days in (-2, 0, 39, 41, 99, 100)] == [
        "fail",
        "ok",
        "ok",
        "warn",
        "warn",
        "fail",
    ]
    assert "set the clock" in on(config, tmp_path, -2).remedy
    assert on(config, tmp_path, 100).found == "of the box: expired 2026-08-12"
    assert "setup --secure --tls" in on(config, tmp_path, 100).remedy


@pytest.mark.parametrize(
    ("content", "expected"),
    [(None, "No such file"), (b"\xff\x00", "is not a PEM certificate"), (b"", "is not a PEM certificate")],
)
def test_a_configured_file_that_is_no_certificate_is_named(tmp_path, content, expected):
    config = load_config(root=tmp_path, environ={})
    file = tmp_path / "authority.crt"
    if content is not None:
        file.write_bytes(content)
    tls = config.mqtt.tls.model_copy(update={"enabled": True, "ca_file": file})
    config = config.model_copy(update={"mqtt": config.mqtt.model_copy(update={"tls": tls})})
    finding = on(config, tmp_path, 0)
    assert finding.level == "fail"
    assert "mqtt.tls.ca_file" in finding.found
    assert str(file) in finding.found
    assert expected in finding.found


def test_a_key_of_another_certificate_is_found(tmp_path):
    config = load_config(root=tmp_path, environ={})
    other = make_certificate(AUTHORITY, ["localhost"], NOW)
    made(tmp_path, Pair(make_certificate(AUTHORITY, ["localhost"], NOW).certificate, other.key))
    assert on(config, tmp_path, 0).found.endswith("box.key is not its key")


def test_nothing_is_reported_where_nothing_is_encrypted(tmp_path):
    assert list(certificate_findings(load_config(root=tmp_path, environ={}), tmp_path, NOW)) == []


def test_an_authority_is_made_again_when_it_expires_or_is_torn_but_not_when_the_clock_went_back():
    def fault(days: float, pair: Pair = AUTHORITY) -> str | None:
        return fault_of(pair.certificate, pair.key, NOW + timedelta(days=days))

    assert fault(0) is None
    assert fault(-20_000) is None
    assert fault(AUTHORITY_DAYS - 59) == "expires"
    assert fault(0, Pair(AUTHORITY.certificate, make_authority("box", NOW).key)) == "its key belongs to another"
    assert fault(0, Pair(AUTHORITY.certificate[:99], AUTHORITY.key)) == "damaged"
    assert fault(0, Pair(AUTHORITY.certificate, b"")) == "damaged"


@pytest.mark.parametrize("host", ["müller-box", "x" * 64 + ".local", "", "box..local", "東京"])
def test_a_box_of_any_host_name_gets_a_certificate(monkeypatch, host):
    monkeypatch.setattr("socket.gethostname", lambda: host)
    names = names_of_this_box("0.0.0.0")
    assert "athletes.local" in names
    assert make_certificate(AUTHORITY, names, NOW).certificate
    assert make_authority(host, NOW).certificate


def test_certificates_are_not_made_by_a_clock_that_was_never_set():
    with pytest.raises(MonitorError, match="the clock of this machine says 1970-01-01 00:05"):
        _refuse_unset_clock(datetime.fromtimestamp(300, timezone.utc))
