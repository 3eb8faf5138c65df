"""The roster: found by id and device, refused when it contradicts itself, stronger than the wire."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING

import pytest

from athlete_monitor.athletes import Profile, Roster, merge
from athlete_monitor.errors import ConfigError
from athlete_monitor.physiology.limits import Limits, ZoneLimits

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


@pytest.mark.parametrize("day", ['"2001-05-01"', "' 2001-05-01 '", "1.5.2001", '"01.05.2001"'])
def test_a_date_may_stand_in_quotes_or_have_its_day_first(tmp_path, day):
    entry = f"{{id: 7, device: '7', birth_date: {day}, limits: [{{from: {day}, lt1_bpm: 140}}]}}"
    (athlete,) = roster(tmp_path, entry)
    assert (athlete.birth_date, athlete.limits[0].since) == (date(2001, 5, 1), date(2001, 5, 1))


def test_a_missing_file_is_an_empty_roster(tmp_path):
    assert len(Roster.load(tmp_path / "none.yaml")) == 0


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ('{id: 0, device: "1"}', "athletes.0.id: 0 is not allowed"),
        ('{id: 1, device: "../x"}', "athletes.0.device: '../x' is not allowed"),
        ('{id: 1, device: "x\\n"}', "athletes.0.device: 'x\\n' is not allowed"),
        ('{id: 1, device: "1", birth_date: 2101-04-09}', "an age of 5 to 100 years is expected, this would be -"),
        ('{id: 1, device: "1", birth_date: 0201-04-09}', "an age of 5 to 100 years is expected, this would be 18"),
        (
            '{id: 1, device: "1", number: 1000}',
            "athletes.0.number: 1000 is not allowed; allowed: a whole number from 0 to",
        ),
        ('{id: 1, device: "1", birth_date: "31.6.2001"}', "'31.6.2001' is not a date such as 2001-05-31"),
        ('{id: 1, device: "1", birth_date: "20010531"}', "'20010531' is not a date such as 2001-05-31"),
        ('{id: 1, device: "1", limits: [{lt1_bpm: 140}]}', "athletes.0.limits.0.from: is missing"),
        ('{id: 1, device: "1", limits: [{from: 2026-01-01, lt1_bpm: 171, lt2_bpm: 140}]}', "lt1_bpm must be below lt2"),
        (
            '{id: 1, device: "1", limits: [{from: 2026-01-01, heart_rate_zones: {bpm: [160, 150]}}]}',
            "bpm: [160, 150] is not allowed: 2 or 3 or 4 or 5 rising numbers from 30 to 230 are expected",
        ),
        (
            '{id: 1, device: "1", limits: [{from: 2026-01-01, heart_rate_zones: {bpm: [1], percent_of_max: [2]}}]}',
            "rising numbers",
        ),
        (
            '{id: 1, device: "1", limits: [{from: 2026-01-01, speed_bands_percent: [30, 50, 70, 90]}]}',
            "speed_bands_percent needs max_speed_mps",
        ),
        (
            '{id: 1, device: "1", limits: [{from: 2026-01-01, speed: 3}]}',
            "athletes.0.limits.0.speed: is not a known key; allowed here: from,",
        ),
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


@pytest.mark.parametrize(
    ("second", "problem"),
    [
        ('{id: 7, device: "008", name: Bea}', "id 7 of Bea is already that of Ada (line 2)"),
        ('{id: 8, device: "007"}', "device 007 of athlete 8 is already that of Ada (line 2)"),
        ('{id: 8, device: "008", name: Bea, number: 9}', "number 9 of Bea is already that of Ada (line 2)"),
        ('{id: 8, device: "008", strap: "a0:9e"}', "strap a0:9e of athlete 8 is already that of Ada (line 2)"),
    ],
)
def test_what_two_athletes_share_is_refused_with_both_lines_and_names(tmp_path, second, problem):
    with pytest.raises(ConfigError) as caught:
        roster(tmp_path, ADA.replace("}", ', number: 9, strap: "A0:9E"}'), second)
    assert str(caught.value) == f"{tmp_path / 'athletes.yaml'}:3: {problem}"


def test_messages_hold_no_mappings_and_no_patterns(tmp_path):
    with pytest.raises(ConfigError) as caught:
        roster(tmp_path, '{id: 1, device: "a b", sex: x, limits: [{from: x, heart_rate_zones: {}}]}', "{device: 3}")
    assert not set("{}^\\") & set(str(caught.value))


def test_the_roster_wins_over_the_wire_field_by_field():
    joined = merge(Profile(7, name="Ada", weight_kg=61.5), Profile(7, sex="female", weight_kg=99, height_cm=170))
    assert joined == Profile(7, name="Ada", sex="female", weight_kg=61.5, height_cm=170)


def test_an_athlete_known_to_one_side_only_is_served_from_it():
    wire = Profile(3, age_years=30)
    assert merge(None, wire) is wire
    assert merge(wire, None) is wire
    with pytest.raises(ValueError, match="needed"):
        merge(None, None)


LIMITED = """{id: 7, device: "007", hr_max_bpm: 200, hr_rest_bpm: 50, limits: [
  {from: 2026-03-01, lt2_bpm: 170, speed_bands_percent: [20, 40, 60, 80], max_speed_mps: 9.0},
  {from: 2026-01-01, lt1_bpm: 140, acceleration_bands_mps2: [1.5, 2.5, 3.5]},
  {from: 2026-06-01, heart_rate_zones: {percent_of_reserve: [50, 60, 70, 80, 90]}, threshold_bpm: 175}]}"""


def limits_on(tmp_path, day):
    (athlete,) = roster(tmp_path, LIMITED)
    return athlete.profile(day).limits


def test_a_session_uses_the_limits_of_its_day(tmp_path):
    assert limits_on(tmp_path, date(2025, 12, 31)) is None
    first = limits_on(tmp_path, date(2026, 1, 1))
    assert first == Limits(acceleration_mps2=(1.5, 2.5, 3.5))
    second = limits_on(tmp_path, date(2026, 5, 31))
    assert second.speed_mps == pytest.approx((1.8, 3.6, 5.4, 7.2))
    assert second.zones == ZoneLimits("bpm", (0.0, 140.0, 170.0))
    assert second.threshold_bpm == 170.0
    third = limits_on(tmp_path, date(2026, 6, 1))
    assert third.zones == ZoneLimits("percent_of_reserve", (50.0, 60.0, 70.0, 80.0, 90.0))
    assert (third.threshold_bpm, third.speed_mps, third.acceleration_mps2) == (175.0, second.speed_mps, (1.5, 2.5, 3.5))


def test_a_profile_with_limits_comes_back_from_the_journal_as_it_was(tmp_path):
    (athlete,) = roster(tmp_path, LIMITED)
    profile = athlete.profile(date(2026, 7, 1))
    assert Profile(**json.loads(json.dumps(asdict(profile)))) == profile


def test_an_athlete_without_limits_has_none(tmp_path):
    (athlete,) = roster(tmp_path, ADA)
    assert athlete.profile(TODAY).limits is None
    assert (athlete.available, athlete.consent, athlete.number) == (True, True, None)
