"""The report as plain data with texts: the input of the templates of the PDF and the page."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from athlete_monitor import __version__
from athlete_monitor.physiology.peaks import PeakDemands
from athlete_monitor.report.colours import darkened
from athlete_monitor.report.columns import BY_PERIOD, HEART_RATE, RPE, SQUAD, TILES, TRIMP
from athlete_monitor.report.curves import Curve, Mark, Panel, panels_svg
from athlete_monitor.report.drawing import INK, MODEL, ZONES, Band
from athlete_monitor.report.gather import EARLIER_SESSIONS, curves
from athlete_monitor.report.heat_map import heat_map_svg
from athlete_monitor.report.numbers import clock, day, minutes, number, signed_percent
from athlete_monitor.report.sentences import change, player_sentences, quality_percent, squad_sentences
from athlete_monitor.report.texts import TEXTS, said, spelled
from athlete_monitor.report.timeline import timeline_svg, zone_bar_svg
from athlete_monitor.team.records import reasons_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athlete_monitor.archive import Archive, Period
    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.report.columns import Shown
    from athlete_monitor.report.gather import Participant, SessionData
    from athlete_monitor.report.texts import Language
    from athlete_monitor.report.worn import Figures

Kind = Literal["team", "player"]
ZONE_COLUMNS: Final = ("time_in_zones_s__below_50_percent", *(f"time_in_zones_s__zone_{zone}" for zone in range(1, 6)))
PEAKS: Final = PeakDemands.FIGURES
LEAST_POSITIONS: Final = 60


@dataclass(frozen=True)
class Look:
    """The club and appearance of a report.

    Attributes:
        lang: language of the texts.
        club: name in the heading.
        colour: the club's colour, ``#rrggbb``.
        logo: content of an SVG or PNG file; empty for none.
        sort: key of the figure by which the squad is sorted, largest first; empty for the shirt number.
    """

    lang: Language = "en"
    club: str = ""
    colour: str = "#23558f"
    logo: bytes = b""
    sort: str = ""


def document(archive: Archive, data: SessionData, look: Look, kind: Kind = "team") -> dict[str, Any]:
    """The input of the templates, with texts and rounded numbers; JSON types except ``logo`` (bytes or None)."""
    words = TEXTS[look.lang]
    title = _title(data, look.lang)
    everyone = _sorted(data.participants, look.sort)
    shown = [each for each in SQUAD if any(each.of(p.whole) is not None for p in everyone)]
    by_period = [each for each in BY_PERIOD if each in shown]
    return {
        "kind": kind,
        "lang": look.lang,
        "texts": dict(words),
        "club": look.club,
        "colour": look.colour,
        "bar_colour": darkened(look.colour),
        "logo": look.logo or None,
        "logo_base64": base64.b64encode(look.logo).decode() if look.logo else "",
        "title": title,
        "subtitle": _subtitle(data, look.lang),
        "footer": words["footer"].format(title=title, version=__version__),
        "sentences": squad_sentences(data, look.lang),
        "head": _head(everyone, shown, look.lang),
        "rows": [_row(each, shown, everyone, look.lang) for each in everyone],
        "table_note": words["table_note"].format(n=EARLIER_SESSIONS),
        "timeline": _timeline(data, everyone, look.lang) if kind == "team" else None,
        "period_head": [words["period"], *(each.heading(look.lang) for each in by_period)],
        "periods": [] if kind == "player" else _squad_periods(data, everyone, by_period, look.lang),
        "alarms": [{"at": clock(each.raised_t), "text": said(each.text, look.lang)} for each in data.alarms],
        "pages": [_page(archive, data, each, shown, by_period, look.lang, kind) for each in everyone],
    }


def _head(everyone: Sequence[Participant], shown: Sequence[Shown], lang: Language) -> list[str]:
    """Headings of the squad's table; where nobody recorded substitutions, the minutes are those of the session."""
    words = TEXTS[lang]
    minutes_of = "time_min" if all(each.on_pitch is None for each in everyone) else "on_pitch_min"
    return [words["athlete"], words[minutes_of], *(each.heading(lang) for each in shown), words["data"]]


def _title(data: SessionData, lang: Language) -> str:
    team, words = data.team, TEXTS[lang]
    name = team.name or words[team.mode if team.mode in {"training", "game"} else "session"]
    return f"{name} – {team.opponent}" if team.opponent else name


def _subtitle(data: SessionData, lang: Language) -> str:
    words, count = TEXTS[lang], len(data.participants)
    athletes = words["athlete_one"] if count == 1 else words["athletes"].format(n=count)
    length = words["minutes"].format(n=number((data.end_t - data.start_t) / 60, 0, lang))
    parts = [_span(data.start_t, data.end_t, lang), length, athletes]
    return " · ".join([*parts, *([data.team.day_code] if data.team.day_code else [])])


def _span(start_t: float, end_t: float, lang: Language) -> str:
    """Day and times; the last day too, where it is another one. A minute that has begun is shown as ended."""
    last_t = max(start_t, end_t + 59.0 if end_t % 60.0 >= 1.0 else end_t)
    first, last = day(start_t, lang), day(last_t, lang)
    if first == last:
        return f"{first} · {clock(start_t)}–{clock(last_t)}"
    return f"{first}, {clock(start_t)} – {last}, {clock(last_t)}"


def _sorted(everyone: Sequence[Participant], key: str) -> Sequence[Participant]:
    if not key:
        return everyone
    return sorted(everyone, key=lambda each: -(each.whole.get(key) if each.whole.get(key) is not None else -np.inf))  # type: ignore[operator]


def _row(participant: Participant, shown: Sequence[Shown], everyone: Sequence[Participant], lang: Language) -> Any:  # noqa: ANN401
    cells = [_cell(number(participant.minutes, 0, lang))]
    for each in shown:
        value = each.of(participant.whole)
        most = max((v for p in everyone if (v := each.of(p.whole)) is not None), default=0.0)
        bar = (value or 0.0) / most if each.bar and most > 0 else None
        by = signed_percent(change(participant, each)) if each.bar else ""
        cells.append(_cell(each.text(value, lang), bar, by))
    percent = quality_percent(participant)
    cells.append(_cell(f"{number(percent, 0, lang)} %" if percent is not None else ""))
    return {"number": participant.number, "name": participant.name, "note": participant.position, "cells": cells}


def _cell(text: str, bar: float | None = None, mark: str = "") -> dict[str, Any]:
    return {"text": text, "bar": bar, "mark": mark}


def _timeline(data: SessionData, everyone: Sequence[Participant], lang: Language) -> str | None:
    if all(each.on_pitch is None for each in everyone):
        return None
    words = TEXTS[lang]
    rows = [(f"{each.number} {each.name}", each.on_pitch or ()) for each in everyone]
    return timeline_svg(rows, (data.start_t, data.end_t), _bands(data, lang), title=words["on_pitch"])


def _bands(data: SessionData, lang: Language) -> list[Band]:
    return [Band(each.start_t, each.end_t or data.end_t, spelled(each.name, lang)) for each in data.periods]


def _squad_periods(
    data: SessionData, everyone: Sequence[Participant], shown: Sequence[Shown], lang: Language
) -> list[list[str]]:
    """Means over the athletes who took part in each period."""
    rows = []
    for period in data.periods:
        parts = [each.by_period[period.id] for each in everyone if period.id in each.by_period]
        rows.append([_period_name(period, data, lang), *_means(parts, shown, lang)])
    return rows


def _period_name(period: Period, data: SessionData, lang: Language) -> str:
    return f"{spelled(period.name, lang)} ({minutes((period.end_t or data.end_t) - period.start_t)})"


def _means(parts: Sequence[Figures], shown: Sequence[Shown], lang: Language) -> list[str]:
    texts = []
    for each in shown:
        known = [value for part in parts if (value := each.of(part)) is not None]
        texts.append(number(float(np.mean(known)) if known else None, each.places, lang) or "–")
    return texts


def _page(
    archive: Archive,
    data: SessionData,
    participant: Participant,
    shown: Sequence[Shown],
    by_period: Sequence[Shown],
    lang: Language,
    kind: Kind,
) -> dict[str, Any]:
    words = TEXTS[lang]
    found = curves(archive, participant)
    zone_seconds = [participant.whole.get(name) or 0.0 for name in ZONE_COLUMNS]
    return {
        "number": participant.number,
        "name": participant.name,
        "subtitle": " · ".join(part for part in (participant.position, _subtitle(data, lang)) if part),
        "sentences": player_sentences(participant, lang) if kind == "player" else [],
        "tiles": [_tile(participant, each, lang) for each in TILES if each in shown or each.of(participant.whole)],
        "curves": _curves(data, participant, found, lang),
        "zones": zone_bar_svg(zone_seconds, title=words["zones"]) if sum(zone_seconds) else None,
        "zones_note": words["zones_note"].format(
            minutes=" · ".join(f"{zone}: {number(value / 60, 1, lang)}" for zone, value in enumerate(zone_seconds))
        ),
        "period_rows": [
            [
                _period_name(period, data, lang),
                *(number(each.of(participant.by_period[period.id]), each.places, lang) or "–" for each in by_period),
            ]
            for period in data.periods
            if period.id in participant.by_period
        ],
        "peak_head": [words["peak"], *(member.replace("_", " ") for member in PEAKS[0].members)],
        "peaks": _peaks(participant, lang),
        "heat_map": _heat_map(found, words),
        "missing": _missing(participant, shown, lang),
    }


def _tile(participant: Participant, shown: Shown, lang: Language) -> dict[str, str]:
    by = signed_percent(change(participant, shown)) if shown.summary_key else ""
    mean = participant.own_mean(shown.summary_key) if shown.summary_key else None
    note = f"Ø {number(mean, shown.places, lang)} ({by})" if by else ""
    before = participant.before(shown.summary_key) if shown.summary_key else None
    note += f", {TEXTS[lang]['before']} {number(before, shown.places, lang)}" if note and before is not None else ""
    value = shown.text(shown.of(participant.whole), lang) or "–"
    return {"label": shown.label(lang), "text": value, "unit": shown.unit_text, "note": note}


def _curves(data: SessionData, participant: Participant, found: Mapping[str, FloatArray], lang: Language) -> str | None:
    t_s = found["t"]
    if not len(t_s):
        return None
    words = TEXTS[lang]
    panels = []
    if not np.isnan(found["heart_rate_bpm"]).all():
        panels.append(_heart_rate_panel(data, participant, found, words))
    if not np.isnan(found["speed_mps"]).all():
        panels.append(Panel(words["speed"], [Curve(t_s, found["speed_mps"], ZONES[1])], least_top=5.0))
    if not np.isnan(found["trimp"]).all():
        panels.append(Panel(words["load"], [Curve(t_s, found["trimp"], ZONES[4])], least_top=10.0))
    if not panels:
        return None
    return panels_svg(
        panels, (data.start_t, data.end_t), _bands(data, lang), title=f"{participant.name}: {panels[0].title}"
    )


def _heart_rate_panel(
    data: SessionData, participant: Participant, found: Mapping[str, FloatArray], words: Mapping[str, str]
) -> Panel:
    t_s, strap = found["t"], found["strap_heart_rate_bpm"]
    main = Curve(
        t_s, found["heart_rate_bpm"], INK, words["heart_rate"].partition(",")[0],
        low=found["heart_rate_low_bpm"], high=found["heart_rate_high_bpm"],
    )  # fmt: skip
    lines = []
    if not np.isnan(strap).all():
        lines.append(Curve(t_s, strap, ZONES[5], words["strap"], width=0.5))
    if not np.isnan(found["model_heart_rate_bpm"]).all():
        lines.append(Curve(t_s, found["model_heart_rate_bpm"], MODEL, words["model"], dashed=True, width=0.6))
    lines.append(main)
    marks = [Mark(m.t, m.text[:24]) for m in data.markers if m.athlete_id in {None, participant.athlete_id}]
    return Panel(words["heart_rate"], lines, least_top=120.0, from_zero=False, marks=marks)


def _peaks(participant: Participant, lang: Language) -> list[list[str]]:
    """Rows of the peak demands that the engine has put into the summary."""
    rows = []
    for figure in PEAKS:
        values = (participant.summary or {}).get(figure.key)
        if isinstance(values, dict) and any(value is not None for value in values.values()):
            called = TEXTS[lang].get(figure.key, figure.label.removeprefix("Peak "))
            label = f"{called}{f', {figure.unit}' if figure.unit else ''}"
            texts = [number(values.get(member), figure.decimals, lang) or "–" for member in figure.members]
            rows.append([label[0].upper() + label[1:], *texts])
    return rows


def _heat_map(found: Mapping[str, FloatArray], words: Mapping[str, str]) -> str | None:
    x_m, y_m = found["x_m"], found["y_m"]
    if np.count_nonzero(~np.isnan(x_m) & ~np.isnan(y_m)) < LEAST_POSITIONS:
        return None
    return heat_map_svg(x_m, y_m, title=words["heat_map"])


def _missing(participant: Participant, shown: Sequence[Shown], lang: Language) -> list[dict[str, str]]:
    """Reasons of the figures that the page would show but that are not known, each reason once.

    Where nobody rated the session, a rating is not missing.
    """
    reasons = {
        **((participant.summary or {}).get("reasons") or {}),
        **(reasons_of(participant.rating) if RPE in shown else {}),
    }
    by_reason: dict[str, list[str]] = {}
    for each in (HEART_RATE, TRIMP, *TILES):
        key = each.summary_key or each.key
        if each.of(participant.whole) is None and key in reasons:
            names = by_reason.setdefault(str(reasons[key]), [])
            if each.label(lang) not in names:
                names.append(each.label(lang))
    return [{"label": ", ".join(names), "reason": said(reason, lang)} for reason, names in by_reason.items()]
