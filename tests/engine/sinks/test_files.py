from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.athletes import Athlete, Roster
from athlete_monitor.config import load_config
from athlete_monitor.engine.sessions.wearers import safe_name
from athlete_monitor.engine.sinks.files import FileSink
from athlete_monitor.engine.sinks.recorder import Recorder
from athlete_monitor.wire.session_reader import read_session
from tests.engine.kit import GAME, feed, monitor_of, sample, stream
from tests.helpers import ROOT, wait_until

CONFIG = load_config(ROOT / "jetson_nano_4gb_config.yaml", environ={})


def run(sink, samples, roster=None):
    monitor, _ = monitor_of(CONFIG, roster=roster)
    monitor.sink.add(sink)
    for each in samples:
        feed(monitor, [each])
    monitor.end_all("test")
    sink.stop()


def test_an_athlete_gets_live_file_summary_impacts_and_log(tmp_path):
    sink = FileSink(tmp_path / "out", tmp_path / "logs", 0.0)
    roster = Roster((Athlete(id=1, device="001", name="Ada Example", sex="female"),))
    hit = [sample(20 + i / 10, seq=200 + i, acc_x=0, acc_y=0, acc_z=88.0 if i == 5 else 9.8) for i in range(20)]
    run(sink, [*stream(seconds=20), *hit], roster)
    folder = tmp_path / "out" / "A1_Ada_Example"
    live = json.loads((folder / "A1_D001_realtime_output.json").read_text())
    (summary,) = folder.glob("A1_D001_session_summary_*.json")
    impacts = json.loads((folder / "A1_g_impact_log.json").read_text())
    assert live["name"] == "Ada Example"
    assert json.loads(summary.read_text())["end_reason"] == "test"
    assert impacts["impacts"][0]["undersampled"] is True
    (log,) = (tmp_path / "logs").glob("A1_D001_*.log")
    assert "session_started" in log.read_text()
    assert "session_ended" in log.read_text()


def test_the_live_file_is_replaced_at_most_once_an_interval(tmp_path):
    sink = FileSink(tmp_path, None, 5.0, clock=lambda: 0.0)
    monitor, told = monitor_of(CONFIG)
    monitor.sink.add(sink)
    feed(monitor, stream(seconds=2))
    (path,) = wait_until(lambda: list(tmp_path.rglob("*realtime_output.json")), what="the live file")
    first = wait_until(path.read_bytes, what="its content")
    feed(monitor, stream(seconds=10)[20:])
    monitor.end_all("test")
    wait_until(lambda: list(tmp_path.rglob("*summary*")), what="the summary, written after it in one round")
    assert path.read_bytes() == first
    sink.stop()
    assert json.loads(path.read_bytes()) == told.figures[-1]
    assert not list(tmp_path.rglob(".new-*"))


@given(st.text())
def test_no_name_leads_out_of_its_folder(name):
    safe = safe_name(name)
    assert safe
    assert "/" not in safe
    assert not safe.startswith(".")
    assert len(safe.encode()) <= 255


def test_a_full_disk_raises_one_alarm_and_summaries_come_when_there_is_room(tmp_path):
    told = []
    blocked = tmp_path / "out"
    blocked.write_text("a file where the folder should be")
    sink = FileSink(blocked, None, 0.0, lambda text, bad: told.append((text, bad)))
    monitor, _ = monitor_of(CONFIG)
    monitor.sink.add(sink)
    feed(monitor, stream(seconds=5))
    monitor.end_all("test")
    wait_until(lambda: sink.failing, what="the alarm")
    blocked.unlink()
    wait_until(lambda: not sink.failing, what="the recovery")
    sink.stop()
    assert list(blocked.glob("*/*session_summary*"))
    assert [bad for _, bad in told] == [True, False]


def test_recorded_sessions_read_back_as_they_arrived(tmp_path):
    samples = [*stream(seconds=10), *(sample(10 + i / 10, seq=100 + i, tags=GAME, speed_mps=4.0) for i in range(50))]
    run(Recorder({"training": tmp_path / "training", "game": tmp_path / "games"}), samples)
    (training,) = (tmp_path / "training").rglob("TR*.csv")
    (game,) = (tmp_path / "games").rglob("GM*.csv")
    read = list(read_session(training).samples())
    assert [each.values[:6] for each in read] == [each.values[:6] for each in samples[:100]]
    assert len(read_session(game)) == 50
    assert read_session(game).values[0][10] == 4.0


def test_only_training_is_recorded_where_only_that_is_asked_for(tmp_path):
    run(Recorder({"training": tmp_path}), stream(seconds=3, tags=GAME))
    assert not list(tmp_path.iterdir())
