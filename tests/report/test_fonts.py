from __future__ import annotations

from pathlib import Path

import pytest

from athlete_monitor.report import fonts

DEJAVU = next(Path(folder) / "DejaVuSans.ttf" for folder in fonts.font_folders())


@pytest.fixture
def only_dejavu(monkeypatch):
    """A machine without further fonts."""
    monkeypatch.setattr(fonts, "_files", lambda: iter([(str(DEJAVU), 0)]))


@pytest.mark.usefixtures("only_dejavu")
def test_names_in_latin_greek_cyrillic_hebrew_and_arabic_need_no_further_font():
    names = ["Łukasz O'Neill", "Παπαδόπουλος", "Иванова", "שרה", "محمد", "▲"]
    assert fonts.undrawable(names) == ""
    assert {ord(each) for name in names for each in name} <= fonts._characters(str(DEJAVU), 0)


@pytest.mark.usefixtures("only_dejavu")
def test_one_line_says_which_characters_are_boxes_and_what_helps():
    said = fonts.boxes_in({"rows": [{"name": "王小明"}], "pages": [{"name": "Ada"}]})
    assert said.count("\n") == 0
    assert all(each in said for each in "王小明")
    assert "--format html" in said
    assert fonts.boxes_in({"rows": [{"name": "Ada Łukasz"}]}) == ""


def test_a_font_that_has_them_is_found_and_a_damaged_one_is_not_used(tmp_path, monkeypatch):
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    monkeypatch.setattr(fonts, "_ALWAYS_THERE", ())
    monkeypatch.setattr(fonts, "_files", lambda: iter([(str(broken), 0)]))
    assert fonts.undrawable(["ÄΩ"]) == "\u00c4\u03a9"
    monkeypatch.setattr(fonts, "_files", lambda: iter([(str(broken), 0), (str(DEJAVU), 0)]))
    assert fonts.undrawable(["ÄΩ"]) == ""
