"""The main job with real people's data and every program as a process: learn from one part, watch a later one live."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers import ROOT, unused_port

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration

SHIRT, RUN = 11, 12
LATER = sorted((ROOT / "examples" / "stream").glob("player_*/*.csv.gz"))
MODELS = ("athlete_models_pkl", "athlete_models_tensors_updated", "athlete_models_tensors_previous")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one model for each of the two people."""
    root: Path = tmp_path_factory.mktemp("trained")
    shutil.copytree(ROOT / "examples" / "train", root / "athlete_training_data")
    command = [sys.executable, str(ROOT / "sup_ml_rf_training.py"), "--players", f"{SHIRT},{RUN}", "--root", str(root)]
    trainer = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert trainer.returncode == 0, trainer.stdout + trainer.stderr
    return root


def place(trained: Path, folder: Path) -> Path:
    """Return a folder that holds the same models."""
    for name in MODELS:
        if (trained / name).exists():
            shutil.copytree(trained / name, folder / name)
    return folder


@pytest.fixture
def later(tmp_path) -> list[Path]:
    """The beginnings of what came later, two minutes of the shirt and five of the run."""
    files = []
    for path, rows in zip(LATER, (1200, 300), strict=True):
        lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
        files.append(tmp_path / path.name.removesuffix(".gz"))
        files[-1].write_bytes(b"".join(lines[: rows + 1]))
    return files


def told(root: Path) -> dict[str, Any]:
    """Return everything that a run has said about its sessions, without how they ended and what the team did."""
    outputs = root / "prediction_outputs"
    summaries = {path.name: json.loads(path.read_text()) for path in outputs.glob("A*/*_session_summary_*.json")}
    for summary in summaries.values():
        del summary["end_reason"]
        for key in ("team_session", "periods", "on_pitch"):
            summary.pop(key, None)
    realtime = {path.name: json.loads(path.read_text()) for path in outputs.glob("A*/*_realtime_output.json")}
    return {"summaries": summaries, "realtime": realtime}


def seconds(root: Path) -> list[tuple[Any, ...]]:
    """Return what the journal holds for each athlete and second."""
    with closing(sqlite3.connect(root / "prediction_outputs" / "journal.sqlite3")) as journal:
        rows = journal.execute(
            "SELECT device_id, t, heart_rate_bpm, heart_rate_source, trimp, energy_kj FROM session_seconds"
            " ORDER BY device_id, t"
        )
        return list(rows)


def watch_live(root: Path, config: Path, files: list[Path], run_program) -> None:
    engine = run_program("main.py", "--no-ui", "--exit-when-idle", "--config", config, "--root", root)
    engine.wait_for("connected to the broker", 60)
    publisher = run_program("publisher.py", "--replay", *files, "--speed", "max", "--config", config, "--root", root)
    assert publisher.wait(120) == 0, publisher.stdout + publisher.stderr
    assert engine.wait(120) == 0, engine.stdout + engine.stderr


@pytest.mark.timeout(400)
def test_both_brokers_give_the_predictions_of_an_offline_run_to_the_last_digit(
    trained, later, run_program, make_config, mosquitto, tmp_path
):
    auto = {"heart_rate_source": "auto"}
    offline, external, embedded = (place(trained, tmp_path / name) for name in ("offline", "external", "embedded"))
    settings = make_config("offline.yaml", engine=auto)
    assert run_program("main.py", "--replay", *later, "--config", settings, "--root", offline).wait(120) == 0
    # at QoS 0 an engine that is more than a second behind drops the oldest samples, which a busy machine makes it be
    port = {"host": mosquitto.host, "port": mosquitto.port, "broker": "external", "qos": 1}
    watch_live(external, make_config("external.yaml", engine=auto, mqtt=port), later, run_program)
    port = {"port": unused_port(), "broker": "embedded", "qos": 1}
    watch_live(embedded, make_config("embedded.yaml", engine=auto, mqtt=port), later, run_program)

    expected = told(offline)
    assert len(expected["summaries"]) == len(later)
    assert all(summary["model_error"]["readings"] > 50 for summary in expected["summaries"].values())
    assert told(external) == expected
    assert told(embedded) == expected
    assert seconds(external) == seconds(embedded)
    assert len(seconds(external)) > 400


def test_the_model_of_a_real_run_beats_the_median_of_the_athlete_on_a_later_run(
    trained, run_program, make_config, tmp_path
):
    root = place(trained, tmp_path / "judged")
    run = next(path for path in LATER if f"A{RUN}_" in path.name)
    assert run_program("main.py", "--replay", run, "--config", make_config("judge.yaml"), "--root", root).wait(120) == 0
    (summary,) = told(root)["summaries"].values()
    manifest = json.loads((root / "athlete_models_tensors_updated" / f"hb_{RUN}_model.json").read_text())
    assert summary["model_error"]["mae_bpm"] < manifest["holdout"]["baselines"]["median"]
