"""The numbers on every page of the documents, read back from the PDF and compared with the archive."""

from __future__ import annotations

import html
import io
import re
from datetime import date
from functools import cache

import pytest
from pypdf import PdfReader

from athlete_monitor.archive import Archive
from athlete_monitor.athletes import Roster
from athlete_monitor.report.columns import BY_PERIOD, SQUAD, TILES
from athlete_monitor.report.document import Look, document
from athlete_monitor.report.gather import gather
from athlete_monitor.report.numbers import number, signed_percent
from athlete_monitor.report.page import page as html_page
from athlete_monitor.report.pdf import pdf
from athlete_monitor.report.season import seasons, z_mark
from athlete_monitor.report.season_document import season_document
from athlete_monitor.report.texts import TEXTS, spelled
from tests.report.kit import HALF_S, NAMES, SECONDS, make_archive, start_of
from tests.report.test_season import recomputed

LAST = start_of(5)
WHOLE = (LAST - 1.0, LAST + SECONDS + 1.0)
HALVES = {"1st half": (LAST, LAST + HALF_S), "2nd half": (LAST + HALF_S, LAST + SECONDS)}
DAY = date(2026, 6, 10)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return Archive(make_archive(tmp_path_factory.mktemp("pages") / "journal.sqlite3"))


@pytest.fixture(scope="module")
def read(archive):
    """The pages of the match's report in a language, of a kind."""
    match = gather(archive, "T5", Roster(()))
    return cache(lambda lang, kind="team": pages(pdf(document(archive, match, Look(lang), kind))))


def pages(content):
    """The text of each page, with single blanks."""
    return [" ".join(each.extract_text().split()) for each in PdfReader(io.BytesIO(content)).pages]


def written(*texts):
    """Texts in the order of a row, as a reader takes them from a page."""
    return " ".join(text for text in texts if text)


def figures_of(archive, athlete, span):
    [session] = archive.sessions(team_session="T5", athlete_id=athlete)
    return archive.part(session.number, [span])


def measured(shown, figures):
    """Without the ratings: nobody gave one."""
    return [each for each in shown if each.key in figures]


def earlier_of(archive, athlete):
    """Summaries of the matches before, newest first."""
    before = [each for each in archive.sessions(athlete_id=athlete, to_t=LAST) if each.team_session != "T5"]
    return [each.summary for each in reversed(before) if each.summary["mode"] == "game"][:4]


def known_mean(values):
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def change_of(archive, athlete, shown, figures):
    mean = known_mean([each.get(shown.summary_key) for each in earlier_of(archive, athlete)])
    value = figures[shown.key]
    return mean, "" if value is None or not mean else signed_percent(value / mean - 1.0)


@pytest.mark.parametrize("lang", ["en", "de"])
def test_the_rows_of_the_squads_page_are_the_archives(archive, read, lang):
    first = read(lang)[0]
    for athlete in NAMES:
        figures = figures_of(archive, athlete, WHOLE)
        cells = [number(HALF_S / 60 if athlete == 1 else SECONDS / 60, 0, lang)]
        for shown in measured(SQUAD, figures):
            by = change_of(archive, athlete, shown, figures)[1] if shown.bar else ""
            cells += [number(figures[shown.key], shown.places, lang) or "–", by]
        cells.append("72 %" if athlete == 1 else "100 %")
        assert written(*cells) in first, NAMES[athlete]


def test_the_squads_periods_are_means_of_the_archives_parts(archive, read):
    first = read("en")[0]
    for name, span in HALVES.items():
        parts = [figures_of(archive, athlete, span) for athlete in NAMES]
        means = [known_mean([each[shown.key] for each in parts]) for shown in BY_PERIOD]
        cells = [number(mean, shown.places) for shown, mean in zip(BY_PERIOD, means, strict=True)]
        assert written(f"{name} (2:00)", *cells) in first


@pytest.mark.parametrize("kind", ["team", "player"])
@pytest.mark.parametrize("lang", ["en", "de"])
def test_each_athletes_page_has_the_archives_numbers(archive, read, lang, kind):
    text = read(lang, kind)
    assert len(text) == len(NAMES) + (kind == "team")
    for athlete, page in zip(NAMES, text[kind == "team" :], strict=True):
        figures = figures_of(archive, athlete, WHOLE)
        for shown in measured(TILES, figures):
            assert tile_of(archive, athlete, shown, figures, lang) in page, (athlete, shown.key)
        for name, span in HALVES.items():
            part = figures_of(archive, athlete, span)
            cells = [number(part[shown.key], shown.places, lang) or "–" for shown in BY_PERIOD]
            assert written(f"{spelled(name, lang)} (2:00)", *cells) in page
        assert athlete == 5 or zones_of(figures, lang) in page
        peak = figures_of_peaks(archive, athlete, lang)
        assert written(*peak) in page


def tile_of(archive, athlete, shown, figures, lang):
    value = number(figures[shown.key], shown.places, lang) or "–"
    note = ""
    if shown.summary_key:
        mean, by = change_of(archive, athlete, shown, figures)
        before = number(earlier_of(archive, athlete)[0].get(shown.summary_key), shown.places, lang)
        note = f"Ø {number(mean, shown.places, lang)} ({by}), {TEXTS[lang]['before']} {before}" if by else ""
    return written(shown.label(lang), value, shown.unit_text, note)


def zones_of(figures, lang):
    names = ["below_50_percent", *(f"zone_{zone}" for zone in range(1, 6))]
    minutes = [(figures.get(f"time_in_zones_s__{name}") or 0.0) / 60 for name in names]
    return " · ".join(f"{zone}: {number(value, 1, lang)}" for zone, value in enumerate(minutes))


def figures_of_peaks(archive, athlete, lang):
    [session] = archive.sessions(team_session="T5", athlete_id=athlete)
    peaks = session.summary["peak_distance_m"]
    called = "Strecke, m" if lang == "de" else "Distance, m"
    return [called, *(number(peaks[name], 0, lang) or "–" for name in ("1_min", "3_min", "5_min", "10_min"))]


@pytest.mark.parametrize("lang", ["en", "de"])
def test_every_row_of_the_season_is_recomputed_from_the_archive(archive, lang):
    found = seasons(archive, Roster(()), DAY, 56, None)
    text = " ".join(pages(pdf(season_document(found, DAY, 56, Look(lang)), "season.typ")))
    for athlete in NAMES:
        own = recomputed(archive, athlete, DAY, 56)
        places = {
            "weekly_load": 0, "acute_load": 0, "chronic_load": 0, "acwr": 2, "monotony": 1, "strain": 0, "z_score": 1,
        }  # fmt: skip
        cells = [str(own["sessions"]), *(number(own[key], decimals, lang) or "–" for key, decimals in places.items())]
        cells.append(z_mark(own["z_score"]))
        assert written(*cells, str(own["days_in_28"])) in text, (athlete, cells)
        match, training = own["match_trimp"], own["training_trimp"]
        share = f"{number(100 * training / match, 0, lang)} %"
        counts = str(own["matches"]), str(own["sessions"] - own["matches"])
        assert written(*counts, number(match, 0, lang), number(training, 0, lang), share) in text


def html_text(made, template="report.html.j2"):
    """The text of a page as a browser shows it, with single blanks, without its drawings."""
    text = re.sub(r"<(style|svg|title)\b.*?</\1>", " ", html_page(made, template).decode(), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


@pytest.mark.parametrize("lang", ["en", "de"])
def test_the_html_page_has_the_archives_numbers_for_the_squad_and_each_athlete(archive, lang):
    text = html_text(document(archive, gather(archive, "T5", Roster(())), Look(lang)))
    for athlete in NAMES:
        figures = figures_of(archive, athlete, WHOLE)
        for shown in measured(TILES, figures):
            assert tile_of(archive, athlete, shown, figures, lang) in text, (athlete, shown.key)
        for name, span in HALVES.items():
            part = figures_of(archive, athlete, span)
            cells = [number(part[shown.key], shown.places, lang) or "–" for shown in BY_PERIOD]
            assert written(f"{spelled(name, lang)} (2:00)", *cells) in text
        assert athlete == 5 or zones_of(figures, lang) in text
        assert written(*figures_of_peaks(archive, athlete, lang)) in text


@pytest.mark.parametrize("lang", ["en", "de"])
def test_the_html_season_is_recomputed_from_the_archive(archive, lang):
    text = html_text(
        season_document(seasons(archive, Roster(()), DAY, 56, None), DAY, 56, Look(lang)), "season.html.j2"
    )
    for athlete in NAMES:
        own = recomputed(archive, athlete, DAY, 56)
        cells = [str(own["sessions"]), *(number(own[key], 0, lang) or "–" for key in ("weekly_load", "acute_load"))]
        assert written(*cells) in text, (athlete, cells)
