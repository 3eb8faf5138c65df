from __future__ import annotations

import io
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from pypdf import PdfReader

from athlete_monitor.archive import Archive
from athlete_monitor.athletes import Roster
from athlete_monitor.errors import MonitorError
from athlete_monitor.report.columns import DISTANCE, TRIMP
from athlete_monitor.report.curves import Curve, Panel, panels_svg
from athlete_monitor.report.document import Look, document
from athlete_monitor.report.drawing import Axes, Band, bands_of, time_axis
from athlete_monitor.report.gather import gather
from athlete_monitor.report.numbers import number
from athlete_monitor.report.page import page
from athlete_monitor.report.pdf import pdf
from athlete_monitor.report.texts import TEXTS
from athlete_monitor.report.worn import combined
from tests.archive.kit import add_session
from tests.report.kit import HALF_S, NAMES, SECONDS, START, make_archive, message


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return Archive(make_archive(tmp_path_factory.mktemp("report") / "journal.sqlite3"))


@pytest.fixture(scope="module")
def roster():
    return Roster(())


@pytest.fixture(scope="module")
def last(archive, roster):
    return gather(archive, "T5", roster)


def words(content: bytes) -> str:
    return "\n".join(each.extract_text() for each in PdfReader(io.BytesIO(content)).pages)


def test_every_figure_of_an_athlete_equals_the_archive(archive, last):
    for each in last.participants:
        expected = archive.part(each.devices[0].session.number, [(last.start_t, last.end_t)])
        assert each.whole["distance_m"] == pytest.approx(expected["distance_m"])
        assert each.whole["distance_m"] == pytest.approx((2.0 + each.athlete_id / 10) * (SECONDS - 1), abs=0.01)


def test_halves_add_up_to_the_whole(last):
    for each in last.participants:
        halves = [each.by_period[period.id]["distance_m"] for period in last.periods]
        assert sum(halves) == pytest.approx(each.whole["distance_m"], abs=0.01)


def test_minutes_on_the_pitch_follow_the_substitutions(last):
    minutes = {each.athlete_id: each.minutes for each in last.participants}
    assert minutes[1] == pytest.approx(HALF_S / 60)
    assert minutes[2] == pytest.approx(SECONDS / 60)


def test_an_athlete_is_compared_with_the_own_sessions_of_the_same_kind(last):
    ada = last.participants[0]
    assert [each["mode"] for each in ada.earlier] == ["game", "game"]
    assert ada.own_mean("trimp") == pytest.approx((2.0 + 1 % 3 + 2.0 + 3 % 3) / 2)


def test_a_load_that_grows_with_the_sample_rate_is_compared_only_with_sessions_of_that_rate(last):
    ada = last.participants[0]
    rates = [
        {"player_load": load, "trimp": load, "sample_rate_hz": rate} for load, rate in ((12.0, 1.0), (150.0, 10.2))
    ]
    at_10_hz = replace(ada, earlier=tuple(rates), summary={"sample_rate_hz": 10.0})
    assert (at_10_hz.own_mean("player_load"), at_10_hz.before("player_load")) == (150.0, None)
    assert (at_10_hz.own_mean("trimp"), at_10_hz.before("trimp")) == (81.0, 12.0)
    unknown = replace(at_10_hz, summary={"sample_rate_hz": None})
    assert unknown.own_mean("player_load") is None


@pytest.mark.parametrize("lang", ["en", "de"])
def test_the_numbers_in_the_pdf_are_those_of_the_archive(archive, last, lang):
    text = words(pdf(document(archive, last, Look(lang, "Club & Söhne"))))
    for each in last.participants:
        assert number(DISTANCE.of(each.whole), 0, lang) in text
        trimp = TRIMP.of(each.whole)
        assert trimp is None or number(trimp, 0, lang) in text
    assert "Club & Söhne" in text
    assert TEXTS[lang]["on_pitch"] in text
    assert "O'Neill, Zoë" in text


def test_the_page_holds_the_same_numbers_and_no_foreign_markup(archive, last):
    html = page(document(archive, last, Look())).decode()
    tags: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.append(tag)  # type: ignore[method-assign]
    parser.feed(html)
    assert "script" not in tags
    assert "&lt;script&gt;alert(1)" in html
    assert "goal &lt;1:0&gt;" in html
    assert not re.search(r'(?:src|href)="(?!data:)', html)
    for each in last.participants:
        assert number(DISTANCE.of(each.whole), 0) in html


def test_a_missing_heart_rate_is_empty_and_explained(archive, last):
    made = document(archive, last, Look())
    missing = {row["name"]: row["missing"] for row in made["pages"]}[NAMES[5]]
    assert any(line["reason"] == "no strap was worn" for line in missing)
    assert any("No heart rate was known" in sentence for sentence in made["sentences"])
    row = next(row for row in made["rows"] if row["name"] == NAMES[5])
    assert "" in [cell["text"] for cell in row["cells"]]


def test_peak_demands_are_those_of_the_summary(archive, last):
    page_of = {row["name"]: row for row in document(archive, last, Look())["pages"]}
    assert page_of[NAMES[1]]["peaks"] == [["Distance, m", "127", "360", "–", "–"]]
    assert page_of[NAMES[1]]["peak_head"][1:] == ["1 min", "3 min", "5 min", "10 min"]


def test_each_sentence_rests_on_the_figures_that_it_names(archive, last):
    sentences = document(archive, last, Look())["sentences"]
    assert len(sentences) <= 3
    assert any("72 % of the data" in sentence for sentence in sentences)


def test_the_squad_is_sorted_by_a_figure_of_choice(archive, last):
    rows = document(archive, last, Look(sort="distance_m"))["rows"]
    assert [row["name"] for row in rows] == [NAMES[athlete] for athlete in (6, 5, 4, 3, 2, 1)]


def test_the_players_version_speaks_plainly(archive, last):
    made = document(archive, last, Look(), "player")
    sentences = made["pages"][0]["sentences"]
    assert sentences[0] == "You covered 0.5 km."
    assert "sprints" in sentences[1]
    assert words(pdf(made)).count("You covered") == len(NAMES)


def test_a_session_of_one_sample_makes_a_report(archive, roster):
    made = document(archive, gather(archive, "T0", roster), Look())
    assert len(PdfReader(io.BytesIO(pdf(made))).pages) >= 1 + len(NAMES)


def test_an_unknown_session_is_one_sentence(archive, roster):
    with pytest.raises(MonitorError, match=r"not in the archive; report\.py list"):
        gather(archive, "T99", roster)


def test_parts_on_two_devices_are_put_together():
    both = combined([
        {"duration_s": 60.0, "heart_rate_bpm": 100.0, "max_speed_mps": 5.0, "trimp": None},
        {"duration_s": 180.0, "heart_rate_bpm": 140.0, "max_speed_mps": 4.0, "trimp": 2.0},
    ])  # fmt: skip
    assert both == {"duration_s": 240.0, "heart_rate_bpm": 130.0, "max_speed_mps": 5.0, "trimp": 2.0}


def test_both_languages_have_every_text():
    assert TEXTS["en"].keys() == TEXTS["de"].keys()
    for key, english in TEXTS["en"].items():
        fields = re.findall(r"{\w+}", english)
        assert sorted(fields) == sorted(re.findall(r"{\w+}", TEXTS["de"][key])), key


def test_a_german_report_has_german_alarms_reasons_and_periods(archive, last):
    alarm = replace(last.alarms[0], text="Ada: impact of 9.4 g, look after the athlete")
    zoe = replace(last.participants[4], summary={"reasons": {"trimp": "sex unknown"}})
    halves = tuple(replace(each, name=name) for each, name in zip(last.periods, ("first_half", "Rondo_4"), strict=True))
    data = replace(last, alarms=(alarm,), participants=(zoe,), periods=halves)
    german, english = (document(archive, data, Look(lang)) for lang in ("de", "en"))
    assert german["alarms"][0]["text"] == "Ada: Stoß von 9,4 g, bitte nach ihm sehen"
    assert [row[0] for row in german["periods"]] == ["1. Halbzeit (2:00)", "Rondo 4 (2:00)"]
    assert german["pages"][0]["missing"] == [{"label": "TRIMP", "reason": "das Geschlecht ist unbekannt"}]
    assert english["alarms"][0]["text"] == alarm.text
    assert [row[0] for row in english["periods"]] == ["first half (2:00)", "Rondo 4 (2:00)"]


def test_the_report_of_a_running_session_goes_to_the_last_second_so_far(tmp_path, roster):
    path, seconds = tmp_path / "journal.sqlite3", 130
    rows = [(START + second + 0.5, message(second, 2)) for second in range(seconds)]
    add_session(path, 1, rows, athlete=2, team="NOW", start_t=START)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO team_sessions VALUES ('NOW', ?, NULL, 'training', '', NULL, NULL, NULL)", (START,)
        )
    running = gather(Archive(path), "NOW", roster)
    [zoe] = running.participants
    assert zoe.whole["distance_m"] == pytest.approx(2.2 * (seconds - 1), abs=0.01)
    assert zoe.minutes == pytest.approx(seconds / 60, abs=0.02)
    assert len(PdfReader(io.BytesIO(pdf(document(Archive(path), running, Look())))).pages) == 2


def test_a_level_heart_rate_has_numbers_beside_its_curve():
    t_s = np.arange(120.0)
    level = Panel("Heart rate", [Curve(t_s, np.full(120, 150.0))], least_top=120.0, from_zero=False)
    svg = panels_svg([level], (0.0, 120.0))
    assert [float(number) for number in re.findall(r">(1\d\d)</text>", svg)] == [130.0, 140.0, 150.0]


def test_the_peak_heart_rate_is_the_level_that_was_held_and_not_a_single_reading(tmp_path, roster):
    path = tmp_path / "journal.sqlite3"
    rows = [(START + n + 0.5, message(n, 1) | {"heart_rate_bpm": 215.0 if n == 50 else 140.0}) for n in range(90)]
    add_session(path, 1, rows, team="T", start_t=START, end_t=START + 90)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "UPDATE sessions SET summary = ?", ('{"heart_rate_highest_bpm": 140.0, "heart_rate_lowest_bpm": 140.0}',)
        )
        connection.execute("INSERT INTO team_sessions (id, start_t, end_t) VALUES ('T', ?, ?)", (START, START + 90))
    [one] = gather(Archive(path), "T", roster).participants
    assert one.whole["heart_rate_highest_bpm"] == one.whole["heart_rate_lowest_bpm"] == 140.0
    assert one.whole["heart_rate_bpm"] == pytest.approx(140.0 + 75.0 / 90.0)


def test_the_mean_of_earlier_sessions_is_that_of_the_last_four(tmp_path, roster):
    archive = Archive(make_archive(tmp_path / "j.sqlite3", sessions=12, athletes=(2,)))
    [zoe] = gather(archive, "T11", roster).participants
    newest_first = [each.summary for each in archive.sessions(athlete_id=2) if each.summary][::-1]
    games = [each["trimp"] for each in newest_first[1:] if each["mode"] == "game"]
    assert len(games) == 5
    assert [each["trimp"] for each in zoe.earlier] == games[:4]


def test_who_is_not_available_is_not_on_the_pitch(tmp_path, roster):
    path = make_archive(tmp_path / "j.sqlite3", sessions=6, athletes=(1, 2))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE pitch SET state = 'unavailable' WHERE athlete_id = 2")
    minutes = {each.athlete_id: each.minutes for each in gather(Archive(path), "T5", roster).participants}
    assert minutes == {1: HALF_S / 60, 2: 0.0}


def test_two_names_of_periods_never_lie_on_each_other_and_long_sessions_count_hours():
    periods = [
        Band(0, 700, "1st half"),
        Band(640, 720, "half time"),
        Band(650, 1500, "2nd half"),
        Band(1400, 1500, "x"),
    ]
    drawn = bands_of(Axes(0, 0, 400, 60, 0, 1500, 0, 1), periods)
    labels = [(float(x), name) for x, name in re.findall(r"<text x='([\d.]+)'.*?>(.*?)</text>", "".join(drawn))]
    assert [name for _, name in labels] == ["1st half", "2nd half", "x"]
    assert labels[0][0] + 3.7 * len(labels[0][1]) < labels[1][0]
    assert ">h<" in "".join(time_axis(Axes(0, 0, 400, 60, 0, 8 * 3600, 0, 1)))


def test_a_word_as_wide_as_the_table_is_broken_and_can_be_read_back(archive, last):
    long = replace(last.participants[0], name="Wolfeschlegelsteinhausenbergerdorffwelchevoralternwaren")
    text = words(pdf(document(archive, replace(last, participants=(long, *last.participants[1:])), Look())))
    first = text.split("Periods")[0]
    table = first[first.index("On pitch") :]
    assert long.name not in table
    assert long.name in table.replace("\u200b", "").replace("\n", "")
