"""Session files: written row by row as samples arrive, so that a killed process leaves a readable file."""

from __future__ import annotations

import os
import re
import zlib
from contextlib import suppress
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import orjson

from athlete_monitor.arrays import CHANNEL_INDEX
from athlete_monitor.channels import BY_NAME, RR_KEY, RR_PLACE, session_columns
from athlete_monitor.system.files import open_folder, replace_file, sync_to_disk
from athlete_monitor.system.flock import locked
from athlete_monitor.wire.sample import NO_PROFILE, SIMULATED, Sample, Tags, WireProfile
from athlete_monitor.wire.timestamps import file_stamp, format_timestamp, format_timestamps

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from athlete_monitor.arrays import FloatArray

Mode = Literal["training", "game"]
PREFIX: Final[dict[Mode, str]] = {"training": "TR", "game": "GM"}
PROFILE_COLUMNS: Final = ("athlete_id", "age", "weight", "height", "gender")
_BASE_CHANNELS: Final = session_columns(optional=False)
_BASE_COLUMNS: Final = tuple(BY_NAME[name].column for name in _BASE_CHANNELS)
TAG_COLUMNS: Final = ("session_phase", "intensity_level", "mode")
GAME_COLUMNS: Final = ("position", "playing_style", "fitness_level", "fatigue_rate")
TRAINING_COLUMNS: Final = ("timestamp", *PROFILE_COLUMNS, *_BASE_COLUMNS, *TAG_COLUMNS)
RR_COLUMN: Final = RR_KEY
EXTRA_CHANNELS: Final = session_columns(optional=True)
SOURCE_COLUMN: Final = "source"
EXTRA_COLUMNS: Final = (
    *(name for name in EXTRA_CHANNELS if BY_NAME[name].place < RR_PLACE),
    RR_COLUMN,
    *(name for name in EXTRA_CHANNELS if BY_NAME[name].place > RR_PLACE),
    SOURCE_COLUMN,
)
_BASE: Final = [CHANNEL_INDEX[name] for name in _BASE_CHANNELS]
_EXTRA: Final = [CHANNEL_INDEX[name] for name in EXTRA_CHANNELS]

_beats_of: Final = attrgetter("rr_intervals_ms")
NO_BEATS: Final[Mapping[int, tuple[float, ...]]] = MappingProxyType({})

_HEAD_BYTES: Final = 1 << 16
_GZIP_MAGIC: Final = b"\x1f\x8b"
_DATE: Final = re.compile(r"(?<=_)\d{4}_\d\d_\d\d-\d\d_\d\d_\d\d")
_NAME: Final = re.compile(
    r"(?P<prefix>TR|GM)(?P<number>\d+)_A(?P<athlete>\d+)_D(?P<device>[A-Za-z0-9_-]+?)_\d{4}_\d\d_\d\d-.*"
)


def columns(mode: Mode, extra: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the columns of a session file, in order.

    Raises:
        ValueError: an extra column is not one of ``EXTRA_COLUMNS``.
    """
    unknown = [name for name in extra if name not in EXTRA_COLUMNS]
    if unknown:
        msg = f"unknown extra columns {unknown}; allowed: {', '.join(EXTRA_COLUMNS)}"
        raise ValueError(msg)
    chosen = tuple(name for name in EXTRA_COLUMNS if name in extra)
    return (*TRAINING_COLUMNS, *(GAME_COLUMNS if mode == "game" else ()), *chosen)


def extras_of(values: FloatArray, samples: Sequence[Sample]) -> set[str]:
    """Return the extra columns that a session needs for many samples at once.

    Args:
        values: of the samples [n, len(CHANNELS)].
        samples: the same samples, for what is no channel.
    """
    measured: list[int] = np.flatnonzero(~np.isnan(values[:, _EXTRA]).all(axis=0)).tolist()
    found = {EXTRA_CHANNELS[place] for place in measured}
    if any(map(_beats_of, samples)):
        found.add(RR_COLUMN)
    if any(tags.source for tags in _different([sample.tags for sample in samples])):
        found.add(SOURCE_COLUMN)
    return found


def _different(tags: Sequence[Tags]) -> Iterable[Tags]:
    """Return the different records among those of samples, which share them."""
    return dict(zip(map(id, tags), tags, strict=True)).values()


class SessionWriter:
    """One session file, open for writing.

    Args:
        root: folder of all sessions of this mode.
        mode: training or game; it determines the columns and the prefix of the name.
        athlete_id: whose session it is.
        device_id: which device measured it.
        start_t: epoch seconds of the first sample, for the name.
        profile: the athlete's body, written with each row.
        extra: which of ``EXTRA_COLUMNS`` the session has.
        path: the new file; the next number of the athlete's folder if None.

    Raises:
        OSError: the file cannot be created. Writing raises it too, when the disk is full.
    """

    def __init__(
        self,
        root: Path,
        mode: Mode,
        athlete_id: int,
        device_id: str,
        start_t: float,
        profile: WireProfile = NO_PROFILE,
        extra: Sequence[str] = (),
        path: Path | None = None,
    ) -> None:
        self._game = mode == "game"
        self._set_columns(columns(mode, extra))
        self._profile = _profile_cells(athlete_id, profile)
        self._mode = mode
        self.path = path or claim_path(root / f"player_{athlete_id}", PREFIX[mode], athlete_id, device_id, start_t)
        self._file = self.path.open("a", encoding="utf-8", newline="")
        self.rows = 0
        self._safe_bytes = self._heading_bytes = 0
        try:
            self._file.write(",".join(self.columns) + "\n")
            self.flush()
        except OSError:
            self.abandon()
            raise
        self._heading_bytes = self._safe_bytes

    def _set_columns(self, names: tuple[str, ...]) -> None:
        self.columns = names
        self._extra = names[len(TRAINING_COLUMNS) + (len(GAME_COLUMNS) if self._game else 0) :]

    def widen(self, extra: Iterable[str]) -> None:
        """Add optional columns for channels that begin later in the session; earlier rows have empty cells there.

        The file is replaced atomically, so that a killed process leaves the old one or the new one.

        Raises:
            OSError: it cannot be written; the file is as it was.
        """
        wanted = columns(self._mode, [*self._extra, *extra])
        if wanted == self.columns:
            return
        self.flush()
        place = {name: index for index, name in enumerate(self.columns)}
        order = [place.get(name, -1) for name in wanted]  # the last cell is the empty one
        rows = [[*line.split(","), ""] for line in self.path.read_text(encoding="utf-8").split("\n")[1:-1]]
        lines = [wanted, *([row[index] for index in order] for row in rows)]
        replace_file(self.path, "".join(f"{','.join(line)}\n" for line in lines).encode())
        self._file.close()
        self._file = self.path.open("a", encoding="utf-8", newline="")
        self._heading_bytes = len(",".join(wanted)) + 1
        self._set_columns(wanted)
        self.flush()

    def write(self, samples: Iterable[Sample]) -> None:
        """Append one row for each sample that holds a measurement. Rows are safe after ``flush``."""
        rows = [self.row(sample) for sample in samples if not sample.end]
        self._file.write("".join(rows))
        self.rows += len(rows)

    def row(self, sample: Sample) -> str:
        """Return the line of a sample, with its line end."""
        measured = ",".join([_cell(sample.values[channel]) for channel in _BASE])
        head = f"{format_timestamp(sample.t)},{self._profile},{measured},{self._tag_cells(sample.tags)}"
        return f"{head},{','.join(self._extra_cells(sample))}\n" if self._extra else f"{head}\n"

    def _tag_cells(self, tags: Tags) -> str:
        cells = [tags.session_phase, tags.intensity_level, tags.mode or self._mode]
        if self._game:
            cells += [tags.position, tags.playing_style, _optional(tags.fitness_level), _optional(tags.fatigue_rate)]
        return ",".join([_text(cell) for cell in cells])

    def _extra_cells(self, sample: Sample) -> list[str]:
        return [_extra_cell(sample, name) for name in self._extra]

    def write_arrays(
        self,
        t: FloatArray,
        values: FloatArray,
        tags: Sequence[Tags],
        rr: Mapping[int, tuple[float, ...]] = NO_BEATS,
        offset_s: int | None = None,
    ) -> None:
        """Append many rows at once, several times faster than ``write`` of the samples one by one.

        The text is the same, except for numbers below 0.0001 or above 1e15, whose exponents are written shorter.

        Args:
            t: epoch seconds [n].
            values: [n, len(CHANNELS)].
            tags: of each row [n].
            rr: beat intervals, ms, by row.
            offset_s: seconds of the session's local time ahead of UTC; this machine's zone where None.
        """
        cells = {id(tag): self._tag_cells(tag) for tag in _different(tags)}
        when, bases, profile = format_timestamps(t, offset_s), _cell_rows(values[:, _BASE]), self._profile
        if len(cells) == 1 and not self._extra:
            (end,) = cells.values()
            lines = [f"{at},{profile},{base},{end}\n" for at, base in zip(when, bases, strict=True)]
        else:
            rows = zip(when, bases, map(id, tags), self._extra_rows(values, tags, rr), strict=True)
            lines = [f"{at},{profile},{base},{cells[tag]}{x}\n" for at, base, tag, x in rows]
        self._file.write("".join(lines))
        self.rows += len(lines)

    def _extra_rows(self, values: FloatArray, tags: Sequence[Tags], rr: Mapping[int, tuple[float, ...]]) -> list[str]:
        """The extra columns of each row, each with a comma before it."""
        rows = [""] * len(values)
        for name in self._extra:
            if name == RR_COLUMN:
                cells = [" ".join(map(repr, rr.get(row, ()))) for row in range(len(values))]
            elif name == SOURCE_COLUMN:
                cells = [_text(tag.source) for tag in tags]
            else:
                cells = _cell_rows(values[:, [CHANNEL_INDEX[name]]])
            rows = [f"{row},{cell}" for row, cell in zip(rows, cells, strict=True)]
        return rows

    def flush(self) -> None:
        """Pass all rows to the operating system, so that they survive the end of this process."""
        self._file.flush()
        self._safe_bytes = os.fstat(self._file.fileno()).st_size

    def abandon(self) -> None:
        """Close after a failure: the file ends with the last flushed row; without any it is removed."""
        with suppress(OSError):  # what is left cannot be written
            self._file.close()
        with suppress(OSError):
            if self._safe_bytes > self._heading_bytes:
                os.truncate(self.path, self._safe_bytes)
            else:
                self.path.unlink()

    def close(self, *, sync: bool = True) -> None:
        """Write remaining rows, sync them to the disk (if the caller does not do that for many files), and close."""
        if not self._file.closed:
            try:
                self._file.flush()
                if sync:
                    sync_to_disk(self._file.fileno())
            finally:
                self._file.close()

    def __enter__(self) -> SessionWriter:  # noqa: PYI034 - Self is not in the oldest supported typing module
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _cell(value: float) -> str:
    return "" if value != value else repr(value)  # noqa: PLR0124 - NaN is the only value unlike itself


def _extra_cell(sample: Sample, name: str) -> str:
    if name == RR_COLUMN:
        return " ".join(map(repr, sample.rr_intervals_ms))
    return _text(sample.tags.source) if name == SOURCE_COLUMN else _cell(sample.values[CHANNEL_INDEX[name]])


def _cell_rows(values: FloatArray) -> list[str]:
    """Return each row of an array as cells separated by commas, as ``_cell`` writes them."""
    if not len(values):
        return []
    text = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY).decode()
    return text.replace("null", "")[2:-2].split("],[")


def _optional(value: float | None) -> str | None:
    return None if value is None else repr(value)


def _text(value: str | None) -> str:
    """Return a cell that needs no quoting: characters that would break the row become spaces."""
    return "" if value is None else value.translate(_UNSAFE)


_UNSAFE: Final = str.maketrans(dict.fromkeys(',"\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\0', " "))


def _profile_cells(athlete_id: int, profile: WireProfile) -> str:
    numbers = (profile.age_years, profile.weight_kg, profile.height_cm)
    sex = profile.sex.capitalize() if profile.sex else ""
    return ",".join([str(athlete_id), *("" if v is None else f"{v:g}" for v in numbers), sex])


def claim_path(folder: Path, prefix: str, athlete_id: int, device_id: str, start_t: float) -> Path:
    """Create an empty session file with the folder's next number, even beside other writers, and return its path."""
    with open_folder(folder, below=folder.parent, make=True) as handle, locked(handle):
        path = _next_path(handle, folder, prefix, athlete_id, device_id, start_t)
        os.close(os.open(path.name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644, dir_fd=handle))
    return path


def publish_path(whole: Path, folder: Path, prefix: str, athlete_id: int, device_id: str, start_t: float) -> Path:
    """Move a whole session file to the folder's next number, even beside other writers, and return its path.

    Whatever ends the process, the folder has the whole session or none.
    """
    with open_folder(folder, below=folder.parent, make=True) as handle, locked(handle):
        path = _next_path(handle, folder, prefix, athlete_id, device_id, start_t)
        os.rename(whole, path.name, dst_dir_fd=handle)
    return path


def _next_path(handle: int, folder: Path, prefix: str, athlete_id: int, device_id: str, start_t: float) -> Path:
    number = 1 + max((session_number(name, prefix) for name in os.listdir(handle)), default=0)
    return folder / f"{prefix}{number}_A{athlete_id}_D{device_id}_{file_stamp(start_t)}.csv"


def session_number(name: str, prefix: str) -> int:
    """Return the running number in a session file's name; 0 where it has none.

    >>> session_number("TR12_A3_D003_2026_05_04-10_00_00.csv", "TR"), session_number("notes.txt", "TR")
    (12, 0)
    """
    if not name.startswith(prefix):
        return 0
    digits = name[len(prefix) :].partition("_")[0]
    if digits.isdecimal():
        return int(digits)
    match = re.match(r"\d+", digits)
    return int(match[0]) if match else 0


def device_in_name(name: str) -> str | None:
    """Return the device in a session file's name, or None if the name has another form."""
    match = _NAME.fullmatch(name)
    return match["device"] if match else None


def athlete_in_name(name: str) -> int | None:
    """Return the athlete in a session file's name, or None if the name has another form.

    >>> athlete_in_name("TR1_A12_D012_2021_05_12-08_15_45.csv.gz")
    12
    """
    match = _NAME.fullmatch(name)
    return int(match["athlete"]) if match else None


def is_simulated(path: Path) -> bool:
    """Return whether a session file is marked as simulated; False for a file that cannot be read."""
    try:
        return _sources(path)[:1] == [SIMULATED]
    except (OSError, zlib.error):
        return False


def may_be_measured(path: Path) -> bool:
    """Return whether a session file may hold real measurements: it has a whole row that is not marked as simulated.

    A broken file, such as an empty one or one of another kind, has none; one that cannot be read may have some.
    """
    try:
        sources = _sources(path)
    except OSError:
        return True
    except zlib.error:
        return False
    return bool(sources) and sources[0] != SIMULATED


def _sources(path: Path) -> list[str]:
    """Return the source of each whole row at the beginning of a session file; empty texts where it has no such column.

    Raises:
        OSError: it cannot be read.
        zlib.error: it is damaged.
    """
    with path.open("rb") as file:
        data = file.read(_HEAD_BYTES)
    if data.startswith(_GZIP_MAGIC):
        data = zlib.decompressobj(wbits=31).decompress(data, _HEAD_BYTES)
    top, *lines = data.split(b"\n")
    head = [] if b"\0" in top else top.strip().split(b",")
    whole = [row for row in (line.strip().split(b",") for line in lines) if len(row) == len(head) > 1]
    if SOURCE_COLUMN.encode() not in head:
        return [""] * len(whole)
    place = head.index(SOURCE_COLUMN.encode())
    return [row[place].decode("utf-8", "replace") for row in whole]


def list_sessions(root: Path, athlete_id: int, mode: Mode, pattern: str = "*.csv*") -> list[Path]:
    """Return the sessions of an athlete, oldest first.

    By the date in their names: a session that is imported later may be older. Of one date, and of names without one,
    which come first, by their running number.
    """
    folder = root / f"player_{athlete_id}"
    prefix = PREFIX[mode]
    found = [path for path in folder.glob(pattern) if session_number(path.name, prefix) and path.is_file()]
    return sorted(found, key=lambda path: (_date_in(path.name), session_number(path.name, prefix), path.name))


def _date_in(name: str) -> str:
    match = _DATE.search(name)
    return match[0] if match else ""


def athletes_with_sessions(root: Path) -> list[int]:
    """Return the ids of all athletes that have a folder of sessions, in order."""
    names = [path.name for path in root.glob("player_*") if path.is_dir()]
    return sorted(int(name[7:]) for name in names if name[7:].isascii() and name[7:].isdigit())
