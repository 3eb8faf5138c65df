"""Sessions that are already there: the same one, another one of the same second, and one at the same time."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from athlete_monitor.deploy.import_output import already, last_line, lines_of
from athlete_monitor.recordings.import_request import ImportRequest
from athlete_monitor.recordings.importing import import_files
from athlete_monitor.recordings.stored import span_of

if TYPE_CHECKING:
    from pathlib import Path

    from athlete_monitor.recordings.import_results import ImportedSession, ImportResults

START = 1_777_881_600


def table(folder: Path, name: str, seconds: int = 300, start: int = START, hr: int = 120, **more: float) -> Path:
    path = folder / name
    header = "".join(f",{column}" for column in more)
    cells = "".join(f",{value}" for value in more.values())
    path.write_text(f"time,hr{header}\n" + "".join(f"{start + n},{hr + n % 30}{cells}\n" for n in range(seconds)))
    return path


def import_into(folder: Path, *paths: Path, **request) -> ImportResults:
    return import_files(ImportRequest(paths, folder / "t", folder / "g", **{"athlete_id": 7, **request}), ())


def one(folder: Path, *paths: Path, **request) -> tuple[ImportedSession, Path]:
    [done] = import_into(folder, *paths, **request).done
    assert done.path is not None
    return done, done.path


def test_the_same_file_again_is_known_and_does_not_differ(tmp_path):
    path = table(tmp_path, "a.csv", latitude=52.1234567, longitude=13.7654321, distance_m=12.3456)
    import_into(tmp_path, path)
    [again] = import_into(tmp_path, path).done
    assert (again.known, again.differs) == (True, "")


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"seconds": 200}, "has 300 rows, not 200"),
        ({"hr": 121}, "has other values of heart_rate_bpm"),
        ({"speed_mps": 3.0}, "has other values of speed_mps"),
    ],
)
def test_another_content_of_the_same_second_is_said_and_the_first_is_kept(tmp_path, other, said):
    _, first = one(tmp_path, table(tmp_path, "a.csv"))
    before = first.read_bytes()
    archived: list[object] = []
    report = import_into(tmp_path, table(tmp_path, "b.csv", **other), archive=archived.extend)
    [second] = report.done
    assert (second.known, second.path, second.differs) == (True, first, said)
    assert already(second) == f"already imported as {first}, which {said} and is kept"
    assert last_line(report, dry_run=False).startswith("0 sessions imported, 1 already imported (1 with other content)")
    assert first.read_bytes() == before
    assert archived == []


def test_a_session_is_found_whatever_its_mode_was(tmp_path):
    path = table(tmp_path, "a.csv")
    [game] = import_into(tmp_path, path, mode="game").done
    [again] = import_into(tmp_path, path, mode="training").done
    assert (again.known, again.path, again.mode) == (True, game.path, "game")


def test_two_devices_of_one_athlete_at_the_same_time_are_said(tmp_path):
    _, watch = one(tmp_path, table(tmp_path, "watch.csv", 1800))
    [vest] = import_into(tmp_path, table(tmp_path, "vest.csv", 1800, START + 600)).done
    said = f"athlete 7 has another session at the same time ({watch.name}, 20 min in common): loads count only the"
    assert vest.figures.notes == (f"{said} one with the larger load",)
    assert not vest.known


def test_sessions_one_after_another_and_of_others_are_no_overlap(tmp_path):
    first, second = table(tmp_path, "a.csv"), table(tmp_path, "b.csv", start=START + 300)
    report = import_into(tmp_path, first, second)
    assert [done.figures.notes for done in report.done] == [(), ()]
    [other] = import_into(tmp_path, table(tmp_path, "c.csv", start=START + 100), athlete_id=8).done
    assert other.figures.notes == ()


def test_a_dry_run_says_what_is_there_already(tmp_path):
    path = table(tmp_path, "a.csv")
    import_into(tmp_path, path)
    report = import_into(tmp_path, path, table(tmp_path, "b.csv", start=START + 100), dry_run=True)
    assert [done.known for done in sorted(report.done, key=lambda done: done.figures.label)] == [True, False]
    assert last_line(report, dry_run=True).startswith("1 session would be imported, 1 already imported")
    lines = [line for done in report.done for line in lines_of(done)]
    assert sum("already imported as" in line for line in lines) == 1
    assert sum("another session at the same time" in line for line in lines) == 1


def test_the_span_of_a_session_file_is_read_from_its_ends(tmp_path):
    _, path = one(tmp_path, table(tmp_path, "a.csv", 2000))
    assert span_of(path) == (START, START + 1999)
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert span_of(packed) == (START, START + 1999)
    path.write_text("timestamp\n")
    assert span_of(path) is None
