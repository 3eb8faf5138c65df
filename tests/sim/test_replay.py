import gzip

import pytest

from athlete_monitor.errors import RecordingError
from athlete_monitor.sim.moments import Clock
from athlete_monitor.sim.recorder import SessionRecorder
from athlete_monitor.sim.replay import rate_hz, read_recordings, replayed
from athlete_monitor.sim.session import SimulatedSession
from athlete_monitor.sim.squad import SimulatedSquad
from athlete_monitor.sim.traits import traits_of


def record(folder, athlete_id, start_t, seconds, rate=10):
    session, clock = SimulatedSession("training", 1, rate, seconds), Clock.starting(start_t, rate)
    recorder = SessionRecorder(folder, [traits_of(athlete_id)], session, clock)
    for block in SimulatedSquad([traits_of(athlete_id)], session).blocks():
        recorder.write_block(block)
    recorder.close()
    return recorder.writers[f"{athlete_id:03d}"].path


def test_files_run_side_by_side_from_their_own_beginnings(tmp_path):
    paths = [record(tmp_path, 1, 1.7e9, 3.0), record(tmp_path, 2, 1.71e9, 5.0)]
    moments = list(replayed(read_recordings(paths)))
    samples = [(m.session_s, m.samples[0]) for m in moments]
    assert [s for s, _ in samples] == sorted(s for s, _ in samples)
    assert [sample.device_id for _, sample in samples[:4]] == ["001", "002", "001", "002"]
    ends = [sample.device_id for _, sample in samples if sample.end]
    assert ends == ["001", "002"]
    assert samples[-1][1].t == 1.71e9 + 4.9
    assert {s.t for _, s in samples if s.device_id == "001" and not s.end} == {
        round(1.7e9 + n / 10, 3) for n in range(30)
    }


def test_a_replay_may_happen_now(tmp_path):
    moments = list(replayed(read_recordings([record(tmp_path, 1, 1.7e9, 2.0)]), start_t=1.8e9))
    assert [m.samples[0].t for m in moments[:3]] == [1.8e9, 1.8e9 + 0.1, 1.8e9 + 0.2]


def test_compressed_files_are_recordings_too(tmp_path):
    path = record(tmp_path, 1, 1.7e9, 2.0)
    packed = path.with_suffix(".csv.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert len(list(replayed(read_recordings([packed])))) == 21


def test_the_rate_is_that_of_the_fastest(tmp_path):
    paths = [record(tmp_path, 1, 1.7e9, 2.0, 10), record(tmp_path, 2, 1.7e9, 2.0, 50)]
    assert rate_hz(read_recordings(paths)) == pytest.approx(50.0, rel=1e-3)


@pytest.mark.parametrize("start_t", [None, 1.8e9])
def test_files_of_one_device_follow_each_other_and_a_session_ends_at_each_border(tmp_path, start_t):
    paths = [record(tmp_path, 1, start, 2.0) for start in (1.71e9, 1.7e9, 1.70000001e9)]
    moments = list(replayed(read_recordings([*paths, record(tmp_path, 2, 1.7e9, 1.0)]), start_t))
    samples = [moment.samples[0] for moment in moments if moment.samples[0].device_id == "001"]
    assert [sample.end for sample in samples] == ([False] * 20 + [True]) * 3
    assert [moment.session_s for moment in moments] == sorted(moment.session_s for moment in moments)
    if start_t is None:
        assert [samples[place].t for place in (0, 21, 42)] == [1.7e9, 1.70000001e9, 1.71e9]
    else:
        times = [sample.t for sample in samples]
        assert times == sorted(times)
        assert samples[21].t - samples[20].t == pytest.approx(1.0)


@pytest.mark.parametrize("content", [None, b"", b"hello\nworld\n", b"\x00\xff" * 100])
def test_what_is_no_recording_is_told_in_one_line(tmp_path, content):
    path = tmp_path / "x.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RecordingError) as told:
        read_recordings([path])
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)
