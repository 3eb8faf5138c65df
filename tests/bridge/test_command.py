"""The command line of the bridges, as a user meets it."""

from __future__ import annotations

import asyncio
import json

import pytest

from athlete_monitor.athletes import Roster
from athlete_monitor.bridge.command import parse
from athlete_monitor.bridge.finding import pair, scan
from athlete_monitor.bridge.running import keep_straps
from athlete_monitor.config import config_from_args, load_config
from athlete_monitor.errors import MonitorError
from athlete_monitor.wire.link import decode
from athlete_monitor.wire.mqtt import MqttLink
from tests.bridge.bluez import BlueZ, Strap

ROSTER = """\
athletes:
  - {id: 1, device: "001", name: Ada, strap: "A0:9E:1A:00:00:01"}
  - {id: 7, device: "007", name: Zoë}
"""


@pytest.fixture
def place(make_config, tmp_path):
    """Return the options that make a command use a configuration and roster of its own."""
    (tmp_path / "athletes.yaml").write_text(ROSTER)
    return ["--config", str(make_config(athletes={"roster": "athletes.yaml"}))]


def run(bus, straps, command, *words):
    """Run a command to its end beside a room with straps."""

    async def scenario():
        async with BlueZ(bus, straps):
            args = parse(words)
            return await command(args, config_from_args(args))

    return asyncio.run(scenario())


def room():
    return [
        Strap("A0:9E:1A:00:00:01", "Polar H10 11111111", {"hci0": -80}, battery=55),
        Strap("A0:9E:1A:00:00:07", "Polar H10 77777777", {"hci0": -45}, battery=90),
        Strap("F0:00:00:00:00:01", "A toothbrush", {"hci0": -40}, uuids=()),
    ]


def test_scan_lists_straps_with_signal_battery_and_athlete(bus, place, capsys):
    assert run(bus, room(), scan, "scan", "--listen", "0.3s", "--json", *place) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(each["address"], each["rssi_dbm"], each["battery_percent"], each["athlete_id"]) for each in told] == [
        ("A0:9E:1A:00:00:07", -45.0, 90.0, None),
        ("A0:9E:1A:00:00:01", -80.0, 55.0, 1),
    ]


def test_scan_in_words_is_a_table_and_an_empty_room_says_so(bus, place, capsys):
    run(bus, room(), scan, "scan", "--listen", "0.3s", "--no-battery", *place)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[1].endswith("nobody's")
    assert lines[2].endswith("athlete 1 (Ada)")
    run(bus, [], scan, "scan", "--listen", "0.1s", *place)
    assert "no strap is in range" in capsys.readouterr().out


def test_pair_gives_the_closest_strap_to_the_athlete_and_keeps_the_roster_as_it_was(bus, place, tmp_path, capsys):
    run(bus, room(), pair, "pair", "7", "--listen", "0.3s", *place)
    assert "athlete 7 (Zoë) wears Polar H10 77777777 A0:9E:1A:00:00:07" in capsys.readouterr().out
    straps = {each.id: each.strap for each in Roster.load(tmp_path / "athletes.yaml")}
    assert straps == {1: "A0:9E:1A:00:00:01", 7: "A0:9E:1A:00:00:07"}
    assert (tmp_path / "athletes.yaml").read_text().splitlines()[1] == ROSTER.splitlines()[1]


@pytest.mark.parametrize(
    ("words", "signals", "says"),
    [
        (["9"], (-80, -45), "nobody has id 9"),
        (["7"], (-46, -45), "are equally close"),
        (["7"], (-40, -80), r"is the strap of athlete 1 \(Ada\)"),
        (["7", "A0:9E:1A:00:00:99"], (-80, -45), "no strap A0:9E:1A:00:00:99 is in range"),
    ],
)  # fmt: skip
def test_pair_says_in_one_line_why_it_does_not(bus, place, tmp_path, words, signals, says):
    straps = room()
    for strap, signal in zip(straps, signals, strict=False):
        strap.rssi = {"hci0": signal}
    with pytest.raises(MonitorError, match=says) as caught:
        run(bus, straps, pair, "pair", *words, "--listen", "0.3s", *place)
    assert "\n" not in str(caught.value)
    assert (tmp_path / "athletes.yaml").read_text() == ROSTER


def test_a_roster_without_straps_says_how_to_give_some(bus, place, tmp_path):
    (tmp_path / "athletes.yaml").write_text(ROSTER.replace(', strap: "A0:9E:1A:00:00:01"', ""))
    with pytest.raises(MonitorError, match="no athlete has a strap"):
        run(bus, [], keep_straps, "ble", *place)


def test_no_bluetooth_is_one_sentence_and_exit_code_3(run_program, place):
    program = run_program("bridge.py", "ble", *place, env={"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere"})
    assert program.wait() == 3
    assert len(program.stderr.strip().splitlines()) == 1
    assert "no Bluetooth" in program.stderr


def test_options_before_and_after_the_command_are_the_same():
    assert parse(["--quiet", "scan"]).quiet
    assert parse(["scan", "--quiet"]).quiet
    assert not parse(["scan"]).quiet


@pytest.mark.campaign
@pytest.mark.integration
def test_the_bridge_publishes_to_a_broker_and_says_when_it_was_stopped(
    bus, run_program, mosquitto, make_config, tmp_path
):
    (tmp_path / "athletes.yaml").write_text(ROSTER)
    config = make_config(athletes={"roster": "athletes.yaml"}, mqtt={"port": mosquitto.port, "broker": "external"})
    got: list[tuple[str, bytes]] = []
    listener = MqttLink(
        load_config(config).mqtt,
        "listener",
        on_message=lambda topic, payload: got.append((topic, payload)),
        subscriptions=[("player/#", 1)],
    )
    listener.start(10.0)

    async def until(condition):
        for _ in range(6000):
            if condition():
                return
            await asyncio.sleep(0.01)
        pytest.fail("it has not happened")

    async def scenario():
        [strap, *_] = room()
        async with BlueZ(bus, [strap]):
            program = run_program("bridge.py", "ble", "--config", config, env={"DBUS_SYSTEM_BUS_ADDRESS": bus})
            await until(lambda: strap.connected)
            await until(lambda: strap.beat(120, 512) and any(topic == "player/001/sensor/data" for topic, _ in got))
            await until(lambda: "connected by hci0" in program.stdout)
            await asyncio.to_thread(program.terminate)
            await asyncio.to_thread(program.wait)
            return program

    program = asyncio.run(scenario())
    links = [decode(payload) for topic, payload in got if topic == "player/001/link"]
    listener.stop()
    assert program.wait() == 0
    assert links[-1].state == "off"
    assert "connected" in [link.state for link in links]
    assert "athlete 1: Polar H10 11111111 A0:9E:1A:00:00:01 connected by hci0" in program.stdout
