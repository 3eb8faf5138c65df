"""The program as a process, against a real Mosquitto."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import sqlite3
import subprocess
import time
from collections import defaultdict
from contextlib import suppress
from functools import partial
from itertools import pairwise
from typing import Any

import psutil
import pytest

from athlete_monitor.config import load_config
from athlete_monitor.engine.offline import run_recordings
from athlete_monitor.models.store import ModelStore
from athlete_monitor.wire import topics
from athlete_monitor.wire.codec import encode_sample
from athlete_monitor.wire.mqtt import MqttLink
from tests.engine.kit import Recorded, manifest, sample, spec_of, stream
from tests.helpers import wait_until
from tests.models.kit import artifacts

pytestmark = pytest.mark.integration


class Peer:
    """A device and a listener in one."""

    def __init__(self, config, qos=0):
        self.heard: defaultdict[str, list[Any]] = defaultdict(list)
        self.link = MqttLink(
            config.mqtt,
            f"peer-{random.random()}",
            on_message=lambda topic, payload: self.heard[topic].append(json.loads(payload)),
            subscriptions=[("player/+/metrics", 0), ("player/+/session", 1), ("player/+/status", 1), ("engine/#", 1)],
        )
        self.qos = qos
        self.link.start(10.0)

    def send(self, samples):
        for each in samples:
            self.link.publish(topics.sensor_data(each.device_id), encode_sample(each), self.qos)

    def wait_online(self):
        wait_until(lambda: self.said("online"), 30, "the engine")

    def said(self, status):
        return any(each["status"] == status for each in list(self.heard[topics.ENGINE_STATUS]))

    def metrics(self, device="001"):
        return self.heard[topics.metrics(device)]


@pytest.fixture
def setting(mosquitto, make_config):
    def make(**sections):
        mqtt = {"host": mosquitto.host, "port": mosquitto.port, "broker": "external", "reconnect_max_s": 0.5}
        path = make_config(
            mqtt={**mqtt, **sections.pop("mqtt", {})},
            model_loading={"runtime": "onnx"},
            engine={"stats_interval_s": 0.5, **sections.pop("engine", {})},
            **sections,
        )
        return path, load_config(path, environ={})

    return make


@pytest.fixture
def peers():
    opened: list[Peer] = []

    def open_peer(config, **rest):
        opened.append(Peer(config, **rest))
        return opened[-1]

    yield open_peer
    for peer in opened:
        peer.link.stop()


def publish_default_model(config):
    names = manifest(spec_of(config)).feature_names
    store = ModelStore.from_config(config)
    store.publish(manifest(spec_of(config)), artifacts(n_features=len(names)).by_kind())


def now_stream(device="001", athlete=1, seconds=10.0, since=0.0):
    return [
        type(each)(
            each.device_id, each.t - 1_750_000_000.0 + since, *[getattr(each, f) for f in each.__struct_fields__[2:]]
        )
        for each in stream(device, athlete, seconds)
    ]


def alone(figures):
    """Figures of an athlete without those of the team's periods, which an offline run has not."""
    return [{name: value for name, value in each.items() if name not in {"period", "on_pitch"}} for each in figures]


def test_live_figures_equal_an_offline_run_to_the_last_digit(setting, run_program, peers):
    path, config = setting()
    publish_default_model(config)
    samples = [*stream("001", 1, 30), *stream("002", 2, 30)]
    program = run_program("main.py", "--no-ui", "--config", path, "--exit-when-idle")
    peer = peers(config)
    peer.wait_online()
    for i in range(0, 300, 10):
        peer.send(samples[i : i + 10])
        peer.send(samples[300 + i : 310 + i])
        time.sleep(0.002)
    peer.send([sample(30, device, n, end=True) for device, n in (("001", 1), ("002", 2))])
    assert program.wait() == 0
    wait_until(lambda: peer.heard[topics.session("001")] and peer.heard[topics.session("002")], what="the summaries")
    offline = run_recordings(config, [Recorded(samples[:300]), Recorded(samples[300:])])
    for device in ("001", "002"):
        assert alone(peer.metrics(device)) == [f for f in offline.figures if f["device_id"] == device]
        assert any(f["model_heart_rate_bpm"] is not None for f in peer.metrics(device))
    assert peer.heard[topics.status("001")][-1]["status"] == "offline"


def test_a_stray_signal_does_not_end_it_and_ctrl_backslash_ends_it_in_order(setting, run_program, peers):
    path, config = setting()
    program = run_program("main.py", "--no-ui", "--config", path)
    peer = peers(config)
    peer.wait_online()
    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE):
        program.process.send_signal(number)
    peer.link.publish("sensor/data", encode_sample(stream()[0]))
    wait_until(lambda: any(s["samples"] == 1 for s in peer.heard[topics.ENGINE_STATS]), what="a sample")
    program.process.send_signal(signal.SIGQUIT)
    assert program.wait() == 0
    assert peer.heard[topics.ENGINE_STATUS][-1]["status"] == "offline"


def test_malformed_payloads_are_counted_and_the_engine_goes_on(setting, run_program, peers):
    path, config = setting()
    program = run_program("main.py", "--no-ui", "--config", path)
    peer = peers(config)
    peer.wait_online()
    good = encode_sample(stream()[0])
    peer.link.publish(topics.sensor_data("001"), b"")  # what deletes a retained message is no mistake
    for payload in (
        b" ",
        b"\x00\xff",
        b"[]",
        good[:-3],
        good.replace(b'"001"', b'"../../x"'),
        good.replace(b"001", b"002"),
    ):
        peer.link.publish(topics.sensor_data("001"), payload)
    peer.link.publish("sensor/data", good)
    stats = wait_until(
        lambda: [s for s in peer.heard[topics.ENGINE_STATS] if s["samples"] == 1], what="the good sample"
    )
    assert stats[-1]["invalid"] == 6
    program.terminate()
    assert program.wait() == 0
    assert "Traceback" not in program.stderr


def test_killed_at_any_moment_it_goes_on_with_at_most_a_second_lost(setting, run_program, peers):
    path, config = setting()
    peer = peers(config)
    program, rng = run_program("main.py", "--no-ui", "--config", path), random.Random(5)
    peer.wait_online()
    begin = time.time()
    samples = now_stream(seconds=60, since=begin)
    sent = 0
    for _ in range(4):
        until = time.time() + 2.0 + rng.random()
        while time.time() < until:
            while samples[sent].t <= time.time():
                peer.send([samples[sent]])
                sent += 1
            time.sleep(0.02)
        program.kill()
        last = peer.metrics()[-1]
        with sqlite3.connect(config.paths.journal) as journal:
            assert journal.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            ((last_t, session_id),) = journal.execute(
                "SELECT last_t, session_id FROM sessions JOIN totals ON session = id"
            ).fetchall()
        assert last["t_s"] - last_t <= 1.0
        assert session_id == last["session_id"]
        for file in config.paths.prediction_outputs.rglob("*.json"):
            if not file.name.startswith("."):
                json.loads(file.read_text())
        peer.heard[topics.ENGINE_STATUS].clear()
        program = run_program("main.py", "--no-ui", "--config", path)
        peer.wait_online()
    trimp = [figures["trimp"] for figures in peer.metrics() if figures["trimp"] is not None]
    assert all(after >= before - 0.05 for before, after in pairwise(trimp))
    program.terminate()
    assert program.wait() == 0
    summary = wait_until(lambda: peer.heard[topics.session("001")], what="the summary")[0]
    assert summary["session_id"] == session_id


def test_a_broker_that_restarts_costs_no_sample_at_qos_1(setting, run_program, peers, mosquitto):
    path, config = setting(mqtt={"qos": 1, "persistent_session": True})
    program = run_program("main.py", "--no-ui", "--config", path)
    peer = peers(config, qos=1)
    peer.wait_online()
    samples = stream(seconds=60)
    for part in range(5):
        peer.send(samples[part * 120 : (part + 1) * 120])
        peer.link.flush(5.0)
        mosquitto.restart()
        wait_until(lambda: peer.link.connected, what="the reconnection")
    wait_until(lambda: any(s["samples"] == 600 for s in peer.heard[topics.ENGINE_STATS]), 20, "all samples")
    program.terminate()
    assert program.wait() == 0
    summary = wait_until(lambda: peer.heard[topics.session("001")], what="the summary")[0]
    assert summary["quality"]["lost"] == summary["quality"]["late"] == summary["quality"]["clock_steps"] == 0
    assert summary["quality"]["received"] == 600


def test_a_broker_that_refuses_is_named_and_the_engine_waits(setting, run_program, mosquitto, tmp_path):
    mosquitto.stop()
    mosquitto.require_password("coach", "secret")
    mosquitto.start()
    path, _ = setting()
    program = run_program("main.py", "--no-ui", "--config", path)
    program.wait_for("refuses")
    assert program.process.poll() is None
    program.terminate()
    assert program.wait() == 0


def started(run_program, peers, path, config, samples):
    """An engine that has published the figures of ten seconds, and its peer."""
    program = run_program("main.py", "--no-ui", "--config", path)
    peer = peers(config)
    peer.wait_online()
    peer.send(samples)
    wait_until(lambda: len(peer.metrics()) >= 9, what="figures")
    return program, peer


def test_a_full_disk_costs_files_never_figures(setting, run_program, peers):
    path, config = setting()
    samples = stream(seconds=60)
    program, peer = started(run_program, peers, path, config, samples[:100])
    process = psutil.Process(program.pid)
    process.rlimit(psutil.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))
    peer.send(samples[100:200])
    wait_until(lambda: len(peer.metrics()) >= 19, what="figures with a full disk")
    stats = wait_until(
        lambda: [s for s in peer.heard[topics.ENGINE_STATS] if s["files_failing"]], what="the alarm", timeout_s=60
    )
    assert stats
    process.rlimit(psutil.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    peer.send(samples[200:300])
    wait_until(lambda: not peer.heard[topics.ENGINE_STATS][-1]["files_failing"], what="the recovery")
    wait_until(lambda: not peer.heard[topics.ENGINE_STATS][-1]["journal_failing"], what="the journal's recovery")
    program.terminate()
    assert program.wait() == 0
    (summary,) = config.paths.prediction_outputs.rglob("*session_summary*")
    assert json.loads(summary.read_text())["quality"]["received"] == 300


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 3 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small disk can only be mounted by root")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill_up(file):
    """Write until the disk has no space left."""
    with file.open("wb", buffering=0) as out, suppress(OSError):
        while out.write(bytes(4096)) == 4096:
            pass


def _is_longer(messages, than):
    return len(messages) > than


def test_a_disk_without_space_raises_one_alarm_each_and_loses_nothing(setting, run_program, peers, small_disk):
    folders = {"prediction_outputs": str(small_disk / "outputs"), "journal": str(small_disk / "journal.sqlite3")}
    path, config = setting(paths=folders, logging={"log_to_file": False})
    samples = stream(seconds=60)
    program, peer = started(run_program, peers, path, config, samples[:100])
    fill = small_disk / "filler"
    fill_up(fill)
    peer.send(samples[100:200])
    wait_until(lambda: len(peer.metrics()) >= 19, what="figures without space")
    stats, failing = peer.heard[topics.ENGINE_STATS], ("files_failing", "journal_failing")
    sent = 200
    while not (stats and all(stats[-1][name] for name in failing)):  # SQLite uses up what its log already has
        assert sent < len(samples), "the alarms are not raised"
        answered = partial(_is_longer, stats, len(stats))
        peer.send(samples[sent : sent + 10])
        sent += 10
        wait_until(answered, timeout_s=60, what="the engine's statistics")
    wait_until(lambda: len(peer.metrics()) >= sent // 10 - 1, timeout_s=60, what="figures without space")
    fill.unlink()
    wait_until(lambda: not any(stats[-1][name] for name in failing), timeout_s=60, what="the recovery")
    assert (
        program.stderr.count("alarm=raised writing files") == program.stderr.count("alarm=cleared writing files") == 1
    )
    assert program.stderr.count("alarm=raised") == program.stderr.count("alarm=cleared") == 2
    program.terminate()
    assert program.wait() == 0
    (summary,) = config.paths.prediction_outputs.rglob("*session_summary*")
    assert json.loads(summary.read_text())["quality"]["received"] == sent
    with sqlite3.connect(config.paths.journal) as journal:
        assert journal.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        ((seconds,),) = journal.execute("SELECT count(*) FROM session_seconds").fetchall()
    assert seconds >= sent // 10 - 1, "the seconds published without space were kept and written"


def test_a_second_engine_on_the_same_folder_is_refused_in_one_line(setting, run_program, peers):
    path, config = setting()
    first = run_program("main.py", "--no-ui", "--config", path)
    peers(config).wait_online()
    second = run_program("main.py", "--no-ui", "--config", path)
    assert second.wait() != 0
    assert "held by" in second.stderr
    assert "Traceback" not in second.stderr
    first.terminate()
    assert first.wait() == 0


def test_it_ends_after_its_duration_with_sessions_summarised(setting, run_program, peers):
    path, config = setting()
    program = run_program("main.py", "--no-ui", "--config", path, "--duration", "4")
    peer = peers(config)
    peer.wait_online()
    peer.send(stream(seconds=5))
    assert program.wait() == 0
    assert list(config.paths.prediction_outputs.rglob("*session_summary*"))


def test_a_folder_of_logs_that_cannot_be_written_is_told_in_one_line(setting, run_program, tmp_path):
    (tmp_path / "file").write_text("in the way")
    path, _ = setting(logging={"logs_dir": str(tmp_path / "file" / "logs")})
    program = run_program("main.py", "--no-ui", "--config", path)
    assert program.wait() == 1
    (line,) = program.stderr.splitlines()
    assert "logging.logs_dir" in line


def test_an_embedded_broker_that_is_killed_comes_back_and_stays_until_its_clients_have_left(
    setting, run_program, peers, free_port
):
    path, config = setting(mqtt={"broker": "embedded", "port": free_port, "qos": 1})
    program = run_program("main.py", "--no-ui", "--config", path, "--exit-when-idle")
    peer = peers(config, qos=1)
    peer.wait_online()
    peer.heard[topics.ENGINE_STATUS].clear()
    (broker,) = psutil.Process(program.pid).children()
    broker.kill()
    peer.wait_online()
    assert "embedded_broker_restarted" in program.stderr
    wait_until(lambda: peer.link.connected, what="the reconnection")
    peer.send([*stream(seconds=3), sample(3, end=True)])
    wait_until(lambda: peer.heard[topics.session("001")], what="the summary")
    wait_until(lambda: peer.said("offline"), what="the engine's goodbye")
    peer.link.publish("after/all", b"1", 1)
    assert peer.link.flush(2.0)
    peer.link.stop()
    assert program.wait() == 0


@pytest.mark.campaign
def test_an_engine_that_was_stopped_for_a_while_finds_no_device_silent_and_splits_no_session(
    setting, run_program, peers
):
    path, config = setting(engine={"stale_s": 2, "offline_s": 3, "idle_s": 4})
    program = run_program("main.py", "--no-ui", "--config", path)
    peer = peers(config)
    peer.wait_online()
    for count, each in enumerate(stream(seconds=15)):
        if count == 30:
            os.kill(program.pid, signal.SIGSTOP)
        elif count == 110:
            os.kill(program.pid, signal.SIGCONT)
        peer.send([each])
        time.sleep(0.1)
    wait_until(lambda: len(peer.metrics()) >= 14, what="figures of all seconds")
    program.terminate()
    assert program.wait() == 0
    wait_until(lambda: "offline" in [each["status"] for each in peer.heard[topics.status("001")]], what="the end")
    assert [each["status"] for each in peer.heard[topics.status("001")]] == ["online", "offline"]
    (summary,) = config.paths.prediction_outputs.rglob("*session_summary*")
    assert json.loads(summary.read_text())["quality"]["received"] == 150
