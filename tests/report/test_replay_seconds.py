"""``main.py --replay --seconds``: every second's figures of recordings, without another command."""

from __future__ import annotations

import csv

import pytest

import main

RUN = "t_s,hr_bpm,speed_mps\n" + "".join(f"{n},{120 + n % 9},3.0\n" for n in range(30))


def test_a_replay_says_where_it_wrote_and_writes_the_seconds(tmp_path, capsys):
    recording = tmp_path / "2026-05-04-10-00-00.csv"
    recording.write_text(RUN)
    wanted = tmp_path / "out" / "seconds.csv"
    assert main.main(["--replay", str(recording), "--seconds", str(wanted), "--root", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert f"files: {tmp_path}/prediction_outputs; archive: {tmp_path}/prediction_outputs/journal.sqlite3" in told
    assert f"seconds: {wanted}, 30 rows" in told
    rows = list(csv.DictReader(wanted.read_text().splitlines()))
    assert [float(row["speed_mps"]) for row in rows[2:]] == [3.0] * 28
    assert float(rows[-1]["distance_m"]) == pytest.approx(87.0)


def test_an_ending_that_is_no_table_is_refused_before_anything_is_run(tmp_path, capsys):
    recording = tmp_path / "2026-05-04-10-00-00.csv"
    recording.write_text(RUN)
    assert main.main(["--replay", str(recording), "--seconds", "a.doc", "--root", str(tmp_path)]) == 1
    assert "a.doc: must end with .csv, .json, .xlsx, .parquet, .lp" in capsys.readouterr().err
    assert not (tmp_path / "prediction_outputs").exists()


def test_seconds_of_live_sessions_are_an_export(capsys):
    with pytest.raises(SystemExit):
        main.parse(["--seconds", "a.csv"])
    assert "report.py export --what seconds" in capsys.readouterr().err
