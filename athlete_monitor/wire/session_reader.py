"""Session files read back. Apart from the writer, because the live process does not need pandas."""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import pandas as pd

from athlete_monitor.arrays import CHANNELS, FloatArray, IntArray
from athlete_monitor.channels import TABLE, session_columns
from athlete_monitor.errors import RecordingError
from athlete_monitor.wire.sample import NO_TAGS, Sample, Tags, WireProfile
from athlete_monitor.wire.session_files import (
    GAME_COLUMNS,
    RR_COLUMN,
    TAG_COLUMNS,
    Mode,
    device_in_name,
)
from athlete_monitor.wire.timestamps import parse_times
from athlete_monitor.wire.whole_seconds import spread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COLUMN_OF: Final = {channel.name: channel.column for channel in TABLE}
REQUIRED_COLUMNS: Final = ("timestamp", "athlete_id", *(COLUMN_OF[name] for name in session_columns(optional=False)))
_NUMERIC: Final = (*COLUMN_OF.values(), "athlete_id", "age", "weight", "height", "fitness_level", "fatigue_rate")
_TEXT: Final = (*TAG_COLUMNS, "position", "playing_style", "gender", RR_COLUMN, "timestamp")
_TAGS: Final = (*TAG_COLUMNS, *GAME_COLUMNS)
_EXACT: Final[dict[str, Any]] = (
    {"float_precision": "round_trip"} if tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1) else {}
)
"""What was written is read to the last bit; pandas does so by itself from 3.1 on, and warns of the option."""
_GZIP_MAGIC: Final = b"\x1f\x8b"
_LONGEST_NAMED: Final = 5


@dataclass(frozen=True)
class Recording:
    """A session in memory. Axis 0 is time.

    Attributes:
        path: where it was read from.
        athlete_id: whose session it is.
        device_id: which device measured it.
        mode: training or game.
        profile: the body as the file tells it.
        t: epoch seconds, [n].
        values: [n, len(CHANNELS)], SI units, NaN where not measured.
        tags: the different tags of the session.
        tag_index: which of ``tags`` belongs to a row, [n].
        rr: beat intervals in ms, by row.
        skipped_rows: rows that were not readable.
        notes: what a user should know about the file, one sentence each.
    """

    path: Path
    athlete_id: int
    device_id: str
    mode: Mode
    profile: WireProfile
    t: FloatArray
    values: FloatArray
    tags: tuple[Tags, ...]
    tag_index: IntArray
    rr: dict[int, tuple[float, ...]]
    skipped_rows: int
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.t)

    @property
    def duration_s(self) -> float:
        """Seconds from the first to the last row."""
        return float(self.t[-1] - self.t[0])

    @property
    def phases(self) -> list[str | None]:
        """The session phase of each row."""
        return [self.tags[i].session_phase for i in self.tag_index]

    def samples(self, start: int = 0, stop: int | None = None) -> Iterator[Sample]:
        """Yield the rows as samples, numbered by their row."""
        times = self.t[start:stop].tolist()
        rows = self.values[start:stop].tolist()
        tags = self.tag_index[start:stop].tolist()
        for seq, (t, row, tag) in enumerate(zip(times, rows, tags, strict=True), start):
            yield Sample(
                self.device_id, t, tuple(row), self.athlete_id, seq, self.profile, self.tags[tag], self.rr.get(seq, ())
            )


def read_session(path: Path) -> Recording:
    """Read a session file, plain or gzip-compressed.

    A last line without a line end is torn and skipped; a row that is not readable is skipped and counted. Rows of one
    second that share a timestamp, as the original system wrote them, are spread evenly over the second.

    Raises:
        RecordingError: not a session file, rows of several athletes, or nothing readable in it.
    """
    text, notes = _complete_lines(path)
    frame, skipped = _parse(path, text, notes)
    if skipped:
        notes.append(f"{skipped} rows were not readable and are left out")
    return _recording(path, frame, skipped, notes)


def _recording(path: Path, frame: pd.DataFrame, skipped: int, notes: list[str]) -> Recording:
    athlete_id = _only_athlete(path, frame)
    tags, tag_index = _tags(frame)
    return Recording(
        path=path,
        athlete_id=athlete_id,
        device_id=device_in_name(path.name) or f"{athlete_id:03d}",
        mode="game" if "game" in {tag.mode for tag in tags} or path.name.startswith("GM") else "training",
        profile=_profile(frame),
        t=_spread(frame["t"].to_numpy(dtype=np.float64, copy=True), notes),
        values=np.column_stack([_column(frame, COLUMN_OF[name]) for name in CHANNELS]),
        tags=tags,
        tag_index=tag_index,
        rr=_rr_intervals(frame),
        skipped_rows=skipped,
        notes=tuple(notes),
    )


def _complete_lines(path: Path) -> tuple[bytes, list[str]]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read ({error.strerror})") from error
    notes: list[str] = []
    if data.startswith(_GZIP_MAGIC):
        data = _decompress(path, data, notes)
    end = data.rfind(b"\n") + 1
    if end < len(data):
        notes.append("the last line is torn and left out")
    if not data[:end].strip():
        raise RecordingError(f"{path}: is empty")
    return data[:end], notes


def _decompress(path: Path, data: bytes, notes: list[str]) -> bytes:
    stream = zlib.decompressobj(wbits=31)
    try:
        text = stream.decompress(data) + stream.flush()
    except zlib.error as error:
        raise RecordingError(f"{path}: is damaged ({error})") from error
    if not stream.eof:
        notes.append("the compressed file ends early")
    return text


def _parse(path: Path, text: bytes, notes: list[str]) -> tuple[pd.DataFrame, int]:
    header = text[: text.find(b"\n")].decode("utf-8", "replace").lstrip("\ufeff").strip().split(",")
    missing = [name for name in REQUIRED_COLUMNS if name not in header]
    if missing:
        named = ", ".join(missing[:_LONGEST_NAMED]) + (", ..." if len(missing) > _LONGEST_NAMED else "")
        raise RecordingError(f"{path}:1: not a session file: the header lacks {named}")
    if len(set(header)) < len(header):
        raise RecordingError(f"{path}:1: not a session file: the header names a column twice")
    frame, unreadable = _numbers(_read_cells(path, text, header), notes)
    if frame.empty:
        raise RecordingError(f"{path}: holds no readable row")
    lines = text.count(b"\n") - 1
    return frame, max(unreadable, lines - len(frame))


def _read_cells(path: Path, text: bytes, header: list[str]) -> pd.DataFrame:
    options: dict[str, Any] = {
        "header": 0,
        "names": header,
        "index_col": False,
        "usecols": [name for name in header if name in {*_NUMERIC, *_TEXT}],
        "on_bad_lines": "skip",
        "encoding_errors": "replace",
        "na_values": [""],
        "keep_default_na": False,
        "quoting": 3,
        **_EXACT,
    }
    types: dict[str, type] = {name: np.float64 if name in _NUMERIC else str for name in options["usecols"]}
    try:
        return pd.read_csv(io.BytesIO(text), dtype=types, **options)
    except ValueError:
        pass
    try:
        return pd.read_csv(io.BytesIO(text), dtype=str, **options)
    except ValueError as error:
        raise RecordingError(f"{path}: not a session file ({error})") from error


def _numbers(frame: pd.DataFrame, notes: list[str]) -> tuple[pd.DataFrame, int]:
    """Return the frame with numeric columns as floats and times in ``t``, without the rows that are not readable."""
    good = np.ones(len(frame), dtype=bool)
    for name in _NUMERIC:
        if name in frame and frame[name].dtype != np.float64:
            numbers = pd.to_numeric(frame[name], errors="coerce").astype(np.float64)
            good &= (numbers.notna() | frame[name].isna()).to_numpy()
            frame[name] = numbers
        if name in frame:
            good &= ~np.isinf(frame[name].to_numpy())
    t = parse_times(frame["timestamp"].fillna(""), notes)
    good &= np.isfinite(t) & frame["athlete_id"].notna().to_numpy()
    frame["t"] = t
    return (frame if good.all() else frame[good].reset_index(drop=True)), int((~good).sum())


def _spread(t: FloatArray, notes: list[str]) -> FloatArray:
    """Spread rows that share their timestamp."""
    shared = int((np.diff(t) == 0).sum())
    if shared:
        notes.append(f"{shared} rows share the timestamp of the row before; they are spread up to the next one")
    return spread(t)


def _only_athlete(path: Path, frame: pd.DataFrame) -> int:
    ids = np.unique(frame["athlete_id"].to_numpy())
    if len(ids) > 1:
        raise RecordingError(f"{path}: holds rows of {len(ids)} athletes: {', '.join(f'{i:g}' for i in ids[:4])}")
    if ids[0] < 1 or ids[0] != int(ids[0]):
        raise RecordingError(f"{path}: athlete_id is {ids[0]:g}; a whole number from 1 is needed")
    return int(ids[0])


def _column(frame: pd.DataFrame, name: str) -> FloatArray:
    return frame[name].to_numpy(dtype=np.float64) if name in frame else np.full(len(frame), np.nan)


def _first(frame: pd.DataFrame, name: str) -> float | None:
    known = frame[name].dropna() if name in frame else ()
    return float(known.iloc[0]) if len(known) else None  # type: ignore[union-attr]


def _profile(frame: pd.DataFrame) -> WireProfile:
    sexes = set(frame["gender"].dropna().astype(str).unique()) if "gender" in frame else set()
    sex = (
        "male"
        if sexes & {"Male", "male", "1", "1.0"}
        else "female"
        if sexes & {"Female", "female", "0", "0.0"}
        else None
    )
    return WireProfile(_first(frame, "age"), _first(frame, "weight"), _first(frame, "height"), sex)  # type: ignore[arg-type]


def _tags(frame: pd.DataFrame) -> tuple[tuple[Tags, ...], IntArray]:
    names = [name for name in _TAGS if name in frame]
    if not names:
        return (NO_TAGS,), np.zeros(len(frame), dtype=np.int64)
    groups = frame.groupby(names, dropna=False, sort=False)
    index = groups.ngroup().to_numpy(dtype=np.int64)
    rows = frame.loc[~frame.duplicated(names), names].itertuples(index=False)
    return tuple(Tags(**dict(zip(names, map(_none_if_missing, row), strict=True))) for row in rows), index


def _none_if_missing(value: Any) -> Any:  # noqa: ANN401 - cells of any column
    return None if value is None or value != value else value  # noqa: PLR0124 - NaN is unlike itself


def _rr_intervals(frame: pd.DataFrame) -> dict[int, tuple[float, ...]]:
    if RR_COLUMN not in frame:
        return {}
    cells = frame[RR_COLUMN].dropna()
    return {int(cast("int", row)): tuple(map(float, str(cell).split())) for row, cell in cells.items()}
