"""Samples on their way to session files, over a disk that fails and recovers."""

from __future__ import annotations

import gzip
import math
import resource
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from athlete_monitor.arrays import LATITUDE
from athlete_monitor.athletes import Profile
from athlete_monitor.config import load_config
from athlete_monitor.engine.sessions.wearers import Wearer
from athlete_monitor.engine.sinks import recorder as room
from athlete_monitor.engine.sinks.recorder import Recorder, make
from athlete_monitor.engine.sinks.registry import SinkContext
from athlete_monitor.errors import RecordingError
from athlete_monitor.wire.sample import SIMULATED, Tags
from athlete_monitor.wire.session_files import SessionWriter, is_simulated
from athlete_monitor.wire.session_reader import read_session
from tests.engine.kit import START, stream
from tests.helpers import wait_until

LINK: Any = object()
"""A connection that nobody uses: there is one, so samples arrive now."""


@contextmanager
def full_disk(limit_bytes=0):
    """No file of this process grows beyond the limit."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def told():
    return []


@pytest.fixture
def recorder(tmp_path, told, monkeypatch):
    monkeypatch.setattr(room, "_PERIOD_S", 0.01)
    monkeypatch.setattr(room, "_LOOK_AHEAD_S", 0.0)
    monkeypatch.setattr(room, "WRITE_EVERY_S", 0.0)
    return Recorder({"training": tmp_path}, lambda text, bad: told.append((text, bad)))


def session(device="001", athlete=1):
    return SimpleNamespace(session_id=device, wearer=Wearer(device, Profile(athlete)), mode="training")


def recorded(folder):
    """Numbers of the samples in the folder's files, of which one may have only a heading yet."""
    times: list[float] = []
    for path in folder.rglob("*.csv"):
        with suppress(RecordingError):
            times += read_session(path).t.tolist()
    return sorted(round((t - START) * 10) for t in times)


def test_a_disk_that_is_full_for_a_while_costs_no_sample(recorder, told, tmp_path):
    samples = stream(seconds=30)
    recorder.samples(session(), samples[:100])
    wait_until(lambda: recorded(tmp_path) == list(range(100)), what="the first rows")
    with full_disk(10_000):
        recorder.samples(session(), samples[100:200])
        recorder.samples(session("002", 2), stream("002", 2, 10))
        wait_until(lambda: told, what="the alarm")
    recorder.samples(session(), samples[200:])
    recorder.stop()
    assert recorded(tmp_path / "player_1") == list(range(300))
    assert recorded(tmp_path / "player_2") == list(range(100))
    assert recorder.lost == 0


def test_what_begins_in_the_middle_of_a_session_is_recorded_in_the_same_file(recorder, tmp_path):
    samples = stream(seconds=10)
    recorder.samples(session(), samples[:50])
    wait_until(lambda: recorded(tmp_path) == list(range(50)), what="the first rows")
    fixed = [structs.replace(each, values=(*each.values[:LATITUDE], 51.5, -0.1, *[math.nan] * 5)) for each in samples]
    recorder.samples(session(), fixed[50:])
    recorder.stop()
    [path] = tmp_path.rglob("*.csv")
    read = read_session(path)
    assert np.isnan(read.values[:50, LATITUDE]).all()
    assert (read.values[50:, LATITUDE] == 51.5).all()
    assert recorded(tmp_path) == list(range(100))


def test_a_disk_that_stays_full_is_no_reason_to_end_badly(recorder, told, tmp_path, caplog):
    with full_disk():
        recorder.samples(session(), stream(seconds=5))
        wait_until(lambda: told, what="the alarm")
        recorder.stop()
    assert recorder.lost == 50
    assert list(tmp_path.rglob("*.csv")) == []
    assert "samples_not_recorded samples=50" in caplog.text


def test_what_waits_for_a_full_disk_is_bounded_and_the_newest_is_kept(recorder, told, tmp_path, monkeypatch):
    monkeypatch.setattr(room, "KEPT_SAMPLES", 80)
    with full_disk():
        recorder.samples(session(), stream(seconds=20))
        wait_until(lambda: recorder.lost, what="the bound")
    recorder.stop()
    assert recorder.lost == 120
    assert recorded(tmp_path) == list(range(120, 200))


def test_one_folder_that_cannot_be_written_does_not_stop_the_others(recorder, told, tmp_path):
    (tmp_path / "player_1").write_text("in the way")
    recorder.samples(session(), stream(seconds=5))
    recorder.samples(session("002", 2), stream("002", 2, 5))
    wait_until(lambda: told and recorded(tmp_path / "player_2") == list(range(50)), what="the other file")
    (tmp_path / "player_1").unlink()
    recorder.stop()
    assert recorded(tmp_path / "player_1") == list(range(50))


def test_a_file_that_was_cut_short_ends_with_a_whole_row(tmp_path):
    writer = SessionWriter(tmp_path, "training", 1, "001", START)
    writer.write(stream(seconds=1))
    writer.flush()
    with full_disk(writer.path.stat().st_size + 20):
        writer.write(stream(seconds=2)[10:])
        with pytest.raises(OSError, match="too large"):
            writer.flush()
    writer.abandon()
    assert recorded(tmp_path) == list(range(10))
    assert writer.path.read_text().endswith("\n")


def test_a_session_that_is_in_the_folder_already_is_not_recorded_again(tmp_path):
    samples = stream(seconds=10)
    for _ in range(2):
        recorder = Recorder({"training": tmp_path})
        recorder.samples(session(), samples)
        recorder.stop()
    [path] = tmp_path.rglob("*.csv")
    assert recorded(tmp_path) == list(range(100))
    path.with_suffix(".csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    recorder = Recorder({"training": tmp_path})
    recorder.samples(session(), samples[30:])
    recorder.stop()
    assert not list(tmp_path.rglob("*.csv"))


@pytest.mark.parametrize("other", ["device", "measurement", "time"])
def test_another_session_of_the_same_athlete_is_recorded(tmp_path, other):
    first = stream(seconds=10)
    second = stream("002" if other == "device" else "001", seed=1 if other == "measurement" else 0, seconds=10)
    if other == "time":
        second = [structs.replace(each, t=each.t + 0.03) for each in second]
    for device, samples in (("001", first), (second[0].device_id, second)):
        recorder = Recorder({"training": tmp_path})
        recorder.samples(session(device), samples)
        recorder.stop()
    assert len(list(tmp_path.rglob("*.csv"))) == 2


@pytest.mark.parametrize("use_simulated", [False, True])
@pytest.mark.parametrize("real", ["nobody", "roster", "sessions"])
def test_a_simulation_is_not_recorded_for_a_real_athlete_unless_asked(make_config, real, use_simulated):
    config = load_config(make_config(training={"use_simulated": use_simulated}), environ={})
    if real == "roster":
        config.athletes.roster.write_text('athletes: [{id: 1, device: "001"}]\n')
    if real == "sessions":
        with SessionWriter(config.paths.game_data_root, "game", 1, "001", START - 86_400) as writer:
            writer.write(stream(seconds=1))
    simulated = [structs.replace(each, tags=Tags(mode="training", source=SIMULATED)) for each in stream(seconds=10)]
    recorder = make(SinkContext(config, link=LINK))
    assert recorder is not None
    recorder.samples(session(), simulated)
    recorder.stop()
    files = list(config.paths.data_root.rglob("*.csv"))
    assert len(files) == (1 if use_simulated or real == "nobody" else 0)
    assert all(is_simulated(path) for path in files)


@pytest.mark.parametrize(
    ("record", "modes"), [("all", {"TR", "GM"}), ("training", {"TR"}), ("none", set()), ("off", set())]
)
def test_what_is_recorded_follows_the_configuration_and_is_everything_by_default(make_config, record, modes):
    assert load_config(make_config(), environ={}).engine.record == "all"
    config = load_config(make_config(engine={"record": record}), environ={})
    recorder = make(SinkContext(config, link=LINK))
    if recorder is not None:
        for number, mode in enumerate(("training", "game"), 1):
            wearing = session(f"00{number}", number)
            wearing.mode = mode
            recorder.samples(wearing, stream(f"00{number}", number, 5))
        recorder.stop()
    roots = (config.paths.data_root, config.paths.game_data_root)
    assert {path.name[:2] for root in roots for path in root.rglob("*.csv")} == modes
