"""Smart-shirt folders, made here sample by sample, and damaged in every way."""

from __future__ import annotations

import json
import math
import shutil
import wave
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from athlete_monitor.arrays import ACC, GRAVITY_MPS2, GYRO, HEART_RATE
from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.formats.hexoskin import read_hexoskin, resampled
from tests.helpers import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

START = 1_668_809_512.0  # 2022-11-18T22:11:52 UTC


def write_wav(path: Path, samples, rate: int, width: int = 2) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(np.asarray(samples, dtype={1: "u1", 2: "<i2"}[width]).tobytes())


@dataclass
class Shirt:
    """A recording of ``seconds`` at rest, the gravity on y; changed by a test, then written."""

    seconds: int = 20
    number: str = "012"
    acc: dict[str, list[int]] = field(default_factory=dict)
    heart_rate: list[int] = field(default_factory=list)
    quality: list[int] = field(default_factory=list)
    beats: list[tuple[float, int, int]] = field(default_factory=list)
    """Time in s, interval in 1/256 s, quality."""
    start_date: str = "2022-11-18T22:11:52"

    def __post_init__(self) -> None:
        self.acc = {"X": [0] * self.seconds * 64, "Y": [-256] * self.seconds * 64, "Z": [64] * self.seconds * 64}
        self.heart_rate = [100 + second for second in range(self.seconds)]
        self.quality = [0] * self.seconds

    def write(self, root: Path) -> Path:
        folder = root / self.number
        folder.mkdir()
        for axis, samples in self.acc.items():
            write_wav(folder / f"acceleration_{axis}.wav", samples, 64)
        write_wav(folder / "heart_rate.wav", self.heart_rate, 1)
        write_wav(folder / "heart_rate_quality.wav", self.quality, 1)
        (folder / "info.json").write_text(json.dumps({"start_date": self.start_date}))
        beats = "".join(f"{t},{ticks}\n" for t, ticks, _ in self.beats)
        flags = "".join(f"{t},{flag}\n" for t, _, flag in self.beats)
        (folder / "RR_interval.csv").write_text(f"time [s],RR_interval [s/256](/api/datatype/18/)\n{beats}")
        (folder / "RR_interval_quality.csv").write_text(f"time [s],RR_interval_quality [NA]\n{flags}")
        (root / "subjects.csv").write_text("ID,sex,age,weight,height\n1,Male,25,81.6,183.5\n12,Female,20,47.9,155.0\n")
        return folder


def a_beat_a_second(seconds: int, quality: int = 0) -> list[tuple[float, int, int]]:
    return [(second + 0.25, 256, quality) for second in range(seconds)]


@pytest.mark.parametrize("rate_hz", [1.0, 10.0, 12.5, 25.0, 32.0, 50.0, 64.0, 100.0, 33.3])
def test_rows_lie_exactly_on_the_configured_rate_and_cover_the_recording(tmp_path, rate_hz):
    recording = read_hexoskin(Shirt().write(tmp_path), rate_hz)
    assert recording.t[0] == START
    np.testing.assert_allclose(recording.t, START + np.arange(len(recording.t)) / rate_hz, atol=1e-6, rtol=0)
    assert 20 - 1 / rate_hz <= recording.t[-1] - START < 20


@pytest.mark.parametrize("rate_hz", [1.0, 10.0, 25.0, 64.0, 100.0])
def test_counts_become_metres_per_second_squared_without_a_step_at_the_edges(tmp_path, rate_hz):
    recording = read_hexoskin(Shirt().write(tmp_path), rate_hz)
    rest = np.broadcast_to([0, -GRAVITY_MPS2, GRAVITY_MPS2 / 4], (len(recording.t), 3))
    np.testing.assert_allclose(recording.values[:, ACC], rest, atol=0.01)
    assert np.isnan(recording.values[:, GYRO]).all()


def test_resampling_keeps_what_the_new_rate_can_hold_and_drops_what_it_cannot():
    t = np.arange(64 * 60) / 64
    slow, fast = np.sin(2 * np.pi * 2.0 * t), np.sin(2 * np.pi * 9.0 * t)  # 9 Hz would appear as 1 Hz at 10 Hz
    inner = slice(20, -20)
    out = resampled(np.column_stack([slow, fast]), 10.0)
    wanted = np.sin(2 * np.pi * 2.0 * np.arange(len(out)) / 10)
    np.testing.assert_allclose(out[inner, 0], wanted[inner], atol=0.01)
    assert np.abs(out[inner, 1]).max() < 0.01


def test_a_recording_at_its_own_rate_is_not_touched():
    signal = np.random.default_rng(1).normal(size=(640, 3))
    assert resampled(signal, 64.0) is signal


@pytest.mark.parametrize("rate_hz", [1.0, 10.0, 12.5, 50.0])
def test_each_good_second_has_one_heart_rate_at_its_time_and_the_rest_is_empty(tmp_path, rate_hz):
    shirt = Shirt()
    shirt.quality[3:6] = [8, 24, 129]
    recording = read_hexoskin(shirt.write(tmp_path), rate_hz)
    rows = np.flatnonzero(~np.isnan(recording.values[:, HEART_RATE]))
    good = [second for second in range(20) if second not in {3, 4, 5}]
    assert recording.values[rows, HEART_RATE].tolist() == [100 + second for second in good]
    late = recording.t[rows] - START - good
    assert (late >= -1e-6).all()
    assert (late < 1 / rate_hz).all()


def test_the_start_value_of_the_shirt_is_no_measurement_even_when_flagged_good(tmp_path):
    shirt = Shirt()
    shirt.heart_rate[:9] = [70] * 9
    shirt.heart_rate[12] = 70
    recording = read_hexoskin(shirt.write(tmp_path), 1.0)
    assert np.isnan(recording.values[:9, HEART_RATE]).all()
    assert recording.values[12, HEART_RATE] == 70
    assert any("start value" in note for note in recording.notes)


def test_a_heart_rate_of_zero_is_no_reading(tmp_path):
    shirt = Shirt()
    shirt.heart_rate[5] = 0
    assert np.isnan(read_hexoskin(shirt.write(tmp_path), 1.0).values[5, HEART_RATE])


def test_good_beats_stand_in_ms_on_the_first_row_at_or_after_them(tmp_path):
    shirt = Shirt(beats=[(1.0, 331, 0), (1.01, 294, 0), (2.35, 256, 0), (2.39, 128, 0)])
    recording = read_hexoskin(shirt.write(tmp_path), 10.0)
    assert recording.rr == {10: (1292.96875,), 11: (1148.4375,), 24: (1000.0, 500.0)}


@pytest.mark.parametrize(("ticks", "quality"), [(256, 1), (256, 128), (256, 129), (0, 0)])
def test_beats_that_are_noisy_unreliable_or_empty_are_left_out(tmp_path, ticks, quality):
    shirt = Shirt(beats=[*a_beat_a_second(5), (6.0, ticks, quality)])
    recording = read_hexoskin(shirt.write(tmp_path), 10.0)
    assert len(recording.rr) == 5
    assert "5 of 6 RR intervals are good" in recording.notes


def test_beats_after_the_end_of_the_motion_are_left_out(tmp_path):
    recording = read_hexoskin(Shirt(seconds=5, beats=a_beat_a_second(9)).write(tmp_path), 10.0)
    assert max(recording.rr) < len(recording.t)


def test_a_recording_without_beats_is_read_all_the_same(tmp_path):
    folder = Shirt().write(tmp_path)
    (folder / "RR_interval.csv").unlink()
    recording = read_hexoskin(folder, 10.0)
    assert recording.rr == {}
    assert "there are no RR intervals" in recording.notes


def test_the_body_comes_from_the_table_beside_the_folders(tmp_path):
    profile = read_hexoskin(Shirt(number="012").write(tmp_path), 10.0).profile
    assert (profile.sex, profile.age_years, profile.weight_kg, profile.height_cm) == ("female", 20, 47.9, 155.0)


@pytest.mark.parametrize("change", ["no row", "no table"])
def test_an_unknown_body_stays_unknown_and_is_noted(tmp_path, change):
    folder = Shirt(number="009" if change == "no row" else "012").write(tmp_path)
    if change == "no table":
        (tmp_path / "subjects.csv").unlink()
    recording = read_hexoskin(folder, 10.0)
    assert recording.profile.age_years is None
    assert any("the athlete's body is unknown" in note for note in recording.notes)


def test_a_relative_folder_finds_its_body_too(tmp_path, monkeypatch):
    monkeypatch.chdir(Shirt().write(tmp_path))
    assert read_hexoskin(Path(), 10.0).profile.age_years == 20


@pytest.mark.parametrize("text", ["2022-11-18T23:11:52+01:00", "2022-11-18T22:11:52Z", "2022-11-18 22:11:52"])
def test_a_start_with_or_without_zone_is_understood(tmp_path, text):
    shirt = Shirt(start_date=text)
    assert read_hexoskin(shirt.write(tmp_path), 10.0).t[0] == START


def test_files_of_different_length_are_cut_to_what_all_have(tmp_path):
    shirt = Shirt()
    shirt.heart_rate = shirt.heart_rate[:15]
    shirt.acc["X"] = shirt.acc["X"][: 64 * 18]
    recording = read_hexoskin(shirt.write(tmp_path), 10.0)
    assert len(recording.t) == 150
    assert any("common 15 s" in note and "acceleration_X.wav 18 s" in note for note in recording.notes)


def test_less_than_a_second_of_difference_is_usual_and_not_noted(tmp_path):
    shirt = Shirt()
    shirt.heart_rate, shirt.quality = shirt.heart_rate[:-1], shirt.quality[:-1]
    shirt.acc = {axis: samples[:-8] for axis, samples in shirt.acc.items()}
    assert not any("common" in note for note in read_hexoskin(shirt.write(tmp_path), 10.0).notes)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def make_it_a_folder(folder: Path) -> None:
    (folder / "heart_rate.wav").unlink()
    (folder / "heart_rate.wav").mkdir()


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "info missing": (lambda f: (f / "info.json").unlink(), "info.json is missing"),
    "info no JSON": (lambda f: (f / "info.json").write_text("{"), "no readable start_date"),
    "info a list": (lambda f: (f / "info.json").write_text("[]"), "no readable start_date"),
    "info without start": (lambda f: (f / "info.json").write_text("{}"), "no readable start_date"),
    "info not text": (lambda f: (f / "info.json").write_bytes(b"\xff\xfe\x00"), "no readable start_date"),
    "start no time": (lambda f: (f / "info.json").write_text('{"start_date": "x"}'), "no readable start_date"),
    "axis missing": (lambda f: (f / "acceleration_Y.wav").unlink(), "acceleration_Y.wav: is missing"),
    "heart rate missing": (lambda f: (f / "heart_rate.wav").unlink(), "heart_rate.wav: is missing"),
    "quality missing": (lambda f: (f / "heart_rate_quality.wav").unlink(), "heart_rate_quality.wav: is missing"),
    "wrong rate": (lambda f: write_wav(f / "acceleration_X.wav", [0] * 640, 32), "32 Hz; needed"),
    "wrong width": (lambda f: write_wav(f / "acceleration_X.wav", [0] * 640, 64, 1), "8 bit"),
    "truncated": (lambda f: cut_short(f / "acceleration_Z.wav"), r"holds \d+ of \d+ samples"),
    "no WAV": (lambda f: (f / "acceleration_X.wav").write_text("hello" * 20), "is not a WAV file"),
    "empty file": (lambda f: (f / "heart_rate.wav").write_bytes(b""), "is not a WAV file"),
    "a folder": (make_it_a_folder, "is missing"),
    "no samples": (lambda f: write_wav(f / "acceleration_X.wav", [], 64), "holds 0 of 0 samples"),
    "too short": (lambda f: write_wav(f / "acceleration_X.wav", [0] * 30, 64), "shorter than a second"),
    "beats no numbers": (lambda f: (f / "RR_interval.csv").write_text("t,v\n1,x\n"), "row 2: v is 'x'"),
    "beats of one column": (lambda f: (f / "RR_interval.csv").write_text("t\n1\n"), "needed: time and value"),
    "folder missing": (shutil.rmtree, "is not a Hexoskin recording"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_gives_one_line_that_names_the_file(tmp_path, damage):
    folder = Shirt(beats=a_beat_a_second(5)).write(tmp_path)
    harm, words = DAMAGES[damage]
    harm(folder)
    with pytest.raises(RecordingError, match=words) as told:
        read_hexoskin(folder, 10.0)
    assert str(tmp_path) in str(told.value)
    assert "\n" not in str(told.value)


def test_a_folder_of_recordings_is_told_from_a_recording(tmp_path):
    Shirt().write(tmp_path)
    with pytest.raises(RecordingError, match="give one of its folders: 012"):
        read_hexoskin(tmp_path, 10.0)


def test_a_real_gait_keeps_its_mean_and_most_of_its_energy(tmp_path):
    shirt = Shirt(seconds=60)
    t = np.arange(60 * 64) / 64
    shirt.acc["Y"] = np.round(-256 + 200 * np.sin(2 * math.pi * 2.7 * t)).astype(int).tolist()
    y = read_hexoskin(shirt.write(tmp_path), 25.0).values[:, 1]
    assert y.mean() == pytest.approx(-GRAVITY_MPS2, abs=0.02)
    assert y.std() == pytest.approx(200 / 256 * GRAVITY_MPS2 / math.sqrt(2), rel=0.01)


SHIRTS = ROOT.parent / "shared" / "data" / "hexoskin"


@pytest.mark.skipif(not SHIRTS.is_dir(), reason="the recordings are not beside this repository")
@pytest.mark.parametrize(("number", "good_s", "beats"), [("011", 1416, 782), ("009", 103, 0)])
def test_a_persons_recording_is_read(number, good_s, beats):
    recording = read_hexoskin(SHIRTS / number, 10.0)
    assert int((~np.isnan(recording.values[:, HEART_RATE])).sum()) == good_s
    assert sum(map(len, recording.rr.values())) == beats
    assert np.median(np.linalg.norm(recording.values[:, ACC], axis=1)) == pytest.approx(GRAVITY_MPS2, rel=0.05)
