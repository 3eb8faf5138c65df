"""Tables whose columns carry our names."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from athlete_monitor.arrays import ACC, CHANNEL_INDEX, GRAVITY_MPS2, HEART_RATE
from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.format import Options
from athlete_monitor.recordings.formats.generic import read
from athlete_monitor.recordings.prepare import prepared
from athlete_monitor.recordings.source import from_path

if TYPE_CHECKING:
    from pathlib import Path

    from athlete_monitor.recordings.imported import Imported


def table(folder: Path, text: str) -> Path:
    path = folder / "export.csv"
    path.write_text(text, encoding="utf-8")
    return path


def read_generic_csv(path: Path, rate_hz: float) -> Imported:
    return prepared(read(from_path(path), Options(rate_hz))[0])[0]


def test_columns_without_unit_are_si(tmp_path):
    recording = read_generic_csv(
        table(
            tmp_path, "timestamp,acc_x,acc_y,acc_z,heart_rate\n2024-05-01 10:00:00.500,1,2,3,\n1714557601.5,4,5,6,90\n"
        ),
        10.0,
    )
    assert recording.values[:, ACC].tolist() == [[1, 2, 3], [4, 5, 6]]
    assert recording.values[1, HEART_RATE] == 90
    assert np.isnan(recording.values[0, HEART_RATE])
    assert recording.t[1] == 1714557601.5


@pytest.mark.parametrize(
    ("column", "channel", "si"),
    [
        ("acc_z [g]", "acc_z", 2 * GRAVITY_MPS2),
        ("acc_z (mg)", "acc_z", 0.002 * GRAVITY_MPS2),
        ("acc_z [m/s^2]", "acc_z", 2.0),
        ("gyro_x (deg/s)", "gyro_x", 2 * math.pi / 180),
        ("speed [km/h]", "speed_mps", 2 / 3.6),
        ("speed_mps", "speed_mps", 2.0),
        ("mag_y [G]", "mag_y", 200.0),
        ("cadence [1/min]", "cadence_spm", 2.0),
        ("heart_rate_bpm", "heart_rate_bpm", 2.0),
        ("x", "x_m", 2.0),
        ("altitude [m]", "altitude_m", 2.0),
    ],
)
def test_a_unit_in_brackets_is_converted(tmp_path, column, channel, si):
    recording = read_generic_csv(table(tmp_path, f"timestamp,{column}\n1714557600,2\n1714557601,2\n"), 10.0)
    assert recording.values[0, CHANNEL_INDEX[channel]] == pytest.approx(si)


def test_columns_that_are_none_of_ours_are_left_out_and_noted(tmp_path):
    recording = read_generic_csv(
        table(tmp_path, "timestamp,heart_rate,Voltage,note\n1714557600,80,3.9,x\n1714557601,80,3.9,x\n"), 10.0
    )
    assert recording.notes == ("columns left out: Voltage, note",)


BAD = {
    "foo,heart_rate\n1,80\n": "the header lacks a timestamp",
    "timestamp,foo,bar\n1714557600,1,2\n": "no column is a channel; its columns: timestamp, foo, bar; name them",
    "timestamp,acc_x [furlong]\n1714557600,1\n": r"unit 'furlong' is not known; allowed: m/s²",
    "timestamp,acc_x\nyesterday,1\n": "row 2: timestamp is not a time: 'yesterday'",
    "timestamp,acc_x\n12,1\n": "counts its time from a start that it does not give",
    "timestamp,acc_x\n1714557600,one\n": "row 2: acc_x is 'one', not a number",
    "timestamp,acc_x\n1714557601,\n": "holds no measurement",
}


@pytest.mark.parametrize("text", BAD)
def test_a_layout_that_is_not_known_is_refused_in_one_line(tmp_path, text):
    path = table(tmp_path, text)
    with pytest.raises(RecordingError, match=BAD[text]) as told:
        read_generic_csv(path, 10.0)
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)
