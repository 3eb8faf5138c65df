"""The sentences of a report: made from numbers, in plain words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from athlete_monitor.archive import Archive
from athlete_monitor.athletes import Roster
from athlete_monitor.report.gather import gather
from athlete_monitor.report.numbers import signed_percent
from athlete_monitor.report.sentences import player_sentences, squad_sentences
from tests.report.kit import make_archive


@pytest.fixture(scope="module")
def last(tmp_path_factory):
    path = make_archive(tmp_path_factory.mktemp("sentences") / "j.sqlite3")
    return gather(Archive(path), "T5", Roster(()))


def with_figures(participant, **figures):
    return replace(participant, whole={**participant.whole, **figures})


@pytest.mark.parametrize(
    ("fast_m", "sprints", "english", "german"),
    [
        (0.2, 0, "None of it was fast running;", "Schnelle Läufe waren nicht dabei;"),
        (40.0, 0, "40 m of it was fast running;", "40 m davon waren schnell;"),
        (40.0, 1, "40 m of it was fast running, with 1 sprint;", "40 m davon waren schnell, mit 1 Sprint;"),
        (40.0, 3, "40 m of it was fast running, with 3 sprints;", "40 m davon waren schnell, mit 3 Sprints;"),
        (40.0, None, "40 m of it was fast running;", "40 m davon waren schnell;"),
    ],
)
def test_a_player_reads_counts_with_the_right_noun_and_no_count_of_zero(last, fast_m, sprints, english, german):
    player = with_figures(last.participants[0], high_speed_running_m=fast_m, sprints=sprints)
    assert player_sentences(player, "en")[1].startswith(english)
    assert player_sentences(player, "de")[1].startswith(german)


def test_nobody_is_above_a_mean_that_all_share(last):
    equal = tuple(with_figures(each, trimp=50.0) for each in last.participants)
    assert not [line for line in squad_sentences(replace(last, participants=equal), "en") if "highest" in line]


def test_a_mean_of_earlier_sessions_names_how_many_have_the_figure(last):
    one = last.participants[0]
    without = [{**each, "trimp": None, "distance_m": None} for each in one.earlier[1:]]
    earlier = ({**one.earlier[0], "trimp": 100.0}, {**one.earlier[1], "trimp": 50.0}, *without)
    data = replace(last, participants=(replace(with_figures(one, trimp=150.0), earlier=earlier),))
    sentence = next(line for line in squad_sentences(data, "en") if "mean of the last" in line)
    assert "TRIMP 100 % above their mean of the last 2 sessions (150 against 75)" in sentence


def test_a_speed_is_spoken_in_kilometres_an_hour(last):
    player = with_figures(last.participants[0], high_speed_running_m=40.0, max_speed_mps=7.5)
    assert player_sentences(player, "en")[1].endswith("your highest speed was 27.0 km/h.")


def test_of_several_athletes_with_little_data_the_one_with_least_is_named(last):
    shares = (85.0, 40.0, 72.0)
    everyone = tuple(
        replace(each, summary={**each.summary, "quality": {"percent": share}}, earlier=())
        for each, share in zip(last.participants, shares, strict=False)
    )
    [sentence] = [line for line in squad_sentences(replace(last, participants=everyone), "en") if "of the data" in line]
    assert sentence == f"{everyone[1].name}'s figures rest on 40 % of the data."


@pytest.mark.parametrize(("after", "words"), [(100.0, "fell by 20 % (125 to 100"), (150.0, "rose by 20 % (125 to 150")])
def test_the_second_half_is_compared_with_the_first(last, after, words):
    first, second = last.periods
    figures = {first.id: {"distance_m_per_min": 125.0}, second.id: {"distance_m_per_min": after}}
    everyone = (replace(last.participants[0], by_period=figures, earlier=()),)
    [sentence] = [line for line in squad_sentences(replace(last, participants=everyone), "en") if "From" in line]
    assert f"From 1st half to 2nd half the squad's distance rate {words}" in sentence


@pytest.mark.parametrize(("share", "text"), [(0.129, "+13 %"), (-0.129, "−13 %"), (0.0049, "0 %"), (-0.996, "−100 %")])
def test_a_change_is_rounded_to_whole_percent(share, text):
    assert signed_percent(share) == text
