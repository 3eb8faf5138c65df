"""Recordings become training sessions."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import numpy as np
import pytest

from athlete_monitor.arrays import CHANNELS
from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings import KINDS, READERS, import_recordings
from athlete_monitor.recordings.imported import Imported, checked, write_session
from athlete_monitor.wire.sample import WireProfile
from athlete_monitor.wire.session_reader import read_session

if TYPE_CHECKING:
    from pathlib import Path

ROWS = "t_s,hr_bpm,speed_mps,cadence_spm,distance_m,altitude_m\n0,81,1.2,114,1,275\n1,82,1.3,114,2,276\n"


def run_file(folder: Path, start: str, rows: str = ROWS) -> Path:
    path = folder / f"{start}.csv.gz"
    path.write_bytes(gzip.compress(rows.encode()))
    return path


def test_a_run_becomes_a_session_file_that_reads_back_the_same(tmp_path, sample_config):
    config = sample_config()
    [path] = import_recordings("runs", [run_file(tmp_path, "2021-03-25-10-40-55")], 7, config)
    assert path == config.paths.data_root / "player_7" / "TR1_A7_D007_2021_03_25-10_40_55.csv"
    session = read_session(path)
    source = READERS["runs"](tmp_path / "2021-03-25-10-40-55.csv.gz", 10.0)
    assert (session.athlete_id, session.device_id, session.mode) == (7, "007", "training")
    np.testing.assert_array_equal(session.values, source.values)
    np.testing.assert_allclose(session.t, source.t, atol=1e-3)


def test_a_session_has_only_the_columns_that_the_recording_measures(tmp_path, sample_config):
    [path] = import_recordings("runs", [run_file(tmp_path, "2021-03-25-10-40-55")], 7, sample_config())
    header = path.read_text().splitlines()[0]
    assert header.endswith("session_phase,intensity_level,mode,speed_mps,altitude_m,cadence_spm")


def test_several_recordings_are_numbered_by_their_starts(tmp_path, sample_config):
    starts = ["2021-05-02-08-59-37", "2021-03-25-10-40-55", "2021-04-16-09-04-35"]
    paths = import_recordings("runs", [run_file(tmp_path, start) for start in starts], 7, sample_config())
    assert [path.name[:3] for path in paths] == ["TR1", "TR2", "TR3"]
    assert [path.name[-23:-13] for path in paths] == ["2021_03_25", "2021_04_16", "2021_05_02"]


def test_a_recording_is_not_taught_twice(tmp_path, sample_config):
    config = sample_config()
    notes: list[str] = []
    file = run_file(tmp_path, "2021-03-25-10-40-55")
    first = import_recordings("runs", [file], 7, config)
    assert import_recordings("runs", [file], 7, config, on_note=notes.append) == first
    assert "is there already as" in notes[-1]
    assert len(list((config.paths.data_root / "player_7").iterdir())) == 1


def test_nothing_is_written_where_one_of_several_is_damaged(tmp_path, sample_config):
    config = sample_config()
    files = [run_file(tmp_path, "2021-03-25-10-40-55"), run_file(tmp_path, "2021-03-26-10-40-55", "x\n1\n")]
    with pytest.raises(RecordingError, match="2021-03-26"):
        import_recordings("runs", files, 7, config)
    assert not config.paths.data_root.exists()


def test_an_unknown_kind_is_refused_with_the_known_ones(tmp_path, sample_config):
    with pytest.raises(RecordingError, match="unknown kind of recording 'fit'; known: hexoskin, runs, csv"):
        import_recordings("fit", [tmp_path], 7, sample_config())
    assert KINDS == ("hexoskin", "runs", "csv")


def test_an_athlete_below_one_is_refused(tmp_path, sample_config):
    with pytest.raises(RecordingError, match="athlete 0"):
        import_recordings("runs", [tmp_path], 0, sample_config())


def test_a_folder_that_cannot_be_written_is_told_in_one_line(tmp_path, sample_config):
    config = sample_config()
    config.paths.data_root.write_text("a file")
    with pytest.raises(RecordingError, match="its session cannot be written"):
        import_recordings("runs", [run_file(tmp_path, "2021-03-25-10-40-55")], 7, config)


def test_beats_and_the_body_survive_the_way_through_the_file(tmp_path):
    t = 1_700_000_000.0 + np.arange(3) / 10
    values = np.full((3, len(CHANNELS)), np.nan)
    values[:, 0] = [0.1, 0.2, 0.3]
    rr = {1: (1292.96875, 500.0)}
    body = WireProfile(20.0, 47.9, 155.0, "female")
    session = read_session(write_session(Imported(tmp_path, t, values, rr, body), tmp_path, 3, "003"))
    assert session.rr == rr
    assert session.profile == body


def test_a_recording_without_any_measurement_is_refused(tmp_path):
    with pytest.raises(RecordingError, match="holds no measurement"):
        checked(Imported(tmp_path, np.arange(3.0), np.full((3, len(CHANNELS)), np.nan)))
