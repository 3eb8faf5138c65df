"""Reading of session files. It is separate from the writer because the live process does not need pandas."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import pandas as pd

from athlete_monitor.arrays import CHANNELS, FloatArray, IntArray
from athlete_monitor.boundary import described
from athlete_monitor.channels import RR_LIMITS_MS, TABLE, session_columns
from athlete_monitor.errors import RecordingError
from athlete_monitor.wire import keys
from athlete_monitor.wire.clock import straighten
from athlete_monitor.wire.sample import NO_TAGS, SIMULATED, Sample, Tags, WireProfile
from athlete_monitor.wire.session_files import (
    GAME_COLUMNS,
    RR_COLUMN,
    SOURCE_COLUMN,
    TAG_COLUMNS,
    Mode,
    device_in_name,
)
from athlete_monitor.wire.session_text import SessionText, read_text, shown
from athlete_monitor.wire.timestamps import parse_times
from athlete_monitor.wire.whole_seconds import spread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COLUMN_OF: Final = {channel.name: channel.column for channel in TABLE}
REQUIRED_COLUMNS: Final = ("timestamp", "athlete_id", *(COLUMN_OF[name] for name in session_columns(optional=False)))
_PROFILE: Final = ("age", "weight", "height")
_NUMERIC: Final = (*COLUMN_OF.values(), "athlete_id", *_PROFILE, "fitness_level", "fatigue_rate")
_TAGS: Final = (*TAG_COLUMNS, *GAME_COLUMNS, SOURCE_COLUMN)
_TEXT: Final = (*(name for name in _TAGS if name not in _NUMERIC), "gender", RR_COLUMN, "timestamp")
_LIMITS: Final = {channel.column: channel.limits for channel in TABLE} | {name: keys.limits(name) for name in _PROFILE}
_EXACT: Final[dict[str, Any]] = (
    {"float_precision": "round_trip"} if tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1) else {}
)
"""Numbers are read exactly, to the last bit; pandas does so by default from 3.1 on, and warns about the option."""
_BETWEEN_BEATS: Final = re.compile(r"[;,\s]+")
_AGAIN: Final = " (again)"


@dataclass(frozen=True)
class Recording:
    """A session in memory. Axis 0 is time.

    Attributes:
        path: where it was read from.
        athlete_id: whose session it is.
        device_id: which device measured it.
        mode: training or game.
        profile: the athlete's body, as the file has it.
        t: epoch seconds, [n].
        values: [n, len(CHANNELS)], SI units, NaN where not measured.
        tags: the different tags of the session.
        tag_index: index into ``tags`` of each row, [n].
        rr: beat intervals in ms, by row.
        skipped_rows: number of unreadable rows.
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
    def simulated(self) -> bool:
        """Whether the session was simulated: the simulator marks its sessions."""
        return any(tag.source == SIMULATED for tag in self.tags)

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


def read_session(path: Path, *, with_tags: bool = True) -> Recording:
    """Read a session file, plain or gzip-compressed.

    Unreadable rows and cells are ignored and reported in ``notes``: a last line without a line end, rows with another
    number of cells, values out of physical range, beat intervals that cannot be heartbeats. Rows that share a timestamp
    are spread up to the next one; where the clock was set, the rows are moved so that time continues.

    Args:
        path: the file.
        with_tags: whether tags are needed, and the mode that they name; without them a file is read in three quarters
            of the time.

    Raises:
        RecordingError: not a session file, rows of several athletes, or nothing readable in it. No other error is
            raised.
    """
    try:
        return _read(path, with_tags=with_tags)
    except RecordingError:
        raise
    except Exception as error:
        raise RecordingError(f"{shown(path)}: is not readable: {described(error).cause}") from error


def _read(path: Path, *, with_tags: bool) -> Recording:
    text = read_text(path, REQUIRED_COLUMNS)
    notes = list(text.notes)
    frame = _cells(path, text, notes, with_tags=with_tags)
    frame["line"] = text.lines
    frame, unreadable = _numbers(frame, notes)
    skipped = text.unreadable + len(unreadable)
    if skipped:
        lines = [number for number in (text.first_unreadable, *unreadable[:1].tolist()) if number]
        rows = "1 row was" if skipped == 1 else f"{skipped} rows were"
        notes.append(f"{rows} not readable and ignored, the first on line {min(lines)}")
    if frame.empty:
        raise RecordingError(f"{shown(path)}: holds no readable row")
    return _recording(path, frame, skipped, notes, with_tags=with_tags)


def _recording(path: Path, frame: pd.DataFrame, skipped: int, notes: list[str], *, with_tags: bool) -> Recording:
    athlete_id = _only_athlete(path, frame)
    _drop_impossible(frame, notes)
    frame, t = _in_time(frame, notes)
    tags, tag_index = _tags(frame, with_tags=with_tags)
    return Recording(
        path=path,
        athlete_id=athlete_id,
        device_id=device_in_name(path.name) or f"{athlete_id:03d}",
        mode="game" if "game" in {tag.mode for tag in tags} or path.name.startswith("GM") else "training",
        profile=_profile(frame),
        t=t,
        values=_values(frame),
        tags=tags,
        tag_index=tag_index,
        rr=_rr_intervals(frame, notes),
        skipped_rows=skipped,
        notes=tuple(notes),
    )


def _cells(path: Path, text: SessionText, notes: list[str], *, with_tags: bool) -> pd.DataFrame:
    """Return our own columns, the numeric ones as numbers if every cell is a number.

    Tags that are texts cannot make a row unreadable, so rows and notes are the same without them.
    """
    names = _unique(text.columns)
    wanted = [name for name in names if name.removesuffix(_AGAIN) in {*_NUMERIC, *_TEXT}]
    if not with_tags and not any(name.endswith(_AGAIN) for name in wanted):
        wanted = [name for name in wanted if name in _NUMERIC or name not in _TAGS]
    options: dict[str, Any] = {
        "header": None,
        "names": names,
        "index_col": False,
        "usecols": wanted,
        "skip_blank_lines": False,
        "encoding_errors": "replace",
        "na_values": [""],
        "keep_default_na": False,
        "quoting": 3,
        **_EXACT,
    }
    types: dict[str, type] = {name: np.float64 if name.removesuffix(_AGAIN) in _NUMERIC else str for name in wanted}
    if not len(text.lines):
        raise RecordingError(f"{shown(path)}: holds no readable row")
    try:
        frame = pd.read_csv(io.BytesIO(text.body), dtype=types, **options)
    except ValueError:
        frame = pd.read_csv(io.BytesIO(text.body), dtype=str, **options)
    return _merged(path, frame, dict(zip(names, text.spelling, strict=True)), notes)


def _unique(columns: tuple[str, ...]) -> list[str]:
    """Return a unique name for each column: a repeated name of ours gets a suffix, all other columns a number."""
    names: list[str] = []
    for place, column in enumerate(columns):
        known = [name for name in (column, column + _AGAIN) if name not in names]
        names.append(known[0] if known and column else f"column {place}")
    return names


def _merged(path: Path, frame: pd.DataFrame, spelling: dict[str, str], notes: list[str]) -> pd.DataFrame:
    """If two columns mean the same column of ours, use the one that is not empty.

    Raises:
        RecordingError: neither is empty.
    """
    for again in [name for name in frame.columns if name.endswith(_AGAIN)]:
        name = again.removesuffix(_AGAIN)
        empty = next((each for each in (again, name) if frame[each].isna().all()), None)
        if empty is None:
            both = f"{spelling[name]} and {spelling[again]}"
            raise RecordingError(f"{shown(path)}: two columns with the same meaning: {both}; remove one of them")
        notes.append(f"the second column for {name} is empty and ignored")
        frame = frame.drop(columns=empty).rename(columns={again: name})
    return frame


def _numbers(frame: pd.DataFrame, notes: list[str]) -> tuple[pd.DataFrame, IntArray]:
    """Return the readable rows, numeric columns as floats and times in ``t``; and the lines of the other rows."""
    good = np.ones(len(frame), dtype=bool)
    for name in _NUMERIC:
        if name in frame and frame[name].dtype != np.float64:
            numbers = pd.to_numeric(frame[name], errors="coerce").astype(np.float64)
            good &= (numbers.notna() | frame[name].isna()).to_numpy()
            frame[name] = numbers
        if name in frame:
            good &= ~np.isinf(frame[name].to_numpy())
    t = parse_times(frame["timestamp"].fillna("").tolist(), notes)
    good &= np.isfinite(t) & frame["athlete_id"].notna().to_numpy()
    frame["t"] = t
    if good.all():
        return frame, np.empty(0, dtype=np.int64)
    return frame[good].reset_index(drop=True), frame["line"].to_numpy()[~good]


def _drop_impossible(frame: pd.DataFrame, notes: list[str]) -> None:
    """Ignore values that are out of physical range, as on the wire; they are not measurements."""
    dropped: dict[str, int] = {}
    for name, (low, high) in _LIMITS.items():
        if name in frame:
            numbers = frame[name].to_numpy()
            beyond = (numbers < low) | (numbers > high)
            if beyond.any():
                dropped[name] = int(beyond.sum())
                frame[name] = np.where(beyond, np.nan, numbers)
    if dropped:
        notes.append(f"{sum(dropped.values())} values out of physical range are ignored ({', '.join(dropped)})")


def _in_time(frame: pd.DataFrame, notes: list[str]) -> tuple[pd.DataFrame, FloatArray]:
    """Return the rows in the order of time, and their times, all different."""
    t = frame["t"].to_numpy()
    straight = straighten(t, _values(frame), frame["line"].to_numpy())
    notes += straight.notes
    if straight.notes:
        frame = frame.iloc[straight.rows].reset_index(drop=True)
    shared = int((np.diff(straight.t) == 0).sum())
    if shared:
        notes.append(f"{shared} rows share the timestamp of the previous row; they are spread up to the next one")
    return frame, spread(straight.t)


def _values(frame: pd.DataFrame) -> FloatArray:
    return np.column_stack([_column(frame, COLUMN_OF[name]) for name in CHANNELS])


def _only_athlete(path: Path, frame: pd.DataFrame) -> int:
    ids = np.unique(frame["athlete_id"].to_numpy())
    if len(ids) > 1:
        named = ", ".join(f"{i:g}" for i in ids[:4])
        raise RecordingError(f"{shown(path)}: holds rows of {len(ids)} athletes: {named}")
    if not 1 <= ids[0] <= keys.LARGEST_ATHLETE_ID or ids[0] != int(ids[0]):
        wanted = f"a whole number from 1 to {keys.LARGEST_ATHLETE_ID} is needed"
        raise RecordingError(f"{shown(path)}: athlete_id is {ids[0]:g}; {wanted}")
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


def _tags(frame: pd.DataFrame, *, with_tags: bool) -> tuple[tuple[Tags, ...], IntArray]:
    names = [name for name in _TAGS if with_tags and name in frame]
    if not names:
        return (NO_TAGS,), np.zeros(len(frame), dtype=np.int64)
    groups = frame.groupby(names, dropna=False, sort=False)
    index = groups.ngroup().to_numpy(dtype=np.int64)
    rows = frame.loc[~frame.duplicated(names), names].itertuples(index=False)
    return tuple(Tags(**dict(zip(names, map(_none_if_missing, row), strict=True))) for row in rows), index


def _none_if_missing(value: Any) -> Any:  # noqa: ANN401 - cells of any column
    return None if value is None or value != value else value  # noqa: PLR0124 - NaN is unlike itself


def _rr_intervals(frame: pd.DataFrame, notes: list[str]) -> dict[int, tuple[float, ...]]:
    """Return the beat intervals of each row that has some; invalid ones are ignored."""
    if RR_COLUMN not in frame:
        return {}
    beats: dict[int, tuple[float, ...]] = {}
    dropped = 0
    for row, cell in frame[RR_COLUMN].dropna().items():
        texts = [text for text in _BETWEEN_BEATS.split(str(cell)) if text]
        found = tuple(interval for interval in map(_interval, texts) if interval is not None)
        dropped += len(texts) - len(found)
        if found:
            beats[int(cast("int", row))] = found
    if dropped:
        notes.append(f"{dropped} beat intervals were not readable or out of range and are ignored")
    return beats


def _interval(text: str) -> float | None:
    try:
        interval = float(text)
    except ValueError:
        return None
    low, high = RR_LIMITS_MS
    return interval if low <= interval <= high and "_" not in text else None
