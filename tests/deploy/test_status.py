from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from athlete_monitor.config import load_config
from athlete_monitor.deploy import status
from athlete_monitor.deploy.listening import engine_state
from athlete_monitor.locks import acquire
from athlete_monitor.wire.mqtt import MqttLink
from tests.helpers import ROOT, Mosquitto, unused_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from athlete_monitor.config import Config


@pytest.fixture
def config(make_config: Callable[..., Path]) -> Config:
    return load_config(make_config(mqtt={"port": unused_port()}), environ={})


def test_the_report_has_the_originals_block_and_the_rest(config: Config, tmp_path: Path, capsys) -> None:
    assert status.status(tmp_path / "config.yaml", None, as_json=False) == 0
    said = capsys.readouterr().out
    for words in ("Training Parameters:", "  - n_estimators: 60", "Dynamic Model Loading:", "Directories:", "✗"):
        assert words in said
    assert "setup, with the same --config and --root, creates what is missing" in said
    assert "none yet" in said
    assert "Last training: never" in said
    assert "Engine: no broker at" in said


def test_json_is_for_programs(config: Config, tmp_path: Path, capsys) -> None:
    status.status(tmp_path / "config.yaml", None, as_json=True)
    state = json.loads(capsys.readouterr().out)
    assert state["athletes"] == []
    assert state["locks"] == {"prediction": None, "training": None}


def test_an_athlete_is_known_by_the_roster_or_by_sessions(config: Config) -> None:
    shutil.copytree(ROOT / "examples" / "train", config.paths.data_root)
    config.athletes.roster.write_text("athletes:\n  - {id: 5, device: abc, name: Ada}\n")
    found = {athlete["id"]: athlete for athlete in status.athletes(config)}
    assert sorted(found) == [5, 11, 12]
    assert found[5]["name"] == "Ada"
    assert found[11]["training_sessions"] == 1
    assert found[11]["model"] is None


def test_a_damaged_manifest_is_told_and_stops_nothing(config: Config) -> None:
    config.paths.hb_tensors_updated.mkdir(parents=True)
    (config.paths.hb_tensors_updated / "hb_3_model.json").write_text("{}")
    (athlete,) = status.athletes(config)
    assert "hb_3_model.json" in athlete["model"]["problem"]


def test_a_held_lock_names_its_holder(config: Config) -> None:
    with acquire(config.prediction_check.lockfile_path, "main.py"):
        assert "main.py (pid" in str(status.locks(config)["prediction"])
    assert status.locks(config)["prediction"] is None


def test_a_terminal_without_unicode_gets_plain_text(config: Config, tmp_path: Path) -> None:
    state = status.gather(config, tmp_path / "config.yaml", tmp_path)
    assert status.render(state, "ascii").isascii()


@pytest.mark.parametrize("width", [80, 120])
def test_the_report_of_an_empty_folder_fits_the_terminal(config: Config, tmp_path: Path, width: int) -> None:
    state = status.gather(config, tmp_path / "config.yaml", tmp_path)
    state["processes"] = [{"pid": 7, "command": f"/opt/box/.venv/bin/python /opt/box/main.py {'--no-ui ' * 20}"}]
    lines = status.render(state, "utf-8", width).splitlines()
    assert [line for line in lines if len(line) > width and str(tmp_path) not in line] == []
    assert "  pid 7: main.py --no-ui" in "\n".join(lines)


def test_an_athletes_model_stands_on_a_line_of_its_own_where_the_terminal_is_narrow(
    config: Config, tmp_path: Path
) -> None:
    state = status.gather(config, tmp_path / "config.yaml", tmp_path)
    found = {"mae_bpm": 3.4, "baselines_bpm": {"median": 14.4}, "age_days": 12.7}
    found["channels"] = ["acceleration", "rotation", "speed"]
    athlete = {"id": 7, "name": "Ada", "device": "7", "training_sessions": 2, "game_sessions": 0, "model": found}
    state["athletes"] = [athlete]
    narrow, wide = (status.render(state, "utf-8", width).splitlines() for width in (80, 140))
    whole = "     7 Ada                      2 training, 0 game sessions"
    shown = "model: error 3.4 bpm (median 14.4), 12 days old, acceleration+rotation+speed"
    assert narrow[narrow.index("Athletes:") + 1 :][:2] == [whole, f"    {shown}"]
    assert f"{whole}; {shown}" in wide


@pytest.mark.parametrize(
    ("own", "shown"), [(None, "the squad's"), ({"problem": "torn"}, "the squad's; its own is refused (torn)")]
)
def test_an_athlete_without_a_sound_model_is_served_by_the_squads(
    config: Config, tmp_path: Path, own: dict[str, str] | None, shown: str
) -> None:
    state = status.gather(config, tmp_path / "config.yaml", tmp_path)
    state["athletes"] = [
        {"id": 7, "name": "Ada", "device": "7", "training_sessions": 2, "game_sessions": 0, "model": own}
    ]
    assert "the squad's" not in status.render(state, "utf-8")
    state["default_model"] = {"mae_bpm": 3.4, "baselines_bpm": {}, "age_days": 1.0, "channels": ["speed"]}
    assert f"model: {shown}" in status.render(state, "utf-8")


def test_all_sessions_are_called_all_in_text_and_json(config: Config, tmp_path: Path) -> None:
    state = status.gather(config, tmp_path / "config.yaml", tmp_path)
    assert state["settings"]["Training Parameters"]["sessions_to_use"] == "all"
    assert "sessions_to_use: all" in status.render(state, "utf-8")


@pytest.mark.parametrize(("days", "shown"), [(0.9, ", new, "), (1.9, ", 1 day old, "), (40.0, ", 40 days old, ")])
def test_a_models_age_is_told_in_whole_days(config: Config, tmp_path: Path, days: float, shown: str) -> None:
    state = status.gather(config, tmp_path / "config.yaml", tmp_path)
    state["default_model"] = {"mae_bpm": 3.4, "baselines_bpm": {}, "age_days": days, "channels": ["speed"]}
    assert f"  default model: error 3.4 bpm{shown}speed" in status.render(state, "utf-8")


@pytest.mark.integration
def test_the_engines_words_come_from_the_broker(mosquitto: Mosquitto, make_config: Callable[..., Path]) -> None:
    settings = load_config(make_config(mqtt={"port": mosquitto.port}), environ={}).mqtt
    assert "no engine" in engine_state(settings, 0.1)["reason"]
    link = MqttLink(settings, "engine-of-a-test")
    link.start(timeout_s=5)
    link.publish("engine/status", b'{"status":"online"}', 1, retain=True)
    link.publish("engine/stats", b'{"online":3}', 1, retain=True)
    assert link.flush(5)
    link.stop()
    assert engine_state(settings, 1) == {"status": {"status": "online"}, "stats": {"online": 3}}
