"""The roster is edited in place: comments stay, what would not be valid is not written, squad lists are read."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.athletes import Roster
from athlete_monitor.athletes.editing import RosterEditor
from athlete_monitor.athletes.table import read_table
from athlete_monitor.athletes.values import KEYS, LIMIT_KEYS, value_of
from athlete_monitor.deploy.athletes import athletes
from athlete_monitor.deploy.cli import build_parser
from athlete_monitor.errors import ConfigError
from tests.helpers import ROOT

COMMENTED = """# Our squad; ask Jo before you change it.
athletes:
  # keepers
  - {id: 7, device: "007", name: Ada, number: 1}   # captain
  - id: 8
    device: 'b-2'   # new in May
    name: Bea
    hr_max_bpm: 191
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "athletes.yaml"
    path.write_text(COMMENTED, encoding="utf-8")
    return path


def athlete_of(path, athlete_id) -> Any:
    return Roster.load(path).by_id(athlete_id)


def test_comments_quotes_and_order_of_a_persons_file_stay(path):
    editor = RosterEditor(path)
    editor.edit(8, {"hr_max_bpm": 194, "strap": "A0:9E"})
    assert editor.add({"name": "Zoë"}) == 1
    editor.save()
    text = path.read_text(encoding="utf-8")
    changed = COMMENTED.replace("191", "194").replace("   # new", " # new")
    expected = changed + "    strap: A0:9E\n  - id: 1\n    device: '001'\n    name: Zoë\n"
    assert text.replace('"001"', "'001'") == expected
    assert [athlete.name for athlete in Roster.load(path)] == ["Ada", "Bea", "Zoë"]


def test_a_change_that_would_not_be_valid_is_refused_and_nothing_written(path):
    for values in ({"number": 1}, {"device": "007"}, {"hr_rest_bpm": 300}, {"birth_date": date(2101, 1, 1)}):
        editor = RosterEditor(path)
        editor.edit(8, values)
        with pytest.raises(ConfigError):
            editor.save()
    assert path.read_text(encoding="utf-8") == COMMENTED
    assert [file.name for file in path.parent.iterdir()] == ["athletes.yaml"]


def test_nobody_else_is_changed(path):
    with pytest.raises(ConfigError, match="no athlete in the roster has id 9"):
        RosterEditor(path).edit(9, {"name": "x"})


def test_limits_are_added_to_the_entry_of_their_day(path):
    for values in ({"lt1_bpm": 140}, {"lt2_bpm": 170, "speed_bands_mps": [1.5, 3, 5, 7]}):
        editor = RosterEditor(path)
        editor.edit(7, values, date(2026, 5, 1))
        editor.save()
    limits = athlete_of(path, 7).profile(date(2026, 5, 2)).limits
    assert limits.zones.lower == (0.0, 140.0, 170.0)
    assert limits.speed_mps == (1.5, 3.0, 5.0, 7.0)
    assert athlete_of(path, 7).profile(date(2026, 4, 30)).limits is None


def test_an_empty_or_missing_roster_gets_its_first_athlete(tmp_path):
    ours = tmp_path / "ours.yaml"
    ours.write_text((ROOT / "athletes.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    for path in (ours, tmp_path / "missing.yaml"):
        editor = RosterEditor(path)
        editor.add({"name": "Ada"})
        editor.save()
        assert [athlete.name for athlete in Roster.load(path)] == ["Ada"]
    assert ours.read_text(encoding="utf-8").startswith("# The roster")


def test_a_roster_in_one_line_is_edited_too(tmp_path):
    path = tmp_path / "athletes.yaml"
    path.write_text('athletes: [{id: 7, device: "007", name: Ada}]\n', encoding="utf-8")
    editor = RosterEditor(path)
    editor.edit(7, {"number": 4})
    editor.add({"name": "Bea"})
    editor.save()
    assert [(athlete.name, athlete.number) for athlete in Roster.load(path)] == [("Ada", 4), ("Bea", None)]


def test_a_comment_before_the_next_athlete_stays_there(tmp_path):
    path = tmp_path / "athletes.yaml"
    text = 'athletes:\n- id: 7\n  device: "7"\n\n# field players\n- id: 8\n  device: "8"\n# the end\n'
    path.write_text(text, encoding="utf-8")
    editor = RosterEditor(path)
    editor.edit(7, {"name": "Ada"})
    editor.add({"id": 9, "device": "9"})
    editor.save()
    expected = text.replace('"7"\n', '"7"\n  name: Ada\n').replace("# the", "- id: 9\n  device: '9'\n# the")
    assert path.read_text(encoding="utf-8") == expected


def test_a_linked_roster_stays_a_link(path, tmp_path):
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    editor = RosterEditor(link)
    editor.add({})
    editor.save()
    assert link.is_symlink()
    assert len(Roster.load(path)) == 3


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=30)


@settings(max_examples=30)  # each writes and reads a roster
@given(NAMES.filter(str.strip), st.integers(0, 999))
def test_any_name_comes_back_as_it_was_typed(tmp_path_factory, name, number):
    path = tmp_path_factory.mktemp("roster") / "athletes.yaml"
    editor = RosterEditor(path)
    editor.add({"name": name, "number": number})
    editor.save()
    (athlete,) = Roster.load(path)
    assert (athlete.name, athlete.number) == (name, number)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_squad_list_is_read_in_the_forms_that_spreadsheets_write(tmp_path, delimiter, encoding):
    rows = [["Shirt Number", "Player", "Date of Birth", "Weight", "sex"], ["9", "Zoë Ünal", "31.5.1999", "61", "f"]]
    path = tmp_path / "squad.csv"
    path.write_text("\n".join(delimiter.join(row) for row in [*rows, [""] * 5]), encoding=encoding)
    expected = {"number": 9, "name": "Zoë Ünal", "birth_date": date(1999, 5, 31), "weight_kg": 61, "sex": "female"}
    assert read_table(path) == [expected]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        ("name,foo\nAda,1\n", ":1: column 'foo' is not known"),
        ("number\n9\n", ":1: a column id or name is needed"),
        ("name,player\nAda,Ada\n", ":1: more than one column is name"),
        ("name,weight\nAda,heavy\n\nBea,light\n", ":2: weight_kg: 'heavy' is not a number"),
        (f"name,number\n{'a' * 140_000},9\n", "line 2: is not CSV"),
        ("name,number\nAda\0,\0x\n", ":2: number: 'x' is not a"),
        ("name,dob\nAda,04/05/2001\n", ":2: birth_date: '04/05/2001' is not a date such as 2001-05-31"),
    ],
)
def test_a_squad_list_that_cannot_be_read_is_refused_with_its_line(tmp_path, text, problem):
    path = tmp_path / "squad.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_table(path)
    assert problem in str(caught.value)


def test_every_key_has_a_reader_and_an_empty_value_removes_it():
    assert {key: value_of(key, " ") for key in (*KEYS, *LIMIT_KEYS)} == dict.fromkeys((*KEYS, *LIMIT_KEYS))


def run(tmp_path, *words):
    return athletes(build_parser().parse_args(["athletes", *words, "--root", str(tmp_path)]))


def test_the_command_adds_edits_imports_and_lists(path, tmp_path, capsys):
    table = tmp_path / "squad.csv"
    table.write_text("id;name;number;weight\n8;Bea;4;60,5\n;Cleo;5;\n", encoding="utf-8")
    assert run(tmp_path, "add", "name=Dana", "number=6", "--quiet") == 0
    assert run(tmp_path, "edit", "7", "number=", "group=First", "--quiet") == 0
    assert run(tmp_path, "edit", "7", "--from", "2026-05-01", "threshold_bpm=171", "--quiet") == 0
    assert run(tmp_path, "import", str(table), "--quiet") == 0
    assert capsys.readouterr().out == ""
    squad = Roster.load(path)
    assert [(a.id, a.name, a.number) for a in squad] == [
        (7, "Ada", None),
        (8, "Bea", 4),
        (1, "Dana", 6),
        (2, "Cleo", 5),
    ]
    assert athlete_of(path, 8).weight_kg == 60.5
    assert athlete_of(path, 7).profile(date(2026, 5, 1)).limits.threshold_bpm == 171.0
    assert run(tmp_path, "list") == 0
    assert "Cleo" in capsys.readouterr().out
    assert run(tmp_path, "list", "--json") == 0
    assert '"threshold_bpm":171.0' in capsys.readouterr().out


@pytest.mark.parametrize("words", [("add", "id=7", "name=x"), ("add", "foo=1"), ("add", "name"), ("edit", "7", "id=9")])
def test_what_the_command_cannot_do_is_refused(path, tmp_path, words):
    with pytest.raises(ConfigError):
        run(tmp_path, *words)
    assert path.read_text(encoding="utf-8") == COMMENTED
