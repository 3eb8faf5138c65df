"""Session files: written row by row, read back, torn and shared."""

from __future__ import annotations

import csv
import errno
import gzip
import math
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from athlete_monitor.arrays import CHANNEL_INDEX, CHANNELS
from athlete_monitor.channels import TABLE
from athlete_monitor.errors import RecordingError
from athlete_monitor.wire.sample import NOT_MEASURED, Sample, Tags, WireProfile
from athlete_monitor.wire.session_files import (
    EXTRA_COLUMNS,
    TRAINING_COLUMNS,
    SessionWriter,
    athletes_with_sessions,
    columns,
    extras_of,
    list_sessions,
)
from athlete_monitor.wire.session_reader import read_session
from tests.helpers import ROOT

if TYPE_CHECKING:
    from pathlib import Path

START = 1_767_261_600.0
BODY = WireProfile(24.5, 71.0, 180.0, "male")
ORIGINAL_COLUMNS = (
    "timestamp,athlete_id,age,weight,height,gender,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z,heart_rate,"
    "session_phase,intensity_level,mode"
)

values = st.tuples(*(st.just(math.nan) | st.floats(*channel.limits) for channel in TABLE))
words = st.none() | st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=12)
game_tags = st.builds(
    Tags,
    session_phase=words,
    intensity_level=words,
    mode=st.just("game"),
    position=words,
    playing_style=words,
    fitness_level=st.none() | st.floats(0, 1),
    fatigue_rate=st.none() | st.floats(0, 1),
    source=words,
)
rows = st.lists(st.tuples(values, game_tags, st.lists(st.floats(200, 3000), max_size=3).map(tuple)), min_size=1)


def sample(row: int, acc_x: float = 1.0, **changes: float) -> Sample:
    measured = list(NOT_MEASURED)
    measured[0] = acc_x
    for name, value in changes.items():
        measured[CHANNEL_INDEX[name]] = value
    return Sample("001", START + row / 10, tuple(measured), 1, row)


def written(folder: Path, count: int = 5) -> Path:
    with SessionWriter(folder, "training", 1, "001", START, BODY) as writer:
        writer.write(sample(row, acc_x=float(row)) for row in range(count))
    return writer.path


def test_a_training_file_has_the_columns_of_the_original_in_their_order(tmp_path):
    assert written(tmp_path).read_text().splitlines()[0] == ORIGINAL_COLUMNS
    assert ",".join(TRAINING_COLUMNS) == ORIGINAL_COLUMNS


def test_a_game_file_adds_its_columns_and_extras_come_last():
    names = columns("game", ["speed_mps", "rr_intervals_ms"])
    assert (
        ",".join(names)
        == f"{ORIGINAL_COLUMNS},position,playing_style,fitness_level,fatigue_rate,speed_mps,rr_intervals_ms"
    )
    with pytest.raises(ValueError, match="unknown extra columns"):
        columns("game", ["battery"])


def test_the_name_tells_mode_number_athlete_device_and_start(tmp_path):
    path = written(tmp_path)
    assert path.parent.name == "player_1"
    assert path.name.startswith("TR1_A1_D001_2026_01_01-")
    assert written(tmp_path).name.startswith("TR2_A1_D001_")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows)
def test_what_is_written_is_read_back_the_same(tmp_path_factory, rows):
    samples = [
        Sample("x-1", START + row / 8, measured, 3, row, BODY, tag, rr) for row, (measured, tag, rr) in enumerate(rows)
    ]
    root = tmp_path_factory.mktemp("sessions")
    with SessionWriter(root, "game", 3, "x-1", START, BODY, EXTRA_COLUMNS) as writer:
        writer.write(samples)
    session = read_session(writer.path)
    assert (session.athlete_id, session.device_id, session.mode, session.profile) == (3, "x-1", "game", BODY)
    np.testing.assert_array_equal(session.values, np.array([s.values for s in samples]))
    np.testing.assert_allclose(session.t, [s.t for s in samples], atol=5e-4)
    assert [s.tags for s in session.samples()] == [s.tags for s in samples]
    assert [s.rr_intervals_ms for s in session.samples()] == [s.rr_intervals_ms for s in samples]
    assert session.skipped_rows == 0


def extras(each):
    return extras_of(np.array([each.values]), [each])


def test_only_the_extras_that_are_measured_become_columns():
    assert extras(sample(0)) == set()
    assert extras(sample(0, speed_mps=2.0, altitude_m=3.0)) == {"speed_mps", "altitude_m"}


@pytest.mark.parametrize("mode", ["training", "game"])
def test_a_channel_that_begins_later_gets_its_column_and_no_row_changes(tmp_path, mode):
    tags = Tags(mode=mode, session_phase="main")
    sent = [sample(row, acc_x=float(row), **extra) for row, extra in enumerate(
        [{}, {"speed_mps": 2.0}, {"mag_x": 3.0}, {"mag_x": 3.5}, {"latitude": 51.5, "speed_mps": 2.5}, {}]
    )]  # fmt: skip
    sent = [msgspec.structs.replace(each, tags=tags, rr_intervals_ms=(800.0,) if row == 5 else ())
            for row, each in enumerate(sent)]  # fmt: skip
    with SessionWriter(tmp_path, mode, 1, "001", START, BODY) as writer:
        for each in sent:
            writer.widen(extras(each))
            writer.write([each])
            writer.flush()
            assert len(read_session(writer.path)) == writer.rows
    assert writer.columns == columns(mode, ["speed_mps", "rr_intervals_ms", "mag_x", "latitude"])
    session = read_session(writer.path)
    np.testing.assert_array_equal(session.values, np.array([each.values for each in sent]))
    assert [each.rr_intervals_ms for each in session.samples()] == [each.rr_intervals_ms for each in sent]
    assert {each.tags for each in session.samples()} == {tags}
    assert [path.name for path in writer.path.parent.iterdir()] == [writer.path.name]


def test_a_file_that_cannot_be_widened_goes_on_as_it_was(tmp_path, monkeypatch):
    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with SessionWriter(tmp_path, "training", 1, "001", START) as writer:
        writer.write([sample(0)])
        monkeypatch.setattr("athlete_monitor.wire.session_files.replace_file", full)
        with pytest.raises(OSError, match="No space"):
            writer.widen(["speed_mps"])
        writer.write([sample(1)])
    assert len(read_session(writer.path)) == 2


def test_words_that_would_break_a_row_are_made_harmless(tmp_path):
    hostile = Tags(session_phase='a,b"c\r\nd', intensity_level="ü", mode="training")
    with SessionWriter(tmp_path, "training", 1, "001", START) as writer:
        writer.write([Sample("001", START, (1.0,) * len(CHANNELS), 1, 0, tags=hostile)])
    with writer.path.open(newline="", encoding="utf-8") as file:
        header, row = csv.reader(file)
    assert len(row) == len(header)
    assert read_session(writer.path).tags[0].intensity_level == "ü"


def test_the_end_of_a_session_is_no_row(tmp_path):
    with SessionWriter(tmp_path, "training", 1, "001", START) as writer:
        writer.write([sample(0), Sample("001", START + 1, NOT_MEASURED, end=True)])
    assert writer.rows == 1


@pytest.mark.parametrize("cut", range(1, 64, 7))
def test_a_torn_last_line_is_left_out_and_noted(tmp_path, cut):
    path = written(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    session = read_session(path)
    assert session.values[:, 0].tolist() == [float(row) for row in range(whole[:-cut].count(b"\n") - 1)]
    assert "the last line is incomplete and ignored" in session.notes


def test_a_row_that_is_not_readable_is_left_out_and_counted(tmp_path):
    path = written(tmp_path)
    lines = path.read_text().splitlines(keepends=True)
    lines[2] = lines[2].replace("1.0", "one")
    lines[3] = "rubbish\n"
    path.write_text("".join(lines))
    session = read_session(path)
    assert session.values[:, 0].tolist() == [0.0, 3.0, 4.0]
    assert session.skipped_rows == 2


def test_a_compressed_file_is_read_as_it_is_and_one_that_ends_early_as_far_as_it_goes(tmp_path):
    path = written(tmp_path, 2000)
    packed = path.with_name(path.name + ".gz")
    data = gzip.compress(path.read_bytes())
    packed.write_bytes(data)
    assert len(read_session(packed)) == 2000
    packed.write_bytes(data[: len(data) // 2])
    session = read_session(packed)
    assert 100 < len(session) < 2000
    assert "the compressed file ends early" in session.notes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("a,b,c\n1,2,3\n", "header lacks timestamp"),
        (ORIGINAL_COLUMNS, "is empty"),
        (ORIGINAL_COLUMNS + "\n", "holds no readable row"),
        (ORIGINAL_COLUMNS.replace(",", ";") + "\n1;2\n", "separated by semicolons"),
        (ORIGINAL_COLUMNS.replace(",", "\t") + "\n1\t2\n", "separated by tabs"),
        ("\x00\x01\x02\n\x03\n", "not a session file"),
    ],
)
def test_what_is_no_session_file_is_refused_in_one_line(tmp_path, text, words):
    path = tmp_path / "TR1_A1_D001_2026_01_01-10_00_00.csv"
    path.write_text(text)
    with pytest.raises(RecordingError, match=words) as told:
        read_session(path)
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)


def test_rows_of_several_athletes_are_refused(tmp_path):
    path = written(tmp_path)
    path.write_text(path.read_text().replace(",1,24.5,", ",2,24.5,", 1))
    with pytest.raises(RecordingError, match="rows of 2 athletes"):
        read_session(path)


def test_rows_of_the_original_system_that_share_a_second_are_spread_over_it(tmp_path):
    path = written(tmp_path, 30)
    text = "\n".join(
        line.replace(line[19:23], "", 1) if line[:2] == "20" else line for line in path.read_text().split("\n")
    )
    path.write_text(text)
    t = read_session(path).t
    np.testing.assert_allclose(np.diff(t), 0.1, atol=1e-6)


def test_two_writers_never_share_a_number(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda _: written(tmp_path, 1), range(40)))
    assert len(set(paths)) == 40
    assert [path.name.partition("_")[0] for path in list_sessions(tmp_path, 1, "training")] == [
        f"TR{number}" for number in range(1, 41)
    ]


def test_sessions_are_listed_oldest_first_and_by_their_kind(tmp_path):
    for _ in range(11):
        written(tmp_path, 1)
    with SessionWriter(tmp_path, "game", 1, "001", START):
        pass
    (tmp_path / "player_1" / "notes.csv").touch()
    (tmp_path / "player_x").mkdir()
    names = [path.name.partition("_")[0] for path in list_sessions(tmp_path, 1, "training")]
    assert names == [f"TR{number}" for number in range(1, 12)]
    assert len(list_sessions(tmp_path, 1, "game")) == 1
    assert list_sessions(tmp_path, 2, "training") == []
    assert athletes_with_sessions(tmp_path) == [1]


def test_an_older_session_that_is_written_later_is_listed_first(tmp_path):
    for start in (START, START - 86_400, START + 86_400):
        with SessionWriter(tmp_path, "training", 1, "001", start):
            pass
    (tmp_path / "player_1" / "TR9_A1.csv").touch()
    names = [path.name.partition("_")[0] for path in list_sessions(tmp_path, 1, "training")]
    assert names == ["TR9", "TR2", "TR1", "TR3"]


def test_a_killed_writer_leaves_every_flushed_row_readable(tmp_path):
    code = (
        "import sys, pathlib\n"
        "from athlete_monitor.wire.sample import Sample\n"
        "from athlete_monitor.wire.session_files import SessionWriter\n"
        f"writer = SessionWriter(pathlib.Path(sys.argv[1]), 'training', 1, '001', {START})\n"
        "for row in range(1000000):\n"
        f"    writer.write([Sample('001', {START} + row / 10, (float(row % 1000),) * 15)])\n"
        "    if row % 10 == 9: writer.flush()\n"
        "    if row == 499: print(writer.path, flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    [path] = list_sessions(tmp_path, 1, "training")
    assert str(path) == line
    session = read_session(path)
    assert len(session) >= 500
    assert session.values[:, 0].tolist() == [float(row % 1000) for row in range(len(session))]
