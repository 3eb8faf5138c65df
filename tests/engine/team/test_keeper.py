from __future__ import annotations

from unittest.mock import ANY

import pytest

from tests.engine.kit import START, feed, sample


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
