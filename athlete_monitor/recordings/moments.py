"""Time columns of foreign tables: their form, and epoch seconds from them.

Supported forms are ISO 8601 with and without zone, day-first and month-first dates with ``/``, ``.`` or ``-``, names of
months, 12-hour clocks, epoch seconds, milli-, micro- and nanoseconds, days of a spreadsheet, seconds, milliseconds and
``HH:MM:SS`` since a start, and a time of day beside a column of dates. A date that can be read in two ways is refused
with both readings.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.cells import LARGEST, plainly
from athlete_monitor.recordings.dates import (
    EARLIEST,
    LATEST,
    Day,
    date_of,
    epochs_of,
    folded,
    local_epoch,
    offset_of,
    order_of,
    seconds_of,
    skipped_hours,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from athlete_monitor.arrays import FloatArray

_EPOCH_UNITS: Final = (
    (1e17, 1e-9, "epoch nanoseconds"),
    (1e14, 1e-6, "epoch microseconds"),
    (1e11, 1e-3, "epoch milliseconds"),
)
_ELAPSED_UNITS: Final = {
    "s": 1.0,
    "sec": 1.0,
    "ms": 1e-3,
    "us": 1e-6,
    "µs": 1e-6,
    "ns": 1e-9,
    "min": 60.0,
    "h": 3600.0,
    "cs": 0.01,
}
PARTS_OF_SECONDS: Final = {"s/256": 1 / 256, "s/1000": 1e-3}
"""Units of Hexoskin's tables, which count parts of a second since 1970."""
_MILLISECOND_STEPS: Final = (5, 10, 20, 40, 50, 100, 200, 250, 500, 1000)
_SERIAL_DAYS: Final = (36_526.0, 73_050.0)
_SERIAL_START: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - spreadsheets know no zone
_DAY_S: Final = 86_400.0
_HOUR_S: Final = 3600.0
_FROM_ZERO_S: Final = 120.0
"""Times that count from the start begin within two minutes of zero."""
_FIRST_HOUR_S: Final = 3600.0
_PLAIN_NUMBER: Final = -2.0
"""In the column of days: the cell is a number, neither a clock nor a date."""
_CLOCK: Final = r"(?P<h>\d{1,3}):(?P<m>\d\d)(?::(?P<s>\d\d)(?:[.,:](?P<f>\d{1,9}))?)?\s*(?P<half>[AaPp]\.?[Mm]\.?)?"
_ZONE: Final = r"\s*(?:GMT(?=[+-]))?(?P<zone>Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?(?:\s(?:\([^)]*\)|[A-Z]{3,4}))?"
_DATE: Final = r"(?P<a>\d{1,4})\s?[-/. ]\s?(?P<b>\d{1,2}|[^\W\d_]{3,10}\.?)\s?[-/., ]\s?(?P<c>\d{1,4})"
_BEFORE_CLOCK: Final = r"(?:[T,]\s?|,?\s+(?:(?:at|um|a|as|alle|kl\.?|om|klo)\s)?|\s-\s)"
_DATED: Final = re.compile(
    rf"(?:[^\W\d_]{{2,9}}\.?,?\s)?{_DATE}\.?(?:{_BEFORE_CLOCK}(?:{_CLOCK})?{_ZONE})?(?:\[.*\])?", re.ASCII
)
_OTHER_CLOCK: Final = re.compile(
    r"(?P<before>.*\d{4}.*?\s)(?P<h>\d\d?)(?:\.(?P<m>\d\d)\.(?P<s>\d\d)|\s?h\s?(?P<min>\d\d)(?:\s?m(?:in)?\s?(?P<sec>\d\d)\s?s?)?)"
    r"(?P<after>\s.*)?",
    re.ASCII,
)
"""Behind a date, hours with points or letters in the place of colons: 15.04.05, 15h04m05s."""
_NAMED: Final = re.compile(
    rf"(?:[^\W\d_]{{2,9}},?\s)?(?P<b>[^\W\d_]{{3,10}})\.?\s(?P<a>\d{{1,2}}),?\s(?P<c>\d{{4}})(?:{_BEFORE_CLOCK}{_CLOCK}{_ZONE})?",
    re.ASCII,
)
"""A month's name, the day and the year."""
_SINCE: Final = re.compile(rf"(?P<days>\d{{1,5}}) days? {_CLOCK}", re.ASCII)
_COMPACT: Final = re.compile(
    r"(?P<a>\d{4})(?P<b>\d\d)(?P<c>\d\d)[T _-]?(?P<h>\d\d)(?P<m>\d\d)(?P<s>\d\d)"
    r"(?:(?:\.|(?<=T\d{6}))(?P<f>\d{1,9}))?(?P<half>)" + _ZONE
)
_TIME: Final = re.compile(_CLOCK + _ZONE)
_MINUTES: Final = re.compile(r"(?P<m>\d{1,3}):(?P<s>[0-5]\d)(?:[.,](?P<f>\d{1,9}))?")
_NUMBER: Final = re.compile(r"-?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_IN_NAME: Final = re.compile(
    r"(?<!\d)(20\d\d)[-_.]?(\d\d)[-_.]?(\d\d)[-_. T]{0,2}(\d\d)[-_.:h]?(\d\d)(?:[-_.:m]?(\d\d))?(?!\d)", re.ASCII
)
_DAY_IN_NAME: Final = re.compile(r"(?<!\d)(20\d\d)[-_.]?(\d\d)[-_.]?(\d\d)(?!\d)", re.ASCII)
MOST_BAD: Final = 0.2
_LONGEST_CLOCK: Final = 12
"""Characters of a time of day without a date: ``15:04:05.678``."""
_LONGEST_CELL: Final = 400
_LONGEST: Final = 100
"""No time is written with more characters; the patterns would take minutes for a hundred thousand blanks."""


@dataclass(frozen=True)
class Times:
    """The content of a time column.

    Attributes:
        t: epoch seconds [n], NaN where a cell is not a time.
        form: how it is written, for people.
        offset_s: seconds ahead of UTC if the file gives an offset.
        notes: what a user should know.
    """

    t: FloatArray
    form: str
    offset_s: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rules:
    """Information about the times of a file from outside the column.

    Attributes:
        label: the file, for messages.
        zone: of times without an offset; this machine's if None.
        start_t: the start of a file that counts from 0.
        day_first: how a date that can be read in two ways is read.
        unit: of a column of numbers, empty if not known.
        day_t: the midnight before times of day that have no date.
    """

    label: str
    zone: tzinfo | None = None
    start_t: float | None = None
    day_first: bool | None = None
    unit: str = ""
    day_t: float | None = None


class TimeColumn:
    """Converts the cells of a time column block by block, and all of them to epoch seconds at the end.

    Args:
        column: its name, for messages.
        rules: information from outside the column.
    """

    def __init__(self, column: str, rules: Rules) -> None:
        self._column = column
        self._rules = rules
        self._days: dict[Day, int] = {}
        self._day_rows: list[FloatArray] = []
        self._bad: list[tuple[int, str]] = []
        self._cells = 0
        self._numeric = self._clocks = self._minutes = self._stray = self._skipped = 0

    def convert(self, cells: Sequence[str], lines: Sequence[int]) -> FloatArray:
        """Return a block's cells as numbers or seconds of a day; the days are stored separately."""
        seconds, days = np.full(len(cells), np.nan), np.full(len(cells), -1.0)
        for place, cell in enumerate(cells):
            text = cell.strip() if cell.isascii() else _without_accents(cell)
            if text:
                self._cells += 1
                found = self._one(text)
                if found is None:
                    self._bad.append((lines[place], text))
                else:
                    seconds[place], days[place] = found
        self._day_rows.append(days)
        return seconds

    def _one(self, text: str) -> tuple[float, float] | None:
        if len(text) > _LONGEST:
            return None
        if _NUMBER.fullmatch(text) and not _COMPACT.fullmatch(text):
            self._numeric += 1
            value = float(text.replace(",", "."))
            return (value, _PLAIN_NUMBER) if abs(value) < LARGEST else None
        match = _DATED.fullmatch(text) or _COMPACT.fullmatch(text)
        if match is None and len(text) > _LONGEST_CLOCK:
            match = _DATED.fullmatch(_with_colons(text))
        if match is None and text[0].isalpha():
            match = _NAMED.fullmatch(text)
        if match:
            dotted = text[match.end("a") : match.end("a") + 1] == "."
            day = Day(match["a"], match["b"], match["c"], match["zone"] or "", dotted)
            seconds = seconds_of(match)
            return None if seconds is None else (seconds, float(self._days.setdefault(day, len(self._days))))
        since = _SINCE.fullmatch(text) if "day" in text else None
        if since:
            self._clocks += 1
            seconds = seconds_of(since)
            return None if seconds is None else (seconds + int(since["days"]) * _DAY_S, -1.0)
        minutes = _MINUTES.fullmatch(text) if text.count(":") == 1 else None
        clock = minutes or _TIME.fullmatch(text)
        if clock:
            self._clocks += 1
            self._minutes += minutes is not None
            seconds = seconds_of(clock)
            return None if seconds is None else (seconds, -1.0)
        return None

    @property
    def has_dates(self) -> bool:
        """Whether the column holds dates or epoch seconds."""
        return bool(self._days)

    def finish(self, raw: FloatArray, dates: Times | None = None) -> Times:
        """Return epoch seconds.

        Args:
            raw: all blocks of ``convert`` together.
            dates: of a column of dates beside this one, if it has none itself.

        Raises:
            RecordingError: most cells are not times, the dates can be read in two ways, or the start is not known.
        """
        if self._bad and len(self._bad) > MOST_BAD * max(self._cells, 1):
            line, text = self._bad[0]
            raise RecordingError(f"{self._rules.label}: row {line}: {self._column} is not a time: {text[:40]!r}")
        times = self._read(raw, dates)
        notes = list(times.notes)
        if self._bad:
            line, text = self._bad[0]
            notes.append(f"rows without a readable time are left out: {len(self._bad)} (row {line}: {text[:40]!r})")
        if self._stray:
            notes.append(f"rows left out because their time of day is a plain number: {self._stray}")
        if self._skipped:
            notes.append(
                "some times of day do not exist on this day (clocks go forward): they are read an hour later; "
                "perhaps --zone is wrong"
            )
        beyond = (times.t < EARLIEST) | (times.t >= LATEST)
        if beyond.all() and len(times.t):
            raise RecordingError(f"{self._rules.label}: {self._column} is out of range: 2000 to 2099 are allowed")
        return Times(times.t, times.form, times.offset_s, tuple(notes))

    def _read(self, raw: FloatArray, dates: Times | None) -> Times:
        if self._days:
            days = np.concatenate(self._day_rows) if self._day_rows else np.empty(0)
            return self._dated(raw, days.astype(np.int64))
        if dates is not None:
            return _beside(raw, dates, self._rules, is_clock=self._clocks > self._numeric)
        if self._numeric >= self._clocks:
            return _from_numbers(raw, self._rules, self._column)
        of_hour = self._minutes == self._clocks
        clock = _unwrapped(self._without_numbers(raw), _HOUR_S if of_hour else _DAY_S)
        if of_hour and _begins_late(clock):
            if self._rules.start_t is not None:
                return Times(self._rules.start_t + clock - clock[~np.isnan(clock)][0], "MM:SS of an hour")
            raise RecordingError(
                f"{self._rules.label}: {self._column} gives minutes and seconds without the hour, as spreadsheets save "
                "times of day; give --start 'YYYY-MM-DD HH:MM:SS'"
            )
        if self._rules.start_t is None and self._rules.day_t is not None:
            return Times(self._rules.day_t + clock, "time of day on the day in the file's name")
        return _since_start(clock, self._rules, "HH:MM:SS")

    def _without_numbers(self, raw: FloatArray) -> FloatArray:
        """Return the clock's times; a plain number among them is none, and would move the rest by a day."""
        plain = np.concatenate(self._day_rows) == _PLAIN_NUMBER
        if plain.any():
            self._stray = int(plain.sum())
        return np.where(plain, np.nan, raw)

    def _dated(self, raw: FloatArray, index: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Times:
        days = list(self._days)
        order = order_of(days, self._rules)
        t = np.where((index < 0) & (raw >= EARLIEST) & (raw < LATEST), raw, np.nan)
        for number, day in enumerate(days):
            rows = index == number
            t[rows] = epochs_of(date_of(day, order), raw[rows], day.zone, self._rules)
        offset = offset_of(days[0].zone)
        if not days[0].zone:
            t = folded(t, self._rules.zone)
            self._skipped = skipped_hours(t, raw, self._rules.zone)
        named = {"ymd": "year-month-day", "dmy": "day-month-year", "mdy": "month-day-year"}[order]
        zone = "with zone" if days[0].zone else "UTC" if self._rules.zone is timezone.utc else "local time"
        return Times(t, f"{named}, {zone}", offset or None)


def _without_accents(text: str) -> str:
    """Return a time in plain letters and blanks: ``août`` is ``aout``, a narrow blank before PM a blank."""
    split = unicodedata.normalize("NFKD", plainly(text[:_LONGEST_CELL]))
    return "".join(char for char in split if not unicodedata.combining(char)).strip()


def _with_colons(text: str) -> str:
    """Return a time with colons between hours, minutes and seconds, where a date is before them.

    >>> _with_colons("14/05/2026 15h04m05s"), _with_colons("14.05.2026 15.04.05"), _with_colons("14.05.2026")
    ('14/05/2026 15:04:05', '14.05.2026 15:04:05', '14.05.2026')
    """
    match = _OTHER_CLOCK.fullmatch(text)
    if match is None:
        return text
    clock = f"{match['h']}:{match['m'] or match['min']}:{match['s'] or match['sec'] or '00'}"
    return f"{match['before']}{clock}{match['after'] or ''}"


# ------------------------------------------------------------------------------------------------- numbers and clocks


def _from_numbers(raw: FloatArray, rules: Rules, column: str) -> Times:
    if rules.unit in PARTS_OF_SECONDS:
        raw, rules = raw * PARTS_OF_SECONDS[rules.unit], replace(rules, unit="s")
    present = raw[~np.isnan(raw)]
    usual = float(np.median(np.abs(present))) if len(present) else 0.0
    for least, factor, form in _EPOCH_UNITS:
        if usual >= least:
            return Times(raw * factor, form)
    if usual >= EARLIEST:
        return Times(raw, "epoch seconds")
    step = float(np.median(np.abs(np.diff(present)))) if len(present) > 1 else 0.0
    if _SERIAL_DAYS[0] <= usual < _SERIAL_DAYS[1] and 0 < step < 0.01:
        return Times(_of_serial_days(raw, rules), "days of a spreadsheet, local time")
    factor, note = _elapsed_factor(raw, step, rules, column)
    return _since_start(raw * factor, rules, "seconds since the start", note)


def _of_serial_days(raw: FloatArray, rules: Rules) -> FloatArray:
    t = np.full(len(raw), np.nan)
    whole = np.floor(raw)
    for day in np.unique(whole[~np.isnan(whole)]).tolist():
        rows = whole == day
        seconds = np.round((raw[rows] - day) * _DAY_S, 3)
        t[rows] = epochs_of(_SERIAL_START + timedelta(days=day), seconds, "", rules)
    return t


def _elapsed_factor(raw: FloatArray, step: float, rules: Rules, column: str) -> tuple[float, str]:
    if rules.unit:
        return _ELAPSED_UNITS.get(rules.unit.lower(), 1.0), ""
    whole = bool((np.nan_to_num(raw) % 1 == 0).all())
    if whole and step in _MILLISECOND_STEPS:
        return 1e-3, f"{column} is taken as milliseconds: it counts in steps of {step:g}"
    return 1.0, ""


def _since_start(elapsed: FloatArray, rules: Rules, form: str, note: str = "") -> Times:
    first = float(elapsed[~np.isnan(elapsed)][0]) if not np.isnan(elapsed).all() else 0.0
    if rules.start_t is None:
        of_day = form == "HH:MM:SS" and first >= _FIRST_HOUR_S
        why = "gives times of day without a date" if of_day else "counts its time from a start that it does not give"
        raise RecordingError(f"{rules.label}: {why}; give --start 'YYYY-MM-DD HH:MM:SS'")
    since = elapsed if 0 <= first < _FIRST_HOUR_S else elapsed - first
    return Times(rules.start_t + since, form, None, (note,) if note else ())


def _begins_late(clock: FloatArray) -> bool:
    """Whether the first time is far from zero: it does not count from the start."""
    known = clock[~np.isnan(clock)]
    return bool(len(known) and known[0] >= _FROM_ZERO_S)


def _unwrapped(seconds: FloatArray, period_s: float = _DAY_S) -> FloatArray:
    """Continue times of day beyond midnight, and times of an hour beyond its end."""
    drops = np.concatenate([[0.0], np.where(np.diff(seconds) < -period_s / 2, period_s, 0.0)])
    return np.asarray(seconds + np.cumsum(drops))


def _beside(raw: FloatArray, dates: Times, rules: Rules, *, is_clock: bool) -> Times:
    """Combine times of day with the dates beside them; epochs need no date, other numbers count from the first one."""
    highest = float(np.nanmax(np.abs(raw), initial=0.0))
    if not is_clock and highest > 1.0:
        begin = rules.start_t if rules.start_t is not None else float(dates.t[~np.isnan(dates.t)][0])
        return _from_numbers(raw, replace(rules, start_t=begin), "the time")
    seconds = raw if is_clock else raw * _DAY_S
    t = np.asarray(dates.t + seconds)
    return Times(t if len(np.unique(dates.t)) > 1 else dates.t + _unwrapped(seconds), f"{dates.form}, and time of day")


def start_in_name(name: str, zone: tzinfo | None = None) -> float | None:
    """Return the epoch of a date and time in a file's name, None if there is none.

    >>> from datetime import timezone
    >>> start_in_name("run_2026-05-04_10-00-00.csv", timezone.utc)
    1777888800.0
    """
    match = _IN_NAME.search(name)
    if match is None:
        return None
    try:
        moment = datetime(*(int(part or 0) for part in match.groups()))  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError:
        return None
    return local_epoch(moment, zone)


def day_in_name(name: str, zone: tzinfo | None = None) -> float | None:
    """Return the epoch of the midnight before the day in a file's name, None if there is none."""
    match = _DAY_IN_NAME.search(name)
    try:
        return None if match is None else local_epoch(datetime(*map(int, match.groups())), zone)  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError:
        return None


def moment_of(text: str, rules: Rules) -> tuple[float, int | None]:
    """Return the epoch seconds and, if given, the offset of one written moment.

    Raises:
        RecordingError: it is not one.
    """
    column = TimeColumn("the time", rules)
    times = column.finish(column.convert([text], [0]))
    if np.isnan(times.t[0]):
        raise RecordingError(f"{rules.label}: {text[:40]!r} is not a time")
    return float(times.t[0]), times.offset_s
