"""Plain sentences made from the numbers by rules: each names its figures, none invents a cause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.figures import rounded
from athlete_monitor.report.columns import DISTANCE, HEART_RATE, RATE, TRIMP
from athlete_monitor.report.numbers import number
from athlete_monitor.report.texts import TEXTS, spelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from athlete_monitor.report.columns import Shown
    from athlete_monitor.report.gather import Participant, SessionData
    from athlete_monitor.report.texts import Language
    from athlete_monitor.report.worn import Figures

MOST_SENTENCES: Final = 3
NOTABLE_CHANGE: Final = 0.15
"""Smallest change against the own mean, or from one half to the next, that gets a sentence."""
ENOUGH_DATA_PERCENT: Final = 90.0


def squad_sentences(data: SessionData, lang: Language) -> list[str]:
    """At most three sentences about the squad, the most useful first."""
    rules = (_data_gaps, _own_mean, _highest, _between_halves, _first_of_its_kind)
    found = [sentence for rule in rules for sentence in rule(data.participants, data, lang)]
    return found[:MOST_SENTENCES]


def _unit(shown: Shown) -> str:
    return f" {shown.unit_text}" if shown.unit_text else ""


def _highest(everyone: Sequence[Participant], data: SessionData, lang: Language) -> Iterator[str]:  # noqa: ARG001
    for shown in (TRIMP, DISTANCE):
        known = [(value, each.name) for each in everyone if (value := shown.of(each.whole)) is not None]
        mean = float(np.mean([value for value, _ in known])) if known else 0.0
        if len(known) < 3 or mean <= 0.0:
            continue
        value, name = max(known)
        percent = int(rounded(100 * (value / mean - 1)))
        if percent > 0:
            yield TEXTS[lang]["most"].format(
                name=name, figure=shown.name(lang), value=number(value, shown.places, lang), unit=_unit(shown),
                percent=percent, mean=number(mean, shown.places, lang),
            )  # fmt: skip
        return


def change(participant: Participant, shown: Shown) -> float | None:
    """Change of a figure against the athlete's own mean, as a share; None where either is unknown."""
    value = shown.of(participant.whole)
    mean = participant.own_mean(shown.summary_key) if shown.summary_key else None
    return None if value is None or not mean else value / mean - 1.0


def _own_mean(everyone: Sequence[Participant], data: SessionData, lang: Language) -> Iterator[str]:  # noqa: ARG001
    changes = [
        (abs(by), by, each, shown)
        for each in everyone
        for shown in (TRIMP, DISTANCE)
        if (by := change(each, shown)) is not None and len(each.comparable(shown.summary_key or "")) > 1
    ]
    if not changes:
        return
    size, by, each, shown = max(changes, key=lambda found: found[0])
    if size >= NOTABLE_CHANGE:
        yield TEXTS[lang]["above_own" if by > 0 else "below_own"].format(
            name=each.name, percent=f"{rounded(100 * size):.0f}", figure=shown.name(lang),
            n=len(each.comparable(shown.summary_key or "")), value=number(shown.of(each.whole), shown.places, lang),
            mean=number(each.own_mean(shown.summary_key or ""), shown.places, lang),
        )  # fmt: skip


def _between_halves(everyone: Sequence[Participant], data: SessionData, lang: Language) -> Iterator[str]:
    halves = [period for period in data.periods if period.kind == "half"]
    if len(halves) < 2:
        return
    first, second = halves[0], halves[1]
    for shown in (RATE, HEART_RATE):
        both = [
            (a, b)
            for each in everyone
            if (a := shown.of(each.by_period.get(first.id, {}))) is not None
            and (b := shown.of(each.by_period.get(second.id, {}))) is not None
        ]
        if not both:
            continue
        before, after = np.mean(np.array(both), axis=0).tolist()
        if before and abs(after / before - 1.0) >= NOTABLE_CHANGE / 3:
            yield TEXTS[lang]["halves" if after < before else "halves_up"].format(
                first=spelled(first.name, lang), second=spelled(second.name, lang), figure=shown.name(lang),
                percent=f"{rounded(100 * abs(after / before - 1.0)):.0f}", value=number(before, shown.places, lang),
                mean=number(after, shown.places, lang), unit=_unit(shown),
            )  # fmt: skip
            return


def _data_gaps(everyone: Sequence[Participant], data: SessionData, lang: Language) -> Iterator[str]:  # noqa: ARG001
    silent = [each.name for each in everyone if HEART_RATE.of(each.whole) is None]
    if silent:
        names = ", ".join(silent[:4]) + (" …" if len(silent) > 4 else "")
        yield TEXTS[lang]["no_heart_rate"].format(names=names)
    percent = {each.name: quality_percent(each) for each in everyone}
    poor = [(value, name) for name, value in percent.items() if value is not None and value < ENOUGH_DATA_PERCENT]
    if poor:
        value, name = min(poor)
        yield TEXTS[lang]["little_data"].format(name=name, percent=number(value, 0, lang))


def quality_percent(participant: Participant) -> float | None:
    """Percent of the expected samples that were received; None while the session runs."""
    quality = (participant.summary or {}).get("quality") or {}
    percent = quality.get("percent")
    return float(percent) if isinstance(percent, int | float) else None


def _first_of_its_kind(everyone: Sequence[Participant], data: SessionData, lang: Language) -> Iterator[str]:  # noqa: ARG001
    if everyone and not any(each.earlier for each in everyone):
        yield TEXTS[lang]["compared_first"]


def _fast(whole: Figures, lang: Language) -> Iterator[str]:
    """Fast running, sprints and the highest speed."""
    words = TEXTS[lang]
    fast, speed = whole.get("high_speed_running_m"), whole.get("max_speed_mps")
    if fast is None or speed is None:
        return
    sprints = int(rounded(whole.get("sprints") or 0))
    counted = words["player_sprint" if sprints == 1 else "player_sprints"].format(n=sprints) if sprints else ""
    sentence = words["player_fast" if rounded(fast) else "player_not_fast"]
    speed_text = f"{number(3.6 * speed, 1, lang)} km/h"
    yield sentence.format(fast=f"{number(fast, 0, lang)} m", sprints=counted, speed=speed_text)


def player_sentences(participant: Participant, lang: Language) -> list[str]:
    """What a player asks for, in at most three plain sentences."""
    whole, words = participant.whole, TEXTS[lang]
    found = []
    distance = whole.get("distance_m")
    if distance is not None:
        found.append(words["player_total"].format(distance=f"{number(distance / 1000, 1, lang)} km"))
        found += _fast(whole, lang)
    by = change(participant, TRIMP)
    mean, highest = whole.get("heart_rate_bpm"), whole.get("heart_rate_highest_bpm")
    if mean is not None and highest is not None and not (by is not None and len(found) > 1):
        found.append(words["player_heart"].format(mean=number(mean, 0, lang), highest=number(highest, 0, lang)))
    if by is not None:
        word = words["about"] if abs(by) < 0.05 else words["above" if by > 0 else "below"]
        value, usual = TRIMP.of(whole), participant.own_mean("trimp")
        found.append(words["player_load"].format(value=number(value, 0, lang), word=word, mean=number(usual, 0, lang)))
    return found
