"""What the intake does with messages that are not valid, too many, or of somebody else."""

from __future__ import annotations

import pytest

from athlete_monitor.athletes import Athlete, Roster
from athlete_monitor.config import load_config
from athlete_monitor.engine.intake.guard import IntakeBudgets
from athlete_monitor.engine.intake.ordering import AGREEING
from athlete_monitor.wire.codec import Decoder
from tests.engine.kit import START, monitor_of
from tests.helpers import ROOT

CONFIG = load_config(ROOT / "jetson_nano_4gb_config.yaml", environ={})


def payload(t, device="001", **rest):
    fields = {"device_id": f'"{device}"', "timestamp": f"{START + t:.3f}", "acc_z": "9.8", **rest}
    return ("{" + ",".join(f'"{name}":{value}' for name, value in fields.items()) + "}").encode()


def batch(t, samples, device="001"):
    rows = ",".join(f'{{"timestamp":{START + t + i / 100:.2f},"acc_z":9.8}}' for i in range(samples))
    return f'{{"device_id":"{device}","samples":[{rows}]}}'.encode()


def send(monitor, message, device="001", now_s=0.0):
    monitor.receive(f"player/{device}/sensor/data", message, now_s)


def test_a_message_that_is_not_understood_is_a_notice_with_its_reason_and_a_row():
    monitor, told = monitor_of(CONFIG)
    for i in range(50):
        send(monitor, payload(0, timestamp="1790000000000"), now_s=i / 10)
    (notice,) = told.notices
    assert "001" in notice
    assert "looks like milliseconds" in notice
    (row,) = monitor.intake.not_understood(4.0)
    assert (row.device_id, row.count) == ("001", 50)
    assert monitor.intake.not_understood(10.0) == []


def test_each_sender_of_invalid_messages_gets_a_notice_and_all_are_counted():
    monitor, told = monitor_of(CONFIG)
    for device in ("007", "008", "009"):
        send(monitor, b"{", device)
    assert len(told.notices) == monitor.counts.invalid == 3


def test_what_a_device_sends_beyond_its_rate_is_dropped_and_counted_and_others_lose_nothing():
    monitor, told = monitor_of(CONFIG, guard=IntakeBudgets(max_rate_hz=10.0))
    for number in range(20):
        send(monitor, batch(number * 10, 1000), now_s=number / 20)
        send(monitor, payload(number / 10, "002", seq=number), "002", now_s=number / 20)
    monitor.advance()
    assert monitor.sessions["002"].received == 20
    assert monitor.sessions["001"].received <= 300 + 10
    assert monitor.counts.over_rate > 0
    assert any("max_rate_hz" in notice for notice in told.notices)


def test_a_round_uses_a_bounded_number_of_samples_of_one_device_and_every_sample_of_the_others():
    monitor, _ = monitor_of(CONFIG)
    send(monitor, batch(0, 200))
    for number in range(5):
        send(monitor, payload(number / 10, "002", seq=number), "002")
    monitor.advance(32)
    assert monitor.sessions["001"].received == 32
    assert monitor.sessions["002"].received == 5
    assert monitor.stepper.is_behind
    while monitor.stepper.is_behind:
        monitor.advance(32)
    assert monitor.sessions["001"].received == 200


def test_a_token_comes_back_once_when_its_samples_are_used():
    monitor, _ = monitor_of(CONFIG)
    monitor.receive("player/001/sensor/data", payload(0, seq=0), 0.0, 7)
    assert monitor.settled() == []
    monitor.advance()
    assert monitor.settled() == [7]
    assert monitor.settled() == []
    monitor.receive("player/001/sensor/data", payload(0.3, seq=3), 0.3, 8)  # waits for 1 and 2
    monitor.advance()
    assert monitor.settled() == []
    monitor.end_all("test")
    assert monitor.settled() == [8]
    monitor.receive("player/002/sensor/data", b"{", 0.4, 9)
    assert monitor.settled() == [9]


ROSTER = Roster((Athlete(id=5, name="Five", device="005"), Athlete(id=6, name="Six", device="006")))


def worn_by(trust, device, athlete):
    config = CONFIG.model_copy(update={"athletes": CONFIG.athletes.model_copy(update={"trust_sender": trust})})
    monitor, told = monitor_of(config, roster=ROSTER)
    send(monitor, payload(0, device, athlete_id=athlete), device)
    return monitor.sessions[device].athlete_id, told.notices


def test_a_device_of_the_roster_is_its_roster_athlete_whatever_it_says():
    athlete, notices = worn_by("unknown", "005", 6)
    assert athlete == 5
    assert any("says athlete 6" in notice for notice in notices)
    assert worn_by("unknown", "099", 6) == (6, [])
    assert worn_by("all", "005", 6)[0] == 6
    assert worn_by("never", "005", 6)[0] == 5
    assert worn_by("never", "099", 6)[0] == 0


def test_a_stranger_who_names_another_athlete_each_time_gets_few_sessions():
    monitor, _ = monitor_of(CONFIG, guard=IntakeBudgets(max_rate_hz=250.0))
    for number in range(2000):
        send(monitor, payload(number / 50, "X9", athlete_id=number % 900 + 1), "X9", now_s=number / 50)
    monitor.advance()
    assert monitor.counts.sessions_started <= 1 + 2000 / 50 / 10 + 1


def test_a_device_that_ends_and_begins_again_and_again_gets_few_sessions():
    monitor, _ = monitor_of(CONFIG, guard=IntakeBudgets(max_rate_hz=250.0))
    for number in range(500):
        send(monitor, payload(number / 50), now_s=number / 50)
        send(monitor, b'{"device_id":"001","event":"end","timestamp":%.3f}' % (START + number / 50), now_s=number / 50)
    assert monitor.counts.sessions_started <= 8 + 500 / 50 / 10 + 1


def with_a_long_session(how_it_ends):
    """A device with 2,000 samples that wait and a session that ends behind them, and another with one sample."""
    monitor, told = monitor_of(CONFIG, guard=IntakeBudgets(max_rate_hz=250.0))
    for number in range(4):
        monitor.receive("sensor/data", batch(number * 5, 500), 0.0, 10 + number)
    how_it_ends(monitor)
    send(monitor, payload(0, "002", seq=0), "002")
    return monitor, told


def pause(monitor):
    for number in range(AGREEING):  # so many samples that agree say that there was a pause
        monitor.receive("sensor/data", payload(1000 + number / 10), 0.0, 20 + number)


def end_message(monitor):
    monitor.receive("sensor/data", b'{"device_id":"001","event":"end","timestamp":%.3f}' % (START + 20), 0.0, 20)


def change_of_wearer(monitor):
    monitor.receive("sensor/data", payload(20, athlete_id=9), 0.0, 20)


@pytest.mark.parametrize("how_it_ends", [pause, end_message, change_of_wearer])
def test_a_session_that_ends_with_many_samples_waiting_ends_in_rounds_and_keeps_nobody_waiting(how_it_ends):
    monitor, told = with_a_long_session(how_it_ends)
    monitor.advance(32)
    assert monitor.counts.samples == 33
    assert monitor.sessions["002"].received == 1
    assert not told.summaries
    while monitor.stepper.is_behind:
        monitor.advance(32)
    (summary,) = told.summaries
    assert summary["quality"]["received"] == 2000


def test_what_follows_a_session_that_is_still_ending_is_the_next_session_and_acknowledged_with_it():
    monitor, told = with_a_long_session(pause)
    first = monitor.sessions["001"]
    monitor.advance(32)
    assert monitor.settled() == []
    while monitor.stepper.is_behind:
        monitor.advance(32)
    assert monitor.sessions["001"] is not first
    assert monitor.sessions["001"].start_t == START + 1000
    assert monitor.settled() == []
    monitor.advance()
    assert monitor.sessions["001"].received == AGREEING
    assert sorted(monitor.settled()) == [10, 11, 12, 13, *(20 + number for number in range(AGREEING))]
    assert [summary["end_reason"] for summary in told.summaries] == ["pause"]


def test_the_end_of_the_engine_does_not_wait_for_what_one_device_has_sent_too_much():
    monitor, told = with_a_long_session(pause)
    monitor.end_all("shutdown")
    assert {summary["device_id"]: summary["quality"]["received"] for summary in told.summaries}["002"] == 1
    assert monitor.counts.samples < 100
    assert monitor.counts.over_rate > 1900


def test_samples_beyond_the_budget_of_a_device_are_never_made(monkeypatch):
    monitor, _ = monitor_of(CONFIG, guard=IntakeBudgets(max_rate_hz=10.0))
    made, make = [], Decoder._sample

    def count(*args):
        made.append(make(*args))
        return made[-1]

    monkeypatch.setattr(Decoder, "_sample", count)
    hidden = batch(0, 1700).replace(b'{"device_id":"001",', b"{").replace(b"]}", b'],"device_id":"001"}')
    for number in range(20):
        monitor.receive("sensor/data", hidden, number / 20)
    assert len(made) <= 300 + 10


def test_a_batch_with_a_bad_sample_is_used_counted_and_reported():
    monitor, told = monitor_of(CONFIG)
    send(monitor, batch(0, 10).replace(b"9.8}", b'"no"}', 1))
    monitor.advance()
    assert (monitor.counts.invalid, monitor.sessions["001"].received) == (1, 9)
    [notice] = [text for text in told.notices if "not understood" in text]
    assert "expected a number, got text; the other samples of the batch are used" in notice
