"""The program ``publisher.py`` as a process, with a real broker, without one, and in trouble."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from athlete_monitor.config import load_config
from athlete_monitor.wire import topics
from athlete_monitor.wire.codec import Decoder
from athlete_monitor.wire.mqtt import MqttLink
from athlete_monitor.wire.session_reader import read_session
from tests.helpers import ROOT, Mosquitto, wait_until

if TYPE_CHECKING:
    from athlete_monitor.wire.sample import Sample

pytestmark = pytest.mark.integration


class Listener:
    """Collects the samples that arrive at the broker; answers as the engine does where asked to."""

    def __init__(self, config, *, answering=False):
        self.samples: list[Sample] = []
        self._decoder, self._answering = Decoder(), answering
        self._lock = threading.Lock()
        self.link = MqttLink(
            config.mqtt, f"listener-{os.getpid()}", on_message=self._hear, subscriptions=[("player/+/sensor/data", 1)]
        )
        self.link.start(10.0)

    def _hear(self, topic, payload):
        device = topics.device_of(topic)
        assert device is not None
        with self._lock:
            self.samples += self._decoder.decode(payload, device)
            last = self.samples[-1]
        if self._answering and last.seq is not None and last.seq % 10 == 0:
            self.link.publish(topics.metrics(device), json.dumps({"timestamp": last.t}).encode())

    def of(self, device):
        with self._lock:
            return [s for s in self.samples if s.device_id == device and not s.end]

    @property
    def ends(self):
        with self._lock:
            return sorted(s.device_id for s in self.samples if s.end)


@pytest.fixture
def listen(mosquitto, make_config):
    listeners = []

    def begin(**how):
        path = make_config(mqtt={"port": mosquitto.port, "reconnect_max_s": 0.5})
        listeners.append(Listener(load_config(path, environ={}), **how))
        return listeners[-1], path

    yield begin
    for listener in listeners:
        listener.link.stop()


def files(root, mode="training"):
    return sorted((root / f"athlete_{mode}_data").rglob("*.csv"))


def values(samples):
    return [(s.t, s.seq, repr(s.values), s.tags, s.rr_intervals_ms) for s in samples]


def test_what_arrives_live_is_what_the_files_hold(listen, run_program, tmp_path):
    listener, config = listen()
    program = run_program(
        "publisher.py", "--players", "[1, 7]", "--mode", "game", "--duration", "0.05", "--rr", "--config", config
    )
    assert program.wait() == 0, program.stderr
    wait_until(lambda: listener.ends == ["001", "007"], what="the end of both sessions")
    for path, device in zip(files(tmp_path, "game"), ("001", "007"), strict=True):
        assert values(listener.of(device)) == values(read_session(path).samples())
        assert len(listener.of(device)) == 30
    assert "30 rows" in program.stdout
    assert "lateness p50" in program.stdout


def test_fast_devices_send_batches(listen, run_program):
    listener, config = listen()
    program = run_program("publisher.py", "1", "--duration", "0.02", "--rate", "100", "--seed", "1", "--config", config)
    assert program.wait() == 0, program.stderr
    wait_until(lambda: len(listener.ends) == 1, what="the end")
    assert [s.seq for s in listener.of(listener.ends[0])] == list(range(120))
    assert "13 messages sent" in program.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(listen, run_program, tmp_path, number):
    listener, config = listen()
    program = run_program("publisher.py", "--players", "1,2", "--config", config)
    wait_until(lambda: len(listener.samples) > 20, 30.0, "samples")
    program.process.send_signal(number)
    assert program.wait(10.0) == 0, program.stderr
    wait_until(lambda: listener.ends == ["001", "002"], what="the end of both sessions")
    for path in files(tmp_path):
        assert path.read_bytes().endswith(b"\n")
        recording = read_session(path)
        assert recording.skipped_rows == 0
        assert len(recording) == len(listener.of(recording.device_id))


def test_without_a_broker_it_records_and_says_so(run_program, make_config, tmp_path, free_port):
    config = make_config(mqtt={"port": free_port})
    program = run_program("publisher.py", "--players", "3", "--duration", "0.03", "--config", config)
    assert program.wait() == 1
    assert "no broker answers" in program.stderr
    assert "recording goes on in the files" in program.stderr
    assert "nothing was sent; the files are complete" in program.stderr
    assert "Traceback" not in program.stderr
    assert len(read_session(files(tmp_path)[0])) == 18


@pytest.fixture
def strict(mosquitto, tmp_path):
    """A second Mosquitto, with access rights: a device may publish for itself, the coach for all; without passwords."""
    path = tmp_path / "acl"
    path.write_text("pattern write player/%u/sensor/data\nuser coach\ntopic readwrite #\n")
    path.chmod(0o600)
    broker = Mosquitto(tmp_path, settings=f"allow_anonymous true\nacl_file {path}")
    broker.start()
    yield broker
    broker.stop()


@pytest.mark.parametrize("mode", [(), ("--speed", "max")])
def test_a_device_that_may_not_publish_for_others_is_told_so_and_fails(strict, make_config, run_program, mode):
    config = make_config(mqtt={"port": strict.port, "username": "001"})
    program = run_program("publisher.py", "--players", "2,3", "--duration", "2s", *mode, "--config", config)
    assert program.wait() == 1
    assert "user '001' publish for 002, 003 (2 of 2 devices; mqtt.username): nothing was sent" in program.stderr
    assert "Traceback" not in program.stderr


@pytest.mark.parametrize(("user", "code"), [("001", 1), ("coach", 0)])
def test_only_the_devices_that_are_refused_are_missing(strict, make_config, run_program, tmp_path, user, code):
    config = make_config(mqtt={"port": strict.port, "username": user})
    program = run_program("publisher.py", "--players", "1,2", "--duration", "1s", "--config", config)
    assert program.wait() == code
    told = "publish for 002 (1 of 2 devices; mqtt.username): nothing of them arrives"
    assert (told in program.stderr) == (user == "001")
    assert len(files(tmp_path)) == 2


def test_a_session_over_the_end_of_summer_time_is_as_long_as_any_other(run_program, tmp_path):
    options = "--players 1 --duration 20m --rate 1 --offline --speed max --seed 1 --root"
    start = ("--start", "2026-04-04 23:50:00")
    program = run_program("publisher.py", *options.split(), tmp_path, *start, env={"TZ": "America/Santiago"})
    assert program.wait() == 0, program.stderr
    [path] = files(tmp_path)
    session = read_session(path)
    assert (np.diff(session.t) == 1.0).all()
    assert session.duration_s == 1199.0
    assert session.notes == ()
    assert session.simulated


def test_a_pipe_that_nobody_reads_is_no_traceback(tmp_path):
    options = "3 --duration 1m --rate 1 --offline --speed max --seed 1 --root"
    process = subprocess.Popen(
        [sys.executable, ROOT / "publisher.py", *options.split(), tmp_path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(30) != 0
    assert "Traceback" not in said


def test_it_finds_the_broker_again(mosquitto, listen, run_program, tmp_path):
    listener, config = listen()
    program = run_program("publisher.py", "--players", "4", "--duration", "0.1", "--qos", "1", "--config", config)
    wait_until(lambda: len(listener.samples) > 10, 30.0, "samples")
    mosquitto.restart()
    assert program.wait() == 0, program.stderr
    wait_until(lambda: listener.ends == ["004"], 15.0, "the end of the session")
    assert "lost; recording goes on in the files" in program.stderr
    assert "connected to the broker" in program.stderr
    assert len(read_session(files(tmp_path)[0])) == 60
    assert [s.seq for s in listener.of("004")][-10:] == list(range(50, 60))


@pytest.mark.parametrize("answering", [True, False])
def test_a_replay_at_full_speed_loses_nothing(listen, run_program, tmp_path, answering):
    made = run_program(
        "publisher.py", "--players", "1,2", "--duration", "1", "--offline", "--speed", "max", "--root", tmp_path
    )
    assert made.wait() == 0, made.stderr
    paths = files(tmp_path)
    listener, config = listen(answering=answering)
    program = run_program("publisher.py", "--replay", *paths, "--speed", "max", "--config", config)
    assert program.wait() == 0, program.stderr
    wait_until(lambda: listener.ends == ["001", "002"], what="the end of both sessions")
    for path in paths:
        recording = read_session(path)
        assert values(listener.of(recording.device_id)) == values(recording.samples())
    assert files(tmp_path) == paths


def test_the_same_seed_gives_the_same_files(run_program, tmp_path):
    options = "2 --seed 5 --duration 1 --offline --speed max --mode game --start 2026-07-01T18:00:00Z --root"
    folders = [tmp_path / "a", tmp_path / "b"]
    programs = [
        run_program(
            "publisher.py", *options.split(), folder, env={"PYTHONHASHSEED": folder.name.translate({97: "1", 98: "2"})}
        )
        for folder in folders
    ]
    assert [program.wait() for program in programs] == [0, 0]
    texts = [{path.name: path.read_bytes() for path in files(folder, "game")} for folder in folders]
    assert texts[0] == texts[1]
    assert len(texts[0]) == 2


def test_two_publishers_at_once_do_not_share_a_file(run_program, tmp_path):
    options = "--players 1 --duration 0.5 --offline --speed max --root"
    programs = [run_program("publisher.py", *options.split(), tmp_path) for _ in range(2)]
    assert [program.wait() for program in programs] == [0, 0]
    assert sorted(path.name.split("_")[0] for path in files(tmp_path)) == ["TR1", "TR2"]
    assert {len(read_session(path)) for path in files(tmp_path)} == {300}


def test_a_full_disk_gives_one_line_and_keeps_what_was_written(tmp_path):
    """A limit on the size of files stands in for a disk that fills up."""
    done = subprocess.run(
        [
            *("bash", "-c", 'ulimit -f 100 && exec "$@"', "-", sys.executable, ROOT / "publisher.py"),
            *("--players", "1,2", "--duration", "10", "--offline", "--speed", "max", "--root", tmp_path),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "cannot be written (File too large)" in line
    safe = int(line.split("; ")[1].split()[0])
    assert safe > 0
    for path in files(tmp_path):
        assert len(read_session(path)) >= safe


def test_a_full_disk_ends_the_recording_of_a_live_run_and_not_the_sending(listen, tmp_path):
    listener, path = listen()
    done = subprocess.run(
        [
            *("bash", "-c", 'ulimit -f 40 && exec "$@"', "-", sys.executable, ROOT / "publisher.py"),
            *("--players", "1,2", "--duration", "1", "--speed", "60", "--config", path),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    (line,) = (each for each in done.stderr.splitlines() if "cannot be written" in each)
    assert line.endswith("rows are safe; sending goes on without files")
    assert "files are complete" not in done.stderr
    wait_until(lambda: listener.ends == ["001", "002"], what="the ends of both sessions")
    assert len(listener.of("001")) == len(listener.of("002"))
    rows = sum(int(each.split("(")[1].split()[0]) for each in done.stdout.splitlines() if " of them in " in each)
    assert 0 < rows < len(listener.of("001")) + len(listener.of("002"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "give one of"),
        ("31", "1 to 30 (--max-players raises the limit)"),
        ("0", "outside 1 to 30"),
        ("--players 30,31", "31 is outside 1 to 30"),
        ("--players []", "athlete ids from 1"),
        ("3 --duration 0", "--duration"),
        ("--replay nowhere.csv", "nowhere.csv"),
        (f"--replay {Path(__file__)}", "is not recognised as a recording"),
        ("3 --config nowhere.yaml", "nowhere.yaml"),
    ],
)
def test_mistakes_are_told_in_one_line(words, said, tmp_path, monkeypatch, capsys):
    from athlete_monitor.sim.publish import main

    monkeypatch.chdir(tmp_path)
    code: object
    try:
        code = main([*words.split(), "--root", str(tmp_path)])
    except SystemExit as end:
        code = end.code
    err = capsys.readouterr().err
    assert code in {1, 2}
    assert said in err
    assert err.count("\n") == 1
    assert not files(tmp_path)
