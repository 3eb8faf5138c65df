from __future__ import annotations

import json
import re
from string import Formatter

from athlete_monitor.catalogue import FIGURES
from athlete_monitor.dashboard.assets import STATIC, lean, script
from athlete_monitor.engine.team.rules import SIGNALS
from athlete_monitor.german import SENTENCES
from athlete_monitor.german_figures import EQUATIONS, LABELS
from athlete_monitor.team.refusals import REFUSALS

TEXTS = {
    name: json.loads(script(STATIC / "texts" / f"{name}.js").rstrip()[len("export default ") : -1])
    for name in ("en", "de")
}
SCRIPTS = "\n".join(path.read_text(encoding="utf-8") for path in STATIC.glob("*.js"))


def test_german_has_every_text_and_only_what_the_box_says_in_english_beside_them():
    assert set(TEXTS["en"]) <= set(TEXTS["de"])
    assert all(key.startswith(("label.", "phase.", "refusal.", "said.")) for key in set(TEXTS["de"]) - set(TEXTS["en"]))


def test_german_labels_are_those_of_figures_and_a_new_figure_may_go_without():
    """A figure is added in one file: until somebody translates its label, the German screen shows the English one."""
    labels = {figure.label for figure in FIGURES.values()}
    assert {key.removeprefix("label.") for key in TEXTS["de"] if key.startswith("label.")} == set(LABELS)
    assert set(LABELS) <= labels | {label for label, _ in SIGNALS.values()}
    assert len(set(LABELS) & labels) > 0.9 * len(labels)


def test_german_equations_are_those_of_figures():
    equations = {figure.equation for figure in FIGURES.values() if figure.equation}
    assert set(EQUATIONS) <= equations
    assert len(EQUATIONS) > 0.9 * len(equations)


def test_every_refusal_of_the_engine_is_there_in_german_and_names_no_value_that_it_does_not_bring():
    for code, english in REFUSALS.items():
        slots = set(re.findall(r"\{(\w+)\}", TEXTS["de"][f"refusal.{code}"]))
        assert slots <= {name for _, name, _, _ in Formatter().parse(english) if name}, code


def test_the_german_screen_gets_the_sentences_that_reports_have_and_defines_none_of_them_itself():
    own = (STATIC / "texts" / "de.js").read_text(encoding="utf-8")
    assert {text: TEXTS["de"][f"said.{text}"] for text in SENTENCES} == SENTENCES
    assert [text for text in SENTENCES if json.dumps(f"said.{text}", ensure_ascii=False) in own] == []


FOR_PROGRAMS = ("at most", "the token", "no connection to the broker; nothing was taken", "body:")


def test_every_sentence_with_which_the_server_refuses_a_page_is_there_in_german():
    code = "\n".join(path.read_text(encoding="utf-8") for path in STATIC.parent.rglob("*.py"))
    details = re.findall(r"HTTPException\(\s*\d+, f?\"([^\"{]+)\"", code) + re.findall(
        r"_unreachable\(document, \"(.+)\"", code
    )
    assert len(details) > 12
    assert [text for text in details if not text.startswith(FOR_PROGRAMS) and f"said.{text}" not in TEXTS["de"]] == []


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
