from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from athlete_monitor.system.board import PowerMode, read_board
from tests.helpers import ROOT

BOARDS = ROOT / "tests" / "deploy" / "boards"


def test_a_nano_is_recognised_with_its_release_mode_and_memory() -> None:
    board = read_board(BOARDS / "nano")
    assert board.model == "NVIDIA Jetson Nano Developer Kit"
    assert (board.l4t, board.jetpack) == ("32.7.6", "4.6.6")
    assert board.power_mode == PowerMode(1, "5W")
    assert board.is_jetson
    assert board.is_nano
    assert board.memory is not None
    assert (board.memory.total_mb, board.memory.swap_mb) == (3964, 0)


def test_an_orin_is_recognised_and_is_no_nano() -> None:
    board = read_board(BOARDS / "orin")
    assert (board.l4t, board.jetpack) == ("36.4.3", "6.2")
    assert board.power_mode == PowerMode(0, "MAXN")
    assert board.is_jetson
    assert not board.is_nano
    assert board.over_current_events == 2


def test_the_constant_of_the_power_controller_is_no_temperature() -> None:
    board = read_board(BOARDS / "nano")
    assert "PMIC-Die" not in board.temperatures_c
    assert board.hottest_c == pytest.approx(72.5)


def test_a_zone_that_cannot_be_read_is_left_out() -> None:
    assert "cv1-thermal" not in read_board(BOARDS / "orin").temperatures_c


def test_a_fan_that_turns_is_no_throttling() -> None:
    assert read_board(BOARDS / "nano").throttled_by == ("cpu-balanced",)
    assert read_board(BOARDS / "orin").throttled_by == ()


def test_a_machine_that_says_nothing_is_unknown_and_not_guessed(tmp_path: Path) -> None:
    board = read_board(tmp_path)
    assert (board.model, board.l4t, board.power_mode, board.memory) == (None, None, None, None)
    assert (board.temperatures_c, board.throttled_by, board.over_current_events) == ({}, (), None)
    assert not board.is_jetson


@pytest.mark.parametrize("text", ["", "garbage", "# R32 (release)", "pmode:", "\x00\x00"])
def test_damaged_files_are_read_as_unknown(tmp_path: Path, text: str) -> None:
    for name in ("etc/nv_tegra_release", "var/lib/nvpmodel/status", "proc/meminfo", "proc/device-tree/model"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    board = read_board(tmp_path)
    assert (board.l4t, board.power_mode, board.memory) == (None, None, None)


@pytest.mark.parametrize("digits", ["9" * 5000, "-" + "9" * 5000, "72 °C", "0x48", "", "7" * 16])
def test_a_temperature_that_is_no_reading_is_left_out(tmp_path: Path, digits: str) -> None:
    for number, text in enumerate([digits, "45500", "0", "-40000", "150000", "-256000"]):
        zone = tmp_path / f"sys/class/thermal/thermal_zone{number}"
        zone.mkdir(parents=True)
        (zone / "temp").write_text(text)
    assert read_board(tmp_path).temperatures_c == {"thermal_zone1": 45.5, "thermal_zone2": 0.0}


@pytest.mark.parametrize("number", ["9" * 5000, "-1", "x"])
def test_numbers_beyond_all_limits_are_read_as_unknown(tmp_path: Path, number: str) -> None:
    for name, text in {"var/lib/nvpmodel/status": "pmode:{}", "proc/meminfo": "MemTotal: {} kB"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text.format(number))
    board = read_board(tmp_path)
    assert (board.power_mode, board.memory) == (None, None)


def test_a_recorded_board_reads_like_the_board_itself(tmp_path: Path) -> None:
    script = ROOT / "deploy" / "record_board.py"
    subprocess.run([sys.executable, script, tmp_path, "--source", BOARDS / "orin"], check=True, capture_output=True)
    assert read_board(tmp_path) == read_board(BOARDS / "orin")


@pytest.mark.board
@pytest.mark.skipif(not read_board(Path("/")).is_jetson, reason="this machine is no Jetson")
def test_this_board_says_what_it_is() -> None:
    board = read_board(Path("/"))
    assert board.l4t
    assert board.temperatures_c
