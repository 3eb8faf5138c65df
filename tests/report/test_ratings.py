"""Ratings of perceived exertion are the same in every form in which a session leaves the archive."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from datetime import datetime

import openpyxl
import pyarrow.parquet
import pytest
from pypdf import PdfReader

from athlete_monitor.archive import Archive
from athlete_monitor.athletes import Roster
from athlete_monitor.engine.team.rows import entry_row
from athlete_monitor.physiology.reasons import RATED_TIME_UNKNOWN, RATING_MISSING
from athlete_monitor.report.columns import RPE, RPE_LOAD
from athlete_monitor.report.document import Look, document
from athlete_monitor.report.export.tables import TABLES, Selection
from athlete_monitor.report.export.writers import WRITERS, dictionary
from athlete_monitor.report.gather import gather
from athlete_monitor.report.numbers import number
from athlete_monitor.report.page import page
from athlete_monitor.report.pdf import pdf
from athlete_monitor.report.season import seasons
from athlete_monitor.report.season_document import season_document
from athlete_monitor.report.texts import TEXTS, said
from athlete_monitor.team.commands import Command
from tests.archive.kit import add_session
from tests.report.kit import NAMES, make_archive, rate, start_of

RATED = {1: (7, 62.3, 436.1), 2: (6.5, 90.0, 585.0), 3: (0, 90.0, 0.0), 4: (8, None, None), 5: None, 6: None}
"""By athlete: rating, minutes and load of the last session; 5 gave none and 6 took it back."""
COLUMNS = ("rpe", "rated_minutes", "srpe_load")


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    path = make_archive(tmp_path_factory.mktemp("rated") / "journal.sqlite3")
    rate(path, "T5", 1, 3, 62.3, t=1.0)
    rate(path, "T5", 1, 7, 62.3, t=2.0)
    rate(path, "T5", 2, 6.5, 90.0)
    rate(path, "T5", 3, 0, 90.0)
    rate(path, "T5", 4, 8)
    rate(path, "T5", 6, 9, 90.0, t=1.0)
    rate(path, "T5", 6, None, t=2.0)
    return path


@pytest.fixture(scope="module")
def archive(journal):
    return Archive(journal)


def summaries(archive, folder, form):
    """The table of summaries as a program reads it, by athlete: the figures of the rating in the last session."""
    path = folder / f"summaries.{form}"
    WRITERS[form](TABLES["summaries"](Selection(archive, Roster(()), {}, team_session="T5")), path)
    rows = READERS[form](path)
    return {
        int(row["athlete_id"]): tuple(None if row[key] in {"", None} else float(row[key]) for key in COLUMNS)
        for row in rows
    }


def _csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _xlsx(path):
    head, *rows = openpyxl.load_workbook(path)["summaries"].iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


READERS = {
    "csv": _csv, "xlsx": _xlsx, "json": lambda path: json.loads(path.read_text(encoding="utf-8")),
    "parquet": lambda path: pyarrow.parquet.read_table(path).to_pylist(),
}  # fmt: skip


@pytest.mark.parametrize("form", READERS)
def test_a_table_of_summaries_has_each_rating_with_its_minutes_and_load(archive, tmp_path, form):
    expected = {who: one or (None, None, None) for who, one in RATED.items()}
    assert summaries(archive, tmp_path, form) == expected


def test_the_columns_come_last_and_are_explained(archive):
    table = TABLES["summaries"](Selection(archive, Roster(()), {}))
    assert [each.name for each in table.columns][-3:] == list(COLUMNS)
    assert "| `srpe_load` | 1 | `rpe` × `rated_minutes` (Foster 2001) |" in dictionary(table.columns, "summaries", 1)


def test_without_any_rating_there_are_no_columns_of_ratings(archive):
    table = TABLES["summaries"](Selection(archive, Roster(()), {}, team_session="T4"))
    assert not {each.name for each in table.columns} & set(COLUMNS)


def test_an_athlete_with_two_devices_has_the_load_of_a_session_once(tmp_path):
    path = make_archive(tmp_path / "journal.sqlite3", athletes=(1, 2))
    add_session(path, 999, [], athlete=1, team="T5", start_t=start_of(5) + 60, end_t=start_of(5) + 90)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE sessions SET summary = '{\"trimp\": 1.0}' WHERE id = 999")
    connection.close()
    rate(path, "T5", 1, 7, 60.0)
    table = TABLES["summaries"](Selection(Archive(path), Roster(()), {}, team_session="T5"))
    place = [each.name for each in table.columns].index("srpe_load")
    assert sorted(((row[0], row[place]) for row in table.rows), key=str) == [(1, 420.0), (1, None), (2, None)]


@pytest.mark.parametrize("body", ["{", "[]", '{"rpe": "7"}', '{"rpe": 70}', '{"rpe": true}', '{"rpe": NaN}', "{}"])
def test_a_damaged_rating_is_none_and_hides_no_other(tmp_path, body):
    path = make_archive(tmp_path / "journal.sqlite3", sessions=1, athletes=(1, 2))
    rate(path, "T0", 1, 7, 60.0)
    rate(path, "T0", 2, 5, 60.0)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE entries SET body = ? WHERE athlete_id = 1", (body,))
    connection.close()
    assert {who: each.srpe_load for who, each in Archive(path).ratings("T0").items()} == {2: 300.0}


@pytest.mark.parametrize("minutes", ['"60"', "-1", "1e400", "true"])
def test_damaged_minutes_leave_the_rating_without_a_load(tmp_path, minutes):
    path = make_archive(tmp_path / "journal.sqlite3", sessions=1, athletes=(1,))
    rate(path, "T0", 1, 7, 60.0)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE entries SET body = ?", (f'{{"rpe": 7, "minutes": {minutes}}}',))
    connection.close()
    assert Archive(path).ratings("T0")[1].figures == {"rpe": 7, "rated_minutes": None, "srpe_load": None}


@pytest.fixture(scope="module")
def last(archive):
    return gather(archive, "T5", Roster(()))


@pytest.mark.parametrize("lang", ["en", "de"])
def test_the_report_has_each_rating_with_its_load_and_says_why_one_is_missing(archive, last, lang):
    made = document(archive, last, Look(lang))
    places = [made["head"].index(each.label(lang)) - 1 for each in (RPE, RPE_LOAD)]
    cells = {row["name"]: tuple(row["cells"][place]["text"] for place in places) for row in made["rows"]}
    half = "6,5" if lang == "de" else "6.5"
    expected = [("7", "436"), (half, "585"), ("0", "0"), ("8", ""), ("", ""), ("", "")]
    assert cells == dict(zip(NAMES.values(), expected, strict=True))
    tiles = [{tile["label"]: tile["text"] for tile in each["tiles"]} for each in made["pages"]]
    shown = [(each[RPE.label(lang)], each[RPE_LOAD.label(lang)]) for each in tiles]
    assert shown == [(rpe or "–", load or "–") for rpe, load in expected]
    names = {each["name"]: {line["reason"]: line["label"] for line in each["missing"]} for each in made["pages"]}
    assert names[NAMES[4]][said(RATED_TIME_UNKNOWN, lang)] == RPE_LOAD.label(lang)
    for athlete in (5, 6):
        assert names[NAMES[athlete]][said(RATING_MISSING, lang)] == f"{RPE.label(lang)}, {RPE_LOAD.label(lang)}"
    assert not {said(RATING_MISSING, lang), said(RATED_TIME_UNKNOWN, lang)} & set(names[NAMES[3]])


@pytest.mark.parametrize("lang", ["en", "de"])
def test_pdf_and_page_show_what_the_exports_hold(archive, last, lang):
    made = document(archive, last, Look(lang))
    pages = [each.extract_text() for each in PdfReader(io.BytesIO(pdf(made))).pages]
    html = page(made).decode()
    for athlete, (rpe, _, load) in [(who, one) for who, one in RATED.items() if one and one[2]]:
        texts = [number(rpe, 0 if rpe == int(rpe) else 1, lang), number(load, 0, lang)]
        own = next(each for each in pages[1:] if NAMES[athlete] in each)
        assert f"{RPE.label(lang)}\n{texts[0]}" in own
        assert f"{RPE_LOAD.label(lang)}\n{texts[1]}" in own
        assert f"<small>{RPE_LOAD.label(lang)}</small><b>{texts[1]} <small>" in html


def test_a_report_of_a_session_that_nobody_rated_says_nothing_of_ratings(archive):
    made = document(archive, gather(archive, "T4", Roster(())), Look())
    assert not {"RPE", "RPE load"} & {
        *made["head"],
        *(tile["label"] for each in made["pages"] for tile in each["tiles"]),
    }
    assert RATING_MISSING not in {line["reason"] for each in made["pages"] for line in each["missing"]}


def test_a_squad_is_sorted_by_its_ratings(archive, last):
    rows = document(archive, last, Look(sort="rpe"))["rows"]
    assert [row["name"] for row in rows][:4] == [NAMES[athlete] for athlete in (4, 1, 2, 3)]


@pytest.mark.parametrize(
    ("lang", "half", "of", "mean"), [("en", "586", "1 of 2", "6.5"), ("de", "586", "1 von 2", "6,5")]
)
def test_the_season_has_ratings_their_mean_and_the_load_of_the_week(tmp_path, lang, half, of, mean):
    path = make_archive(tmp_path / "journal.sqlite3", athletes=(1, 2, 3))
    add_session(path, 999, [], athlete=2, team="T9", start_t=start_of(5) - 86_400, end_t=start_of(5) - 80_000)
    with sqlite3.connect(path) as connection:
        connection.execute('UPDATE sessions SET summary = \'{"mode": "training"}\' WHERE id = 999')
    connection.close()
    rate(path, "T5", 1, 7, 62.3)
    rate(path, "T4", 1, 6, 60.0)
    rate(path, "T5", 2, 6.5, 90.1)
    last = datetime.fromtimestamp(start_of(5)).astimezone().date()
    made = season_document(seasons(Archive(path), Roster(()), last, 56, None), last, 56, Look(lang))
    (table,) = [each for each in made["sections"] if each["title"] == TEXTS[lang]["ratings"]]
    n_of = TEXTS[lang]["n_of"]
    assert table["rows"] == [
        [NAMES[1], n_of.format(n=2, all=6), mean, "436", "436", "360"],
        [NAMES[2], n_of.format(n=1, all=7), mean, f"{half} ({of})", half, "–"],
        [NAMES[3], n_of.format(n=0, all=6), "–", "–", "–", "–"],
    ]
    text = "".join(each.extract_text() for each in PdfReader(io.BytesIO(pdf(made, "season.typ"))).pages)
    html = page(made, "season.html.j2").decode()
    for shown in (f"{half} ({of})", "436", "360"):
        assert f"<td>{shown}</td>" in html
        assert shown in text


def test_a_season_without_ratings_has_no_table_of_them(tmp_path):
    path = make_archive(tmp_path / "journal.sqlite3", sessions=1, athletes=(1,))
    last = datetime.fromtimestamp(start_of(0)).astimezone().date()
    made = season_document(seasons(Archive(path), Roster(()), last, 56, None), last, 56, Look())
    assert TEXTS["en"]["ratings"] not in [each["title"] for each in made["sections"]]


@pytest.mark.parametrize(("is_measured", "minutes"), [(True, {1: 2.0, 2: 4.0}), (False, {1: 0.5, 2: 0.5})])
def test_minutes_that_nobody_gave_are_those_of_the_whole_session(tmp_path, is_measured, minutes):
    path = make_archive(tmp_path / "journal.sqlite3", athletes=(1, 2))
    with sqlite3.connect(path) as connection:
        for athlete in (1, 2):
            command = Command(f"c{athlete}", "rpe", start_of(5) + 30, {"athlete": athlete, "rpe": 5, "minutes": 0.5})
            connection.execute(*entry_row(command, "T5", is_measured=is_measured))
    connection.close()
    assert {who: each.minutes for who, each in Archive(path).ratings("T5").items()} == minutes


def test_while_a_session_runs_its_rating_keeps_the_minutes_so_far(tmp_path):
    path = make_archive(tmp_path / "journal.sqlite3", athletes=(2,))
    with sqlite3.connect(path) as connection:
        command = Command("c2", "rpe", start_of(5) + 30, {"athlete": 2, "rpe": 5, "minutes": 0.5})
        connection.execute(*entry_row(command, "T5", is_measured=True))
        connection.execute("UPDATE sessions SET end_t = NULL WHERE team_session = 'T5'")
    connection.close()
    assert Archive(path).ratings("T5")[2].minutes == 0.5
