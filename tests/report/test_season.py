"""The season's figures, recomputed with pandas from the archive."""

from __future__ import annotations

import json
import sqlite3
from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.archive import Archive
from athlete_monitor.athletes import Roster
from athlete_monitor.config import DEFAULT_CONFIG, load_config
from athlete_monitor.engine.archiving import Archiver
from athlete_monitor.recordings.import_results import WrittenSession
from athlete_monitor.recordings.imported import Imported
from athlete_monitor.report.document import Look
from athlete_monitor.report.season import SPAN_DAYS, per_week, seasons, z_mark
from athlete_monitor.report.season_document import season_document
from athlete_monitor.report.texts import TEXTS
from athlete_monitor.squad.prediction import NoModels
from tests.archive.kit import add_session
from tests.report.kit import DAY_S, START, make_archive, start_of

FIRST = datetime.fromtimestamp(START).astimezone().date()


def recomputed(archive, athlete, last, days):
    """A slow, literal version of the season's statistics of one athlete."""
    rows = pd.DataFrame(
        {
            "day": pd.Timestamp(datetime.fromtimestamp(each.start_t).astimezone().date()),
            "trimp": each.load_trimp,
            "mode": each.summary["mode"],
        }
        for each in archive.sessions(athlete_id=athlete)
    )
    end = pd.Timestamp(last)
    rows = rows[rows.day <= end]
    inside = rows[rows.day > end - pd.Timedelta(days=days)]
    known = rows.dropna(subset="trimp")
    recent = known[known.day > end - pd.Timedelta(days=84)]
    daily = recent.groupby("day").trimp.sum()
    daily = daily.reindex(pd.date_range(daily.index.min(), end), fill_value=0.0)
    week = daily.iloc[-7:]
    acute, chronic = (daily.ewm(alpha=2 / (n + 1), adjust=False).mean().iloc[-1] for n in (7, 28))
    monotony = week.mean() / week.std() if len(daily) >= 7 and week.std() > 0 else None
    newest = rows.iloc[-1]
    before = rows.iloc[:-1]
    before = before[before.day >= newest.day - pd.Timedelta(days=SPAN_DAYS)].trimp.dropna()
    z_known = len(before) >= 5 and before.std() > 0 and pd.notna(newest.trimp)
    return {
        "sessions": len(inside),
        "weekly_load": week.sum() if len(daily) >= 7 else None,
        "acute_load": acute if len(daily) >= 7 else None,
        "chronic_load": chronic if len(daily) >= 28 else None,
        "acwr": acute / chronic if len(daily) >= 28 and chronic else None,
        "monotony": monotony,
        "strain": None if monotony is None else week.sum() * monotony,
        "z_score": (newest.trimp - before.mean()) / before.std() if z_known else None,
        "days_in_28": inside[inside.day > end - pd.Timedelta(days=28)].day.nunique(),
        "matches": int((inside["mode"] == "game").sum()),
        "match_trimp": inside[inside["mode"] == "game"].trimp.mean(),
        "training_trimp": inside[inside["mode"] == "training"].trimp.mean(),
    }


def archive_of(path, loads, biases=None):
    """An archive of one athlete with sessions on given days: (day, TRIMP, mode)."""
    for count, (day, trimp, mode) in enumerate(loads):
        start = START + day * DAY_S
        add_session(path, count + 1, [(start, {"speed_mps": 3.0})], athlete=7, start_t=start, end_t=start + 60)
        summary = {"mode": mode, "trimp": trimp, "name": "Ada"}
        if biases is not None:
            summary["model_error"] = {"readings": 9, "bias_bpm": biases[count]}
        with sqlite3.connect(path) as connection:
            connection.execute(
                "UPDATE sessions SET summary = ?, load_trimp = ? WHERE id = ?", (json.dumps(summary), trimp, count + 1)
            )
        connection.close()
    return Archive(path)


def day_of(offset):
    return date.fromordinal(FIRST.toordinal() + offset)


SEASON = [(3 * n + n % 2, 40.0 + 25 * ((7 * n) % 5) + n, "game" if n % 4 == 3 else "training") for n in range(24)]


@pytest.mark.parametrize("offset", [20, 40, 70, 75, 95])
def test_load_and_z_score_are_those_that_pandas_computes(tmp_path, offset):
    archive = archive_of(tmp_path / "j.sqlite3", SEASON)
    [found] = seasons(archive, Roster(()), day_of(offset), 56, None)
    own = recomputed(archive, 7, day_of(offset), 56)
    for name in ("weekly_load", "acute_load", "chronic_load", "acwr", "monotony", "strain"):
        value = getattr(found.load, name)
        assert (value is None) == (own[name] is None), name
        assert value is None or value == pytest.approx(own[name]), name
    assert len(found.sessions) == own["sessions"]
    assert (found.z_score is None) == (own["z_score"] is None)
    assert found.z_score is None or found.z_score == pytest.approx(own["z_score"])


@pytest.mark.parametrize(("last", "mark"), [(60.0, ""), (68.0, "▲"), (76.0, "▲▲"), (52.0, "▼"), (44.0, "▼▼")])
def test_a_last_session_beyond_one_and_two_deviations_is_marked(tmp_path, last, mark):
    loads = [(4 * n, 60.0 + (-1) ** n * 7, "training") for n in range(6)]
    [found] = seasons(
        archive_of(tmp_path / "j.sqlite3", [*loads, (25, last, "training")]), Roster(()), day_of(25), 56, None
    )
    before = np.array([load for _, load, _ in loads])
    assert found.z_score == pytest.approx((last - before.mean()) / before.std(ddof=1))
    assert z_mark(found.z_score) == mark


def test_an_athlete_who_has_been_away_is_not_shown_as_available(tmp_path):
    archive = archive_of(tmp_path / "j.sqlite3", [(day, 50.0, "training") for day in range(10)])
    for offset, days in ((9, "10"), (30, "7"), (38, "0")):
        found = seasons(archive, Roster(()), day_of(offset), 56, None)
        made = season_document(found, day_of(offset), 56, Look())
        assert made["sections"][0]["rows"][0][-1] == days


@given(st.lists(st.floats(-20, 20), min_size=5, max_size=30), st.integers(1, 9))
def test_the_trend_of_strap_minus_model_is_the_least_squares_line(values, apart):
    points = [(apart * place, value) for place, value in enumerate(values)]
    line = np.polyfit([day for day, _ in points], values, 1)
    assert per_week(points) == pytest.approx(7 * line[0], abs=1e-6)


@pytest.mark.parametrize(("count", "words"), [(4, ""), (9, "trend −0.7 bpm a week")])
def test_a_trend_needs_five_sessions(tmp_path, count, words):
    loads = [(7 * n, 50.0, "training") for n in range(count)]
    archive = archive_of(tmp_path / "j.sqlite3", loads, [3.0 - 0.7 * n for n in range(count)])
    [athlete] = season_document(seasons(archive, Roster(()), day_of(7 * count), 90, None), day_of(70), 90, Look())[
        "athletes"
    ]
    assert (TEXTS["en"]["trend"].partition("{")[0] in athlete["trend"]) == bool(words)
    assert words in athlete["trend"]


def test_the_span_of_a_season_does_not_change_its_averages(tmp_path):
    archive = Archive(make_archive(tmp_path / "j.sqlite3", athletes=(1, 2)))
    last = datetime.fromtimestamp(start_of(5)).astimezone().date()
    short, long = (seasons(archive, Roster(()), last, days, None) for days in (7, 300))
    assert [each.load for each in short] == [each.load for each in long]
    assert [each.z_score for each in short] == [each.z_score for each in long]


def test_imported_recordings_enter_the_history_with_their_own_dates(tmp_path):
    config = load_config(DEFAULT_CONFIG, tmp_path)
    config.athletes.roster.write_text(
        "athletes: [{id: 7, name: Ada, device: '007', sex: female, age: 25, hr_max_bpm: 195, hr_rest_bpm: 55}]"
    )
    archiver = Archiver(config, NoModels())
    archiver.add([
        WrittenSession(
            Imported(
                tmp_path, START + 3 * day * DAY_S + np.arange(90.0), {"heart_rate_bpm": np.full(90, 120.0 + 4 * day)}
            ),
            7, "007", "training",
        )
        for day in range(12)
    ])  # fmt: skip
    archiver.close()
    archive = Archive(config.paths.journal)
    [found] = seasons(archive, Roster(()), day_of(34), 56, None)
    own = recomputed(archive, 7, day_of(34), 56)
    assert found.load.acwr == pytest.approx(own["acwr"])
    assert found.load.chronic_load == pytest.approx(own["chronic_load"])
    assert own["chronic_load"] > 0


def test_the_first_day_of_a_span_counts_and_the_day_before_does_not(tmp_path):
    archive = archive_of(tmp_path / "j.sqlite3", [(0, 10.0, "training"), (1, 20.0, "training"), (28, 30.0, "game")])
    days = {
        last: [each.trimp for each in seasons(archive, Roster(()), day_of(last), 28, None)[0].sessions]
        for last in (27, 28, 29)
    }
    assert days == {27: [10.0, 20.0], 28: [20.0, 30.0], 29: [30.0]}


@pytest.mark.parametrize(("first", "known"), [(2, True), (1, False)])
def test_a_z_score_looks_back_exactly_four_weeks(tmp_path, first, known):
    loads = [(first, 50.0, "training"), *((day, 60.0 + day, "training") for day in (5, 9, 14, 20)), (30, 90.0, "game")]
    [found] = seasons(archive_of(tmp_path / "j.sqlite3", loads), Roster(()), day_of(30), 56, None)
    assert (found.z_score is not None) == known


@pytest.mark.parametrize(("first", "days"), [(0, 84), (1, 83)])
def test_the_averages_of_load_begin_twelve_weeks_before_the_last_day(tmp_path, first, days):
    archive = archive_of(tmp_path / "j.sqlite3", [(first, 500.0, "training"), (83, 60.0, "training")])
    [found] = seasons(archive, Roster(()), day_of(83), 28, None)
    share = 2.0 / 29.0
    assert found.load.chronic_load == pytest.approx(500.0 * (1.0 - share) ** (days - 1) + 60.0 * share)


def test_days_in_28_leave_out_the_28th_day_before(tmp_path):
    loads = [(2, 10.0, "training"), (3, 10.0, "training"), (30, 10.0, "game")]
    [found] = seasons(archive_of(tmp_path / "j.sqlite3", loads), Roster(()), day_of(30), 56, None)
    [section, *_] = season_document([found], day_of(30), 56, Look())["sections"]
    assert section["rows"][0][-1] == "2"


def test_a_load_of_twelve_weeks_before_the_last_day_is_left_out(tmp_path):
    loads = [(0, 500.0, "training"), (1, 100.0, "training"), (84, 60.0, "training")]
    [found] = seasons(archive_of(tmp_path / "j.sqlite3", loads), Roster(()), day_of(84), 28, None)
    share = 2.0 / 29.0
    assert found.load.chronic_load == pytest.approx(100.0 * (1.0 - share) ** 83 + 60.0 * share)


def test_two_sessions_of_a_day_add_up_and_of_two_at_once_the_larger_counts(tmp_path):
    later, beside = 3600 / DAY_S, 20 / DAY_S
    loads = [(1, 30.0, "training"), (1 + later, 40.0, "training"), (2, 70.0, "game"), (2 + beside, 20.0, "game")]
    [found] = seasons(archive_of(tmp_path / "j.sqlite3", loads), Roster(()), day_of(2), 28, None)
    assert list(found.daily().values()) == [70.0, 70.0]
    assert [each.trimp for each in found.sessions] == [30.0, 40.0, 70.0]


def test_a_session_that_begins_when_another_ends_counts_too(tmp_path):
    loads = [(1, 70.0, "training"), (1 + 60 / DAY_S, 20.0, "training"), (2, 10.0, "training")]
    [found] = seasons(archive_of(tmp_path / "j.sqlite3", loads), Roster(()), day_of(2), 28, None)
    assert found.sessions[0].end_t == found.sessions[1].start_t
    assert [each.trimp for each in found.sessions] == [70.0, 20.0, 10.0]


def test_matches_and_trainings_are_counted_apart(tmp_path):
    loads = [(0, 10.0, "training"), (1, 20.0, "training"), (2, 30.0, "game")]
    found = seasons(archive_of(tmp_path / "j.sqlite3", loads), Roster(()), day_of(2), 28, None)
    [_, kinds, *_] = season_document(found, day_of(2), 28, Look())["sections"]
    assert kinds["rows"] == [["Ada", "1", "2", "30", "15", "50 %"]]


def test_the_acceleration_profile_has_nothing_of_after_the_last_day(tmp_path, monkeypatch):
    archive = archive_of(tmp_path / "j.sqlite3", [(0, 10.0, "training"), (5, 10.0, "training"), (6, 10.0, "training")])
    read = []

    def seconds(number, **_):
        read.append(number)
        return {"t": np.empty(0), "speed_mps": np.empty(0)}

    monkeypatch.setattr(archive, "seconds", seconds)
    seasons(archive, Roster(()), day_of(5), 28, None)
    assert read == [1, 2]
