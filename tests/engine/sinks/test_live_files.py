from __future__ import annotations

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.engine.sinks.live_files import LiveFiles


class Disk:
    """A disk whose writes take a time of their own, and the clock that measures it."""

    def __init__(self, write_s):
        self.now_s, self.write_s, self.written, self.is_full = 0.0, write_s, [], False

    def write(self, content):
        if self.is_full:
            raise OSError("full")
        self.now_s += self.write_s
        self.written.append((self.now_s, *content))

    def clock(self):
        return self.now_s


def files_on(disk, interval_s=5.0, **rest):
    return LiveFiles(interval_s, disk.write, disk.clock, spent=disk.clock, **rest)


def run(disk, files, athletes, seconds):
    for second in range(seconds):
        for athlete in range(athletes):
            files.put(str(athlete), (athlete, second))
        for _ in range(5):
            disk.now_s = max(disk.now_s, second + 0.2)
            files.write_due()
            disk.now_s += 0.2


def test_a_quick_disk_writes_every_file_once_an_interval():
    disk = Disk(0.0)
    files = files_on(disk)
    run(disk, files, 10, 21)
    times = [at for at, athlete, _ in disk.written if athlete == 3]
    assert len(times) in {4, 5}
    assert files.apart_s <= 5.5


def test_a_slow_disk_gets_its_share_of_the_time_and_every_athlete_the_same_pace():
    disk = Disk(0.02)
    files = files_on(disk, share=0.1)
    run(disk, files, 50, 100)
    counts = [sum(athlete == each for _, athlete, _ in disk.written) for each in range(50)]
    assert max(counts) - min(counts) <= 1
    assert 0.5 * 0.1 <= len(disk.written) * 0.02 / disk.now_s <= 1.2 * 0.1
    assert files.apart_s > 7.0


def test_the_newest_content_is_written_and_everything_at_the_end():
    disk = Disk(1.0)
    files = files_on(disk)
    for number, athlete in zip(count(), "abcab", strict=False):
        files.put(athlete, (athlete, number))
    files.write_due()
    files.write_due(everything=True)
    assert {(athlete, number) for _, athlete, number in disk.written} == {("a", 3), ("b", 4), ("c", 2)}
    assert not len(files)


def test_a_full_disk_keeps_the_content_for_the_next_round():
    disk = Disk(0.0)
    files = files_on(disk)
    files.put("a", ("a", 1))
    disk.is_full = True
    assert len(files.write_due()) == 1
    disk.is_full = False
    assert files.write_due() == []
    assert disk.written == [(0.0, "a", 1)]


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=60))
def test_whoever_comes_and_goes_the_last_content_of_each_reaches_the_disk(steps):
    disk = Disk(0.05)
    files = files_on(disk)
    newest = {}
    for number, (athlete, is_end) in enumerate(steps):
        newest[athlete] = number
        files.put(str(athlete), (athlete, number))
        if is_end:
            files.forget(str(athlete))
        disk.now_s += 0.1
        files.write_due()
    files.write_due(everything=True)
    assert {athlete: number for _, athlete, number in disk.written} == newest
