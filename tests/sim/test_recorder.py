import errno
import os
from typing import TYPE_CHECKING

import pytest

from athlete_monitor.errors import RecordingError
from athlete_monitor.sim.moments import Clock, simulated
from athlete_monitor.sim.recorder import SessionRecorder
from athlete_monitor.sim.session import SimulatedSession
from athlete_monitor.sim.squad import SimulatedSquad
from athlete_monitor.sim.traits import traits_of
from athlete_monitor.wire.codec import Decoder, encode_sample
from athlete_monitor.wire.session_reader import read_session

if TYPE_CHECKING:
    from athlete_monitor.wire.sample import Sample

START_T = 1_760_000_000.123456


def made(tmp_path, mode="game", rate_hz=10, seconds=23.7, rr=True):
    squad = [traits_of(i) for i in (3, 4)]
    session = SimulatedSession(mode, 1, rate_hz, seconds, rr=rr, dropout=0.3)
    clock = Clock.starting(START_T, rate_hz)
    return SimulatedSquad(squad, session), clock, SessionRecorder(tmp_path, squad, session, clock)


@pytest.mark.parametrize("rate_hz", [1, 7, 10, 30, 200])
def test_sample_times_are_whole_milliseconds_that_do_not_drift(rate_hz):
    clock = Clock.starting(START_T, rate_hz)
    times = clock.times(0, 1000)
    assert times.tolist() == [clock.at(n) for n in range(1000)]
    assert [round(t, 3) for t in times.tolist()] == times.tolist()
    assert abs(times[-1] - times[0] - 999 / rate_hz) < 0.0011


@pytest.mark.parametrize(("mode", "rr"), [("training", False), ("game", True)])
def test_writing_blocks_and_writing_samples_give_the_same_file(tmp_path, mode, rr):
    squad, clock, one = made(tmp_path / "one", mode, rr=rr)
    for moment in simulated(squad, clock):
        one.write(*moment)
    one.close()
    squad, _, many = made(tmp_path / "many", mode, rr=rr)
    for block in squad.blocks():
        many.write_block(block)
    many.close()
    for device, writer in one.writers.items():
        assert writer.path.read_bytes() == many.writers[device].path.read_bytes()
        assert writer.rows == many.writers[device].rows == 237


def test_a_file_read_back_holds_what_was_sent(tmp_path):
    squad, clock, recorder = made(tmp_path)
    sent: dict[str, list[Sample]] = {"003": [], "004": []}
    for moment in simulated(squad, clock):
        recorder.write(*moment)
        for sample in moment.samples:
            (received,) = Decoder().decode(encode_sample(sample), sample.device_id)
            sent[sample.device_id].append(received)
    recorder.close()
    for device, samples in sent.items():
        assert samples[-1].end
        read = list(read_session(recorder.writers[device].path).samples())
        assert [repr(s) for s in read] == [repr(s) for s in samples[:-1]]


def test_rows_are_with_the_operating_system_within_a_second(tmp_path):
    squad, clock, recorder = made(tmp_path)
    for moment in simulated(squad, clock):
        recorder.write(*moment)
        if moment.session_s >= 10.0:
            break
    lines = recorder.writers["003"].path.read_text().count("\n")
    assert lines >= 1 + 90
    recorder.close()


def test_a_full_disk_is_told_in_one_line_with_what_is_safe(tmp_path, monkeypatch):
    squad, clock, recorder = made(tmp_path)
    moments = simulated(squad, clock)
    for _ in range(30):
        recorder.write(*next(moments))
    file = recorder.writers["004"]._file
    os.dup2(os.open("/dev/full", os.O_WRONLY), file.fileno())

    def go_on():
        for moment in moments:
            recorder.write(*moment)

    with pytest.raises(RecordingError, match="No space left on device") as told:
        go_on()
    assert "\n" not in str(told.value)
    assert str(recorder.writers["004"].path) in str(told.value)
    assert "21 rows are safe" in str(told.value)
    recorder.abandon()
    assert recorder.writers["003"].path.read_text().count("\n") >= 21


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match="cannot make a session file"):
        made(tmp_path / "file")


def test_errors_of_the_system_keep_their_words(tmp_path):
    _, _, recorder = made(tmp_path)
    with pytest.raises(RecordingError, match="Input/output error"), recorder._reported(recorder.writers["003"]):
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    recorder.close()
