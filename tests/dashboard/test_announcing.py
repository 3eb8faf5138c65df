"""The screen's name in the local network, asked for over loopback as a phone would."""

from __future__ import annotations

import socket
from contextlib import contextmanager

import psutil
import pytest
from zeroconf import AddressResolver, ServiceBrowser, Zeroconf  # type: ignore[attr-defined]

from athlete_monitor.config import load_config
from athlete_monitor.dashboard import announcing
from athlete_monitor.dashboard.announcing import KIND, Announcement, addresses_of, announced, own_name
from tests.helpers import wait_until

HERE = "127.0.0.1"


def has_multicast() -> bool:
    """Whether this machine passes multicast on over loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(HERE))
            sock.sendto(b"", ("224.0.0.251", 9))
        except OSError:
            return False
    return True


pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not has_multicast(), reason="no multicast over loopback on this machine"),
]


@contextmanager
def network():
    phone = Zeroconf(interfaces=[HERE])
    try:
        yield phone
    finally:
        phone.close()


@pytest.fixture(autouse=True)
def _nobody_answers(monkeypatch):
    """Other boxes need not be waited for."""
    monkeypatch.setattr(announcing, "ASK_S", 0.2)


def asked(phone: Zeroconf, name: str, within_s: float = 10.0) -> list[str]:
    resolver = AddressResolver(f"{name}.local.")
    resolver.request(phone, within_s * 1000)
    return resolver.parsed_addresses()


@contextmanager
def screen(name: str, box: str = "Box 3", addresses=lambda: [HERE]):
    announcement = Announcement(name, box, 8080, addresses)
    announcement.start()
    try:
        yield announcement
    finally:
        announcement.stop()


def test_a_phone_finds_the_screen_by_its_name_until_it_stops():
    with network() as phone:
        with screen("athletes-test-a") as announcement:
            wait_until(lambda: announcement.host == "athletes-test-a.local", 30, "the name")
            assert asked(phone, "athletes-test-a") == [HERE]
            found: list[str] = []
            ServiceBrowser(phone, KIND, handlers=[lambda name, **_: found.append(name)])
            wait_until(lambda: any("Box 3" in name for name in found), 30, "the service")
        phone.cache.async_expire(float("inf"))
    with network() as other:
        assert asked(other, "athletes-test-a", 1.0) == []


@pytest.mark.campaign
def test_the_second_box_takes_a_name_of_its_own():
    with screen("athletes-test-b") as first:
        wait_until(lambda: first.host == "athletes-test-b.local", 30, "the first name")
        other = [HERE, "127.0.0.2"]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(announcing, "ASK_S", 3.0)
            with screen("athletes-test-b", "Box 4", lambda: other[1:]) as second:
                wait_until(lambda: second.host is not None, 30, "the second name")
                assert second.host == "athletes-test-b-box-4.local"


def test_new_addresses_are_announced(monkeypatch):
    monkeypatch.setattr(announcing, "LOOK_EVERY_S", 0.05)
    now: list[str] = []
    with screen("athletes-test-c", addresses=lambda: list(now)) as announcement, network() as phone:
        now.append(HERE)
        wait_until(lambda: announcement.host is not None, 30, "the name")
        assert asked(phone, "athletes-test-c") == [HERE]


def test_a_network_that_refuses_costs_a_line_in_the_log_and_nothing_else(caplog):
    def refuse():
        raise OSError("no network")

    with screen("athletes-test-d", addresses=refuse) as announcement:
        wait_until(lambda: "not_announced" in caplog.text, 30, "the line")
        assert announcement.host is None


@pytest.mark.parametrize(
    ("host", "name", "announces"),
    [("127.0.0.1", "athletes", False), ("0.0.0.0", None, False), ("0.0.0.0", "athletes", True)],
)
def test_only_a_screen_that_others_can_reach_is_announced(make_config, monkeypatch, host, name, announces):
    started: list[str] = []
    monkeypatch.setattr(Announcement, "start", lambda self: started.append(self._name))
    monkeypatch.setattr(Announcement, "stop", lambda self: None)
    config = load_config(make_config(dashboard={"host": host}, box={"local_name": name}), environ={})
    with announced(config):
        assert bool(started) is announces
    assert all(not address.startswith("127.") for address in addresses_of(config)) or host == "127.0.0.1"


def test_a_name_of_its_own_is_a_name_that_dns_allows():
    assert own_name("athletes", "Bøx 3 / Süd") == "athletes-b-x-3-s-d"
    assert own_name("athletes", "…") == "athletes-box"
    assert len(own_name("a" * 63, "box")) == 63


def test_where_cards_cannot_be_listed_the_address_that_leads_to_the_network_is_announced(make_config, monkeypatch):
    def refuse():
        raise OSError("Address family not supported by protocol")

    monkeypatch.setattr(psutil, "net_if_addrs", refuse)
    monkeypatch.setattr(announcing, "own_address", lambda: "192.0.2.5")
    config = load_config(make_config(dashboard={"host": "0.0.0.0"}), environ={})
    assert addresses_of(config) == ("192.0.2.5",)
