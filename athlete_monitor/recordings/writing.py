"""Writing a recording as a session file of an athlete, only once."""

from __future__ import annotations

import errno
import hashlib
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import numpy as np
import orjson

from athlete_monitor.channels import TABLE
from athlete_monitor.errors import RecordingError
from athlete_monitor.system.files import discard, open_folder, replace_file
from athlete_monitor.wire.sample import Sample, Tags
from athlete_monitor.wire.session_files import EXTRA_CHANNELS, PREFIX, RR_COLUMN, SessionWriter, publish_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.recordings.imported import Imported
    from athlete_monitor.wire.session_files import Mode

UNFINISHED: Final = ".importing"
"""A folder below that of all sessions, on the same disk."""
_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
SCALE: Final = 10.0 ** np.array([max(4, channel.decimals) for channel in TABLE])
"""Four decimals are finer than the resolution of any sensor here and keep the files small; degrees need more."""
_BLOCK_ROWS: Final = 8192


class NoSpaceError(RecordingError):
    """The disk is full: no other session can be written either."""


def write_session(recording: Imported, root: Path, athlete_id: int, device_id: str, mode: Mode = "training") -> Path:
    """Write a session file and return its path; it gets its name when it is whole.

    Args:
        recording: what to write.
        root: folder of all sessions of this mode.
        athlete_id: the athlete of the session.
        device_id: the device that it is assigned to.
        mode: training or game.

    Raises:
        NoSpaceError: the disk is full.
        RecordingError: the file cannot be written for another reason.
    """
    extra = [name for name in EXTRA_CHANNELS if recording.has(name)]
    if recording.rr:
        extra.append(RR_COLUMN)
    start_t = float(recording.t[0])
    try:
        with unfinished(root) as whole:
            _write(
                recording, SessionWriter(root, mode, athlete_id, device_id, start_t, recording.profile, extra, whole)
            )
            return publish_path(whole, root / f"player_{athlete_id}", PREFIX[mode], athlete_id, device_id, start_t)
    except OSError as error:
        raise _failure(error, f"{recording}: its session") from None


def _failure(error: OSError, what: str) -> RecordingError:
    kind = NoSpaceError if error.errno in _NO_SPACE else RecordingError
    return kind(f"{what} cannot be written: {error.strerror or error}")


@contextmanager
def unfinished(root: Path) -> Iterator[Path]:
    """Provide the path of a new file that is removed in the end unless it has been moved.

    Its hidden folder stays for the next file; ``remove_unfinished`` removes it.
    """
    folder = root / UNFINISHED
    with open_folder(folder, below=root, make=True):
        path = folder / f"{os.getpid()}-{uuid4().hex}.partial"
    try:
        yield path
    finally:
        discard(path)


def remove_unfinished(root: Path) -> None:
    """Remove what a killed import has left below a folder of sessions; files of imports that still run stay."""
    for path in sorted((root / UNFINISHED).glob("*.partial")):
        number = path.name.partition("-")[0]
        if not (number.isdecimal() and int(number) != os.getpid() and Path(f"/proc/{number}").exists()):
            with suppress(OSError):
                path.unlink()
    with suppress(OSError):  # another import uses it
        (root / UNFINISHED).rmdir()


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
        replace_file(path, text)
    except OSError as error:
        raise _failure(error, f"{recording}: its figures") from None
    return path, False


def _write(recording: Imported, writer: SessionWriter) -> None:
    try:
        _write_rows(recording, writer)
        writer.close()
    except BaseException:
        writer.abandon()
        raise


def _write_rows(recording: Imported, writer: SessionWriter) -> None:
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
