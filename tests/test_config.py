"""Configuration: what is refused, with what words, and that no key is idle."""

from __future__ import annotations

import ast
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from pydantic import BaseModel

from athlete_monitor.athletes import Roster
from athlete_monitor.config import Config, load_config, read_yaml, updated
from athlete_monitor.config.updating import HOW
from athlete_monitor.errors import ConfigError
from athlete_monitor.project import DEFAULT_CONFIG

REPOSITORY = Path(__file__).resolve().parent.parent
BOTH = ("jetson_nano_4gb_config.yaml", "jetson_orin_32gb_config.yaml")


def write(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    text = DEFAULT_CONFIG.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "some.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path: Path, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path, environ=environ or {})
    return str(caught.value)


@pytest.mark.parametrize("name", BOTH)
def test_both_boards_have_a_valid_file(name):
    assert load_config(REPOSITORY / name, environ={}).training.n_estimators in {60, 120}


def test_relative_paths_land_beside_the_file(tmp_path):
    assert load_config(write(tmp_path), environ={}).paths.data_root == tmp_path / "athlete_training_data"


def test_relative_paths_land_below_a_given_root(tmp_path):
    config = load_config(DEFAULT_CONFIG, root=tmp_path, environ={})
    assert config.paths.journal == tmp_path / "prediction_outputs" / "journal.sqlite3"
    assert config.athletes.roster == tmp_path / "athletes.yaml"


def test_an_absolute_path_stays_where_it_is(tmp_path):
    path = write(tmp_path, ("logs_dir: logs", "logs_dir: /var/log/athletes"))
    assert load_config(path, root=tmp_path, environ={}).logging.logs_dir == Path("/var/log/athletes")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("n_estimators: 60", "n_estimators: 0"), "training.n_estimators: 0 is not allowed"),
        (
            ("max_depth: 6", "max_depth: six"),
            "training.max_depth: 'six' is not allowed; allowed: a whole number from 1 to 32",
        ),
        (
            ("  port: 1883", "  <<: {port: x}"),
            "mqtt.port: 'x' is not allowed; allowed: a whole number from 1 to 65535",
        ),
        (("  port: 1883", "  <<: [{potr: 1}]"), "mqtt.potr: is not a known key; did you mean port?"),
        (("  qos: 0", "  qos: false"), "mqtt.qos: false is not allowed; allowed: 0 or 1"),
        (
            ('data_file_pattern: "*.csv*"', 'data_file_pattern: ""'),
            "paths.data_file_pattern: '' is not allowed; allowed: text, not empty",
        ),
        (("use_games: true", "use_games: 1"), "training.use_games: 1 is not allowed; allowed: true or false"),
        (("broker: auto", "broker: cloud"), "mqtt.broker: 'cloud' is not allowed; allowed: auto, embedded or external"),
        *(
            (("host: 127.0.0.1 ", f"host: {host}  "), "allowed: a host name or address, without mqtt://")
            for host in ("mqtt://127.0.0.1", "'box.local '", "box:1883", "''", "'a b'", "http://x/")
        ),
        (("logs_dir: logs", "logs_dir: ~nobody-of-this-name/logs"), "is not allowed (no such user)"),
        (("logs_dir: logs", 'logs_dir: "a\\0b"'), "is not allowed (it has a NUL character)"),
        (("alert_g: 8", "alert_g: .nan"), "impacts.alert_g: nan is not allowed; allowed: a number from 2 to 100"),
        (
            ("moderate_from: 50", "moderate_from: 500"),
            "outputs.training_load: moderate_from < high_from < very_high_from is required",
        ),
        (
            ("  alert_g: 8", "  alarm_g: 8"),
            "impacts.alarm_g: is not a known key; did you mean alert_g?; allowed here: alert_g",
        ),
        (("  alert_g: 8", "  # alert_g: 8"), "impacts: null is not allowed; allowed: a group of keys"),
        (("  port: 1883", "  # port: 1883"), "mqtt.port: is missing; allowed: a whole number from 1 to 65535"),
        (("  batch_size: 400", "  use_mixed_precision: true\n  batch_size: 400"), "is no longer a setting"),
    ],
)
def test_a_bad_value_is_refused_with_line_path_value_and_what_is_allowed(tmp_path, change, expected):
    path = write(tmp_path, change)
    message = refusal(path)
    assert expected in message
    assert all(line.startswith(f"{path}:") or line == HOW for line in message.splitlines())


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("prot", "mqtt.prot: is not a known key; did you mean port?"),
        ("Port", "mqtt.Port: is not a known key; did you mean port?"),
        ("1883", "mqtt.1883: is not a known key; allowed here: broker"),
    ],
)
def test_a_misspelt_key_is_one_line(tmp_path, key, meant):
    message = refusal(write(tmp_path, ("  port: 1883", f"  port: 1883\n  {key}: 1883")))
    assert meant in message
    assert len(message.splitlines()) == 1
    if "did you mean" in meant:
        assert refusal(write(tmp_path, ("  port: 1883", f"  {key}: 1883"))) == message.replace(":114:", ":113:")


def test_a_misspelt_section_is_one_line(tmp_path):
    (line,) = refusal(write(tmp_path, ("\nmqtt:", "\nMQTT:"))).splitlines()
    assert "MQTT: is not a known key; did you mean mqtt?" in line


def test_a_file_of_another_program_is_a_few_lines(tmp_path):
    path = tmp_path / "other.yaml"
    path.write_text("services:\n  web: {image: nginx}\n", encoding="utf-8")
    missing, unknown, way_out = refusal(path).splitlines()
    assert missing.startswith(f"{path}: 25 sections are missing: box, paths, training")
    assert unknown.startswith(f"{path}:1: services: is not a known key")
    assert way_out == HOW


@pytest.mark.parametrize("host", ["box.local", "192.168.1.7", "'::1'", "fe80::1%eth0", "müller-box", "localhost"])
def test_a_host_is_a_name_or_an_address(tmp_path, host):
    path = write(tmp_path, ("host: 127.0.0.1 ", f"host: {host}  "))
    config = load_config(path, environ={})
    assert host.strip("'") in {config.mqtt.host, config.dashboard.host}


def test_aliases_that_name_a_node_billions_of_times_are_refused_at_once(tmp_path):
    path = tmp_path / "laughs.yaml"
    names = "abcdefghijklmnop"
    lines = [f"{name}: &{name} [{', '.join([f'*{below}'] * 9)}]" for below, name in pairwise(names)]
    path.write_text("a: &a [x]\n" + "\n".join(lines) + "\n", encoding="utf-8")
    assert "more than 100,000 keys and values" in refusal(path)


def test_aliases_that_multiply_below_a_duplicate_key_are_refused_at_once(tmp_path):
    path = tmp_path / "laughs.yaml"
    lines = [f"{name}: &{name} [{', '.join([f'*{below}'] * 9)}]" for below, name in pairwise("abcdefghijklmnop")]
    path.write_text("a: &a [x]\n" + "\n".join(lines) + "\nb: 1\n", encoding="utf-8")
    assert "more than 100,000 keys and values" in refusal(path)


def test_the_line_named_is_the_line_of_the_key(tmp_path):
    path = write(tmp_path, ("max_depth: 6", "max_depth: 99"))
    number = next(i for i, line in enumerate(path.read_text().splitlines(), 1) if "max_depth: 99" in line)
    assert refusal(path).startswith(f"{path}:{number}: training.max_depth: 99 ")


def test_every_problem_is_reported_at_once(tmp_path):
    path = write(tmp_path, ("n_jobs: 2", "n_jobs: two"), ("port: 1883", "port: 99999"))
    assert len(refusal(path).splitlines()) == 2


def test_a_duplicate_key_is_refused_with_both_lines(tmp_path):
    path = write(tmp_path, ("  n_jobs: 2", "  n_estimators: 50\n  n_jobs: 2"))
    lines = path.read_text().splitlines()
    first, second = (i for i, line in enumerate(lines, 1) if line.startswith("  n_estimators:"))
    expected = f"{path}:{second}: training.n_estimators: duplicate key, first defined on line {first}"
    assert refusal(path) == expected


@pytest.mark.parametrize("text", ["", "[1, 2]", "a: [", "\t- x", "!!python/object/apply:os.system ['true']"])
def test_what_is_no_mapping_of_sections_is_refused(tmp_path, text):
    path = tmp_path / "some.yaml"
    path.write_text(text, encoding="utf-8")
    assert refusal(path).startswith(str(path))


def test_a_missing_or_unreadable_file_is_named(tmp_path):
    assert "cannot be read (No such file" in refusal(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    assert "is not UTF-8 text" in refusal(tmp_path / "binary.yaml")


@pytest.mark.parametrize(
    ("environ", "section", "key", "value"),
    [
        ({"FORCE_TRAINING": "true"}, "prediction_check", "force_training", True),
        ({"FORCE_TRAINING": "0"}, "prediction_check", "force_training", False),
        ({"USE_CUDA": "1"}, "model_loading", "device", "cuda"),
        ({"USE_CUDA": "0"}, "model_loading", "device", "cpu"),
        ({"MODEL_CACHE_SIZE": "7"}, "model_loading", "cache_size", 7),
        ({"MODEL_DEVICE": "CPU"}, "model_loading", "device", "cpu"),
        ({"USE_CUDA": "1", "MODEL_DEVICE": "auto"}, "model_loading", "device", "auto"),
        ({"IDLE_TIME": "12.5"}, "engine", "idle_s", 12.5),
        ({"IDLE_TIME": ""}, "engine", "idle_s", 300),
    ],
)
def test_the_environment_overrides_the_file(environ, section, key, value):
    assert getattr(getattr(load_config(environ=environ), section), key) == value


def test_the_models_directory_of_the_environment_lands_below_the_root(tmp_path):
    config = load_config(root=tmp_path, environ={"MODEL_DIRECTORY": "elsewhere"})
    assert config.model_loading.models_directory == tmp_path / "elsewhere"


@pytest.mark.parametrize(
    "environ",
    [
        {"FORCE_TRAINING": "maybe"},
        {"MODEL_CACHE_SIZE": "0"},
        {"MODEL_CACHE_SIZE": "2.5"},
        {"MODEL_DEVICE": "tpu"},
        {"IDLE_TIME": "soon"},
        {"IDLE_TIME": "-1"},
    ],
)
def test_a_bad_variable_is_refused_by_its_name(environ):
    (name, value), *_ = environ.items()
    message = refusal(DEFAULT_CONFIG, environ)
    assert message.startswith(f"environment: {name}: ")
    assert value.lstrip("-") in message


def test_settings_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        load_config(environ={}).engine.idle_s = 1  # type: ignore[misc]


def test_both_files_explain_each_of_their_values():
    for name in BOTH:
        document = read_yaml(REPOSITORY / name)
        assert set(document.data) == set(Config.model_fields)


def keys(model: type[BaseModel] = Config, section: str = "") -> list[tuple[str, str]]:
    found = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found += keys(inner, name)
        else:
            found.append((section, name))
    return found


def attributes_read() -> tuple[Counter[str], Counter[tuple[str, str]]]:
    """Return how often each attribute is read outside the configuration's own module, by itself and with its owner."""
    alone: Counter[str] = Counter()
    owned: Counter[tuple[str, str]] = Counter()
    files = [*REPOSITORY.glob("*.py"), *REPOSITORY.glob("athlete_monitor/**/*.py")]
    for path in files:
        if "config" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                alone[node.attr] += 1
                owner = node.value
                name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
                owned[name, node.attr] += 1
    return alone, owned


def test_each_key_is_read_somewhere():
    alone, owned = attributes_read()
    shared = {name for name, count in Counter(name for _, name in keys()).items() if count > 1}
    idle = [
        f"{section}.{name}" for section, name in keys() if not (owned[section, name] if name in shared else alone[name])
    ]
    assert idle == []


def test_no_message_shows_a_pattern_or_a_word_of_the_library(tmp_path):
    lines = DEFAULT_CONFIG.read_text(encoding="utf-8").splitlines()
    broken = [number for number, line in enumerate(lines) if re.match(r"  +\w+: +[^# {]", line)]
    for number in broken:
        lines[number] = f"{lines[number].split(':')[0]}: {{a: [1]}}"
    path = tmp_path / "some.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    message = refusal(path)
    for number in broken:
        assert message.count(f"{path}:{number + 1}: ") == 1
    assert not re.search(r"[Ii]nput|valid|instance|dictionary|pydantic|\^", message.replace("is not valid", ""))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "athletes:\n  - id: 1\n    device: 'a b'\n",
            ":3: athletes.0.device: 'a b' is not allowed; allowed: 1 to 32 letters",
        ),
        (
            "athletes:\n  - id: 1\n    device: '1'\n  - {id: 1, device: '2'}\n",
            ":4: id 1 of athlete 1 is already that of athlete 1 (line 2)",
        ),
        ("athletes:\n  - id: 1\n", ":2: athletes.0.device: is missing; allowed: 1 to 32 letters"),
        (
            "athletes:\n  - {id: 1, device: '1', weight: 70}\n",
            "athletes.0.weight: is not a known key; did you mean weight_kg?",
        ),
        (
            "athletes:\n  - {id: 1, device: '1', sex: man}\n",
            "athletes.0.sex: 'man' is not allowed; allowed: male or female or null",
        ),
        ("athletes: 7\n", ":1: athletes: 7 is not allowed; allowed: a list"),
        (
            "athletes:\n  - {id: 1, device: '1', birth_date: 5}\n",
            "birth_date: 5 is not allowed; allowed: a date such as",
        ),
    ],
)
def test_a_roster_is_refused_with_line_key_and_what_is_allowed(tmp_path, text, expected):
    path = tmp_path / "athletes.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        Roster.load(path)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(str(path))
    assert expected in line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\na: 2\n", ":2: a: duplicate key, first defined on line 1"),
        ("x:\n  - {b: 1}\n  - c: 1\n    d: 2\n    c: 3\n", ":5: x.1.c: duplicate key, first defined on line 3"),
        ("a: {b: 1, b: 2}\n", ":1: a.b: duplicate key, first defined on line 1"),
        ("a: *nowhere\n", ":1: not valid YAML"),
        ("a: !!python/object/apply:os.system ['true']\n", "tags (!...) are not allowed"),
        ("a: 2026-12-31\nb: 2026-13-45\n", ":2: not valid YAML (month must be in 1..12"),
        ("[" * 500, ":1: not valid YAML (nested more than 32 levels deep)"),
        ("a: " + "[\n" * 5000, ":32: not valid YAML (nested more than 32 levels deep)"),
        ("- " * 5000, "nested more than 32 levels deep"),
        ("? " * 5000, "nested more than 32 levels deep"),
        ("{a: " * 5000, "nested more than 32 levels deep"),
        ("a: &a\n  b: *a\n", ":2: not valid YAML (*a is inside the value that it names)"),
        ("a: &a 1\nb: &a [*a]\n", ":2: not valid YAML (*a is inside the value that it names)"),
        ("a: b\n#" + "c" * 1_000_000, "is larger than 1,000,000 bytes"),
        ('a: "b\nc: 1\nd: "e"\n', ":1: not valid YAML (the quote of this line is not closed: "),
        ("a:\n  b: 'c\n  d: 1\n  e: 2 # it's\n", ":2: not valid YAML (the quote of this line is not closed: "),
        ("a: 1\nb: 'c\nd: 1\n", ":2: not valid YAML (the quote of this line is not closed: "),
        ("a: 1\nb: [c\nd: 1\n", ":2: not valid YAML (the [ of this line is not closed: "),
        ("a: 1\nb: {c: 2\nd: 1\n", ":2: not valid YAML (the { of this line is not closed: "),
        ("a: 'two\n  lines'\nb: @c\n", ":3: not valid YAML (found character '@'"),
        ("a:\n  b:1\n  c: 2\n", ":2: not valid YAML (no blank after the ':')"),
        ("a:\n  b:\u00a01\n  c: 2\n", ":2: not valid YAML (the blank U+00A0 stands in place of a plain one)"),
        ("a: 1\nb: c\x07\n", ":2: not valid YAML (the character U+0007 is not allowed)"),
        ("a: 1\nb: " + "9" * 5000, ":2: not valid YAML (a number has too many digits)"),
    ],
)
def test_what_is_not_plain_yaml_is_one_line(tmp_path, text, expected):
    path = tmp_path / "some.yaml"
    path.write_text(text, encoding="utf-8")
    message = refusal(path)
    assert expected in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-16", ": is not UTF-8 text (it is UTF-16"),
        ("utf-16-le", ":2: is not UTF-8 text"),
        ("latin-1", ":2: is not UTF-8"),
    ],
)
def test_a_text_in_another_encoding_is_one_line(tmp_path, encoding, said):
    path = tmp_path / "some.yaml"
    path.write_bytes("a: 1\nb: Zoë\n".encode(encoding))
    (line,) = refusal(path).splitlines()
    assert line.startswith(f"{path}{said}")


OLD = """\
# settings of our club
paths:
  model_path: here            # once a setting
training:
  n_jobs: 1                   # a small board
mqtt: {host: box.local}

memory_optimization: {any: 1}
"""


def test_a_file_of_an_earlier_version_is_refused_with_the_way_out(tmp_path):
    path = tmp_path / "old.yaml"
    path.write_text(OLD, encoding="utf-8")
    assert refusal(path).endswith(HOW)
    path.write_text("", encoding="utf-8")
    assert refusal(path) == f"{path}: is empty; {DEFAULT_CONFIG} is a complete one"


def test_an_updated_file_is_complete_and_keeps_its_own_values_and_comments(tmp_path):
    path = tmp_path / "old.yaml"
    path.write_text(OLD, encoding="utf-8")
    text, changes = updated(path)
    assert path.read_text(encoding="utf-8") == OLD
    assert {"added retention.outputs_days: 400", "added bridge.mapping: null"} <= set(changes)
    assert [change for change in changes if change.startswith("removed paths.model_path: ")]
    path.write_text(text, encoding="utf-8")
    config, shipped = (load_config(file, tmp_path, environ={}) for file in (path, REPOSITORY / BOTH[0]))
    assert (config.mqtt.host, config.training.n_jobs) == ("box.local", 1)
    assert config.model_dump(exclude={"mqtt", "training"}) == shipped.model_dump(exclude={"mqtt", "training"})
    assert "# settings of our club" in text
    assert "n_jobs: 1                   # a small board" in text
    assert updated(path) == (text, [])


def test_the_shipped_files_need_no_update():
    for name in BOTH:
        assert updated(REPOSITORY / name)[1] == []
