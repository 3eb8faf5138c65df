from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest

from athlete_monitor.engine.figures import reasons as engine
from athlete_monitor.engine.team.rules import DEFAULT_RULES
from athlete_monitor.german import ALARMS, REASONS, in_german, period_in_german
from athlete_monitor.physiology import reasons as why
from athlete_monitor.sim import match_plan, training_plan
from athlete_monitor.squad.heart_rate_source import SessionMode
from athlete_monitor.squad.prediction import NO_CHANNELS, NO_MODEL

WRITTEN = [value for name, value in vars(why).items() if name.isupper() and isinstance(value, str)]
ENGLISH = {"the", "strap", "model", "heart", "athlete", "rate", "missing", "for", "of", "at"}


@pytest.mark.parametrize("reason", [*WRITTEN, NO_MODEL, NO_CHANNELS])
def test_every_reason_of_the_engine_has_german_words(reason):
    assert in_german(reason) == REASONS[reason] != reason


def test_every_built_in_alarm_has_german_words():
    assert {re.sub(r"\{(?!name)\w+\}", "{value}", rule.text) for rule in DEFAULT_RULES} == set(ALARMS)


@pytest.mark.parametrize("name", ["Zoë", "9", "A: battery at 7 %", "محمد", "x; y", "{name}", "Tor (1.5)\n"])
@pytest.mark.parametrize("rule", DEFAULT_RULES, ids=lambda rule: rule.name)
def test_an_alarm_keeps_its_name_and_its_value_whatever_they_are(rule, name):
    written = re.sub(r"\{\w+\}", "8.3 km", rule.text.replace("{name}", "\0")).replace("\0", name)
    german = in_german(written)
    assert german.startswith(f"{name}: ")
    assert german.count("8,3 km") == 1
    assert not ENGLISH & set(german.removeprefix(name).lower().split())


@pytest.mark.parametrize("policy", ["auto", "by_mode"])
@pytest.mark.parametrize("mode", [SessionMode.TRAINING, SessionMode.GAME])
def test_a_reason_of_several_parts_is_german_in_all_of_them(policy, mode):
    squad: Any = SimpleNamespace(
        strap=SimpleNamespace(reason=lambda _: why.HEART_RATE_STALE),
        cadence_lock=SimpleNamespace(reason=lambda _: None),
        models=SimpleNamespace(reason=lambda _: NO_MODEL),
        settings=SimpleNamespace(policy=policy),
    )
    written = engine._heart_rate(squad, 0, mode, {})
    german = in_german(written)
    assert not ENGLISH & set(german.lower().replace(";", " ").split())
    assert ("by_mode" in german) == (policy == "by_mode")


@pytest.mark.parametrize("name", [*match_plan.PHASES, *training_plan.PHASES, "1st half", "2ND HALF", "Warm-up"])
def test_a_period_that_devices_or_the_screen_name_has_a_german_name(name):
    assert period_in_german(name) != name


def test_what_nobody_has_translated_stays_as_it_is():
    assert in_german("Team: too many sprints") == "Team: too many sprints"
    assert period_in_german("Rondo_4_2") == "Rondo_4_2"
