"""FIT: made message by message, compared with another decoder, and damaged."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import fitdecode
import numpy as np
import pytest

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.fit_messages import crc, read_fit
from athlete_monitor.recordings.format import Options
from athlete_monitor.recordings.formats.fit import read
from athlete_monitor.recordings.prepare import prepared
from athlete_monitor.recordings.source import from_path
from tests.helpers import ROOT
from tests.recordings.fit_kit import START, Fit, fit_time, running

if TYPE_CHECKING:
    from pathlib import Path

    from athlete_monitor.recordings.imported import Imported

STAMP = (253, 1, 0x86)


def imported(folder: Path, data: bytes) -> list[Imported]:
    path = folder / "activity.fit"
    path.write_bytes(data)
    return [part for recording in read(from_path(path), Options()) for part in prepared(recording)]


def records(fit: Fit, rates: list[int], start: float = START) -> Fit:
    fit.define(1, 20, [STAMP, (3, 1, 2)])
    for second, rate in enumerate(rates):
        fit.add(1, fit_time(start + second), rate)
    return fit


def test_a_run_is_read_with_its_totals_and_its_local_time(tmp_path):
    [part] = imported(tmp_path, running(60).bytes())
    assert part.offset_s == 7200
    assert part.totals == {
        "duration_s": 59,
        "timer_s": 59,
        "distance_m": 177,
        "heart_rate_mean_bpm": 129,
        "heart_rate_max_bpm": 159,
    }
    assert part.channels["altitude_m"].tolist() == [35.0] * 60
    assert part.channels["cadence_spm"].tolist() == [171.0] * 60
    assert part.whose.device == "4711"


def test_big_endian_files_are_read(tmp_path):
    fit = Fit().define(0, 20, [STAMP, (3, 1, 2), (6, 1, 0x84)], order=">")
    for second in range(3):
        fit.add(0, fit_time(START + second), 100 + second, 3000)
    [part] = imported(tmp_path, fit.bytes())
    assert part.channels["speed_mps"].tolist() == [3.0] * 3
    assert part.t[0] == START


def test_the_enhanced_field_wins_and_the_plain_one_fills_in(tmp_path):
    fit = Fit().define(0, 20, [STAMP, (6, 1, 0x84), (73, 1, 0x86)])
    fit.add(0, fit_time(START), 1000, 4000).add(0, fit_time(START + 1), 2000, 0xFFFFFFFF)
    [part] = imported(tmp_path, fit.bytes())
    assert part.channels["speed_mps"].tolist() == [4.0, 2.0]


def test_compressed_timestamps_go_on_over_their_turn(tmp_path):
    fit = Fit().define(1, 20, [STAMP, (3, 1, 2)]).define(2, 20, [(3, 1, 2)])
    first = fit_time(START)
    fit.add(1, first, 100)
    for seconds in (1, 2, 40):
        fit.add(2, 100 + seconds, header=0x80 | 2 << 5 | (first + seconds) & 0x1F)
    [part] = imported(tmp_path, fit.bytes())
    assert (part.t - START).tolist() == [0, 1, 2, 8]  # 40 s later is 8 s later where nothing came in between


def test_zero_and_255_bpm_are_missing(tmp_path):
    [part] = imported(tmp_path, records(Fit(), [0, 100, 255, 101]).bytes())
    assert np.isnan(part.channels["heart_rate_bpm"]).tolist() == [True, False, True, False]


def test_hrv_messages_are_beats_of_the_record_that_follows(tmp_path):
    fit = records(Fit(), [100, 101])
    fit.define(2, 78, [(0, 5, 0x84)]).add(2, [600, 610, 0xFFFF, 0xFFFF, 0xFFFF])
    fit.add(1, fit_time(START + 2), 102).add(2, [620, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF]).add(1, fit_time(START + 3), 102)
    [part] = imported(tmp_path, fit.bytes())
    assert {row: [round(beat) for beat in beats] for row, beats in part.rr.items()} == {2: [600, 610], 3: [620]}


def test_a_strap_s_memory_is_expanded_and_wins_over_what_the_watch_heard(tmp_path):
    fit = records(Fit(), [90] * 6)
    fit.define(2, 132, [STAMP, (0, 1, 0x84), (9, 1, 0x86), (6, 1, 2)]).add(2, fit_time(START), 0, 1_000_000, 150)
    ticks = [1_000_000 + 512 * n for n in range(1, 9)]  # a beat every half second
    low = [tick & 0xFFF for tick in ticks]
    packed = b"".join(
        bytes([a & 0xFF, a >> 8 | (b & 0xF) << 4, b >> 4]) for a, b in zip(low[::2], low[1::2], strict=True)
    )
    fit.define(3, 132, [(10, 12, 13), (6, 8, 2)]).add(3, packed, bytes([151] * 8))
    [part] = imported(tmp_path, fit.bytes())
    assert part.channels["heart_rate_bpm"].tolist() == [150, 151, 151, 151, 151, 90]
    assert [beat for beats in part.rr.values() for beat in beats] == [500.0] * 8
    assert "9 beats" in part.notes[0]


def test_developer_fields_fill_in_what_the_record_lacks(tmp_path):
    fit = Fit().define(0, 206, [(0, 1, 2), (1, 1, 2), (2, 1, 2), (3, 16, 7)])
    fit.add(0, 0, 5, 2, "Heart Rate").add(0, 0, 6, 0x84, "Something")
    fit.define(1, 20, [STAMP], developer=[(5, 1, 0), (6, 2, 0)])
    for second in range(3):
        fit.add(1, fit_time(START + second), extra=bytes([130 + second, 1, 0]))
    [part] = imported(tmp_path, fit.bytes())
    assert part.channels["heart_rate_bpm"].tolist() == [130, 131, 132]
    assert set(part.channels) == {"heart_rate_bpm"}


def test_rows_of_a_pause_are_left_out_and_it_is_said(tmp_path):
    fit = Fit().define(4, 21, [STAMP, (0, 1, 0), (1, 1, 0)]).add(4, fit_time(START), 0, 0)
    records(fit, [100] * 20).add(4, fit_time(START + 5), 0, 4).add(4, fit_time(START + 15), 0, 0)
    [part] = imported(tmp_path, fit.bytes())
    assert (part.t - START).tolist() == [*range(6), *range(15, 20)]
    assert part.notes == ("1 pause of 10 s together; 9 rows recorded meanwhile left out",)


def test_laps_become_phases(tmp_path):
    fit = records(Fit(), [100] * 10).define(2, 19, [STAMP, (2, 1, 0x86)])
    fit.add(2, fit_time(START + 4), fit_time(START)).add(2, fit_time(START + 9), fit_time(START + 5))
    [part] = imported(tmp_path, fit.bytes())
    assert part.tag_index is not None
    assert [part.tags[index].session_phase for index in part.tag_index.tolist()] == ["lap 1"] * 5 + ["lap 2"] * 5


def test_each_session_of_a_file_is_a_recording_with_its_totals(tmp_path):
    fit = records(Fit(), [100] * 10)
    fit.define(2, 18, [STAMP, (2, 1, 0x86), (5, 1, 0), (17, 1, 2)])
    fit.add(2, fit_time(START + 5), fit_time(START), 2, 111).add(2, fit_time(START + 9), fit_time(START + 6), 1, 122)
    parts = imported(tmp_path, fit.bytes())
    assert [(len(part), part.totals["heart_rate_max_bpm"]) for part in parts] == [(6, 111), (4, 122)]
    assert [str(part)[-11:] for part in parts] == ["(session 1)", "(session 2)"]


@pytest.mark.parametrize("sport", [0, 1, 6, 7, 9, 10, 70, 72, 73, 75])
def test_the_cadence_of_team_sports_counts_strides(tmp_path, sport):
    [part] = imported(tmp_path, running(30, sport=sport).bytes())
    assert part.channels["cadence_spm"].tolist() == [171.0] * 30


@pytest.mark.parametrize("sport", [5, 15, 21, 30, 84])
def test_the_cadence_of_strokes_pedals_and_ropes_is_left_out(tmp_path, sport):
    [part] = imported(tmp_path, running(30, sport=sport).bytes())
    assert "cadence_spm" not in part.channels


def test_a_checksum_of_zero_is_none(tmp_path):
    data = records(Fit(), [100] * 5).bytes()
    [part] = imported(tmp_path, data[:-2] + bytes(2))
    assert part.notes == ()


def test_the_cadence_of_a_bicycle_is_left_out(tmp_path):
    [part] = imported(tmp_path, running(30, sport=2).bytes())
    assert "cadence_spm" not in part.channels
    assert "the cadence does not count steps and is left out" in part.notes


def test_chained_files_are_read_one_after_another(tmp_path):
    chained = records(Fit(), [100] * 5).bytes() + records(Fit(), [120] * 5, START + 10).bytes()
    [part] = imported(tmp_path, chained)
    assert (part.t - START).tolist() == [*range(5), *range(10, 15)]


def test_a_clock_that_is_set_by_satellites_is_repaired(tmp_path):
    fit = Fit().define(1, 20, [STAMP, (3, 1, 2)])
    for second in range(5):
        fit.add(1, 5000 + second, 100)
    for second in range(60):
        fit.add(1, fit_time(START + second), 110)
    [part] = imported(tmp_path, fit.bytes())
    assert np.diff(part.t).tolist() == [1.0] * 64
    assert part.t[-1] == START + 59
    assert part.notes[0].startswith("the clock was set at row 6 of the recording: 5 rows before it move forward by")


def test_a_clock_that_was_never_set_needs_a_start(tmp_path):
    path = tmp_path / "a.fit"
    path.write_bytes(records(Fit(), [100] * 3, 631_065_600 + 5000).bytes())
    with pytest.raises(RecordingError, match="clock was not set; give --start"):
        read(from_path(path), Options())
    [recording] = read(from_path(path), Options(start_t=START))
    assert recording.t.tolist() == [START, START + 1, START + 2]


def test_a_file_without_a_length_in_its_header_is_read(tmp_path):
    [part] = imported(tmp_path, records(Fit(), [100] * 5).bytes(declared=0))
    assert len(part) == 5


@pytest.mark.parametrize("declared", [0xFFFFFFFF, 0x7FFFFFFF, 10_000])
def test_a_length_of_gigabytes_is_not_believed(tmp_path, declared):
    [part] = imported(tmp_path, records(Fit(), [100] * 5).bytes(declared=declared))
    assert len(part) == 5
    assert "the file ends early: it is read up to there" in part.notes


def test_a_cut_file_is_read_as_far_as_it_goes(tmp_path):
    whole = running(60).bytes()
    [part] = imported(tmp_path, whole[: len(whole) // 2])
    assert 20 < len(part) < 40
    assert "the file ends early: it is read up to there" in part.notes


def test_a_wrong_checksum_is_said(tmp_path):
    [part] = imported(tmp_path, records(Fit(), [100] * 5).bytes(good=False))
    assert part.notes == ("the checksum does not match: the file may be damaged",)


def test_settings_are_no_recording(tmp_path):
    fit = Fit().define(0, 0, [(0, 1, 0)]).add(0, 2)
    with pytest.raises(RecordingError, match="holds settings, not a recording"):
        imported(tmp_path, fit.bytes())


@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 1000, 4321])
def test_the_checksum_is_that_of_the_bytes_one_by_one(length):
    data = np.random.default_rng(length).integers(0, 256, length, dtype=np.uint8).tobytes()
    assert crc(data) == fitdecode.utils.compute_crc(data)


FILES = sorted((ROOT.parent / "shared" / "data" / "formats" / "fit").glob("*.fit"))


@pytest.mark.skipif(not FILES, reason="the recordings are not beside this repository")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_real_file_is_decoded_as_another_decoder_does(path):
    """Numbers of all records, field by field; the other decoder raises where a file is cut."""
    theirs: list[dict[str, object]] = []
    options = {"check_crc": fitdecode.CrcCheck.DISABLED, "error_handling": fitdecode.ErrorHandling.IGNORE}
    try:
        with fitdecode.FitReader(path, **options) as reader:
            for frame in reader:
                if isinstance(frame, fitdecode.FitDataMessage) and frame.name == "record":
                    theirs.append({value.name: value.value for value in frame.fields})  # noqa: PERF401 - it may raise
    except fitdecode.FitEOFError:
        pass
    ours = read_fit(path.read_bytes(), str(path)).of(20)
    assert len(ours) == len(theirs)
    for name, column in {
        "heart_rate": ours.number(3),
        "distance": ours.number(5, scale=100.0),
        "enhanced_speed": ours.number(73, 6, scale=1000.0),
        "enhanced_altitude": ours.number(78, 2, scale=5.0, offset=500.0),
        "cadence": ours.number(4),
        "position_lat": ours.number(0),
    }.items():
        plain = name.removeprefix("enhanced_")
        if all(row.get(name, row.get(plain)) is None for row in theirs) or np.isnan(column).all():
            continue
        wanted = [row.get(name) if row.get(name) is not None else row.get(plain) for row in theirs]
        numbers = np.array([value if isinstance(value, int | float) else np.nan for value in wanted], dtype=float)
        np.testing.assert_allclose(column, numbers, rtol=1e-6, atol=1e-6)


@pytest.mark.skipif(not FILES, reason="the recordings are not beside this repository")
def test_a_real_run_keeps_the_totals_of_its_session_message():
    [path] = [file for file in FILES if "developer-types" in file.name]
    [part] = prepared(read(from_path(path), Options())[0])
    distance = part.channels["distance_m"]
    assert np.nanmax(distance) - np.nanmin(distance) == pytest.approx(part.totals["distance_m"], abs=5)
    assert part.t[-1] - part.t[0] == pytest.approx(part.totals["duration_s"], abs=2)


def test_a_long_file_is_read_in_less_than_half_of_what_another_decoder_needs(tmp_path):
    path = tmp_path / "long.fit"
    path.write_bytes(running(3600).bytes())
    begin = time.process_time()
    prepared(read(from_path(path), Options())[0])
    ours = time.process_time() - begin
    begin = time.process_time()
    with fitdecode.FitReader(path) as reader:
        assert sum(1 for _ in reader) > 3600
    assert ours < (time.process_time() - begin) / 2


def pool(sub_sport: int = 17) -> Fit:
    """Four lengths of 25 m in 100 s, each with a record at its end."""
    fit = Fit()
    fit.define(1, 20, [STAMP, (3, 1, 2), (5, 1, 0x86)])
    for length in range(1, 5):
        fit.add(1, fit_time(START + 25 * length), 120 + length, 25 * length * 100)
    fit.define(2, 18, [STAMP, (2, 1, 0x86), (5, 1, 0), (6, 1, 0), (9, 1, 0x86)])
    fit.add(2, fit_time(START + 100), fit_time(START), 5, sub_sport, 100 * 100)
    return fit


def test_the_first_length_of_a_pool_swim_counts(tmp_path):
    [swim] = imported(tmp_path, pool().bytes())
    assert (swim.t - START).tolist() == [0.0, 25.0, 50.0, 75.0, 100.0]
    assert swim.channels["distance_m"].tolist() == [0.0, 25.0, 50.0, 75.0, 100.0]
    assert np.isnan(swim.channels["heart_rate_bpm"][0])


def test_in_open_water_nothing_is_added(tmp_path):
    [swim] = imported(tmp_path, pool(sub_sport=18).bytes())
    assert (swim.t - START).tolist() == [25.0, 50.0, 75.0, 100.0]
