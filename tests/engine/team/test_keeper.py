from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import ANY

import pytest

from athlete_monitor.archive import Archive
from athlete_monitor.athletes import Roster
from athlete_monitor.config import load_config
from athlete_monitor.engine.journal.journal import Journal
from athlete_monitor.engine.journal.keeper import JournalSink
from athlete_monitor.engine.team import keeper
from athlete_monitor.engine.team.keeper import TeamKeeper
from athlete_monitor.wire import topics
from tests.engine.kit import START, feed, monitor_of, sample
from tests.helpers import ROOT, wait_until

CONFIG = load_config(ROOT / "jetson_nano_4gb_config.yaml", environ={})


@dataclass
class Sent:
    """What the engine publishes, by topic."""

    messages: dict[str, list[Any]] = field(default_factory=dict)

    def publish(self, topic: str, payload: bytes, qos: int = 0, *, retain: bool = False) -> bool:
        self.messages.setdefault(topic, []).append(json.loads(payload))
        return True

    @property
    def results(self) -> list[Any]:
        return self.messages.get(topics.TEAM_CONTROL_RESULT, [])

    @property
    def state(self) -> Any:
        return self.messages[topics.TEAM_STATE][-1]


class Box:
    """An engine without network: journal, archive, monitor and team."""

    def __init__(self, path, now_t=START):
        self.now_t = now_t
        self.notices: list[str] = []
        self.journal = Journal(path, lambda: self.now_t, period_s=0.02)
        self.sent = Sent()
        self.archive = Archive(path)
        self.team = TeamKeeper(
            Roster(), self.journal, self.archive, self.sent, self.notices.append,
            assign=self.assign, wall_s=lambda: self.now_t,
        )  # fmt: skip
        sink = JournalSink(self.journal)
        self.monitor, self.told = monitor_of(CONFIG, begin=sink.begin)
        self.monitor.sink._sinks.insert(0, self.team)
        self.monitor.sink.add(sink)
        self.team.resume()
        self.journal.start()

    def assign(self, device, athlete):
        self.monitor.assign(device, athlete)

    def command(self, **message):
        self.team.receive(json.dumps({"id": f"c{len(self.sent.results)}-{self.now_t}", **message}).encode())
        self.team.tick()
        return self.sent.results[-1]

    def run(self, seconds, since=0.0, devices=("001",), **rest):
        """Devices that move at 5 m/s, ten times a second."""
        for index in range(round(since * 10), round((since + seconds) * 10)):
            t = index / 10
            if index % 10 == 0:
                self.team.tick()
            feed(self.monitor, [sample(t, d, int(d), seq=index, speed_mps=5.0, acc_z=9.8, **rest) for d in devices])
        self.now_t = START + since + seconds
        self.team.tick()

    def stop(self):
        self.team.stop()
        self.journal.stop()

    def written(self, condition):
        wait_until(lambda: condition(self.archive), what="the archive")


@pytest.fixture
def box(tmp_path):
    opened = []

    def make(now_t=START):
        opened.append(Box(tmp_path / "journal.sqlite3", now_t))
        return opened[-1]

    yield make
    for each in opened:
        each.journal.stop()


def test_a_message_has_the_figures_of_its_open_periods_and_of_the_pitch(box):
    it = box()
    it.run(10)
    assert it.command(do="period_start", name="1st half")["ok"]
    it.command(do="pitch", athlete=1, state="on")
    it.run(20, since=10)
    (part,) = it.told.figures[-1]["period"].values()
    assert part["name"] == "1st half"
    assert part["distance_m"] == pytest.approx(5 * part["duration_s"], abs=0.5)
    assert part["distance_m_per_min"] == pytest.approx(300, abs=2)
    assert it.told.figures[-1]["on_pitch"]["seconds"] == pytest.approx(19.5, abs=1)
    it.monitor.end_all("test")
    summary = it.told.summaries[-1]
    assert [each["name"] for each in summary["periods"].values()] == ["main", "1st half"]


def test_a_period_that_began_in_the_past_has_its_figures_from_the_archive(box):
    it = box()
    it.run(60)
    it.written(lambda archive: len(archive.seconds(1)["t"]) >= 59)
    it.command(do="period_start", name="drill", at=START + 20.25)
    it.run(5, since=60)
    (part,) = it.told.figures[-1]["period"].values()
    assert part["distance_m"] == pytest.approx(5 * part["duration_s"], abs=0.5)
    assert part["duration_s"] == pytest.approx(44, abs=1.1)


def test_phases_of_the_senders_become_periods_until_somebody_controls(box):
    it = box()
    it.run(5)
    assert [period["name"] for period in it.sent.state["periods"]] == ["main"]
    it.command(do="period_start", name="game")
    assert [(each["name"], each["end_t"]) for each in it.sent.state["periods"]] == [
        ("main", START + 5), ("game", None),
    ]  # fmt: skip


def test_the_same_command_twice_is_carried_out_once_and_answered_alike(box):
    it = box()
    first = it.command(id="a", do="marker", text="goal")
    assert it.command(id="a", do="marker", text="goal") == first
    assert len(it.sent.state["markers"]) == 1


@pytest.mark.parametrize("payload", [b"", b"[]", b"{", b"\xff\xfe", b'{"id": 7}', b"[" * 100_000, b"null"])
def test_what_is_no_command_is_answered_with_words(box, payload):
    it = box()
    it.team.receive(payload)
    it.team.tick()
    assert it.sent.results[-1]["ok"] is False
    assert it.sent.results[-1]["error"]


def test_a_command_of_last_week_is_for_that_weeks_session_or_refused(box):
    it = box()
    it.run(20)
    it.monitor.end_all("test")
    it.now_t = START + 7 * 86_400
    it.team.tick()
    it.written(lambda archive: archive.team_sessions() and archive.team_sessions()[0].end_t is not None)
    assert it.command(do="marker", text="seen on video", at=START + 10)["ok"]
    team = it.archive.team_sessions()[0].id
    it.written(lambda archive: [marker.text for marker in archive.markers(team)] == ["seen on video"])
    refused = it.command(do="period_start", name="x", at=START + 86_400)
    assert "no team session is known of that time" in refused["error"]
    assert len(it.archive.team_sessions()) == 1


def test_periods_of_an_earlier_session_are_corrected_again_and_again_the_latest_correction_counts(box):
    it = box()
    it.command(do="period_start", name="1st half", period="p1", at=START)
    it.run(20)
    it.monitor.end_all("test")
    it.now_t = START + 7 * 86_400
    it.team.tick()
    it.written(lambda archive: archive.team_sessions() and archive.team_sessions()[0].end_t is not None)
    team = it.archive.team_sessions()[0].id
    for second, end in enumerate((15.0, 8.0, 12.0)):
        it.now_t += second
        answer = it.command(do="period_edit", session=team, period="p1", name=f"half {end:g}", end=START + end)
        assert answer["ok"], answer
        it.written(lambda archive: [each.end_t for each in archive.periods(team)] == [START + end])  # noqa: B023
    assert [each.name for each in it.archive.periods(team)] == ["half 12"]
    it.now_t += 1
    assert it.command(do="period_delete", session=team, period="p1")["ok"]
    it.written(lambda archive: archive.periods(team) == [])
    assert "not known" in it.command(do="period_delete", session="T_1999", period="p1")["error"]


def test_ten_thousand_commands_are_bounded_and_leave_time_for_the_samples(box):
    it = box()
    for number in range(10_000):
        it.team.receive(json.dumps({"id": f"m{number}", "do": "marker", "text": "x"}).encode())
    it.team.tick()
    assert len(it.sent.results) == keeper.PER_ROUND
    assert "commands refused" in it.notices[0]
    for _ in range(keeper.WAITING // keeper.PER_ROUND):
        it.team.tick()
    assert len(it.sent.results) == keeper.WAITING
    it.run(3)
    assert it.told.figures


def test_everything_is_there_again_after_a_kill(box):
    it = box()
    it.run(10)
    it.command(do="period_start", name="1st half", at=START + 5)
    it.command(do="pitch", athlete=1, state="on")
    it.command(id="once", do="session_edit", opponent="Reds")
    shown = it.sent.state
    it.written(lambda archive: len(archive.commands(shown["team_session"]["id"])) == 4)
    again = box(START + 12)
    again.team.tick()
    for name in ("periods", "pitch", "team_session", "markers"):
        assert again.sent.state[name] == shown[name]
    assert again.command(id="once", do="session_edit", opponent="Blues") == it.sent.results[-1]


def test_devices_that_overlap_are_one_team_session_and_a_later_one_another(box):
    it = box()
    it.run(5, devices=("001", "002"))
    it.monitor.end_all("test")
    it.now_t += 2000
    it.team.tick()
    it.run(5, since=2005, devices=("003",))
    it.written(lambda archive: len(archive.team_sessions()) == 2 and len(archive.sessions()) == 3)
    teams = [session.team_session for session in it.archive.sessions()]
    assert teams[0] == teams[1] != teams[2]


def test_a_period_without_any_device_holds_a_session_that_comes_later(box):
    it = box()
    assert it.command(do="period_start", name="match")["ok"]
    it.now_t += 3000
    it.team.tick()
    team = it.sent.state["team_session"]["id"]
    it.command(do="period_end", period="match")
    it.run(5, since=1000)
    it.written(lambda archive: len(archive.sessions()) == 1)
    assert it.archive.sessions()[0].team_session == team


def test_a_device_that_is_assigned_to_another_athlete_begins_a_session_of_that_athlete(box):
    it = box()
    it.run(5)
    assert it.command(do="assign", device="001", athlete=9)["ok"]
    it.run(5, since=5)
    assert it.told.summaries[-1]["end_reason"] == "athlete_changed"
    assert it.told.figures[-1]["athlete_id"] == 9


def test_a_period_of_a_replay_that_is_faster_than_the_clock_can_be_ended_after_its_last_sample(box):
    it = box()
    it.run(300)
    it.now_t = START + 10
    begun = it.command(do="period_start", name="1st half")
    it.monitor.end_all("test")
    it.now_t += 30
    assert it.command(do="period_end", period="1st half") == {**begun, "id": it.sent.results[-1]["id"], "revision": ANY}
    period = it.team.book.current.periods()[0]
    assert (period.start_t, period.end_t) == pytest.approx((START + 299.9, START + 329.9))


def test_an_engine_that_resumes_a_replay_ahead_of_the_clock_ends_its_period_after_its_start(box):
    first = box()
    first.run(300)
    first.now_t = START + 10
    first.command(do="period_start", name="1st half")
    first.written(lambda archive: archive.team_sessions())
    first.stop()
    second = box(START + 20)
    second.now_t += 5
    assert second.command(do="period_end", period="1st half")["ok"]


def test_ratings_given_after_the_session_belong_to_it(box):
    it = box()
    it.run(5)
    it.monitor.end_all("test")
    it.now_t += 5000
    it.team.tick()
    it.written(lambda archive: archive.team_sessions() and archive.team_sessions()[0].end_t is not None)
    assert it.command(do="rpe", athlete=1, rpe=7, minutes=60)["ok"]
    team = it.archive.team_sessions()[0].id
    it.written(lambda archive: archive.entries(team))
    assert it.archive.entries(team)[0] | {"t": 0} == {
        "athlete_id": 1, "kind": "rpe", "t": 0, "rpe": 7, "minutes": 60, "srpe_load": 420.0,
    }  # fmt: skip


def test_a_rating_without_minutes_takes_those_of_the_session_and_of_the_pitch_where_the_athlete_was_on_it(box):
    it = box()
    it.run(120, devices=("001", "002"))
    it.command(do="pitch", athlete=2, state="on", at=START + 30)
    it.command(do="pitch", athlete=2, state="off", at=START + 60)
    whole = it.command(do="rpe", athlete=1, rpe=6)
    assert (whole["minutes"], whole["srpe_load"]) == (2.0, 12.0)
    it.monitor.end_all("test")
    it.now_t += 1800
    played = it.command(do="rpe", athlete=2, rpe=8)
    assert (played["minutes"], played["srpe_load"]) == (0.5, 4.0)
    stranger = it.command(do="rpe", athlete=9, rpe=5)
    assert (stranger["ok"], stranger["minutes"], stranger["srpe_load"]) == (True, None, None)
    team = whole["team_session"]
    it.written(lambda archive: len(archive.entries(team)) == 3)
    assert [each.get("srpe_load") for each in it.archive.entries(team)] == [12.0, 4.0, None]


def test_a_period_is_that_of_the_squad_also_when_one_device_has_a_wrong_clock(box):
    it = box()
    it.run(20, devices=("001", "002", "003"))
    feed(it.monitor, [sample(7200 + t / 10, "009", 9, seq=t, speed_mps=5.0) for t in range(20)])
    session = it.team.book.current.session.id
    assert it.command(do="period_start", name="half")["team_session"] == session
    half = it.sent.state["periods"][-1]
    assert half["start_t"] == pytest.approx(START + 20, abs=0.5)
    it.run(10, since=20, devices=("001", "002", "003"))
    figures = {each["device_id"]: each for each in it.told.figures}
    assert all(figures[device]["period"] for device in ("001", "002", "003"))
