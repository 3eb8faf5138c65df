"""Runs of a watch."""

from __future__ import annotations

import gzip
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest

from athlete_monitor.arrays import ACC, ALTITUDE, CADENCE, HEART_RATE, SPEED
from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.formats.runs import read_run
from tests.helpers import ROOT

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "t_s,hr_bpm,speed_mps,cadence_spm,distance_m,altitude_m\n"
ROWS = "0.0,81.0,1.176,114.0,1.38,275.2\n1.0,82.0,1.194,114.0,2.58,275.4\n2.0,0.0,0.0,0.0,3.76,275.2\n"


def run_file(folder: Path, text: str = HEADER + ROWS, name: str = "2021-03-25-10-40-55.csv.gz") -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["2021-03-25-10-40-55.csv.gz", "2021-03-25-10-40-55.csv"])
def test_a_run_starts_at_the_local_time_of_its_name(tmp_path, name):
    recording = read_run(run_file(tmp_path, name=name), 10.0)
    start = datetime(2021, 3, 25, 10, 40, 55).timestamp()  # noqa: DTZ001 - local time is the contract
    assert recording.t.tolist() == [start, start + 1, start + 2]


def test_a_run_has_speed_cadence_altitude_and_heart_rate_and_nothing_else(tmp_path):
    values = read_run(run_file(tmp_path), 10.0).values
    assert values[:, SPEED].tolist() == [1.176, 1.194, 0.0]
    assert values[:, CADENCE].tolist() == [114.0, 114.0, 0.0]
    assert values[:, ALTITUDE].tolist() == [275.2, 275.4, 275.2]
    assert np.isnan(values[:, ACC]).all()


def test_a_heart_rate_of_zero_is_no_reading(tmp_path):
    heart_rate = read_run(run_file(tmp_path), 10.0).values[:, HEART_RATE]
    assert heart_rate[:2].tolist() == [81.0, 82.0]
    assert np.isnan(heart_rate[2])


def test_rows_keep_their_own_irregular_times(tmp_path):
    text = HEADER + "0.0,81,1,110,0,2\n0.7,81,1,110,0,2\n29.7,81,1,110,0,2\n"
    recording = read_run(run_file(tmp_path, text), 10.0)
    assert np.diff(recording.t).round(3).tolist() == [0.7, 29.0]


def test_empty_cells_are_not_measured_and_columns_may_be_missing(tmp_path):
    recording = read_run(run_file(tmp_path, "t_s,hr_bpm,speed_mps\n0,,2.5\n1,120,\n"), 10.0)
    assert np.isnan(recording.values[0, HEART_RATE])
    assert np.isnan(recording.values[1, SPEED])
    assert np.isnan(recording.values[:, CADENCE]).all()


def test_values_beyond_the_physical_are_left_out_and_noted(tmp_path):
    recording = read_run(run_file(tmp_path, HEADER + "0,81,99,110,0,2\n1,999,2,110,0,2\n"), 10.0)
    assert np.isnan(recording.values[0, SPEED])
    assert np.isnan(recording.values[1, HEART_RATE])
    assert "2 values out of physical range are left out (heart_rate_bpm, speed_mps)" in recording.notes


def test_torn_rows_are_left_out_and_noted(tmp_path):
    recording = read_run(run_file(tmp_path, HEADER + ROWS + "3.0,8"), 10.0)
    assert len(recording.t) == 3
    assert "1 torn row is left out" in recording.notes


BAD_TEXTS = {
    "": "is empty",
    HEADER: "holds no rows",
    "a,b\n1,2\n": "is not a run: the header lacks t_s, hr_bpm, speed_mps",
    HEADER + "0,x,1,1,1,1\n": "row 2: hr_bpm is 'x', not a number",
    "t_s,hr_bpm,speed_mps\n0,,\n1,,\n": "holds no measurement",
    "t_s,hr_bpm,speed_mps\n,80,2\n": "holds no measurement",
}


@pytest.mark.parametrize("text", BAD_TEXTS)
def test_what_is_no_run_is_refused_in_one_line(tmp_path, text):
    path = run_file(tmp_path, text)
    with pytest.raises(RecordingError, match=BAD_TEXTS[text]) as told:
        read_run(path, 10.0)
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", ["run.csv", "2021-13-25-10-40-55.csv", "2021-03-25.csv.gz"])
def test_a_name_that_is_no_time_is_refused(tmp_path, name):
    with pytest.raises(RecordingError, match="the name must be the run's start"):
        read_run(run_file(tmp_path, name=name), 10.0)


def test_damaged_compression_is_refused(tmp_path):
    path = run_file(tmp_path)
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(RecordingError, match="is damaged"):
        read_run(path, 10.0)


def test_a_file_of_bytes_or_none_at_all_is_refused(tmp_path):
    with pytest.raises(RecordingError, match="cannot be read"):
        read_run(tmp_path / "2021-03-25-10-40-55.csv", 10.0)
    (tmp_path / "2021-03-25-10-40-55.csv").write_bytes(b"\x81\x00\x01\x02\x03")
    with pytest.raises(RecordingError, match="is not a text file"):
        read_run(tmp_path / "2021-03-25-10-40-55.csv", 10.0)


RUNS = ROOT.parent / "shared" / "data" / "runs"


@pytest.mark.skipif(not RUNS.is_dir(), reason="the recordings are not beside this repository")
def test_every_real_run_is_read():
    recordings = [read_run(path, 10.0) for path in sorted(RUNS.glob("*.csv.gz"))[:10]]
    assert all(len(recording.t) > 1000 for recording in recordings)
    assert all(not recording.notes for recording in recordings)
