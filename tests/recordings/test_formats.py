"""Every format: its sample is recognised only from its content, and read with the values that were put into it."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import gpxpy
import numpy as np
import pytest
from tcxreader.tcxreader import TCXReader

from athlete_monitor.recordings import dates
from athlete_monitor.recordings.format import Options
from athlete_monitor.recordings.import_request import ImportRequest
from athlete_monitor.recordings.importing import import_files
from athlete_monitor.recordings.prepare import prepared
from athlete_monitor.recordings.registry import all_formats, recognised
from athlete_monitor.recordings.search import search
from tests.helpers import ROOT

if TYPE_CHECKING:
    from athlete_monitor.recordings.import_results import ImportedSession, ImportResults
    from athlete_monitor.recordings.imported import Imported

SAMPLES = Path(__file__).parent / "samples"
UTC_8 = 1_777_881_600.0  # 2026-05-04 08:00:00 UTC, 10:00 in Berlin


@dataclass(frozen=True)
class Expected:
    kind: str
    rows: int
    duration_s: float
    start_t: float = UTC_8
    distance_m: float | None = None
    speed_mps: float | None = 3.0
    heart_rate_max_bpm: float | None = None
    cadence_spm: float | None = None
    who: tuple[str | None, ...] = (None,)
    mode: str | None = None
    beats: int = 0
    offset_s: int | None = None


CASES = {
    "watch.fit": Expected("fit", 30, 29, UTC_8 + 7200, 87, 3.0, 129, 171, offset_s=7200),
    "watch.tcx": Expected("tcx", 30, 29, UTC_8 + 7200, 87, 3.0, 149, 170),
    "track.gpx": Expected("gpx", 30, 29, UTC_8 + 7200, None, 3.0, 149, 170),
    "polar_flow.csv": Expected("polar-flow", 30, 29, UTC_8, 87, 3.0, 149, 170, ("Ada Example",)),
    "openfield_10hz.csv": Expected(
        "catapult", 300, 29.9, UTC_8, 89.7, 3.0, 130, None, ("EXAMPLE, Ada",), "game", offset_s=7200
    ),
    "openfield_decimal_comma.csv": Expected(
        "catapult", 300, 29.9, UTC_8, 89.7, 3.0, 130, None, ("EXAMPLE, Ada",), "game", offset_s=7200
    ),
    "catapult_100hz.csv": Expected("catapult", 300, 2.99, UTC_8, 8.7, 3.0, 130),
    "catapult_api.csv": Expected("catapult", 30, 2.9, UTC_8 + 0.05, 8.7, 3.0, 131),
    "statsports.csv": Expected("statsports", 300, 29.9, UTC_8, None, 3.0, 130, None, ("Ada Example",)),
    "kinexon.csv": Expected("kinexon", 60, 2.95, UTC_8, 8.85, 3.0, None, None, ("Ada Example", "Bea Bo")),
    "epts_metadata.xml": Expected("epts", 100, 3.96, UTC_8, None, 3.0, None, None, ("Ada Example",), "game"),
    "goldencheetah.json": Expected("goldencheetah", 30, 29, UTC_8, 87, 3.0, 149, 170, ("Ada Example",), beats=19),
    "2026_05_04_10_00_00.csv": Expected("goldencheetah", 30, 29, UTC_8, 87, 3.0, 149, 170),
    "strava_2026-05-04_10-00-00.json": Expected("strava", 30, 29, UTC_8, 87, 3.0, 149, 170),
    "training-session.json": Expected("polar-json", 30, 29, UTC_8, 87, 3.0, 149, 170, offset_s=7200),
    "rows.json": Expected("json", 30, 29, UTC_8, 87, 3.0, 149, None, ("Ada Example",), offset_s=7200),
    "fit_csv_tool.csv": Expected("fit-csv", 30, 29, UTC_8, 87, 3.0, 149, 170),
    "sensor_logger.zip": Expected("sensor-logger", 500, 9.98, UTC_8, None, 3.0, 129),
    "rr_2026-05-04_10-00-00.txt": Expected("rr", 40, 32.35, UTC_8 + 0.8, None, None, 75.0, beats=40),
    "rr_comma_2026-05-04_10-00-00.txt": Expected("rr", 40, 32.35, UTC_8 + 0.8, None, None, 75.0, beats=40),
    "GM1_A7_D007_2026_05_04-10_00_00.csv": Expected(
        "session", 100, 9.9, UTC_8, None, 3.0, 129, mode="game", beats=20, offset_s=7200
    ),
}


@pytest.fixture(autouse=True)
def _berlin(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    dates.local_epoch.cache_clear()
    yield
    monkeypatch.undo()
    time.tzset()
    dates.local_epoch.cache_clear()


def alone(folder: Path, name: str) -> Path:
    """The sample in a folder of its own, with what belongs to it."""
    shutil.copy(SAMPLES / name, folder / name)
    if name.endswith(".xml"):
        shutil.copy(SAMPLES / "epts_tracking.txt", folder / "positions.txt")
    return folder / name


def read_all(path: Path) -> list[Imported]:
    source = search([path]).files[0]
    known = recognised(source)
    assert known is not None
    return [part for recording in known.read(source, Options()) for part in prepared(recording)]


def everything(*paths: Path, root: Path, **request) -> ImportResults:
    return import_files(ImportRequest(paths, root / "t", root / "g", **request), ())


@pytest.mark.parametrize("name", CASES)
def test_a_sample_is_recognised_by_its_content_and_read_as_it_was_made(tmp_path, name):
    expected, parts = CASES[name], read_all(alone(tmp_path, name))
    first = parts[0]
    assert first.kind == expected.kind
    assert tuple(part.whose.name for part in parts) == expected.who
    assert (len(first), first.mode, first.offset_s) == (expected.rows, expected.mode, expected.offset_s)
    assert first.t[0] == pytest.approx(expected.start_t, abs=0.001)
    assert first.t[-1] - first.t[0] == pytest.approx(expected.duration_s, abs=0.01)
    assert sum(map(len, first.rr.values())) == expected.beats


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.speed_mps])
def test_the_speed_of_a_sample_is_in_metres_a_second(tmp_path, name):
    speed = read_all(alone(tmp_path, name))[0].channels["speed_mps"]
    assert np.nanmedian(speed) == pytest.approx(3.0, abs=0.02)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.distance_m])
def test_the_odometer_of_a_sample_is_a_channel_in_metres(tmp_path, name):
    distance = read_all(alone(tmp_path, name))[0].channels["distance_m"]
    assert np.nanmax(distance) - np.nanmin(distance) == pytest.approx(CASES[name].distance_m, abs=0.01)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.heart_rate_max_bpm])
def test_a_heart_rate_of_zero_is_missing_and_the_highest_is_kept(tmp_path, name):
    heart_rate = read_all(alone(tmp_path, name))[0].channels["heart_rate_bpm"]
    assert np.nanmax(heart_rate) == pytest.approx(CASES[name].heart_rate_max_bpm, abs=0.05)
    assert np.nanmin(heart_rate) > 60


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.cadence_spm])
def test_cadence_counts_the_steps_of_both_feet(tmp_path, name):
    cadence = read_all(alone(tmp_path, name))[0].channels["cadence_spm"]
    assert np.nanmedian(cadence) == pytest.approx(CASES[name].cadence_spm)


@pytest.mark.parametrize("name", ["catapult_100hz.csv", "statsports.csv", "sensor_logger.zip"])
def test_acceleration_is_in_metres_a_second_squared_with_gravity_upwards(tmp_path, name):
    channels = read_all(alone(tmp_path, name))[0].channels
    assert np.nanmedian(channels["acc_z"]) == pytest.approx(9.8, abs=0.2)


@pytest.mark.parametrize(("name", "turn"), [("catapult_100hz.csv", -45), ("statsports.csv", -90)])
def test_rotation_is_in_radians_a_second(tmp_path, name, turn):
    channels = read_all(alone(tmp_path, name))[0].channels
    assert np.nanmedian(channels["gyro_z"]) == pytest.approx(np.radians(turn))


@pytest.mark.parametrize("name", ["watch.fit", "watch.tcx", "track.gpx", "statsports.csv", "openfield_10hz.csv"])
def test_positions_become_metres_north_of_the_first_fix(tmp_path, name):
    channels = read_all(alone(tmp_path, name))[0].channels
    assert channels["x_m"][0] == pytest.approx(0.0, abs=1e-6)
    assert np.nanmax(np.abs(channels["x_m"])) == pytest.approx(0.0, abs=0.01)
    assert np.nanmax(channels["y_m"]) == pytest.approx(CASES[name].duration_s * 3, abs=0.3)


def test_every_format_has_a_sample():
    figures_only = {"polar-team-pro", "garmin-connect"}
    from_tables = {"csv", "runs", "hexoskin"}
    assert {case.kind for case in CASES.values()} | figures_only | from_tables == {
        known.kind for known in all_formats()
    }


def test_every_format_is_described_in_the_documents():
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    assert [known.kind for known in all_formats() if f"| `{known.kind}` | {known.title} |" not in page] == []


def test_other_libraries_read_the_same_from_the_samples(tmp_path):
    """Two of the samples' formats have public readers; they see the same points."""
    with (SAMPLES / "track.gpx").open() as file:
        points = gpxpy.parse(file).tracks[0].segments[0].points
    [track] = read_all(alone(tmp_path, "track.gpx"))
    assert [point.time.timestamp() for point in points if point.time] == track.t.tolist()
    assert [point.latitude for point in points] == track.channels["latitude"].tolist()
    clean = tmp_path / "clean.tcx"
    clean.write_text((SAMPLES / "watch.tcx").read_text().strip())
    points = TCXReader().read(str(clean)).trackpoints
    [watch] = read_all(alone(tmp_path, "watch.tcx"))
    assert [point.hr_value for point in points] == watch.channels["heart_rate_bpm"].tolist()
    assert [point.distance for point in points] == watch.channels["distance_m"].tolist()


def test_kinds_and_titles_are_distinct():
    assert len({known.kind for known in all_formats()}) == len({known.title for known in all_formats()})


@pytest.mark.parametrize(("name", "athletes"), [("polar_team_pro.csv", 2), ("garmin_connect.csv", 2)])
def test_a_table_of_figures_is_kept_but_is_no_session(tmp_path, name, athletes):
    report = everything(
        SAMPLES / name, root=tmp_path, athlete_id=7 if "garmin" in name else None, named={"Ada Example": 7, "Bea Bo": 9}
    )
    assert not report.failed
    assert len(report.done) == athletes
    assert all(done.figures.summary and done.path is not None and done.path.suffix == ".json" for done in report.done)
    assert not list(tmp_path.rglob("TR*.csv"))


def test_the_phases_of_a_team_pro_session_are_of_one_player(tmp_path):
    report = everything(SAMPLES / "polar_team_pro.csv", root=tmp_path, named={"Ada Example": 7, "Bea Bo": 9})
    ada = next(done for done in report.done if done.athlete_id == 7)
    assert [row["Phase name"] for row in ada.figures.summary] == ["Whole session", "First half"]
    assert ada.figures.summary[0]["Total distance [m]"] == 10250.0
    assert ada.mode == "game"
    assert ada.figures.start_t == UTC_8


def test_our_own_files_keep_all_they_hold(tmp_path):
    [part] = read_all(alone(tmp_path, "GM1_A7_D007_2026_05_04-10_00_00.csv"))
    assert (part.profile.age_years, part.profile.weight_kg, part.profile.height_cm, part.profile.sex) == (
        24,
        61.5,
        170,
        "female",
    )
    assert part.tag_index is not None
    first, last = part.tags[part.tag_index[0]], part.tags[part.tag_index[-1]]
    assert (first.session_phase, last.session_phase) == ("first half", "second half")
    assert (first.mode, first.intensity_level, first.position, first.playing_style) == (
        "game",
        "high",
        "forward",
        "pressing",
    )
    assert (first.fitness_level, first.fatigue_rate) == (0.8, 0.1)
    assert part.rr[0] == (500.0, 498.5)
    assert (part.whose.athlete_id, part.whose.device) == (7, "007")


def test_a_period_becomes_the_phase_and_a_half_makes_it_a_match(tmp_path):
    [part] = read_all(alone(tmp_path, "openfield_10hz.csv"))
    assert [tag.session_phase for tag in part.tags] == ["1st Half"]


def test_the_frames_of_a_half_have_its_name(tmp_path):
    [part] = read_all(alone(tmp_path, "epts_metadata.xml"))
    assert part.tag_index is not None
    names = [part.tags[index].session_phase for index in part.tag_index.tolist()]
    assert names == ["first half"] * 50 + [None] * 50


def test_the_whole_folder_of_samples_is_imported_in_one_go(tmp_path):
    report = everything(SAMPLES, root=tmp_path, athlete_id=None, named={"Ada Example": 7, "Bea Bo": 9})
    kinds = {done.figures.kind for done in report.done}
    assert kinds == {
        "polar-flow",
        "polar-team-pro",
        "catapult",
        "statsports",
        "kinexon",
        "epts",
        "goldencheetah",
        "json",
    }
    unknown = [
        cause
        for cause in report.failed
        if "does not name its athlete" in cause or "athlete 7 is not in the roster" in cause
    ]
    assert len(unknown) == len(report.failed)


def shown(done: ImportedSession) -> tuple[str, float]:
    return done.figures.kind, round(done.figures.distance_m or 0)


def test_the_device_s_own_totals_agree_with_what_is_read(tmp_path):
    for name in ("watch.fit", "watch.tcx", "polar_flow.csv"):
        [part] = read_all(alone(tmp_path, name))
        assert part.totals["distance_m"] == pytest.approx(87)
        assert part.totals.get("timer_s", 29) == pytest.approx(part.t[-1] - part.t[0])
