from __future__ import annotations

from athlete_monitor.engine.live.acks import Acknowledgements


def acks(*, is_deferred=True):
    done: list[int] = []
    notices: list[str] = []
    return Acknowledgements(done.extend, notices.append, is_deferred=is_deferred), done, notices


def test_a_message_is_acknowledged_when_it_has_been_used():
    made, done, _ = acks()
    assert [made.arrived(number, 0.0) for number in (1, 2, 0)] == [1, 2, 0]
    assert done == []
    made.used([2, 1])
    assert done == [2, 1]


def test_without_deferral_it_is_acknowledged_on_arrival():
    made, done, _ = acks(is_deferred=False)
    assert made.arrived(5, 0.0) == 0
    assert done == [5]


def test_a_broker_that_holds_back_messages_is_noticed_and_not_made_to_wait():
    made, done, notices = acks()
    now_s, number = 0.0, 0
    for _ in range(6):
        for _ in range(20):  # at once, when the last ones have been acknowledged; then nothing
            number += 1
            made.arrived(number, now_s + 0.01)
        now_s += 0.8
        made.used(range(number - 19, number + 1), now_s)
    (notice,) = notices
    assert "only 20 open messages" in notice
    assert not made.is_deferred
    assert set(done) == set(range(1, number + 1))


def test_a_team_that_sends_once_a_second_is_no_broker_that_holds_back():
    made, _, notices = acks()
    commits = sorted([(0.8 * i, "commit") for i in range(1, 100)] + [(1.0 * i + 0.3, "burst") for i in range(80)])
    waiting, number = [], 0
    for now_s, what in commits:
        if what == "burst":
            for _ in range(20):
                number += 1
                waiting.append(made.arrived(number, now_s))
        else:
            made.used(waiting, now_s)
            waiting = []
    assert notices == []


def test_release_acknowledges_all_that_is_open_once():
    made, done, _ = acks()
    made.arrived(1, 0.0)
    made.arrived(2, 0.0)
    made.release()
    made.release()
    assert sorted(done) == [1, 2]
