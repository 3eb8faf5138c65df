"""A wrong command line is one line at every door: what, where, and what is allowed."""

from __future__ import annotations

import argparse
import subprocess
import sys

import pytest

from athlete_monitor.arguments import Parser, device_id, number, whole
from tests.helpers import ROOT

DEVICES = "allowed: 1 to 32 letters, digits, _ and -"


@pytest.fixture
def door(tmp_path):
    """Run a door as a person does; return its exit code and the lines on standard error."""

    def run(script, *arguments):
        command = [sys.executable, str(ROOT / script), *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert done.stdout == ""
        return done.returncode, done.stderr.splitlines()

    return run


@pytest.mark.integration
@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("main.py --players a,b", "main.py: argument --players: 'a,b': athlete ids such as 1,2,5-9"),
        ("main.py --duration -1", "main.py: argument --duration: -1 is not allowed; allowed: more than 0"),
        ("main.py --device ../x", f"main.py: argument --device: '../x' is not allowed; {DEVICES}"),
        (
            "main.py --replay x.csv --players 3",
            "main.py: --replay runs whole files: --players, --device and --duration",
        ),
        ("main.py now", "main.py: unrecognized arguments: now"),
        ("publisher.py 3 --duration -1", "allowed: more than 0, up to 10080"),
        ("publisher.py 3 --speed fast", "'fast' is not allowed; allowed: more than 0, up to 10000, or max"),
        ("sup_ml_rf_training.py --players a,b", "sup_ml_rf_training.py: argument --players: 'a,b'"),
        ("sup_ml_rf_training.py --what", "sup_ml_rf_training.py: unrecognized arguments: --what"),
        ("dynamic_model_loader.py", "dynamic_model_loader.py: the following arguments are required: info|check|bench"),
        ("dynamic_model_loader.py look", "invalid choice: 'look'"),
        ("jetson_deploy.py", "jetson_deploy.py: give one of the commands check, demo,"),
        ("jetson_deploy.py look", "invalid choice: 'look'"),
        ("jetson_deploy.py import csv x.csv --athlete 1 --device ../x", DEVICES),
    ],
)
def test_a_wrong_argument_is_one_line_and_code_2(door, command, told):
    code, (line,) = door(*command.split())
    assert code == 2
    assert told in line
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
def test_a_wrong_configuration_begins_with_its_place_at_every_door(door, command, tmp_path, make_config):
    broken, unknown = tmp_path / "broken.yaml", make_config("unknown.yaml", training={"n_trees": 60})
    broken.write_text("a: [1\nb: 2\n")
    for file, told in (
        ("none.yaml", "none.yaml: cannot be read (No such file or directory)"),
        (broken, f"{broken}:2: not valid YAML"),
        (unknown, ": training.n_trees: is not a known key; allowed here: n_estimators, "),
    ):
        code, (line,) = door(*command.split(), "--config", str(file))
        assert code == 2
        assert line.startswith(str(file))
        assert told in line


def test_a_parsers_commands_tell_mistakes_in_one_line_too(capsys):
    parser = Parser("door.py")
    parser.add_subparsers().add_parser("go").add_argument("--far", type=whole(1, 9))
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["go", "--far", "ten"])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "door.py go: argument --far: 'ten' is not a whole number; allowed: 1 to 9 (--help shows how)"


def test_a_line_break_in_an_argument_stays_on_the_line(capsys):
    with pytest.raises(SystemExit):
        Parser("door.py").parse_args(["two\nlines"])
    assert capsys.readouterr().err == "door.py: unrecognized arguments: two lines (--help shows how)\n"


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
