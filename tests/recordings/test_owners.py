"""Whose a recording is: only a sure match counts."""

from __future__ import annotations

import pytest

from athlete_monitor.athletes import Athlete, Roster
from athlete_monitor.recordings.creation import Creator
from athlete_monitor.recordings.imported import Whose
from athlete_monitor.recordings.owners import Owners, UnknownOwnerError, alike

NAMES = ("John Smith", "Jane Smithson", "Seán O'Neill", "Zoë Müller-Lüdenscheidt", "João da Silva", "Bo Li")
ROSTER = [Athlete(id=number, device=f"{number:03d}", name=name) for number, name in enumerate(NAMES, 1)]


@pytest.mark.parametrize(
    ("found", "athlete"),
    [
        ("John Smith", 1),
        ("SMITH, John", 1),
        ("smith john", 1),
        ("J. Smith", 1),
        ("Smith J", 1),
        ("SMITH, J.", 1),
        ("Smith", 1),
        ("ONEILL Sean", 3),
        ("O’Neill, Seán", 3),
        ("S. O'Neill", 3),
        ("Zoe Mueller-Luedenscheidt", 4),
        ("MÜLLER LÜDENSCHEIDT, Zoë", 4),
        ("Joao da Silva", 5),
        ("Li Bo", 6),
    ],
)
def test_a_name_is_found_however_it_is_written(found, athlete):
    assert Owners(ROSTER).athlete_of(Whose(name=found)) == athlete


@pytest.mark.parametrize("found", ["James Smith", "Smit", "K. Smith", "Johnny", "da", "Smithso"])
def test_a_name_that_is_not_sure_is_nobody(found):
    with pytest.raises(UnknownOwnerError, match="give --athlete"):
        Owners(ROSTER).athlete_of(Whose(name=found))


def test_two_who_could_be_meant_are_listed():
    twins = [Athlete(id=3, device="003", name="John Smith"), Athlete(id=8, device="008", name="Jane Smith")]
    with pytest.raises(
        UnknownOwnerError, match=r"'J\. Smith' can be 3 John Smith, 8 Jane Smith; give --athlete .J\. Smith=N"
    ):
        Owners(twins).athlete_of(Whose(name="J. Smith"))


def test_the_user_s_number_wins_and_a_name_may_be_assigned():
    assert Owners(ROSTER, 9).athlete_of(Whose(name="John Smith")) == 9
    assert Owners(ROSTER, None, {"Track 5": 2}).athlete_of(Whose(name="track_5")) == 2


def test_the_device_finds_its_athlete():
    assert Owners(ROSTER).athlete_of(Whose(device="004")) == 4


def test_a_folder_that_carries_the_whole_name_is_enough():
    assert Owners(ROSTER).athlete_of(Whose(), ("data", "Smith John", "2026")) == 1
    with pytest.raises(UnknownOwnerError, match="does not name its athlete"):
        Owners(ROSTER).athlete_of(Whose(), ("data", "Smith", "2026"))


def test_our_own_number_must_be_in_the_roster():
    assert Owners(ROSTER).athlete_of(Whose(athlete_id=2)) == 2
    with pytest.raises(UnknownOwnerError, match="athlete 77 is not in the roster; give --athlete 77 or --create"):
        Owners(ROSTER).athlete_of(Whose(athlete_id=77))


def test_likeness_does_not_depend_on_the_order():
    for first in NAMES:
        for second in NAMES:
            assert alike(first, second) == alike(second, first)


def test_a_created_athlete_is_in_the_roster_once_and_comments_stay(tmp_path):
    path = tmp_path / "athletes.yaml"
    path.write_text('# who they are\nathletes:\n  - {id: 1, device: "001", name: "Bo Li"}  # first\n')
    create = Creator(path)
    assert [create(Whose(name='Ada "Ace" Ämple')), create(Whose(name="Bea")), create(Whose(name="Bea"))] == [2, 3, 3]
    assert [athlete.name for athlete in Roster.load(path)] == ["Bo Li", 'Ada "Ace" Ämple', "Bea"]
    assert path.read_text().startswith("# who they are\n")
    assert len(create.said) == 2


def test_a_roster_is_made_where_there_is_none(tmp_path):
    create = Creator(tmp_path / "new" / "athletes.yaml")
    assert create(Whose(athlete_id=77)) == 77
    assert [athlete.id for athlete in Roster.load(tmp_path / "new" / "athletes.yaml")] == [77]


def test_the_number_tells_brothers_apart_whose_names_are_written_alike():
    brothers = [
        Athlete(id=3, device="003", name="John Smith", number=9),
        Athlete(id=8, device="008", name="James Smith", number=11),
    ]
    owners = Owners(brothers)
    assert [owners.athlete_of(Whose(name="J. Smith", number=number)) for number in ("11", "9")] == [8, 3]
    for number in (None, "7"):
        with pytest.raises(UnknownOwnerError, match="can be 3 John Smith, 8 James Smith"):
            owners.athlete_of(Whose(name="J. Smith", number=number))


def test_a_name_that_is_completed_from_the_roster_is_said():
    owners = Owners(ROSTER, None, {"J. Smith (trial)": 2})
    assert owners.taken_as(Whose(name="J. Smith"), 1) == "'J. Smith' is taken as 1 John Smith"
    assert owners.taken_as(Whose(name="SMITH, John"), 1) == owners.taken_as(Whose(name="J. Smith (trial)"), 2) == ""


def test_a_device_may_be_assigned_as_a_name_is():
    assert Owners(ROSTER, None, {"a1": 2}).athlete_of(Whose(device="a1")) == 2
    assert str(Whose(device="a1")) == "device a1"
