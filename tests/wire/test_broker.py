"""The embedded broker, in its own process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from athlete_monitor.config import Mqtt, Tls
from athlete_monitor.errors import BrokerError
from athlete_monitor.wire.broker import answers, is_loopback, open_broker
from athlete_monitor.wire.mqtt import MqttLink, Will
from tests.helpers import ROOT, unused_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self

pytestmark = pytest.mark.integration


def settings(port: int, broker: str = "embedded", **changes: Any) -> Mqtt:
    keys: dict[str, Any] = {
        "broker": broker, "host": "127.0.0.1", "port": port, "username": None, "password_file": None,
        "tls": Tls(enabled=False, ca_file=None, cert_file=None, key_file=None), "topic_prefix": "",
        "tls_port": 8883, "websocket_port": None, "keepalive_s": 10,
        "reconnect_max_s": 1.0, "qos": 0, "persistent_session": False,
    }  # fmt: skip
    return Mqtt(**(keys | changes))


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of an embedded broker that the tests of its protocol share."""
    number = unused_port()
    with open_broker(settings(number)):
        yield number


class Client:
    """A link with an inbox, which has certainly subscribed."""

    def __init__(self, port: int, name: str, topic: str = "none", **options: Any) -> None:
        self.inbox: list[tuple[str, bytes]] = []
        subscriptions = [(topic, 1), (f"ready/{name}", 1)]
        self.link = MqttLink(
            settings(port),
            name,
            on_message=lambda topic, payload: self.inbox.append((topic, payload)),
            subscriptions=subscriptions,
            **options,
        )
        self.link.start(10.0)
        self.link.publish(f"ready/{name}", b"", 1)
        wait_until(lambda: (f"ready/{name}", b"") in self.inbox, what="the subscription")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.link.stop()

    def payloads(self, topic: str) -> list[bytes]:
        return [payload for name, payload in self.inbox if name == topic]


@pytest.mark.parametrize("qos", [0, 1])
def test_it_carries_messages_of_both_qualities_in_order(port, qos):
    with Client(port, "reader", "order/+") as reader, Client(port, "sender") as sender:
        for number in range(500):
            assert sender.link.publish("order/x", str(number).encode(), qos)
        wait_until(lambda: len(reader.payloads("order/x")) == 500, what="all messages")
        assert reader.payloads("order/x") == [str(number).encode() for number in range(500)]


def test_it_keeps_retained_messages_and_forgets_emptied_ones(port):
    with Client(port, "sender") as sender:
        sender.link.publish("kept/a", b"1", 1, retain=True)
        sender.link.publish("kept/a", b"2", 1, retain=True)
        sender.link.publish("kept/b", b"3", 1, retain=True)
        sender.link.publish("kept/b", b"", 1, retain=True)
        assert sender.link.flush(5.0)
        with Client(port, "late", "kept/#") as late:
            wait_until(lambda: late.payloads("kept/a"), what="the retained message")
            assert [item for item in late.inbox if item[0].startswith("kept")] == [("kept/a", b"2")]


def test_it_publishes_the_will_of_a_client_that_vanishes_and_not_of_one_that_leaves(port):
    with Client(port, "watcher", "will/#") as watcher:
        Client(port, "polite", will=Will("will/polite", b"lost")).link.stop()
        with Client(port, "rude", will=Will("will/rude", b"lost")) as rude:
            rude.link._client.hang_up()
            wait_until(lambda: watcher.payloads("will/rude") == [b"lost"], what="the last will")
        assert watcher.payloads("will/polite") == []


def test_it_keeps_messages_of_quality_one_for_a_session_that_persists(port):
    Client(port, "keeper", "held/#", persistent=True).link.stop()
    with Client(port, "sender") as sender:
        for number in range(50):
            sender.link.publish("held/x", str(number).encode(), 1)
        assert sender.link.flush(5.0)
    with Client(port, "keeper", "held/#", persistent=True) as keeper:
        wait_until(lambda: len(keeper.payloads("held/x")) == 50, what="what was kept")


def test_where_a_listener_is_named_nobody_speaks_before_it_has_subscribed(free_port):
    """What was to be sent before the connection and while it waits for the broker's word arrives in order."""
    heard: list[bytes] = []
    numbers = [str(number).encode() for number in range(30)]
    with open_broker(settings(free_port), "listener"):
        early = MqttLink(settings(free_port), "early")
        for number in numbers[:10]:
            early.publish("x", number, 1)
        early.start()
        wait_until(lambda: early._client.socket() is not None, what="the open socket")
        for number in numbers[10:20]:
            early.publish("x", number, 1)
        listener = MqttLink(
            settings(free_port),
            "listener",
            on_message=lambda _, payload: heard.append(payload),
            subscriptions=[("x", 1)],
        )
        assert not early.connected
        listener.start(10.0)
        wait_until(lambda: early.connected, what="the admission")
        for number in numbers[20:]:
            early.publish("x", number, 1)
        wait_until(lambda: len(heard) >= 30, what="all messages")
        assert heard == numbers
        for link in (early, listener):
            link.stop()


def test_it_listens_on_loopback_only(port):
    own = next((a.address for c in psutil.net_if_addrs().values() for a in c if a.family == socket.AF_INET
                and not a.address.startswith("127.")), None)  # fmt: skip
    assert answers("127.0.0.1", port)
    if own is not None:
        assert not answers(own, port)


def test_clients_that_send_rubbish_do_not_harm_it(port):
    for rubbish in (b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 100, b"\x10\xff\xff\xff\xff", b"\x30\x05abc", b""):
        with socket.create_connection(("127.0.0.1", port)) as sock:
            sock.sendall(rubbish)
    with Client(port, "after") as client:
        assert client.link.connected


def test_external_starts_nothing(free_port):
    with open_broker(settings(free_port, "external")) as broker:
        assert not broker.embedded
        assert broker.alive
        assert not answers("127.0.0.1", free_port)


def test_auto_starts_one_only_where_nobody_answers(free_port):
    with open_broker(settings(free_port, "auto")) as first, open_broker(settings(free_port, "auto")) as second:
        assert first.embedded
        assert not second.embedded
    assert not answers("127.0.0.1", free_port)


def test_auto_leaves_hosts_and_encryption_that_it_cannot_serve_to_others(free_port):
    assert not open_broker(settings(free_port, "auto", host="broker.invalid")).embedded
    tls = Tls(enabled=True, ca_file=None, cert_file=None, key_file=None)
    assert not open_broker(settings(free_port, "auto", tls=tls)).embedded


def test_a_taken_port_is_told_in_one_line(free_port):
    with open_broker(settings(free_port)), pytest.raises(BrokerError, match=f":{free_port}: the port is taken"):
        open_broker(settings(free_port))


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.invalid"])
def test_an_embedded_broker_for_other_machines_is_refused(free_port, host):
    with pytest.raises(BrokerError, match=r"mqtt\.host must be 127\.0\.0\.1"):
        open_broker(settings(free_port, host=host))


def test_an_embedded_broker_with_encryption_is_refused(free_port):
    tls = Tls(enabled=True, ca_file=None, cert_file=None, key_file=None)
    with pytest.raises(BrokerError, match="it has no TLS"):
        open_broker(settings(free_port, tls=tls))


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("0.0.0.0", False), ("box", False)],
)
def test_loopback_is_this_machine_and_nothing_else(host, expected):
    assert is_loopback(host) is expected


def test_it_serves_ipv6_loopback_where_the_machine_has_it(free_port):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 on this machine")
    with open_broker(settings(free_port, host="::1")):
        assert answers("::1", free_port)


def test_stopping_ends_the_process_frees_the_port_and_may_be_repeated(free_port):
    broker = open_broker(settings(free_port))
    assert broker.pid is not None
    broker.stop()
    broker.stop()
    assert not broker.alive
    assert not psutil.pid_exists(broker.pid)
    open_broker(settings(free_port)).stop()


HOST = """
import pathlib, sys, time
from athlete_monitor.config import load_config
from athlete_monitor.wire.broker import open_broker
handle = open_broker(load_config(pathlib.Path(sys.argv[1])).mqtt)
print(handle.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_does_not_outlive_the_process_that_started_it(free_port, how, make_config):
    config = make_config(mqtt={"port": free_port, "broker": "embedded"})
    command = [sys.executable, "-c", HOST, str(config)]
    host = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert host.stdout is not None
    pid = int(host.stdout.readline())
    host.send_signal(how)
    host.wait()
    host.stdout.close()
    wait_until(lambda: not psutil.pid_exists(pid), what="the end of the broker")
    assert not answers("127.0.0.1", free_port)


def test_ctrl_c_in_a_terminal_reaches_it_only_through_its_host(free_port):
    with open_broker(settings(free_port)) as broker:
        assert broker.pid is not None
        assert os.getsid(broker.pid) != os.getsid(0)
        os.kill(broker.pid, signal.SIGINT)
        with Client(free_port, "still") as client:
            assert client.link.connected


def test_killed_it_comes_back_and_clients_find_it_again(free_port, caplog):
    with open_broker(settings(free_port)) as broker, Client(free_port, "reader", "x/+") as reader:
        first = broker.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: broker.restarts and broker.alive and broker.pid != first, what="the next broker")
        wait_until(lambda: reader.link.connected, what="the reconnection")
        with Client(free_port, "sender") as sender:
            sender.link.publish("x/1", b"1", 1)
            wait_until(lambda: reader.payloads("x/1"), what="a message over the next broker")
    assert not answers("127.0.0.1", free_port)
    assert "embedded_broker_ended" in caplog.text
    assert "embedded_broker_restarted" in caplog.text


def test_drained_it_ends_when_its_last_client_has_left(free_port):
    broker = open_broker(settings(free_port))
    with Client(free_port, "slow") as client:
        drained = threading.Thread(target=broker.drain)
        drained.start()
        for number in range(50):
            client.link.publish("x/1", str(number).encode(), 1)
            assert client.link.flush(5.0)
            time.sleep(0.01)
        assert broker.alive
    drained.join(3.0)
    assert not drained.is_alive()
    assert not broker.alive


def test_a_client_that_stays_does_not_keep_it_from_ending(free_port):
    with open_broker(settings(free_port)) as broker, Client(free_port, "guest"):
        broker.drain(0.3)
        assert not broker.alive
