"""A wrong command line is one line in every program: what, where, and what is allowed."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor import __version__
from athlete_monitor.arguments import Parser, add_players_argument, device_id, duration, listed_ids, number, whole
from athlete_monitor.deploy.cli import build_parser, run
from tests.helpers import ROOT

DEVICES = "allowed: 1 to 32 letters, digits, _ and -"


@pytest.fixture
def program(tmp_path):
    """Run a program as a user does; return its exit code and the lines on standard error."""

    def run(script, *arguments):
        command = [sys.executable, str(ROOT / script), *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert done.stdout == ""
        return done.returncode, done.stderr.splitlines()

    return run


@pytest.mark.integration
@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("main.py --players a,b", "main.py: argument --players: 'a,b' is not allowed; allowed: athlete ids from 1"),
        ("main.py --duration -1", "main.py: argument --duration: '-1' is not allowed; allowed: more than 0, up to 31d"),
        ("main.py --device ../x", f"main.py: argument --device: '../x' is not allowed; {DEVICES}"),
        (
            "main.py --replay x.csv --players 3",
            "main.py: --replay runs whole files: --players, --device and --duration",
        ),
        ("main.py now", "main.py: unrecognized arguments: now"),
        ("publisher.py 3 --duration -1", "allowed: more than 0, up to 7d"),
        ("publisher.py 3 --speed fast", "'fast' is not allowed; allowed: more than 0, up to 10000, or max"),
        ("sup_ml_rf_training.py --players a,b", "sup_ml_rf_training.py: argument --players: 'a,b'"),
        ("sup_ml_rf_training.py --what", "sup_ml_rf_training.py: unrecognized arguments: --what"),
        ("dynamic_model_loader.py", "dynamic_model_loader.py: the following arguments are required: info|check|bench"),
        ("dynamic_model_loader.py look", "invalid choice: 'look'"),
        ("jetson_deploy.py", "jetson_deploy.py: give one of the commands athletes, backup, bridge-to, check, demo,"),
        ("jetson_deploy.py look", "invalid choice: 'look'"),
        ("jetson_deploy.py import csv x.csv --athlete 1 --device ../x", DEVICES),
    ],
)
def test_a_wrong_argument_is_one_line_and_code_2(program, command, said):
    code, (line,) = program(*command.split())
    assert code == 2
    assert said in line
    assert line.endswith("(--help shows how)")


@pytest.mark.integration
@pytest.mark.parametrize(
    "command",
    [
        "main.py",
        "publisher.py 3 --offline",
        "sup_ml_rf_training.py",
        "dynamic_model_loader.py check",
        "jetson_deploy.py status",
    ],
)
def test_a_wrong_configuration_begins_with_its_place_at_every_program(program, command, tmp_path, make_config):
    broken, unknown = tmp_path / "broken.yaml", make_config("unknown.yaml", training={"n_trees": 60})
    broken.write_text("a: [1\nb: 2\n")
    for file, said in (
        ("none.yaml", "none.yaml: cannot be read (No such file or directory)"),
        (broken, f"{broken}:1: not valid YAML (the [ of this line is not closed"),
        (unknown, ": training.n_trees: is not a known key; allowed here: kinds, n_estimators, "),
    ):
        code, (line,) = program(*command.split(), "--config", str(file))
        assert code == 2
        assert line.startswith(str(file))
        assert said in line


COMMON = ("--config", "--root", "--version", "--json", "--quiet")


def test_every_command_of_the_deployment_has_the_common_options():
    (commands,) = (action for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction))
    for name, parser in commands.choices.items():
        options = {option for action in parser._actions for option in action.option_strings}
        assert set(COMMON) <= options, name


@pytest.mark.integration
@pytest.mark.parametrize("script", sorted(path.name for path in ROOT.glob("*.py") if path.name != "setup.py"))
def test_every_program_has_the_common_options_and_says_its_version(script):
    shown = [
        subprocess.run([sys.executable, str(ROOT / script), option], capture_output=True, text=True, check=True).stdout
        for option in ("--help", "--version")
    ]
    assert shown[1].strip() == f"{script} {__version__}"
    if "COMMAND" not in shown[0].splitlines()[0]:  # its subcommands have them
        assert [option for option in COMMON if option not in shown[0]] == []


@pytest.mark.parametrize(
    "command", [["validate"], ["setup", "--dry-run"], ["status"], ["install-services", "--dry-run"]]
)
def test_json_of_a_deployment_command_is_json(command, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("athlete_monitor.deploy.bootstrap.enter", lambda *_, **__: None)
    code = run([*command, "--json", *([] if command == ["validate"] else ["--root", str(tmp_path)])])
    assert isinstance(json.loads(capsys.readouterr().out), dict)
    assert code == 0


def test_quiet_says_nothing_where_all_is_well_and_everything_where_not(make_config, capsys, monkeypatch):
    monkeypatch.setattr("athlete_monitor.deploy.bootstrap.enter", lambda *_, **__: None)
    assert run(["validate", "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert run(["validate", "--quiet", "--config", str(make_config(training={"n_jobs": 0}))]) == 2
    assert "training.n_jobs: 0 is not allowed; allowed: a whole number from 1 to 256" in capsys.readouterr().err


def test_a_mistake_in_a_subcommand_names_it(capsys):
    parser = Parser("program.py")
    parser.add_subparsers().add_parser("go").add_argument("--far", type=whole(1, 9))
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["go", "--far", "ten"])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "program.py go: argument --far: 'ten' is not a whole number; allowed: 1 to 9 (--help shows how)"


def test_an_unknown_option_names_its_subcommand_and_the_option_that_was_meant(capsys):
    parser = Parser("program.py")
    parser.add_subparsers(dest="command").add_parser("go").add_argument("--quiet", action="store_true")
    with pytest.raises(SystemExit):
        parser.parse_args(["go", "--quite"])
    assert capsys.readouterr().err.startswith(
        "program.py go: unrecognized arguments: --quite; did you mean --quiet? (--help"
    )


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=30), st.data())
def test_lists_of_athletes_are_understood_with_and_without_brackets_and_blanks(ids, data):
    text = data.draw(st.sampled_from([",", ", ", " , ", " "])).join(map(str, ids))
    form = data.draw(st.sampled_from(["{}", "[{}]", "[ {} ]", " [{}] "]))
    assert listed_ids(form.format(text)) == tuple(sorted(set(ids)))


@pytest.mark.parametrize("text", ["1,3,5-7", "[1,3,5-7]", " [ 7, 5-6 ,3,1,1] ", "1 3 5 - 7"])
def test_ranges_of_athletes_are_understood(text):
    assert listed_ids(text) == (1, 3, 5, 6, 7)


@pytest.mark.parametrize("text", ["", "[]", "[ ]", "0", "-1", "x", "1,,2", "1,", "5-1", "1-9999999", "1-", "[1", "1.5"])
def test_other_texts_are_no_list_of_athletes(text):
    with pytest.raises(ValueError, match="such as 1,2,5-9"):
        listed_ids(text)


@pytest.mark.parametrize("words", [["[1,3,7]"], ["1,3,7"], ["[1,", "3,", "7]"], ["1", "3", "7"]])
def test_the_shell_may_split_a_list_of_athletes(words):
    parser = Parser("program.py")
    add_players_argument(parser, "who")
    assert parser.parse_args(["--players", *words]).players == (1, 3, 7)


@pytest.mark.parametrize(
    ("text", "bare", "seconds"),
    [
        ("90", "s", 90.0),
        ("90", "m", 5400.0),
        ("90m", "s", 5400.0),
        ("5400s", "m", 5400.0),
        ("1h30m", "m", 5400.0),
        ("1h 30min", "s", 5400.0),
        ("1.5h", "s", 5400.0),
        ("0.5", "m", 30.0),
        ("1e3", "s", 1000.0),
        ("2D", "s", 172_800.0),
    ],
)
def test_durations_have_units_and_a_bare_number_the_programs_own(text, bare, seconds):
    assert duration(bare)(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "90x", "1h30", "-5m", "0", "0s", "nan", "inf", "32d", "1m-2s", "m90"])
def test_other_durations_are_refused_with_what_is_allowed(text):
    with pytest.raises(argparse.ArgumentTypeError, match="allowed: "):
        duration("s")(text)


def test_a_line_break_in_an_argument_stays_on_the_line(capsys):
    with pytest.raises(SystemExit):
        Parser("program.py").parse_args(["two\nlines"])
    assert capsys.readouterr().err == "program.py: unrecognized arguments: two lines (--help shows how)\n"


@pytest.mark.parametrize("text", ["0", "nan", "inf", "-1", "1e999", "", "1,5"])
def test_a_number_above_nothing_is_finite_and_more(text):
    with pytest.raises(argparse.ArgumentTypeError, match=r"allowed: more than 0$"):
        number(0, above=True)(text)


def test_limits_themselves_are_allowed_where_they_are_not_open():
    assert [whole(1, 30)(text) for text in ("1", "30")] == [1, 30]
    assert [number(0, 90)(text) for text in ("0", "90")] == [0.0, 90.0]
    assert number(0, above=True)("1e-9") == 1e-9


@pytest.mark.parametrize("text", ["", "../x", "a b", "7\n", "x" * 33, "é"])
def test_what_cannot_be_a_topic_or_a_file_name_is_no_device(text):
    with pytest.raises(argparse.ArgumentTypeError, match="letters, digits"):
        device_id(text)
    assert device_id("007_left-A") == "007_left-A"


def test_a_word_of_thousands_of_characters_is_not_repeated_in_full(capsys):
    with pytest.raises(SystemExit):
        Parser("main.py").parse_args(["x" * 32_000])
    assert len(capsys.readouterr().err) < 1000
