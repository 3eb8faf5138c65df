"""The roster: found by id and device, refused when it contradicts itself, stronger than the wire."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from athlete_monitor.athletes import Profile, Roster, merge
from athlete_monitor.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 5, 1)
ADA = '{id: 7, device: "007", name: "Ada", sex: female, birth_date: 2001-05-01, weight_kg: 61.5, hr_rest_bpm: 52}'


def roster(tmp_path: Path, *entries: str) -> Roster:
    path = tmp_path / "athletes.yaml"
    path.write_text("athletes:\n" + "".join(f"  - {entry}\n" for entry in entries), encoding="utf-8")
    return Roster.load(path)


def test_an_athlete_is_found_by_id_and_by_device(tmp_path):
    squad = roster(tmp_path, ADA, '{id: 8, device: "b-2"}')
    assert squad.by_id(7) is squad.by_device("007")
    assert squad.by_device("b-2") is squad.by_id(8)
    assert squad.by_id(9) is None
    assert squad.by_device("7") is None
    assert len(squad) == 2


def test_the_age_follows_from_the_birth_date(tmp_path):
    (athlete,) = roster(tmp_path, ADA)
    assert athlete.profile(TODAY).age_years == pytest.approx(25, abs=0.01)
    assert athlete.profile(date(2027, 5, 1)).age_years == pytest.approx(26, abs=0.01)


def test_a_missing_file_is_an_empty_roster(tmp_path):
    assert len(Roster.load(tmp_path / "none.yaml")) == 0


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ('{id: 0, device: "1"}', "athletes.0.id: 0 is not allowed"),
        ('{id: 1, device: "../x"}', "athletes.0.device: '../x' is not allowed"),
        ('{id: 1, device: "x\\n"}', "athletes.0.device: 'x\\n' is not allowed"),
        ("{id: 1, device: 1}", "athletes.0.device: 1 is not allowed; allowed: 1 to 32 letters"),
        ('{id: 1, device: "1", sex: m}', "athletes.0.sex: 'm' is not allowed; allowed: male or female or null"),
        ('{id: 1, device: "1", birth_date: 2001-05-01, age: 25}', "give birth_date or age, not both"),
        ('{id: 1, device: "1", hr_max_bpm: 120, hr_rest_bpm: 110}', None),
        ('{id: 1, device: "1", hr_max_bpm: 500}', "athletes.0.hr_max_bpm: 500 is not allowed"),
        ('{id: 1, device: "1", nickname: x}', "athletes.0.nickname: is not a known key"),
    ],
)
def test_an_entry_that_cannot_be_is_refused_with_its_place(tmp_path, entry, expected):
    if expected is None:
        assert roster(tmp_path, entry).by_id(1) is not None
        return
    with pytest.raises(ConfigError) as caught:
        roster(tmp_path, entry)
    assert expected in str(caught.value)
    assert "athletes.yaml:2: " in str(caught.value)


@pytest.mark.parametrize("second", ['{id: 7, device: "008"}', '{id: 8, device: "007"}'])
def test_an_id_or_device_that_stands_twice_is_refused(tmp_path, second):
    with pytest.raises(ConfigError, match="stands twice"):
        roster(tmp_path, ADA, second)


def test_the_roster_wins_over_the_wire_field_by_field():
    joined = merge(Profile(7, name="Ada", weight_kg=61.5), Profile(7, sex="female", weight_kg=99, height_cm=170))
    assert joined == Profile(7, name="Ada", sex="female", weight_kg=61.5, height_cm=170)


def test_an_athlete_known_to_one_side_only_is_served_from_it():
    wire = Profile(3, age_years=30)
    assert merge(None, wire) is wire
    assert merge(wire, None) is wire
    with pytest.raises(ValueError, match="needed"):
        merge(None, None)
