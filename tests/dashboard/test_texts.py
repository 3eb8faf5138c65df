from __future__ import annotations

import json
import re

from athlete_monitor.dashboard.assets import STATIC, lean

TEXTS = {
    name: json.loads((STATIC / "texts" / f"{name}.js").read_text(encoding="utf-8")[len("export default ") : -2])
    for name in ("en", "de")
}
SCRIPTS = "\n".join(path.read_text(encoding="utf-8") for path in STATIC.glob("*.js"))


def test_german_has_every_text_and_only_labels_of_figures_beside_them():
    assert set(TEXTS["en"]) <= set(TEXTS["de"])
    assert all(key.startswith("figure.") for key in set(TEXTS["de"]) - set(TEXTS["en"]))


def test_both_languages_fill_in_the_same_values():
    slots = re.compile(r"\{(\w+)\}")
    different = [
        key for key, text in TEXTS["en"].items() if set(slots.findall(text)) != set(slots.findall(TEXTS["de"][key]))
    ]
    assert different == []


def test_every_text_that_a_script_names_exists_and_none_is_idle():
    named = set(re.findall(r"\bt\(\"([\w.-]+)\"", SCRIPTS))
    begun = tuple(set(re.findall(r"\bt\(`([\w.-]+)\$\{", SCRIPTS)))
    assert named - set(TEXTS["en"]) == set()
    quoted = set(re.findall(r"\"([\w.-]+)\"", SCRIPTS))
    idle = [
        key
        for key in TEXTS["en"]
        if key not in named | quoted and not key.startswith((*begun, "figure.", "remedy.", "short."))
    ]
    assert idle == []


def test_no_script_writes_html():
    assert (
        re.findall(r"innerHTML\s*=|outerHTML\s*=|insertAdjacentHTML|document\.write|\beval\(|new Function", SCRIPTS)
        == []
    )


def test_nothing_but_comments_and_spaces_is_left_out_of_what_is_sent():
    for file in [*STATIC.rglob("*.js"), *STATIC.glob("*.css")]:
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
        assert all(line.count("`") % 2 == 0 for line in lines), f"{file.name}: a text over several lines"
        assert not [line for line in lines if line.startswith("/*") and "*/" in line[:-2]], file.name
        kept = set(lean("\n".join(lines)).splitlines())
        assert [line for line in lines if line and line not in kept and not line.startswith(("//", "/*", "*"))] == []
