from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest

from athlete_monitor.catalogue import FIGURES
from athlete_monitor.engine.figures import reasons as engine
from athlete_monitor.engine.team.rules import DEFAULT_RULES, SIGNALS
from athlete_monitor.errors import PayloadError
from athlete_monitor.german import ALARMS, REASONS, in_german, period_in_german
from athlete_monitor.german_figures import LABELS
from athlete_monitor.physiology import reasons as why
from athlete_monitor.sim import match_plan, training_plan
from athlete_monitor.squad.heart_rate_source import SessionMode
from athlete_monitor.squad.prediction import NO_CHANNELS, NO_MODEL
from athlete_monitor.wire.codec import Decoder
from athlete_monitor.wire.keys import KEYS

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


@pytest.mark.parametrize("name", ["Zoë", "Team", "A: B", "x, y"])
def test_an_alarm_of_a_rule_without_text_names_its_figures_in_german(name):
    shown = {figure.label: figure.show(1234.5) for figure in FIGURES.values()}
    shown |= {label: f"20.5 {unit}" for label, unit in SIGNALS.values()}
    for label, value in shown.items():
        both = in_german(f"{name}: {label} {value}, Heart rate –")
        assert both == f"{name}: {LABELS[label]} {value.replace('.', ',')}, Herzfrequenz –", label


def refusal(decoder, payload):
    try:
        decoder.decode(payload, "001")
    except PayloadError as error:
        return {str(error)}
    return set()


def test_every_reason_of_a_refused_message_is_german():
    found: set[str] = set()
    decoder = Decoder()
    decoder.on_left_out = lambda _device, why, _count: found.add(f"{why}; the other samples of the batch are used")
    good = {"device_id": "001", "timestamp": 1_790_000_000.0, "acc_x": 1.0}
    odd = [True, 1, 1.5, -1e30, 1e30, 10**400, "x", "y" * 500, [], {}, [1], [{}], -5, 1.79e12, 1.79e15, 1.79e18, 1e13]
    bodies = [good | {key.name: value} for key in KEYS for value in odd]
    bodies += [{"device_id": "001", "samples": [body]} for body in bodies]
    bodies += [{"device_id": "001", "samples": [good, body]} for body in bodies]
    payloads = [json.dumps(body).encode() for body in bodies]
    broken = [
        b"",
        b"{",
        b"{}x",
        b"hello",
        b'{"a":nan}',
        b'{"a":0,5}',
        b"{a:1}",
        b'{"device_id":"\xff"}',
        b"{\0",
        b"[1]",
    ]
    for payload in [*payloads, *broken, b"[" * 5000, b" " * 70_000]:
        found |= refusal(decoder, payload)
    words = {" is ", " are ", "expected", "number", "list", "object", "allowed", "missing", "batch", "seconds", "holds"}
    assert len(found) > 100
    assert [text for text in found if any(word in re.sub("`.*?`", "", in_german(text)) for word in words)] == []
