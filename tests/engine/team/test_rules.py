from __future__ import annotations

import re

import pytest

from athlete_monitor.engine.team.rules import DEFAULT_RULES, WatchedRules, read_rules
from athlete_monitor.errors import ConfigError
from tests.helpers import ROOT

DOCUMENT = (ROOT / "docs" / "alarms.md").read_text(encoding="utf-8")
RULES = "rules:\n  - name: hot\n    if: [{figure: heart_rate_bpm, is: '>', value: 180}]\n"


def in_document():
    return re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)


def test_each_example_of_the_page_is_a_valid_file_and_one_has_twelve_rules(tmp_path):
    path = tmp_path / "rules.yaml"
    counts = []
    for text in in_document():
        path.write_text(text, encoding="utf-8")
        counts.append(len(read_rules(path)) - len(DEFAULT_RULES))
    assert counts == [1, 12]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (RULES.replace("heart_rate_bpm", "heart_rate_bmp"), "did you mean heart_rate_bpm"),
        (RULES.replace("'>'", "'=>'"), "'=>'"),
        (RULES.replace("180", "often"), "often"),
        (RULES + "    for: 3\n", "for"),
        (RULES + RULES.partition("\n")[2], "two rules are called hot"),
        (RULES.replace("hot", "much too hot"), "name"),
        (RULES + "    scope: {at_least: 2, percent: 3}\n", "scope"),
        ("rules: [", "YAML"),
    ],
)
def test_a_file_that_is_not_valid_says_where_and_what_is_allowed(tmp_path, text, words):
    path = tmp_path / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=re.escape(words)) as caught:
        read_rules(path)
    assert str(caught.value).startswith(f"{path}:")


def test_a_file_that_turns_invalid_while_running_changes_nothing_and_is_told_once(tmp_path):
    path = tmp_path / "rules.yaml"
    told: list[str] = []
    path.write_text(RULES, encoding="utf-8")
    watched = WatchedRules(path, told.append)
    before = watched.rules
    path.write_text(RULES.replace("heart_rate_bpm", "unheard_of"), encoding="utf-8")
    assert [watched.look(), watched.look()] == [False, False]
    assert watched.rules == before
    assert len(told) == 1
    assert f"{path}:" in told[0]
    assert "stay in use" in told[0]
    path.unlink()
    assert not watched.look()
    path.write_text(RULES.replace("180", "170"), encoding="utf-8")
    assert watched.look()
    assert watched.rules[-1].conditions[0].value == 170


def test_a_rule_of_the_same_name_replaces_a_built_in_one(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text(RULES.replace("hot", "battery"), encoding="utf-8")
    rules = read_rules(path)
    assert len(rules) == len(DEFAULT_RULES)
    assert [rule.conditions[0].figure for rule in rules if rule.name == "battery"] == ["heart_rate_bpm"]
    path.write_text("defaults: false\n", encoding="utf-8")
    assert read_rules(path) == ()
