"""Writing a recording as a session file of an athlete, only once."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import numpy as np
import orjson

from athlete_monitor.channels import TABLE
from athlete_monitor.errors import RecordingError
from athlete_monitor.wire.sample import Sample, Tags
from athlete_monitor.wire.session_files import EXTRA_CHANNELS, RR_COLUMN, SessionWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.recordings.imported import Imported
    from athlete_monitor.wire.session_files import Mode

SCALE: Final = 10.0 ** np.array([max(4, channel.decimals) for channel in TABLE])
"""Four decimals are finer than the resolution of any sensor here and keep the files small; degrees need more."""
_BLOCK_ROWS: Final = 8192


def write_session(recording: Imported, root: Path, athlete_id: int, device_id: str, mode: Mode = "training") -> Path:
    """Write a session file and return its path.

    Args:
        recording: what to write.
        root: folder of all sessions of this mode.
        athlete_id: the athlete of the session.
        device_id: the device that it is assigned to.
        mode: training or game.

    Raises:
        RecordingError: the file cannot be written.
    """
    extra = [name for name in EXTRA_CHANNELS if recording.has(name)]
    if recording.rr:
        extra.append(RR_COLUMN)
    try:
        writer = SessionWriter(root, mode, athlete_id, device_id, float(recording.t[0]), recording.profile, extra)
    except OSError as error:
        raise RecordingError(f"{recording}: its session cannot be written: {error}") from None
    try:
        _write(recording, writer)
        writer.close()
    except OSError as error:
        writer.abandon()
        writer.path.unlink(missing_ok=True)
        raise RecordingError(f"{recording}: its session cannot be written: {error}") from None
    except BaseException:
        writer.abandon()
        writer.path.unlink(missing_ok=True)
        raise
    return writer.path


def keep_summary(recording: Imported, root: Path, athlete_id: int, mode: Mode) -> tuple[Path, bool]:
    """Store a table of figures beside the athlete's sessions; return its path, and whether it already existed.

    Raises:
        RecordingError: it cannot be written.
    """
    content = {
        "athlete_id": athlete_id,
        "kind": recording.kind,
        "mode": mode,
        "source": recording.source.name,
        "rows": recording.summary,
    }
    text = orjson.dumps(content, option=orjson.OPT_INDENT_2)
    name = f"{recording.kind}_{hashlib.sha256(text).hexdigest()[:12]}.json"
    path = root / f"player_{athlete_id}" / name
    try:
        if path.exists():
            return path, True
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(text)
    except OSError as error:
        raise RecordingError(f"{recording}: its figures cannot be written: {error}") from None
    return path, False


def _write(recording: Imported, writer: SessionWriter) -> None:
    for start in range(0, len(recording.t), _BLOCK_ROWS):
        stop = min(start + _BLOCK_ROWS, len(recording.t))
        rr = (
            {row - start: recording.rr[row] for row in range(start, stop) if row in recording.rr}
            if recording.rr
            else {}
        )
        writer.write_arrays(
            recording.t[start:stop],
            _rounded(recording, start, stop),
            row_tags(recording, start, stop),
            rr,
            recording.offset_s,
        )


def _rounded(recording: Imported, start: int, stop: int) -> FloatArray:
    return np.asarray(np.rint(recording.block(start, stop) * SCALE) / SCALE)


def row_tags(recording: Imported, start: int, stop: int) -> Sequence[Tags]:
    """Return the tags of some rows."""
    if recording.tag_index is None:
        return [recording.tags[0]] * (stop - start)
    return [recording.tags[index] for index in recording.tag_index[start:stop].tolist()]


def samples(recording: Imported, athlete_id: int, device_id: str) -> Iterator[Sample]:
    """Yield the rows as samples, numbered by their row."""
    for start in range(0, len(recording.t), _BLOCK_ROWS):
        stop = min(start + _BLOCK_ROWS, len(recording.t))
        rows = zip(
            recording.t[start:stop].tolist(),
            _rounded(recording, start, stop).tolist(),
            row_tags(recording, start, stop),
            strict=True,
        )
        for row, (t, values, tags) in enumerate(rows, start):
            yield Sample(
                device_id, t, tuple(values), athlete_id, row, recording.profile, tags, recording.rr.get(row, ())
            )
