"""Archives that are searched for recordings."""

from __future__ import annotations

import gc
import sys
import zipfile
from pathlib import Path

from athlete_monitor.recordings.search import members
from athlete_monitor.recordings.source import from_path


def test_an_archive_that_is_no_longer_used_is_closed_once_and_in_order(tmp_path, monkeypatch):
    """Whether the collector meets the archive or its file first: its sources refer to each other."""
    failed: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", failed.append)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for number in range(30):
        path = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.csv", "1")
            archive.writestr("b.csv", "2")
        sources = members(from_path(path))
        assert set(sources[0].siblings()) == {"a.csv", "b.csv"}
        circle = [sources, [source.opener() for source in sources]]
        circle.append(circle)
        gc.collect(number % 2)
    del sources, circle
    gc.collect()
    assert not failed
    assert len(list(Path("/proc/self/fd").iterdir())) == before
