from __future__ import annotations

import json
import signal
import subprocess
from typing import TYPE_CHECKING

import psutil
import pytest

from athlete_monitor.config import load_config
from athlete_monitor.deploy import demo_summary
from athlete_monitor.deploy.children import Children
from athlete_monitor.deploy.demo import _folder, _simulated
from athlete_monitor.deploy.excerpt import write_excerpt
from athlete_monitor.deploy.metrics_printer import line
from athlete_monitor.errors import MonitorError
from tests.deploy.checkout import make_checkout, user_environment
from tests.helpers import ROOT, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def start_demo(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A small demonstration, started as a user would, from a fresh clone."""
    checkout = make_checkout(tmp_path / "clone")
    options = ["--players", "1", "--minutes", "2", "--speed", "20", "--root", str(tmp_path / "show")]
    process = subprocess.Popen(
        ["python3", "jetson_deploy.py", "demo", *options],
        cwd=checkout,
        env=user_environment(checkout),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


@pytest.mark.integration
@pytest.mark.timeout(300)
def test_the_demonstration_ends_by_itself_with_a_session_of_everybody(
    start_demo: subprocess.Popen[str], tmp_path: Path
) -> None:
    said, _ = start_demo.communicate(timeout=280)
    assert start_demo.returncode == 0, said
    assert "11 Recorded: smart shirt" in said
    assert "12 Recorded: runner" in said
    assert "(model)" in said
    assert "(sensor)" in said
    assert "no session arrived" not in said
    assert not _left_behind(tmp_path)


@pytest.mark.integration
@pytest.mark.timeout(200)
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demonstration_leaves_no_process_behind(
    start_demo: subprocess.Popen[str], tmp_path: Path, kind: signal.Signals
) -> None:
    assert start_demo.stdout is not None
    wait_until(lambda: "2. Training" in start_demo.stdout.readline(), timeout_s=120, what="the training")  # type: ignore[union-attr]
    start_demo.send_signal(kind)
    said, _ = start_demo.communicate(timeout=60)
    assert start_demo.returncode == 130, said
    assert "Traceback" not in said
    wait_until(lambda: not _left_behind(tmp_path), what="the end of every process")


def _left_behind(folder: Path) -> list[str]:
    commands = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    return [command for command in commands if str(folder) in command]


def test_a_child_that_fails_is_named_with_its_last_words(tmp_path: Path) -> None:
    with Children(tmp_path) as children, pytest.raises(MonitorError, match=r"(?s)step: failed with code 3.*no luck"):
        children.run("step", ["sh", "-c", "echo no luck; exit 3"])


def test_children_end_with_their_block(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        process = children.start("sleeper", ["sleep", "60"])
    assert process.poll() is not None


def test_simulated_athletes_are_others_than_the_recorded() -> None:
    assert _simulated(12) == (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14)


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(MonitorError, match="a folder of its own"):
        _folder(tmp_path)


def test_an_excerpt_holds_the_first_minutes_alone(tmp_path: Path) -> None:
    session = next((ROOT / "examples/stream/player_12").glob("*.csv.gz"))
    lines = write_excerpt(session, tmp_path, 2).read_text().splitlines()
    assert 100 < len(lines) <= 1 + 120
    assert lines[0].startswith("timestamp,athlete_id")


def test_what_is_not_known_is_a_dash() -> None:
    unknown = {"athlete_id": 3, "name": "A", "heart_rate_bpm": None, "trimp": None, "timestamp": "now"}
    assert "- bpm (unknown)" in line(unknown)
    known = [line({"athlete_id": number, "name": "Ada"}) for number in (7, 12)]
    assert known[0].index("Ada") == known[1].index("Ada")
    assert "0" not in line(unknown)


def test_without_outputs_there_is_no_summary(tmp_path: Path) -> None:
    assert demo_summary.latest_summary(tmp_path, 1) is None


def session_summary(athlete: int) -> dict[str, object]:
    return {
        "athlete_id": athlete,
        "name": "Recorded: smart shirt",
        "duration_s": 600.0,
        "heart_rate_mean_bpm": 131.0,
        "heart_rate_source_s": {"none": 0.0, "model_corrected": 600.0},
        "trimp": 108.3,
        "energy_kcal": 1102.0,
        "distance_m": 10234.0,
        "impact_alerts": 12,
        "model_error": {"mae_bpm": 19.9},
    }


@pytest.mark.parametrize("athlete", [11, 12])
def test_the_summary_fits_80_columns_and_explains_the_recording_that_begins_in_the_middle(
    athlete: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "prediction_outputs" / f"A{athlete}_x"
    folder.mkdir(parents=True)
    file = folder / f"A{athlete}_D011_session_summary_1.json"
    file.write_text(json.dumps(session_summary(athlete)), encoding="utf-8")
    monkeypatch.setattr(demo_summary, "PLAIN_WIDTH", 80)
    config = load_config(ROOT / "jetson_nano_4gb_config.yaml", tmp_path, environ={})
    assert demo_summary.print_sessions(config, [athlete])
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 80
    (row,) = [line for line in said.splitlines() if line.startswith(f"{athlete} ")]
    assert row.split()[-7:] == ["131", "model_corrected", "108.3", "1102", "10234", "12", "19.9"]
    assert ("middle of a visit" in said) == (athlete == 11)
