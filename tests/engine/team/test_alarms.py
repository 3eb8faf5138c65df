from __future__ import annotations

import pytest

from athlete_monitor.engine.team.alarms import AlarmKeeper, event_of
from athlete_monitor.engine.team.rules import DEFAULT_RULES, SIGNALS, WatchedRules
from athlete_monitor.team.alarms import Condition, Only, Rule, Who
from athlete_monitor.team.commands import Command
from athlete_monitor.team.records import TeamSession
from athlete_monitor.team.refusals import RefusedError
from athlete_monitor.team.state import TeamState
from tests.engine.kit import START, feed, monitor_of, sample
from tests.engine.team.box import CONFIG


class Bench:
    """Alarms over a real monitor, evaluated when a test says so."""

    def __init__(self, *rules, history=()):
        watched = WatchedRules(None, lambda _text: None)
        watched.rules = rules
        self.told: list[tuple[str, str, str]] = []
        self.keeper = AlarmKeeper(watched, lambda *_: list(history), self.publish, lambda _: ("backs", "keeper"))
        self.monitor, self.collected = monitor_of(CONFIG)
        self.t, self.state = 0.0, TeamState(TeamSession("T", START))

    def publish(self, alarm, what, session):
        self.told.append((what, alarm.rule, alarm.text))

    def run(self, seconds, **channels):
        for _ in range(seconds):
            for tick in range(10):
                channels.setdefault("acc_z", 9.8)
                feed(self.monitor, [sample(self.t + tick / 10, "001", 1, **channels)])
            self.t += 1.0
            session = self.monitor.sessions["001"]
            self.keeper.follow(session, session.latest)
            self.keeper._due_s = 0.0
            self.keeper.tick(self.state, START + self.t)

    def whats(self):
        return [what for what, _, _ in self.told]


def rule(figure, operator, value, base="value", **rest):
    return Rule("r", (Condition(figure, operator, value, base),), **rest)


def test_an_alarm_has_its_text_filled_in_and_is_raised_and_cleared_once():
    bench = Bench(rule("speed_mps", ">", 4.0, for_s=2.0, reset_s=1.0, text="{name}: {speed_mps}"))
    bench.run(6, speed_mps=5.0)
    bench.run(6, speed_mps=1.0)
    assert bench.whats() == ["raised", "cleared"]
    assert bench.told[0][2] == "Device_001: 5.0 m/s"
    assert bench.keeper.messages() == []


def test_an_own_maximum_a_mean_and_a_target_are_percents():
    history = [{"max_speed_mps": 8.0, "distance_m": 100.0}, {"max_speed_mps": 6.0, "distance_m": 20.0}]
    for each, expected in [
        (rule("max_speed_mps", ">", 60.0, "own_maximum"), ["raised"]),
        (rule("max_speed_mps", ">", 70.0, "own_maximum"), []),
        (rule("distance_m", ">", 50.0, "own_mean"), ["raised"]),
        (rule("distance_m", ">", 90.0, "own_mean"), []),
        (rule("distance_m", ">", 100.0, "target"), []),
    ]:
        bench = Bench(each, history=history)
        bench.run(8, speed_mps=5.0)
        assert bench.whats() == expected, each
    bench.state.apply(Command("t", "target", START, {"athlete": 1, "figure": "distance_m", "value": 30.0}))
    bench.run(2, speed_mps=5.0)
    assert bench.whats() == ["raised"]


def test_a_rule_is_only_for_whom_and_when_it_says():
    half = {"only": Only(kinds=frozenset({"half"}), on_pitch=True)}
    bench = Bench(rule("speed_mps", ">", 4.0, **half))
    bench.run(3, speed_mps=5.0)
    assert bench.whats() == []
    bench.state.apply(Command("p", "period_start", START, {"name": "1st half"}))
    bench.state.apply(Command("q", "pitch", START, {"athlete": 1, "state": "on"}))
    bench.run(2, speed_mps=5.0)
    assert bench.whats() == ["raised"]
    for who, expected in [(Who(group="forwards"), []), (Who(position="keeper"), ["raised"]),
                          (Who(athletes=frozenset({2})), [])]:  # fmt: skip
        other = Bench(rule("speed_mps", ">", 4.0, who=who))
        other.run(3, speed_mps=5.0)
        assert other.whats() == expected


def test_a_lost_strap_and_a_weak_battery_are_noticed_and_a_session_without_strap_is_not():
    bench = Bench(*(each for each in DEFAULT_RULES if each.name in {"strap_lost", "battery"}))
    bench.run(40, speed_mps=2.0)
    assert bench.whats() == []
    bench.run(8, speed_mps=2.0, heart_rate_bpm=120.0)
    bench.run(40, speed_mps=2.0)
    assert [name for _, name, _ in bench.told] == ["strap_lost"]
    bench.keeper.samples(bench.monitor.sessions["001"], [sample(bench.t, battery_percent=9.0)])
    bench.run(2, speed_mps=2.0)
    assert bench.told[-1] == ("raised", "battery", "Device_001: battery at 9 %")


def test_an_impact_of_alert_size_is_one_alarm():
    bench = Bench(*(each for each in DEFAULT_RULES if each.name == "impact"))
    bench.run(2)
    bench.keeper.impact(bench.monitor.sessions["001"], {"peak_g": 9.3, "alert": True})
    bench.keeper.impact(bench.monitor.sessions["001"], {"peak_g": 5.3, "alert": False})
    bench.run(30)
    assert bench.whats() == ["raised", "cleared"]
    assert "9.3 g" in bench.told[0][2]


def test_alarms_are_acknowledged_muted_and_end_with_the_session():
    bench = Bench(rule("speed_mps", ">", 4.0))
    bench.run(3, speed_mps=5.0)
    (alarm,) = bench.keeper.messages()
    with pytest.raises(RefusedError, match="not open"):
        bench.keeper.acknowledge("x", START)
    bench.keeper.acknowledge(alarm["id"], START + bench.t)
    bench.keeper.acknowledge("all", START + bench.t)
    assert bench.whats() == ["raised", "acknowledged"]
    with pytest.raises(RefusedError, match="allowed: r"):
        bench.keeper.mute("x", None, START)
    bench.keeper.forget(bench.monitor.sessions["001"], START + bench.t)
    assert bench.whats() == ["raised", "acknowledged", "cleared"]


def test_an_event_has_the_athlete_and_the_alarm():
    bench = Bench(rule("speed_mps", ">", 4.0))
    bench.run(3, speed_mps=5.0)
    alarm = next(iter(bench.keeper.open.values()))
    event = event_of(alarm, "raised", bench.monitor.sessions["001"], START)
    assert (event["athlete_id"], event["device_id"], event["kind"], event["state"]) == (1, "001", "alarm", "raised")
    assert event["rule"] == "r"


def test_every_default_rule_looks_at_what_there_is():
    from athlete_monitor.catalogue import NUMBERS

    assert {each.figure for rule in DEFAULT_RULES for each in rule.conditions} <= {*NUMBERS, *SIGNALS}


@pytest.mark.parametrize("base", ["own_mean", "own_maximum"])
@pytest.mark.parametrize(("earlier_hz", "whats"), [(10.0, ["raised"]), (9.7, ["raised"]), (100.0, []), (None, [])])
def test_player_load_is_compared_only_with_sessions_of_the_same_sample_rate(base, earlier_hz, whats):
    earlier = {"player_load": 0.001, "sample_rate_hz": earlier_hz, "distance_m": 1.0}
    bench = Bench(rule("player_load", ">", 110.0, base), history=[earlier])
    for _ in range(3):
        bench.run(1, acc_x=3.0, acc_y=0.0)
        bench.run(1, acc_x=-3.0, acc_y=0.0)
    assert bench.whats() == whats
