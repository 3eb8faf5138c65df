"""The MQTT client on a real Mosquitto."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from athlete_monitor.config import Mqtt, Tls
from athlete_monitor.errors import BrokerError
from athlete_monitor.wire.mqtt import MqttLink, Will
from athlete_monitor.wire.mqtt_client import BufferedSocket
from tests.helpers import ROOT, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.helpers import Mosquitto

    Connect = Callable[..., MqttLink]

pytestmark = pytest.mark.integration

NO_TLS = Tls(enabled=False, ca_file=None, cert_file=None, key_file=None)


def settings(port: int, **changes: Any) -> Mqtt:
    keys: dict[str, Any] = {
        "broker": "external", "host": "127.0.0.1", "port": port, "username": None, "password_file": None,
        "tls": NO_TLS, "topic_prefix": "", "tls_port": 8883, "websocket_port": None,
        "keepalive_s": 10, "reconnect_max_s": 1.0, "qos": 0, "persistent_session": False,
    }  # fmt: skip
    return Mqtt(**(keys | changes))


@pytest.fixture
def connect() -> Iterator[Connect]:
    """``connect(port, "name", ...)``: a started link, stopped after the test."""
    links: list[MqttLink] = []

    def start(port: int, client_id: str, wait_s: float | None = 10.0, **options: Any) -> MqttLink:
        mqtt = options.pop("mqtt", None) or settings(port)
        links.append(MqttLink(mqtt, client_id, **options))
        links[-1].start(wait_s)
        return links[-1]

    yield start
    for link in links:
        link.stop()


class Inbox(list[tuple[str, bytes]]):
    """What a link receives."""

    def __call__(self, topic: str, payload: bytes) -> None:
        self.append((topic, payload))

    def payloads(self) -> list[bytes]:
        return [payload for _, payload in self]


def subscribed(connect: Connect, port: int, inbox: Inbox, topic: str, name: str = "reader", **options: Any) -> MqttLink:
    """A link that has certainly subscribed: it has received a message of its own."""
    link = connect(port, name, on_message=inbox, subscriptions=[(topic, 1), ("ready/" + name, 1)], **options)
    link.publish("ready/" + name, b"ready", 1)
    wait_until(lambda: ("ready/" + name, b"ready") in inbox, what="the subscription")
    inbox.clear()
    return link


def test_messages_of_both_qualities_arrive_in_order(mosquitto: Mosquitto, connect):
    inbox = Inbox()
    subscribed(connect, mosquitto.port, inbox, "x/#")
    sender = connect(mosquitto.port, "sender")
    for qos in (0, 1):
        inbox.clear()
        assert all(sender.publish(f"x/{number}", str(number).encode(), qos) for number in range(2000))
        assert sender.flush(10.0)
        wait_until(lambda: len(inbox) == 2000, what="all messages")
        assert inbox == [(f"x/{number}", str(number).encode()) for number in range(2000)]
    assert sender.dropped == 0


def test_many_lasting_messages_at_once_arrive_in_order_and_those_to_retain_stay(mosquitto, connect):
    inbox, late = Inbox(), Inbox()
    subscribed(connect, mosquitto.port, inbox, "y/#")
    sender = connect(mosquitto.port, "sender")
    messages = [(f"y/{number}", str(number).encode(), number % 500 == 0) for number in range(1500)]
    sender.publish_lasting(messages)
    sender.publish("y/last", b"last", 1)
    assert sender.flush(10.0)
    wait_until(lambda: len(inbox) == 1501, what="all messages")
    assert inbox == [*((topic, payload) for topic, payload, _ in messages), ("y/last", b"last")]
    connect(mosquitto.port, "late", on_message=late, subscriptions=[("y/#", 1)])
    wait_until(lambda: len(late) == 3, what="the retained messages")
    assert {topic for topic, _ in late} == {"y/0", "y/500", "y/1000"}
    sender.publish_lasting([(topic, b"", True) for topic, _ in late])
    assert sender.flush(10.0)


def test_lasting_messages_published_without_a_broker_are_sent_when_it_is_there(mosquitto, connect):
    inbox = Inbox()
    subscribed(connect, mosquitto.port, inbox, "z/#")
    sender = MqttLink(settings(mosquitto.port), "early")
    sender.publish_lasting([("z/1", b"1", False), ("z/2", b"2", False)])
    sender.start(10.0)
    wait_until(lambda: len(inbox) == 2, what="both messages")
    sender.stop()
    assert inbox == [("z/1", b"1"), ("z/2", b"2")]


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16_383, 16_384, 70_000, 1_000_000])
def test_payloads_of_every_size_arrive_whole(mosquitto, connect, size):
    inbox = Inbox()
    subscribed(connect, mosquitto.port, inbox, "big")
    payload = bytes(range(256)) * (size // 256) + bytes(size % 256)
    connect(mosquitto.port, "sender").publish("big", payload, 1)
    wait_until(lambda: inbox, what="the message")
    assert inbox == [("big", payload)]


def test_the_prefix_is_on_every_topic_at_the_broker_and_on_none_here(mosquitto, connect):
    plain, wills, prefixed, neighbour = Inbox(), Inbox(), Inbox(), Inbox()
    subscribed(connect, mosquitto.port, plain, "+/x/#", "plain")
    subscribed(connect, mosquitto.port, wills, "+/engine/status", "wills")
    ours, theirs = (settings(mosquitto.port, topic_prefix=name) for name in ("club", "club/b/"))
    subscribed(connect, mosquitto.port, prefixed, "x/#", "prefixed", mqtt=ours)
    subscribed(connect, mosquitto.port, neighbour, "x/#", "neighbour", mqtt=theirs)
    sender = connect(mosquitto.port, "sender", mqtt=ours, will=Will("engine/status", b"lost"))
    for qos in (0, 1):
        assert sender.publish("x/1", b"%d" % qos, qos)
    sender.publish("x/kept", b"2", 1, retain=True)
    wait_until(lambda: len(prefixed) == 3, what="three messages")
    wait_until(lambda: len(plain) == 3, what="three messages at the broker")
    assert [topic for topic, _ in prefixed] == ["x/1", "x/1", "x/kept"]
    assert [topic for topic, _ in plain] == ["club/x/1", "club/x/1", "club/x/kept"]
    sender._client.hang_up()
    wait_until(lambda: ("club/engine/status", b"lost") in wills, what="the last will")
    assert neighbour == []


@pytest.mark.parametrize("name", ["a b", "+", "#", "a//b", "/a", "ü"])
def test_a_prefix_that_is_no_topic_is_refused(name):
    with pytest.raises(ValueError, match="topic_prefix"):
        settings(1883, topic_prefix=name)


def test_a_retained_message_waits_for_whoever_subscribes(mosquitto, connect):
    connect(mosquitto.port, "sender").publish("engine/status", b"online", 1, retain=True)
    inbox = Inbox()
    connect(mosquitto.port, "late", on_message=inbox, subscriptions=[("engine/status", 1)])
    wait_until(lambda: inbox == [("engine/status", b"online")], what="the retained message")


def test_a_lost_connection_mends_itself_and_subscribes_anew(mosquitto, connect):
    inbox, told = Inbox(), []
    link = subscribed(connect, mosquitto.port, inbox, "x/#", on_connection=lambda on, text: told.append((on, text)))
    mosquitto.stop()
    wait_until(lambda: not link.connected, what="noticing the loss")
    assert link.publish("x/lost", b"", 0) is False
    assert link.dropped == 1
    mosquitto.start()
    wait_until(lambda: link.connected, what="the new connection")
    sender = connect(mosquitto.port, "sender")
    wait_until(lambda: sender.publish("x/1", b"back", 1) and ("x/1", b"back") in inbox, what="a message")
    address = f"127.0.0.1:{mosquitto.port}"
    assert told[0] == (True, f"connected to the broker at {address}")
    assert told[1] == (False, f"connection to the broker at {address} lost")
    assert told[-1] == (True, f"connected to the broker at {address}")


def test_messages_of_quality_one_wait_for_the_broker(mosquitto, connect):
    inbox = Inbox()
    subscribed(connect, mosquitto.port, inbox, "x/#", persistent=True)
    sender = connect(mosquitto.port, "sender")
    mosquitto.stop()
    wait_until(lambda: not sender.connected, what="noticing the loss")
    assert all(sender.publish("x/1", str(number).encode(), 1) for number in range(3000))
    assert sender.flush(0.0) is False
    mosquitto.start()
    wait_until(lambda: len(set(inbox)) == 3000, 30.0, "all messages")
    assert sender.flush(10.0)
    assert sender.dropped == 0


def test_a_session_that_persists_loses_nothing_over_a_restart_of_the_broker(mosquitto, connect):
    inbox = Inbox()
    reader = subscribed(connect, mosquitto.port, inbox, "x/#", "keeper", persistent=True)
    sender = connect(mosquitto.port, "sender")
    for number in range(300):
        sender.publish("x/1", str(number).encode(), 1)
        if number == 150:
            mosquitto.restart()
    assert sender.flush(20.0)
    wait_until(lambda: len(set(inbox.payloads())) == 300, 20.0, "all messages")
    assert reader.connected


def test_a_session_that_persists_gets_what_came_while_it_was_away(mosquitto, connect):
    inbox = Inbox()
    subscribed(connect, mosquitto.port, inbox, "x/#", "keeper", persistent=True).stop()
    connect(mosquitto.port, "sender").publish("x/1", b"while away", 1)
    connect(mosquitto.port, "keeper", on_message=inbox, subscriptions=[("x/#", 1)], persistent=True)
    wait_until(lambda: inbox.payloads() == [b"while away"], what="the message")


def test_more_than_may_wait_is_refused_and_counted(connect, free_port, monkeypatch):
    monkeypatch.setattr("athlete_monitor.wire.mqtt.MAX_OUTGOING", 10)
    link = connect(free_port, "single", wait_s=None)
    assert [link.publish("x", b"", 1) for _ in range(15)] == [True] * 10 + [False] * 5
    assert [link.publish("x", b"", 0) for _ in range(5)] == [False] * 5
    assert link.dropped == 10


def test_publishing_never_blocks_on_a_broker_that_takes_nothing(connect, monkeypatch):
    monkeypatch.setattr("athlete_monitor.wire.mqtt.MAX_OUTGOING", 50)
    test_is_over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=accept_and_stall, args=(server, test_is_over))
        thread.start()
        link = connect(server.getsockname()[1], "stalled")
        accepted = [link.publish("x", bytes(200_000)) for _ in range(200)]
        assert 50 <= sum(accepted) < 200
        assert link.dropped == 200 - sum(accepted)
        assert link.flush(0.05) is False
        test_is_over.set()
        thread.join()


def accept_and_stall(server: socket.socket, test_is_over: threading.Event) -> None:
    """Greet one client, then read nothing more."""
    connection, _ = server.accept()
    with connection:
        connection.recv(1000)
        connection.sendall(b"\x20\x02\x00\x00")
        test_is_over.wait(60)


def test_stopping_does_not_wait_for_a_broker_that_takes_nothing(monkeypatch):
    monkeypatch.setattr("athlete_monitor.wire.mqtt._STOP_TIMEOUT_S", 0.1)
    test_is_over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=accept_and_stall, args=(server, test_is_over))
        thread.start()
        link = MqttLink(settings(server.getsockname()[1]), "stalled")
        link.start(10.0)
        for _ in range(100):
            link.publish("x", bytes(200_000))
        stopping = threading.Thread(target=link.stop, daemon=True)
        stopping.start()
        stopping.join(20)
        assert not stopping.is_alive()
        test_is_over.set()
        thread.join()


def test_the_last_will_is_published_for_a_client_that_is_killed(mosquitto, connect):
    inbox = Inbox()
    subscribed(connect, mosquitto.port, inbox, "engine/status")
    code = (
        "import sys, time; sys.path.insert(0, '.')\n"
        "from tests.wire.test_mqtt import settings\n"
        "from athlete_monitor.wire.mqtt import MqttLink, Will\n"
        "link = MqttLink(settings(int(sys.argv[1])), 'engine', will=Will('engine/status', b'lost'))\n"
        "link.start(10.0); link.publish('engine/status', b'online', 1, retain=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(mosquitto.port)], cwd=ROOT)
    try:
        wait_until(lambda: b"online" in inbox.payloads(), 30.0, "the engine")
    finally:
        process.kill()
        process.wait()
    wait_until(lambda: inbox.payloads()[-1] == b"lost", what="the last will")
    late = Inbox()
    connect(mosquitto.port, "late", on_message=late, subscriptions=[("engine/status", 1)])
    wait_until(lambda: late.payloads() == [b"lost"], what="the retained will")


def test_a_link_that_is_stopped_says_goodbye_and_its_will_stays_unread(mosquitto, connect):
    inbox = Inbox()
    subscribed(connect, mosquitto.port, inbox, "#")
    told: list[bool] = []
    link = connect(
        mosquitto.port, "polite", will=Will("will", b"lost"), on_connection=lambda on, _text: told.append(on)
    )
    for number in range(100):
        link.publish("x", str(number).encode())
    link.stop()
    assert not link.connected
    wait_until(lambda: len(inbox) == 100, what="what was waiting")
    assert ("will", b"lost") not in inbox
    assert told == [True]


def test_a_wrong_password_is_told_in_words(mosquitto, connect, tmp_path):
    mosquitto.require_password("coach", "secret")
    mosquitto.restart()
    (tmp_path / "password").write_text("wrong\n")
    guess = settings(mosquitto.port, username="coach", password_file=tmp_path / "password")
    with pytest.raises(
        BrokerError, match=r"refuses user 'coach': not authorized \(mqtt\.username, mqtt\.password_file"
    ):
        connect(mosquitto.port, "x", mqtt=guess)
    with pytest.raises(BrokerError, match="refuses a client without user"):
        connect(mosquitto.port, "x")
    (tmp_path / "password").write_text("secret\r\nsecond line\n")
    assert connect(mosquitto.port, "x", mqtt=guess).connected


def test_a_password_file_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(BrokerError, match=r"mqtt\.password_file .*/none: cannot be read: No such file"):
        MqttLink(settings(1883, username="coach", password_file=tmp_path / "none"), "x")


def test_no_broker_is_told_within_the_time_that_was_asked_for(connect, free_port):
    with pytest.raises(BrokerError, match=f"no broker answers at 127.0.0.1:{free_port}: Connection refused"):
        connect(free_port, "x", wait_s=0.5)


def test_a_host_that_does_not_exist_is_told(connect):
    with pytest.raises(BrokerError, match=r"no broker answers at broker\.invalid:1883"):
        connect(1883, "x", wait_s=2.0, mqtt=settings(1883, host="broker.invalid"))


def test_a_server_that_is_no_broker_is_told(connect):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(BrokerError, match=f"the broker at 127.0.0.1:{port} does not answer within 0.5 s"):
            connect(port, "x", wait_s=0.5)


def test_the_first_connection_is_tried_until_there_is_a_broker(mosquitto, connect):
    mosquitto.stop()
    link = connect(mosquitto.port, "early", wait_s=None)
    link.publish("early", b"bird", 1, retain=True)
    mosquitto.start()
    wait_until(lambda: link.connected, what="the first connection")
    assert link.flush(10.0)
    inbox = Inbox()
    connect(mosquitto.port, "late", on_message=inbox, subscriptions=[("early", 1)])
    wait_until(lambda: inbox.payloads() == [b"bird"], what="the message")


@pytest.mark.parametrize("sizes", [[], [0], [90, 130, 5000, 40_000, 1] * 8, [200_000, 3]])
def test_messages_that_are_sent_together_arrive_like_single_ones(mosquitto: Mosquitto, connect, sizes):
    inbox = Inbox()
    subscribed(connect, mosquitto.port, inbox, "many/#", mqtt=settings(mosquitto.port, topic_prefix="squad/"))
    sender = connect(mosquitto.port, "sender", mqtt=settings(mosquitto.port, topic_prefix="squad/"))
    sent = [(f"many/{number}", bytes([number]) * size) for number, size in enumerate(sizes)]
    sender.publish_all(sent)
    sender.publish("many/end", b"end")
    wait_until(lambda: ("many/end", b"end") in inbox, what="the last message")
    assert inbox[:-1] == sent


@pytest.fixture
def certificate(tmp_path):
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    paths = tmp_path / "cert.pem", tmp_path / "key.pem"
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-out", str(paths[0]), "-keyout", str(paths[1])],
        capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("openssl cannot make a certificate here")
    return paths


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # paho forgets a socket refused by TLS
def test_tls_carries_large_bursts_and_checks_the_certificate(mosquitto, connect, certificate):
    cert, key = certificate
    mosquitto.settings = f"allow_anonymous true\ncertfile {cert}\nkeyfile {key}"
    mosquitto.restart()
    secure = settings(mosquitto.port, tls=Tls(enabled=True, ca_file=cert, cert_file=None, key_file=None))
    inbox = Inbox()
    subscribed(connect, mosquitto.port, inbox, "x", mqtt=secure)
    sender = connect(mosquitto.port, "sender", mqtt=secure)
    for number in range(2000):
        sender.publish("x", str(number).encode() * 50)
    wait_until(lambda: len(inbox) == 2000, what="all messages")
    stranger = settings(mosquitto.port, tls=Tls(enabled=True, ca_file=None, cert_file=None, key_file=None))
    with pytest.raises(BrokerError, match=r"the server.s certificate is signed by itself, not by mqtt\.tls\.ca_file"):
        connect(mosquitto.port, "x", wait_s=2.0, mqtt=stranger)


def test_a_tls_file_that_cannot_be_used_is_told(tmp_path):
    broken = Tls(enabled=True, ca_file=tmp_path / "none.pem", cert_file=None, key_file=None)
    with pytest.raises(BrokerError, match=r"mqtt\.tls: .*none\.pem: No such file"):
        MqttLink(settings(1883, tls=broken), "x")


def test_a_buffered_socket_gives_the_same_bytes_however_they_are_asked_for():
    with socket.create_server(("127.0.0.1", 0)) as server:
        left = socket.create_connection(server.getsockname())
        right, _ = server.accept()
    with left, right:
        data = bytes(range(256)) * 500
        threading.Thread(target=send_and_end, args=(left, data)).start()
        buffered, pieces, size = BufferedSocket(right), [], 1
        while piece := buffered.recv(size):
            pieces.append(piece)
            size = size % 700 + 13
        assert b"".join(pieces) == data
        assert buffered.pending() == 0


def test_what_a_broker_kept_from_before_is_passed_on_only_where_it_is_wanted(mosquitto, connect):
    sender = connect(mosquitto.port, "sender")
    sender.publish("kept", b"old", 1, retain=True)
    assert sender.flush(5.0)
    choosy, greedy = Inbox(), Inbox()
    for name, inbox in (("choosy", choosy), ("greedy", greedy)):
        link = connect(
            mosquitto.port,
            name,
            on_message=inbox,
            subscriptions=[("kept", 1), (name, 1)],
            take_retained=name == "greedy",
        )
        link.publish(name, b"subscribed", 1)
        wait_until(partial(heard, inbox, b"subscribed"), what="the subscription")
    sender.publish("kept", b"new", 1, retain=True)
    wait_until(lambda: b"new" in choosy.payloads() and b"new" in greedy.payloads(), what="the new message")
    assert choosy.payloads() == [b"subscribed", b"new"]
    assert greedy.payloads() == [b"old", b"subscribed", b"new"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_link_tells_when_its_network_thread_has_ended(mosquitto, connect):
    def fail(_topic: str, _payload: bytes) -> None:
        raise ValueError("a mistake of ours")

    link = connect(mosquitto.port, "x", on_message=fail, subscriptions=[("t", 1)])
    assert link.running
    sender = connect(mosquitto.port, "sender")
    wait_until(lambda: sender.publish("t", b"", 1) and not link.running, what="the end of the thread")


def heard(inbox: Inbox, payload: bytes) -> bool:
    return payload in inbox.payloads()


def packet(kind: int, body: bytes) -> bytes:
    """One MQTT packet."""
    length, sizes = len(body), bytearray()
    while True:
        length, low = length >> 7, length & 127
        sizes.append(low | (128 if length else 0))
        if not length:
            return bytes([kind]) + bytes(sizes) + body


def publication(topic: bytes, payload: bytes, flags: int = 0) -> bytes:
    """One PUBLISH; ``flags`` are those of the fixed header."""
    number = b"\0\1" if flags & 6 else b""
    return packet(0x30 | flags, len(topic).to_bytes(2, "big") + topic + number + payload)


@given(data=st.data())
@examples(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_messages_arrive_the_same_in_whatever_pieces_the_network_cuts_them(connect, data):
    """Of QoS 0 and 1, retained or not, empty or large, with topics that are no UTF-8, and pings between them."""
    topics = st.sampled_from([b"player/001/sensor/data", b"t", "größe".encode(), b"\xff\xfe"])
    payloads = st.one_of(st.binary(max_size=300), st.just(bytes(20_000)))
    kinds = st.sampled_from([0x00, 0x01, 0x02, 0x0A])
    sent = data.draw(st.lists(st.tuples(topics, payloads, kinds), min_size=1, max_size=30))
    pings = data.draw(st.sets(st.integers(0, 29)))
    stream = b"".join(
        (packet(0xD0, b"") if i in pings else b"") + publication(*message) for i, message in enumerate(sent)
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    expected = [(topic.decode(), payload) for topic, payload, _ in sent if topic != b"\xff\xfe"]
    got: list[tuple[str, bytes]] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = connect(server.getsockname()[1], "x", wait_s=None, on_message=lambda *message: got.append(message))
        peer, _ = server.accept()
        with peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer.recv(1000)
            peer.sendall(packet(0x20, b"\0\0"))
            for piece in pieces:
                peer.sendall(piece)
            wait_until(lambda: link.connected and len(got) >= len(expected), what="all messages")
            link.stop()
    assert got == expected


def send_and_end(sock: socket.socket, data: bytes) -> None:
    sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)


def test_a_listener_that_hangs_up_without_an_answer_is_named_once(connect):
    told: list[tuple[bool, str]] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        connect(port, "lost", wait_s=None, on_connection=lambda *news: told.append(news))
        for _ in range(3):
            server.accept()[0].close()
        wait_until(lambda: told, what="the news")
    assert told[0] == (False, f"the server at 127.0.0.1:{port} closes the connection without an MQTT answer")
    assert len([text for _, text in told if "without" in text]) == 1


def test_a_server_that_accepts_and_never_answers_is_named_and_tried_again(monkeypatch):
    monkeypatch.setattr("athlete_monitor.wire.mqtt_client.ANSWER_S", 0.1)
    told: list[tuple[bool, str]] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        link = MqttLink(settings(port), "c", on_connection=lambda up, text: told.append((up, text)))
        link.start()
        try:
            first, _ = server.accept()
            server.settimeout(10.0)
            second, _ = server.accept()
        finally:
            link.stop()
    first.close()
    second.close()
    assert told == [(False, f"the server at 127.0.0.1:{port} does not answer")]
