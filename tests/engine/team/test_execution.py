from __future__ import annotations

import json

import pytest

from athlete_monitor.engine.team import execution
from athlete_monitor.team import state
from athlete_monitor.team.refusals import REFUSALS
from tests.engine.kit import START


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
    assert len(it.sent.results) == execution.PER_ROUND
    assert "commands refused" in it.notices[0]
    for _ in range(execution.WAITING // execution.PER_ROUND):
        it.team.tick()
    assert len(it.sent.results) == execution.WAITING
    it.run(3)
    assert it.told.figures


def test_a_device_that_is_assigned_to_another_athlete_begins_a_session_of_that_athlete(box):
    it = box()
    it.run(5)
    assert it.command(do="assign", device="001", athlete=9)["ok"]
    it.run(5, since=5)
    assert it.told.summaries[-1]["end_reason"] == "athlete_changed"
    assert it.told.figures[-1]["athlete_id"] == 9


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


def ratings(it):
    return {one["athlete_id"]: one["rpe"] for one in it.sent.state["ratings"]}


def test_ratings_are_published_while_the_session_runs_and_after_it_and_by_an_engine_that_has_started_again(box):
    it = box()
    it.run(5)
    assert it.command(do="rpe", athlete=1, rpe=6)["ok"]
    assert it.command(do="wellness", athlete=1, sleep=3)["ok"]
    assert it.command(do="rpe", athlete=2, rpe=9)["ok"]
    assert ratings(it) == {1: 6, 2: 9}
    team = it.sent.state["rated_session"]
    it.monitor.end_all("test")
    it.now_t += 5000
    it.team.tick()
    it.written(lambda archive: archive.team_sessions() and archive.team_sessions()[0].end_t is not None)
    assert (it.sent.state["team_session"], it.sent.state["rated_session"]) == (None, team)
    assert it.command(do="rpe", athlete=2, rpe=None)["ok"]
    assert it.command(do="rpe", athlete=1, rpe=7)["ok"]
    assert ratings(it) == {1: 7}
    it.written(lambda archive: len(archive.entries(team)) == 5)
    it.stop()
    again = box(it.now_t)
    again.team.tick()
    assert ratings(again) == {1: 7}
    again.now_t += 2 * 86_400
    again.team.tick()
    again.team.publish_state()
    assert ratings(again) == {}


def test_a_rating_that_is_taken_back_has_no_load(box):
    it = box()
    it.run(5)
    answer = it.command(do="rpe", athlete=1, rpe=None)
    assert (answer["ok"], answer["minutes"], answer["srpe_load"]) == (True, None, None)
    assert "rpe is missing" in it.command(do="rpe", athlete=1)["error"]


MISTAKES: dict[str, dict[str, object]] = {
    "command_unknown": {"do": "fly"},
    "field_unknown": {"do": "marker", "text": "x", "player": 3},
    "field_missing": {"do": "marker"},
    "field_text": {"do": "marker", "text": ""},
    "field_identifier": {"do": "marker_delete", "marker": "a b"},
    "field_device": {"do": "assign", "device": "a/b", "athlete": 7},
    "field_athlete": {"do": "pitch", "athlete": -1, "state": "on"},
    "field_choice": {"do": "pitch", "athlete": 7, "state": "gone"},
    "field_number": {"do": "rpe", "athlete": 7, "rpe": 11},
    "field_whose": {"do": "period_start", "name": "x", "whose": 5},
    "field_day_code": {"do": "session_edit", "day_code": "tuesday"},
    "field_time": {"do": "marker", "text": "x", "at": "teatime"},
    "time_in_future": {"do": "marker", "text": "x", "at": START + 3600},
    "time_too_long_ago": {"do": "period_start", "name": "x", "at": START - 30 * 86_400},
    "no_session": {"do": "period_end", "period": "x", "at": START - 30 * 86_400},
    "session_unknown": {"do": "period_delete", "period": "p", "session": "T_1999"},
    "alarm_not_open": {"do": "alarm_ack", "alarm": "a1"},
    "rule_unknown": {"do": "alarm_mute", "rule": "sleepy", "minutes": 5},
    "period_unknown_none": {"do": "period_end", "period": "half"},
    "marker_unknown": {"do": "marker_delete", "marker": "m"},
    "no_rating": {"do": "wellness", "athlete": 7},
    "figure_unknown": {"do": "target", "athlete": 7, "figure": "zzzz", "value": 1},
    "figure_unknown_like": {"do": "target", "athlete": 7, "figure": "distance_n", "value": 1},
    "substitution_state": {"do": "pitch", "athlete": 7, "state": "off", "for": 8},
    "substitution_of_oneself": {"do": "pitch", "athlete": 7, "state": "on", "for": 7},
    "on_pitch_not": {"do": "pitch", "athlete": 7, "state": "on", "for": 8},
}
IN_A_MATCH: dict[str, dict[str, object]] = {
    "period_exists": {"do": "period_start", "name": "other", "period": "p"},
    "period_running": {"do": "period_start", "name": "1st half"},
    "period_unknown": {"do": "period_end", "period": "2nd half"},
    "period_begins_later": {"do": "period_end", "period": "1st half", "at": START + 1},
    "period_not_begun": {"do": "period_end", "period": "p", "at": START + 1},
    "period_ends_before_begin": {"do": "period_edit", "period": "p", "start": START + 9, "end": START + 5},
    "period_ended": {"do": "period_end", "period": "q"},
    "on_pitch_already": {"do": "pitch", "athlete": 7, "state": "on", "for": 8},
    "unavailable": {"do": "pitch", "athlete": 9, "state": "on", "for": 8},
}


def test_each_refusal_has_its_own_code_with_the_values_of_its_sentence(box):
    it = box()
    it.now_t += 5
    assert it.command(do="marker", text="kick-off", at=START)["ok"]
    answers = {code: it.command(**mistake) for code, mistake in MISTAKES.items()}
    for athlete, on_pitch in {7: "on", 8: "on", 9: "unavailable"}.items():
        assert it.command(do="pitch", athlete=athlete, state=on_pitch, at=START + 1)["ok"]
    assert it.command(do="period_start", name="1st half", period="p", at=START + 2)["ok"]
    assert it.command(do="period_start", name="drill", period="q", at=START + 2)["ok"]
    assert it.command(do="period_end", period="q", at=START + 4)["ok"]
    answers |= {code: it.command(**mistake) for code, mistake in IN_A_MATCH.items()}
    assert {code: answer.get("code") for code, answer in answers.items()} == {code: code for code in answers}
    for code, answer in answers.items():
        assert answer["error"] == REFUSALS[code].format(**answer["values"])
    assert set(answers) == set(REFUSALS) - {"command_unreadable", "too_many"}


def test_a_message_that_is_no_command_and_one_too_many_have_codes_too(box, monkeypatch):
    it = box()
    it.run(2)
    it.team.receive(b"[")
    it.team.tick()
    assert it.sent.results[-1]["code"] == "command_unreadable"
    monkeypatch.setattr(state, "MOST", 1)
    assert it.command(do="marker", text="goal")["ok"]
    refused = it.command(do="marker", text="another goal", at=START + 1)
    assert (refused["code"], refused["values"]) == ("too_many", {"most": 1, "what": "markers"})


@pytest.mark.parametrize(("given", "minutes"), [({}, 2.0), ({"minutes": 1}, 1)])
def test_a_rating_during_the_session_has_the_minutes_of_all_of_it_at_the_end_unless_they_were_given(
    box, given, minutes
):
    it = box()
    it.run(60)
    team = it.command(do="rpe", athlete=1, rpe=6, **given)["team_session"]
    it.run(60, since=60.0)
    it.monitor.end_all("test")
    it.written(lambda archive: archive.ratings(team) and all(each.end_t for each in archive.sessions(team)))
    assert it.archive.ratings(team)[1].figures == {"rpe": 6, "rated_minutes": minutes, "srpe_load": 6.0 * minutes}
