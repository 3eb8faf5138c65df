from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.team.alarms import Alarms, Condition, Rule, Scope, SquadValues, filled, key_of

NAN = math.nan
FIGURES = ("a", "b")


def squad_of(rows, rule, applies=None, own=None):
    """A squad of athletes 1, 2, … with their values of the figures a and b."""
    n = len(rows)
    return SquadValues(
        np.arange(1, n + 1),
        {name: np.array([row[i] for row in rows], dtype=float) for i, name in enumerate(FIGURES)},
        own or {},
        {rule.name: np.ones(n, dtype=bool) if applies is None else np.array(applies)},
    )


class Slow:
    """The same rules, one athlete and one second after the other, as they are described in docs/alarms.md."""

    def __init__(self, rule):
        self.rule, self.memory, self.last_t = rule, {}, None

    def condition(self, each, row, own):
        value = row[FIGURES.index(each.figure)]
        limit = each.value if each.base == "value" else each.value / 100.0 * own
        if math.isnan(value) or math.isnan(limit):
            return None
        return {
            ">": value > limit, ">=": value >= limit, "<": value < limit, "<=": value <= limit, "==": value == limit,
            "!=": value != limit,
        }[each.operator]  # fmt: skip

    def holds(self, row, applies, own):
        if not applies:
            return False
        answers = [self.condition(each, row, own) for each in self.rule.conditions]
        if self.rule.match == "all":
            if False in answers:
                return False
            return None if None in answers else True
        if True in answers:
            return True
        return None if None in answers else False

    def team(self, answers):
        total, sure, unsure = len(answers), answers.count(True), answers.count(None)
        scope = self.rule.scope
        needed = {"all": max(1, total), "at_least": scope.amount}.get(scope.kind, max(1.0, scope.amount / 100 * total))
        if sure >= needed:
            return True
        return None if sure + unsure >= needed else False

    def evaluate(self, rows, applies, owns, t):
        step = 0.0 if self.last_t is None or t - self.last_t > 5.0 else t - self.last_t
        self.last_t = t
        answers = [self.holds(*each) for each in zip(rows, applies, owns, strict=True)]
        if self.rule.scope.kind != "each":
            concerned = [answer for answer, yes in zip(answers, applies, strict=True) if yes]
            return [(raised, None) for raised in self.advance(0, self.team(concerned), t, step)]
        return [(raised, who) for who, answer in enumerate(answers, 1) for raised in self.advance(who, answer, t, step)]

    def advance(self, who, answer, t, step):
        it = self.memory.setdefault(who, {"last": None, "held": 0.0, "free": 0.0, "raised": False, "at": -math.inf})
        if answer is None:
            return []
        name, other = ("held", "free") if answer else ("free", "held")
        it[name] = it[name] + step if it["last"] is answer else 0.0
        it[other] = 0.0
        it["last"] = answer
        rule = self.rule
        if answer and not it["raised"] and it["held"] >= rule.for_s and t - it["at"] >= rule.at_most_every_s:
            it["raised"], it["at"] = True, t
            return [True]
        if not answer and it["raised"] and it["free"] >= rule.reset_s:
            it["raised"] = False
            return [False]
        return []


VALUES = st.sampled_from([NAN, 0.0, 1.0, 2.0, 3.0])
CONDITIONS = st.builds(
    Condition,
    st.sampled_from(FIGURES),
    st.sampled_from([">", ">=", "<", "<=", "==", "!="]),
    st.sampled_from([1.0, 2.0, 100.0]),
    st.sampled_from(["value", "own_maximum"]),
    st.just(0),
)
RULES = st.builds(
    Rule,
    name=st.just("r"),
    conditions=st.lists(CONDITIONS, min_size=1, max_size=3).map(tuple),
    match=st.sampled_from(["all", "any"]),
    for_s=st.sampled_from([0.0, 2.0, 3.0]),
    reset_s=st.sampled_from([0.0, 2.0]),
    at_most_every_s=st.sampled_from([0.0, 4.0]),
    scope=st.sampled_from([Scope(), Scope("all"), Scope("at_least", 2), Scope("percent", 50)]),
)
ATHLETES = 3
SECONDS = st.lists(
    st.tuples(
        st.sampled_from([1.0, 1.0, 1.0, 2.0, 60.0]),
        st.lists(st.tuples(VALUES, VALUES), min_size=ATHLETES, max_size=ATHLETES),
        st.lists(st.booleans(), min_size=ATHLETES, max_size=ATHLETES),
    ),
    min_size=1,
    max_size=14,
)


@settings(max_examples=150)
@given(rule=RULES, seconds=SECONDS, owns=st.lists(st.sampled_from([NAN, 2.0]), min_size=ATHLETES, max_size=ATHLETES))
def test_the_array_evaluator_agrees_with_a_slow_and_obvious_one(rule, seconds, owns):
    fast, slow, t = Alarms([rule]), Slow(rule), 0.0
    own = {(name, "own_maximum", 0): np.array(owns) for name in FIGURES}
    for step, rows, applies in seconds:
        t += step
        found = fast.evaluate(squad_of(rows, rule, applies, own), t)
        assert [(each.is_raised, each.athlete_id) for each in found] == slow.evaluate(rows, applies, owns, t)


RULE = Rule("hot", (Condition("a", ">=", 2.0),), for_s=2.0, reset_s=2.0)


def changes(alarms, values, start=0.0, rule=RULE):
    return [
        (t, each.is_raised)
        for t, value in enumerate(values, int(start))
        for each in alarms.evaluate(squad_of([(value, NAN)], rule), float(t))
    ]


def test_it_raises_after_holding_and_clears_after_resetting():
    assert changes(Alarms([RULE]), [1, 2, 2, 2, 2, 1, 2, 1, 1, 1]) == [(3, True), (9, False)]


def test_a_null_neither_raises_nor_clears_and_does_not_count_as_time():
    assert changes(Alarms([RULE]), [2, NAN, NAN, NAN, 2, 2]) == [(5, True)]
    raised = Alarms([RULE])
    changes(raised, [2, 2, 2])
    assert changes(raised, [NAN] * 10, start=3) == []


def test_a_pause_does_not_beep():
    alarms = Alarms([RULE])
    changes(alarms, [2])
    assert changes(alarms, [2], start=500) == []
    assert changes(alarms, [2, 2], start=501) == [(502, True)]


def test_a_muted_rule_raises_when_the_time_is_over():
    alarms = Alarms([replace(RULE, for_s=0.0)])
    alarms.mute("hot", 1, until_t=3.0)
    assert changes(alarms, [2, 2, 2, 2, 2], rule=alarms.rules[0]) == [(3, True)]


def test_athletes_who_come_and_go_keep_their_own_memory():
    alarms = Alarms([RULE])
    both = squad_of([(2.0, NAN), (2.0, NAN)], RULE)
    alarms.evaluate(both, 0.0)
    second = SquadValues(np.array([2]), {"a": np.array([2.0]), "b": np.array([NAN])}, {}, {"hot": np.array([True])})
    alarms.evaluate(second, 1.0)
    assert [each.athlete_id for each in alarms.evaluate(both, 2.0)] == [2]


def test_other_rules_keep_the_alarms_of_those_that_stay():
    alarms = Alarms([RULE])
    assert changes(alarms, [2, 2, 2]) == [(2, True)]
    alarms.replace([replace(RULE, level="danger")])
    assert changes(alarms, [2, 1, 1, 1], start=3, rule=alarms.rules[0]) == [(6, False)]


def test_the_key_of_a_mean_has_its_number_of_sessions():
    assert key_of(Condition("a", ">", 110.0, "own_mean", 5)) == ("a", "own_mean", 5)
    assert key_of(Condition("a", ">", 110.0, "target", 5)) == ("a", "target", 0)


def test_a_text_is_filled_in_and_runs_no_code():
    assert filled("{name.__class__} {name}", {"name": "Ada"}) == "{name.__class__} Ada"


@pytest.mark.parametrize("size", [0, 1])
def test_an_empty_squad_raises_nothing(size):
    rule = replace(RULE, scope=Scope("percent", 50), for_s=0.0)
    assert Alarms([rule]).evaluate(squad_of([(NAN, NAN)] * size, rule), 0.0) == []


@pytest.mark.parametrize(("pause_s", "raises"), [(3.0, []), (4.0, [True])])
def test_an_alarm_comes_again_as_soon_as_its_shortest_interval_has_passed(pause_s, raises):
    rule = Rule("often", (Condition("a", ">=", 2.0),), at_most_every_s=4.0)
    alarms = Alarms([rule])
    for t, value in ((0.0, 2.0), (1.0, 1.0)):
        assert len(alarms.evaluate(squad_of([(value, NAN)], rule), t)) == 1
    found = alarms.evaluate(squad_of([(2.0, NAN)], rule), pause_s)
    assert [each.is_raised for each in found] == raises


@pytest.mark.parametrize(("step_s", "raises"), [(5.0, [True]), (5.1, [])])
def test_a_step_of_five_seconds_counts_and_a_longer_one_is_a_pause(step_s, raises):
    alarms = Alarms([RULE])
    assert alarms.evaluate(squad_of([(2.0, NAN)], RULE), 0.0) == []
    assert [each.is_raised for each in alarms.evaluate(squad_of([(2.0, NAN)], RULE), step_s)] == raises


@pytest.mark.parametrize(("muted", "raises"), [(None, []), (1, [True])])
def test_muting_for_everybody_silences_the_team_and_muting_an_athlete_does_not(muted, raises):
    rule = Rule("all", (Condition("a", ">=", 2.0),), scope=Scope("all"))
    alarms = Alarms([rule])
    alarms.mute("all", muted, 10.0)
    assert [each.is_raised for each in alarms.evaluate(squad_of([(2.0, NAN)], rule), 0.0)] == raises


def test_an_alarm_of_an_earlier_engine_is_not_raised_again_and_clears():
    alarms = Alarms([RULE])
    alarms.restore("hot", 1, -30.0)
    assert changes(alarms, [2, 2, 2, 2, 1, 1, 1]) == [(6, False)]
