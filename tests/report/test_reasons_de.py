from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from athlete_monitor.engine.figures import reasons as engine
from athlete_monitor.physiology import reasons as why
from athlete_monitor.report.reasons_de import GERMAN, in_language
from athlete_monitor.squad.heart_rate_source import SessionMode
from athlete_monitor.squad.prediction import NO_CHANNELS, NO_MODEL

WRITTEN = [value for name, value in vars(why).items() if name.isupper() and isinstance(value, str)]


@pytest.mark.parametrize("reason", [*WRITTEN, NO_MODEL, NO_CHANNELS])
def test_every_reason_of_the_engine_has_german_words(reason):
    assert in_language(reason, "de") == GERMAN[reason] != reason == in_language(reason, "en")


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
    german = in_language(written, "de")
    assert not {"the", "strap", "model", "heart", "athlete"} & set(german.lower().replace(";", " ").split())
    assert ("by_mode" in german) == (policy == "by_mode")
