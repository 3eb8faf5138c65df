"""Files of every format opened for a replay, as ``import`` takes them."""

from __future__ import annotations

import shutil

import pytest

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.import_request import ImportRequest
from athlete_monitor.recordings.importing import import_files
from athlete_monitor.recordings.opening import open_recordings
from tests.recordings.mutations import OPTIONS, SAMPLES, cases


@pytest.mark.parametrize("name", cases())
def test_a_replay_takes_what_an_import_takes_with_the_same_rows(tmp_path, name):
    folder = tmp_path / "files"
    folder.mkdir()
    for file, content in cases()[name][1].items():
        (folder / file).write_bytes(content)
    report = import_files(ImportRequest([folder], tmp_path / "t", tmp_path / "g", OPTIONS, dry_run=True), ())
    failed: list[str] = []
    opened = open_recordings([folder], options=OPTIONS, on_failure=failed.append)
    rows = sorted(done.figures.rows for done in report.done if not done.figures.summary)
    assert sorted(len(each.t) for each in opened) == rows
    assert bool(failed) == (not rows)
    assert not report.failed


def test_a_damaged_file_in_a_folder_does_not_stop_the_others(tmp_path):
    for name in ("watch.tcx", "polar_flow.csv", "kinexon.csv"):
        shutil.copy(SAMPLES / name, tmp_path)
    (tmp_path / "broken.gpx").write_bytes((SAMPLES / "track.gpx").read_bytes()[:900])
    (tmp_path / "notes.txt").write_text("nothing")
    failed: list[str] = []
    opened = open_recordings([tmp_path], options=OPTIONS, on_failure=failed.append)
    assert {each.path.name for each in opened} >= {"watch.tcx", "polar_flow.csv", "kinexon.csv"}
    assert all("broken.gpx" in cause for cause in failed)
    with pytest.raises(RecordingError, match=r"none\.fit: does not exist"):
        open_recordings([tmp_path, tmp_path / "none.fit"], options=OPTIONS)
