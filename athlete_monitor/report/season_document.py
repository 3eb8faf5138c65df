"""The season as worded data for the templates: sections of sentences, tables and drawings."""

from __future__ import annotations

import base64
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor import __version__
from athlete_monitor.report.columns import RPE, RPE_LOAD
from athlete_monitor.report.drawing import INK, MUTED, SHADE, ZONES, svg, text
from athlete_monitor.report.numbers import number, signed
from athlete_monitor.report.season import BESTS, SPAN_DAYS, per_week, z_mark
from athlete_monitor.report.texts import TEXTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athlete_monitor.report.document import Look
    from athlete_monitor.report.season import AthleteSeason
    from athlete_monitor.report.texts import Language

_BAR_HEIGHT: Final = 60.0
_WIDTH: Final = 520.0


def season_document(found: Sequence[AthleteSeason], last: date, days: int, look: Look) -> dict[str, Any]:
    """Everything that ``season.typ`` and ``season.html.j2`` need; JSON types but ``logo``."""
    words, lang = TEXTS[look.lang], look.lang
    first = date.fromordinal(last.toordinal() - days + 1)
    span = f"{_day(first, lang)} – {_day(last, lang)}"
    title = words["season"]
    return {
        "lang": lang,
        "club": look.club,
        "colour": look.colour,
        "logo": look.logo or None,
        "logo_base64": base64.b64encode(look.logo).decode(),
        "title": title,
        "subtitle": f"{span} · {words['athlete_one'] if len(found) == 1 else words['athletes'].format(n=len(found))}",
        "footer": words["footer"].format(title=title, version=__version__),
        "sections": []
        if not found
        else [
            _loads(found, last, lang),
            _kinds(found, lang),
            *_ratings(found, last, lang),
            _bests(found, lang),
            *_profiles(found, lang),
        ],
        "empty": words["no_sessions"].format(start=_day(first, lang), end=_day(last, lang)) if not found else "",
        "athletes": [_athlete(each, last, days, lang) for each in found],
    }


def _day(day: date, lang: Language) -> str:
    return day.strftime("%d.%m.%Y") if lang == "de" else day.strftime("%d %b %Y")


def _section(title: str, note: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, Any]:
    return {"title": title, "note": note, "head": list(head), "rows": [list(row) for row in rows]}


def _loads(found: Sequence[AthleteSeason], last: date, lang: Language) -> dict[str, Any]:
    words = TEXTS[lang]
    rows = [
        (
            each.name, str(len(each.sessions)), number(each.load.weekly_load, 0, lang),
            number(each.load.acute_load, 0, lang), number(each.load.chronic_load, 0, lang),
            number(each.load.acwr, 2, lang), number(each.load.monotony, 1, lang), number(each.load.strain, 0, lang),
            f"{number(each.z_score, 1, lang)} {z_mark(each.z_score)}".strip(), _availability(each, last),
        )
        for each in found
    ]  # fmt: skip
    head = [words[key] for key in (
        "athlete", "sessions", "week", "acute", "chronic", "acwr", "monotony", "strain", "z_score", "last_28",
    )]  # fmt: skip
    return _section(words["loads"], words["loads_note"], head, [[cell or "–" for cell in row] for row in rows])


def _availability(season: AthleteSeason, last: date) -> str:
    """Days with a session among the last 28 of the span."""
    return str(len({each.day for each in season.sessions if each.day > last.toordinal() - SPAN_DAYS}))


def _kinds(found: Sequence[AthleteSeason], lang: Language) -> dict[str, Any]:
    words = TEXTS[lang]
    rows = []
    for each in found:
        match, training = each.mean_trimp("game"), each.mean_trimp("training")
        share = 100 * training / match if match and training is not None else None
        games = sum(session.mode == "game" for session in each.sessions)
        counts = str(games), str(len(each.sessions) - games)
        means = number(match, 0, lang), number(training, 0, lang), f"{number(share, 0, lang)} %" if share else ""
        rows.append([each.name, *counts, *(cell or "–" for cell in means)])
    head = [words[key] for key in ("athlete", "matches", "trainings", "match_load", "training_load", "share")]
    return _section(words["kinds"], "", head, rows)


def _ratings(found: Sequence[AthleteSeason], last: date, lang: Language) -> list[dict[str, Any]]:
    """The table of ratings; none where nobody rated a session."""
    if all(each.mean_rpe() is None for each in found):
        return []
    words, places = TEXTS[lang], RPE_LOAD.places
    rows = [
        (
            each.name, _of([session.rating is not None for session in each.sessions], words),
            number(each.mean_rpe(), RPE.places, lang), _week_of_ratings(each, last, lang),
            number(each.mean_srpe_load("game"), places, lang), number(each.mean_srpe_load("training"), places, lang),
        )
        for each in found
    ]  # fmt: skip
    head = [words[key] for key in ("athlete", "rated", "mean_rpe", "week_rpe", "match_rpe", "training_rpe")]
    return [_section(words["ratings"], words["ratings_note"], head, [[cell or "–" for cell in row] for row in rows])]


def _of(flags: Sequence[bool], words: Mapping[str, str]) -> str:
    return words["n_of"].format(n=sum(flags), all=len(flags))


def _week_of_ratings(season: AthleteSeason, last: date, lang: Language) -> str:
    """Session-RPE load of the last 7 days; where sessions have none, how many have one. Empty where none has."""
    week = [each.srpe_load for each in season.sessions if each.day > last.toordinal() - 7]
    known = [load for load in week if load is not None]
    if not known:
        return ""
    total = number(sum(known), RPE_LOAD.places, lang)
    return total if len(known) == len(week) else f"{total} ({_of([each is not None for each in week], TEXTS[lang])})"


def _bests(found: Sequence[AthleteSeason], lang: Language) -> dict[str, Any]:
    words = TEXTS[lang]
    rows = [[each.name, *(_best(each, shown.key, shown.places, lang) for shown in BESTS)] for each in found]
    return _section(words["bests"], "", [words["athlete"], *(shown.heading(lang) for shown in BESTS)], rows)


def _profiles(found: Sequence[AthleteSeason], lang: Language) -> list[dict[str, Any]]:
    """The table of acceleration-speed profiles; none where nobody has one."""
    words = TEXTS[lang]
    rows = [
        (
            each.name, number(each.profile.a0_mps2, 1, lang), number(each.profile.s0_mps, 1, lang),
            number(each.profile.r2, 2, lang), str(each.profile.points),
        )
        for each in found
        if each.profile is not None
    ]  # fmt: skip
    head = [words["athlete"], "A0, m/s²", "S0, m/s", "R²", words["points"]]
    return [_section(words["profile"], words["profile_note"], head, rows)] if rows else []


def _best(season: AthleteSeason, key: str, decimals: int, lang: Language) -> str:
    if key not in season.bests:
        return "–"
    value, day = season.bests[key]
    when = date.fromordinal(day)
    return f"{number(value, decimals, lang)} ({when.strftime('%d.%m.' if lang == 'de' else '%d %b')})"


def _athlete(season: AthleteSeason, last: date, days: int, lang: Language) -> dict[str, Any]:
    words = TEXTS[lang]
    trend = [(each.day, each.hr_excess_bpm) for each in season.sessions if each.hr_excess_bpm is not None]
    first = last.toordinal() - days + 1
    return {
        "name": season.name,
        "bars": _bars(season, first, days, words["per_day"]),
        "trend": _trend(trend, first, days, words, lang) if len(trend) > 1 else None,
    }


def _bars(season: AthleteSeason, first: int, days: int, title: str) -> str:
    """Daily load as bars: matches filled, training hollow, so that they differ in grey too."""
    games = {each.day for each in season.sessions if each.mode == "game"}
    daily = season.daily()
    most = max(daily.values(), default=1.0) or 1.0
    wide = _WIDTH / days
    out = [text(0, 7, f"{title}: 0–{most:.0f}", 6.6, MUTED)]
    for day, value in sorted(daily.items()):
        height = _BAR_HEIGHT * value / most
        look = f"fill='{ZONES[5]}'" if day in games else f"fill='{SHADE}' stroke='{ZONES[1]}' stroke-width='.7'"
        out.append(
            f"<rect x='{(day - first) * wide:.1f}' y='{10 + _BAR_HEIGHT - height:.1f}' "
            f"width='{max(0.8, 0.8 * wide):.1f}' height='{height:.1f}' {look}/>"
        )
    out.append(f"<path d='M0 {10 + _BAR_HEIGHT}h{_WIDTH}' stroke='{INK}' stroke-width='.5'/>")
    step = 7 if days <= 70 else 28
    for offset in range(0, days, step):
        label = date.fromordinal(first + offset).strftime("%d.%m.")
        out.append(text(offset * wide, 18 + _BAR_HEIGHT, label, 6, MUTED))
    return svg(_WIDTH, _BAR_HEIGHT + 20, out, f"{season.name}: {title}")


def _trend(points: Sequence[tuple[int, float]], first: int, days: int, words: Mapping[str, str], lang: Language) -> str:
    """Strap − model by session: falling means that the same movement costs fewer beats."""
    values = [value for _, value in points]
    low, high = min(*values, -5.0), max(*values, 5.0)

    def place(day: int, value: float) -> str:
        return f"{(day - first + 0.4) * _WIDTH / days:.1f} {12 + 40 * (high - value) / (high - low):.1f}"

    path = "".join(f"{'L' if index else 'M'}{place(*point)}" for index, point in enumerate(points))
    dots = "".join(f"M{place(*point)}h0.01" for point in points)
    stroke = f"fill='none' stroke='{ZONES[1]}' stroke-linecap='round'"
    return svg(_WIDTH, 58, [
        text(0, 7, _trend_words(points, (low, high), words, lang), 6.6, MUTED),
        f"<path d='M{place(first, 0.0)}H{_WIDTH}' stroke='{MUTED}' stroke-width='.4' stroke-dasharray='2 2'/>",
        f"<path d='{path}' {stroke} stroke-width='1'/>",
        f"<path d='{dots}' {stroke} stroke-width='2.6'/>",
    ], words["fitness"])  # fmt: skip


def _trend_words(
    points: Sequence[tuple[int, float]], span: tuple[float, float], words: Mapping[str, str], lang: Language
) -> str:
    """What the curve shows: its unit, its scale, and how much it changes in a week."""
    scale = " … ".join(signed(each, 0, lang) for each in span)
    slope = per_week(points)
    change = "" if slope is None else f"; {words['trend'].format(change=signed(slope, 1, lang))}"
    return f"{words['fitness']}: {scale} bpm{change}"
