"""Real recordings of other systems, read in as training sessions."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.generic_csv import read_generic_csv
from athlete_monitor.recordings.hexoskin import read_hexoskin
from athlete_monitor.recordings.imported import Imported, session_from, write_session
from athlete_monitor.recordings.runs import read_run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from athlete_monitor.config import Config

READERS: Final[Mapping[str, Callable[[Path, float], Imported]]] = MappingProxyType(
    {
        "hexoskin": read_hexoskin,
        "runs": read_run,
        "csv": read_generic_csv,
    }
)
"""Each kind of recording and what reads one: (file or folder, rows a second) -> Imported."""

KINDS: Final = tuple(READERS)


def import_recordings(
    kind: str,
    paths: Sequence[Path],
    athlete_id: int,
    config: Config,
    *,
    device_id: str | None = None,
    on_note: Callable[[str], None] = lambda _note: None,
) -> list[Path]:
    """Read recordings and write each as a training session below ``paths.data_root``, in the order of their starts.

    Nothing is written before all are read. A recording that the athlete has already is not written again.

    Args:
        kind: one of ``KINDS``.
        paths: files or folders, as the kind has them.
        athlete_id: whose sessions they become, from 1.
        config: for the rate of samples and the folder of sessions.
        device_id: which device they count as; the athlete's number with three digits where None.
        on_note: told what a user should know about each recording.

    Returns:
        The session files, oldest first.

    Raises:
        RecordingError: the kind is not known, or a recording is not readable; the text is one line.
    """
    if kind not in READERS:
        raise RecordingError(f"unknown kind of recording {kind!r}; known: {', '.join(KINDS)}")
    if athlete_id < 1:
        raise RecordingError(f"athlete {athlete_id}: a number from 1 is needed")
    rate_hz = config.feature_engineering.sampling_frequency
    recordings = sorted((READERS[kind](path, rate_hz) for path in paths), key=lambda recording: recording.t[0])
    device = device_id or f"{athlete_id:03d}"
    return [_import_one(recording, config.paths.data_root, athlete_id, device, on_note) for recording in recordings]


def _import_one(
    recording: Imported, root: Path, athlete_id: int, device_id: str, on_note: Callable[[str], None]
) -> Path:
    for note in recording.notes:
        on_note(f"{recording.source}: {note}")
    known = session_from(recording, root, athlete_id)
    if known is not None:
        on_note(f"{recording.source}: is there already as {known}")
        return known
    try:
        return write_session(recording, root, athlete_id, device_id)
    except OSError as error:
        raise RecordingError(f"{recording.source}: its session cannot be written: {error}") from None
