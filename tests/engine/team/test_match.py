"""A match over a real Mosquitto, commanded by ``control.py``, killed in the middle, and computed again with pandas."""

from __future__ import annotations

import json
import math
import time

import numpy as np
import pandas as pd
import pytest

from athlete_monitor.archive import Archive
from athlete_monitor.config import load_config
from athlete_monitor.control.command import main
from athlete_monitor.wire import topics
from athlete_monitor.wire.codec import encode_sample
from athlete_monitor.wire.mqtt import MqttLink
from athlete_monitor.wire.sample import Sample
from tests.engine.kit import GAME, MAN, values
from tests.helpers import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.campaign, pytest.mark.timeout(480)]

LENGTH_S = 270
RATE_HZ = 10
DEVICES = (1, 2, 3, 4)


def speed(athlete, t):
    return 3.5 + 2.0 * math.sin(t / (9 + athlete)) + 1.2 * math.sin(t / 2.3 + athlete)


def samples(start_t, begin_s, end_s):
    for index in range(begin_s * RATE_HZ, end_s * RATE_HZ):
        t = index / RATE_HZ
        for athlete in DEVICES:
            channels = values(speed_mps=round(speed(athlete, t), 3), acc_x=0.0, acc_y=0.0, acc_z=9.8)
            yield Sample(f"{athlete:03}", start_t + t, channels, athlete, index, MAN, GAME)


def table(start_t):
    """The recording as a file has it."""
    rows = [
        {"athlete": each.athlete_id, "t": each.t, "speed": speed(each.athlete_id, each.t - start_t)}
        for each in samples(start_t, 0, LENGTH_S)
    ]
    return pd.DataFrame(rows).round({"speed": 3})


def distance(frame, athlete, first, last):
    """Trapezoids over the samples of an athlete, from a moment to another."""
    mine = frame[frame["athlete"] == athlete]
    steps = mine["speed"].rolling(2).mean() * mine["t"].diff()
    so_far = steps.fillna(0.0).cumsum()
    return np.interp(last, mine["t"], so_far) - np.interp(first, mine["t"], so_far)


class Ground:
    """The box beside the pitch: sensors that send, a coach who commands, and what the archive knows."""

    def __init__(self, config_path, run_program, capsys):
        self.path, self.run_program, self.capsys = config_path, run_program, capsys
        self.config = load_config(config_path, environ={})
        self.start_t = float(int(time.time()) - LENGTH_S - 30)
        self.heard: list[str] = []
        self.link = MqttLink(
            self.config.mqtt, "ground", on_message=self.hear, subscriptions=[(topics.ENGINE_STATUS, 1)]
        )
        self.link.start(10.0)
        self.archive = Archive(self.config.paths.journal)
        self.engine = self.open()

    def hear(self, _topic, payload):
        self.heard.append(json.loads(payload)["status"])

    def open(self):
        self.heard.clear()
        engine = self.run_program("main.py", "--no-ui", "--config", self.path)
        wait_until(lambda: "online" in self.heard[-1:], 40, "the engine")
        return engine

    def play(self, begin_s, end_s):
        for first_s in range(begin_s, end_s, 10):  # no more than a broker keeps for a client
            for each in samples(self.start_t, first_s, min(first_s + 10, end_s)):
                self.send(each)
            assert self.link.flush(20.0)
            time.sleep(0.2)
        last = self.start_t + end_s - 3
        wait_until(lambda: all(self.seen_until(number) >= last for number in DEVICES), 60, "the seconds in the archive")

    def send(self, sample):
        topic, payload = topics.sensor_data(sample.device_id), encode_sample(sample)
        wait_until(lambda: self.link.publish(topic, payload, 1), 30, "the connection")

    def seen_until(self, athlete):
        sessions = self.archive.sessions(athlete_id=athlete)
        seconds = [self.archive.seconds(each.number, columns=["distance_m"])["t"] for each in sessions[-1:]]
        return max((each[-1] for each in seconds if len(each)), default=0.0)

    def command(self, *words, at, code=0):
        """As a terminal does it, without the time that Python takes to start."""
        at_text = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.start_t + at))
        self.capsys.readouterr()
        found = main([*words, "--at", at_text, "--json", "--config", str(self.path)])
        shown = self.capsys.readouterr()
        assert found == code, shown
        return json.loads(shown.out)


def test_a_match_with_a_kill_in_the_middle_equals_pandas_per_half_and_stint(
    make_config, run_program, mosquitto, capsys
):
    # As setup configures it: with 20 open messages, Mosquitto 2.0.11 was seen to pass new messages before queued ones.
    mosquitto.settings += "\nmax_inflight_messages 2000"
    mosquitto.restart()
    mqtt = {"host": mosquitto.host, "port": mosquitto.port, "broker": "external", "qos": 1}
    path = make_config(mqtt=mqtt, model_loading={"runtime": "onnx"}, engine={"max_rate_hz": 5000})
    ground = Ground(path, run_program, capsys)
    ground.play(0, 60)
    ground.command("pitch", "1-3", "on", at=5)
    ground.command("period", "start", "1st half", at=5)
    ground.command("sub", "4", "for", "1", at=50)
    refused = ground.command("sub", "1", "for", "1", at=55, code=1)
    assert "for the same athlete" in refused["error"]
    ground.play(60, 100)
    time.sleep(2.5)
    ground.engine.kill()
    ground.engine.wait()
    ground.engine = ground.open()
    ground.play(100, 170)
    ground.command("period", "end", "1st half", at=125)
    ground.command("period", "start", "break", at=125)
    ground.command("period", "end", "break", at=155)
    ground.command("period", "start", "2nd half", at=155)
    ground.play(170, LENGTH_S)
    ground.command("sub", "1", "for", "2", at=200)
    ground.command("sub", "2", "for", "3", at=230)
    ground.command("period", "end", "2nd half", at=260)
    program = run_program("control.py", "state", "--config", path)
    assert program.wait() == 0
    assert "2nd half (half)" in program.stdout
    ground.engine.terminate()
    assert ground.engine.wait() == 0
    ground.link.stop()
    assert_equals_pandas(ground.archive, table(ground.start_t), ground.start_t)


def assert_equals_pandas(archive, frame, start_t):
    (team,) = archive.team_sessions()
    sessions = {session.athlete_id: session for session in archive.sessions(team.id)}
    assert sorted(sessions) == list(DEVICES)
    assert {number: each.summary["quality"]["lost"] for number, each in sessions.items()} == dict.fromkeys(DEVICES, 0)
    spans = {period.name: (period.start_t - start_t, period.end_t - start_t) for period in archive.periods(team.id)}
    assert {name: spans[name] for name in ("1st half", "break", "2nd half")} == {
        "1st half": (5, 125), "break": (125, 155), "2nd half": (155, 260),
    }  # fmt: skip
    for period in archive.periods(team.id):
        for athlete, session in sessions.items():
            part = archive.part(session.number, [(period.start_t, period.end_t)])
            expected = distance(frame, athlete, period.start_t, period.end_t)
            assert part["distance_m"] == pytest.approx(expected, abs=1.0), (period.name, athlete)
            minutes = (period.end_t - period.start_t) / 60
            assert part["distance_m_per_min"] == pytest.approx(expected / minutes, abs=1.0 / min(minutes, 1.0))
    on = {(stint.athlete_id, stint.start_t - start_t, stint.end_t and stint.end_t - start_t)
          for stint in archive.stints(team.id) if stint.state == "on"}  # fmt: skip
    assert on == {(1, 5, 50), (2, 5, 200), (3, 5, 230), (4, 50, None), (1, 200, None), (2, 230, None)}
    summary = sessions[1].summary
    shown = {part["name"]: part["distance_m"] for part in summary["periods"].values()}
    assert shown["2nd half"] == pytest.approx(distance(frame, 1, start_t + 155, start_t + 260), abs=1.0)
    assert summary["on_pitch"]["distance_m"] == pytest.approx(
        distance(frame, 1, start_t + 5, start_t + 50) + distance(frame, 1, start_t + 200, start_t + LENGTH_S), abs=1.5
    )
