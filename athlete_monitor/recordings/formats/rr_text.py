"""Beat intervals as text: Kubios, hrv-analysis, Elite HRV and the like. One interval a line, in ms or in s.

A second column of times is allowed (as Polar's ``time;rr``). Lines that begin with ``#`` and lines of words are
skipped. The median determines the unit: beats last 0.2 to 3 s. The beats begin at ``--start``, or at the time in the
file's name.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.cells import number
from athlete_monitor.recordings.dates import EARLIEST, LATEST
from athlete_monitor.recordings.format import Format, Options
from athlete_monitor.recordings.imported import Imported
from athlete_monitor.recordings.moments import start_in_name
from athlete_monitor.recordings.plural import plural
from athlete_monitor.recordings.text import encoding_of, text_head
from athlete_monitor.recordings.vocabulary import CHANNELS, UnknownUnitError, meaning_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from athlete_monitor.recordings.source import Source

_SPLIT: Final = re.compile(r"[;\t ]+|,(?!\d{1,3}$)")
_SPLIT_AT_COMMAS: Final = re.compile(r"[,;\t ]+")
_COMMA: Final = re.compile(r"(?P<first>\d{1,19})(?P<point>\.\d+)?,\s*\d+(\.\d+)?")
_UNIT_BEHIND: Final = re.compile(r"(?<=\d)\s?m?s$", re.IGNORECASE)
_DATE: Final = re.compile(r"\"?(\d{4}-\d\d-\d\d|\d\d[./]\d\d[./]\d{4})[T ,;\t\"]")
_MOST_BYTES: Final = 32 * 2**20
_LOOKED_AT: Final = 200
_LOOKED_AT_FOR_NAMES: Final = 5
_AFTER_POLAR: Final = 4
LATE: Final = 900
_MOST_ROWS: Final = 3
_LEAST_IN_A_ROW: Final = 20
"""A file of at most three lines with so many numbers in each holds beats in a row."""


def recognise(source: Source) -> bool:
    """Whether nearly all lines are numbers that can be beat intervals."""
    if not source.name.lower().endswith((".txt", ".csv", ".rr", ".hrv", ".dat")):
        return False
    text = text_head(source)
    lines = _lines(text.splitlines()[:_LOOKED_AT]) if text else []
    if any(map(_names_another, lines[:_LOOKED_AT_FOR_NAMES])) or any(map(_is_dated, lines[:_LOOKED_AT_FOR_NAMES])):
        return False
    found = _beats(lines)
    if found[:1] == [None] and _epochs(lines[1:]) is not None:  # a table with a header and the time of each beat
        return False
    beats = [beat for beat in found if beat is not None]
    return len(beats) >= 5 and len(beats) >= 0.8 * len(lines) and _unit(np.array(beats)) is not None


def read(source: Source, options: Options) -> list[Imported]:
    """Read beat intervals; each becomes a row at the time of its beat, with its heart rate.

    Raises:
        RecordingError: there are none, or the start is not known.
    """
    data = source.read(_MOST_BYTES)
    text = data.decode(encoding_of(data[:65_536]) or "utf-8", "replace")
    lines = _lines(text.splitlines())
    found = _beats(lines)
    beats = np.array([beat for beat in found if beat is not None])
    factor = _unit(beats)
    if factor is None:
        raise RecordingError(f"{source}: holds no beat intervals: they last 200 to 3,000 ms")
    start = options.start_t if options.start_t is not None else _epochs(lines)
    start = start_in_name(source.name, options.zone) if start is None else start
    if start is None:
        raise RecordingError(f"{source}: does not give its start; give --start 'YYYY-MM-DD HH:MM:SS'")
    return [_recording(source, start, beats * factor, factor, found.count(None))]


FORMAT: Final = Format(
    "rr", "beat intervals as text (Kubios and others)", recognise, read, rank=LATE, suffixes=(".txt", ".rr")
)


def _lines(lines: Iterable[str]) -> list[str]:
    """Return the lines, one for each interval: some programs write all of them in a row."""
    bare = [text for line in lines if (text := line.strip().strip('"')) and not text.startswith(("#", "//"))]
    if len(bare) > _MOST_ROWS:
        return bare
    parts = [part for text in bare for part in re.split(r"[;,\t ]+", text) if part]
    return parts if len(parts) >= _LEAST_IN_A_ROW * len(bare) else bare


def _names_another(line: str) -> bool:
    """Whether a line is a header whose last column does not hold beats: ``time,speed``."""
    name = re.split(r"[;,\t|]", line)[-1].strip().strip('"')
    try:
        found = meaning_of(name) if re.search(r"[^\W\d]{2}", name) else None
    except UnknownUnitError:
        return True
    return found is not None and found.meaning in CHANNELS and found.meaning != "rr_intervals_ms"


def _is_dated(line: str) -> bool:
    """Whether a line begins with a date: a table with a time for each interval."""
    return _DATE.match(line) is not None


def _beats(lines: Sequence[str]) -> list[float | None]:
    """Return the interval in each line: its only number, or the last of two; None where there is none."""
    split = _SPLIT_AT_COMMAS if _has_commas_between(lines) else _SPLIT
    return [_beat(_UNIT_BEHIND.sub("", line), split) for line in lines]


def _has_commas_between(lines: Sequence[str]) -> bool:
    """Whether commas are between two columns and not in numbers: as in ``17,498`` where 17 is the count of beats.

    >>> _has_commas_between(["0,812", "0,798"]), _has_commas_between(["16,812", "17,798"])
    (False, True)
    """
    pairs = [pair for line in lines[:_LOOKED_AT] if (pair := _COMMA.fullmatch(line)) is not None]
    if any(pair["point"] for pair in pairs):
        return True
    firsts = [int(pair["first"]) for pair in pairs]
    return len(firsts) > 1 and all(b > a for a, b in itertools.pairwise(firsts))


def _epochs(lines: Sequence[str]) -> float | None:
    """Return the first of the epoch times in the first of two columns, s; None if it holds something else."""
    firsts = [number(parts[0]) for line in lines if len(parts := _SPLIT_AT_COMMAS.split(line)) == 2]
    times = [value for value in firsts if value is not None]
    if len(times) < 2 or len(times) < 0.8 * len(lines):
        return None
    scale = next((scale for scale in (1.0, 1e-3, 1e-6, 1e-9) if EARLIEST <= times[0] * scale < LATEST), None)
    return None if scale is None else times[0] * scale


def _beat(line: str, split: re.Pattern[str]) -> float | None:
    parts = [part for part in split.split(line) if part]
    if len(parts) == 1 or len(parts) == 2:
        value = number(parts[-1].replace(",", "."))
        return None if value is None or np.isnan(value) else value
    return None


def _unit(beats: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float | None:
    """Return the factor to ms, None if the numbers cannot be beat intervals."""
    if not len(beats):
        return None
    usual = float(np.median(beats))
    if 200 <= usual <= 3000:
        return 1.0
    return 1000.0 if 0.2 <= usual <= 3.0 else None


def _recording(
    source: Source, start: float, beats_ms: np.ndarray[tuple[int], np.dtype[np.float64]], factor: float, passed: int
) -> Imported:
    t = start + np.cumsum(beats_ms) / 1000
    sensible = (beats_ms >= 273) & (beats_ms <= 2000)
    rate = np.where(sensible, np.round(60_000 / np.maximum(beats_ms, 1.0), 1), np.nan)
    rr = {row: (beat,) for row, beat in enumerate(np.round(beats_ms, 3).tolist())}
    notes = [f"the intervals are in {'ms' if factor == 1 else 's'}, by their median of {np.median(beats_ms):.0f} ms"]
    if passed:
        notes.append(f"{plural(passed, 'line is', 'lines are')} not an interval and left out")
    return Imported(source.path, t, {"heart_rate_bpm": rate}, rr, notes=tuple(notes), label=str(source), kind="rr")
