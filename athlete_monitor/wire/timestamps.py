"""Times on the wire, in session files and in imported tables: read from text or numbers, kept as epoch seconds.

This is the only parser of timestamps. ``parse_timestamp`` reads one, ``parse_times`` a column of a file, where the hour
that the end of summer time repeats is resolved from the rows before and after.

>>> parse_timestamp("2026-01-15T10:00:00.25Z"), parse_timestamp("2026-01-15 15:30:00+05:30")
(1768471200.25, 1768471200.0)
>>> epoch_unit(1768471200250)
'milliseconds'
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.errors import PayloadError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt

    from athlete_monitor.arrays import BoolArray, FloatArray, IntArray

    _Texts = npt.NDArray[np.str_]

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=timezone.utc).timestamp()
LATEST: Final = datetime(2100, 1, 1, tzinfo=timezone.utc).timestamp()
EPOCH_UNITS: Final[Mapping[str, float]] = MappingProxyType(
    {"seconds": 1.0, "milliseconds": 1e3, "microseconds": 1e6, "nanoseconds": 1e9}
)
"""Units in a second. The years 2000 to 2099 do not overlap in these units, so that a number reveals its unit."""

_FORM: Final = re.compile(
    r"(?P<second>\d{4}-\d\d-\d\d[ Tt]\d\d:\d\d:\d\d)(?:[.,](?P<fraction>\d{1,12}))?"
    r" ?(?P<zone>[Zz]|UTC|GMT|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
_NUMBER: Final = re.compile(r"\d+(?:\.\d*)?(?:[eE]\+?\d{1,2})?", re.ASCII)
_NOT_UNDERSTOOD: Final = "`timestamp` is not understood: 2026-01-01T10:00:00.25Z or epoch seconds are expected"
_CACHED_SECONDS: Final = 4096
_SECONDS: Final = tuple(f"{second:02d}" for second in range(60))
_MILLIS: Final = tuple(f".{milli:03d}" for milli in range(1000))
_MICRO: Final = 1_000_000
_QUARTER_US: Final = 900 * _MICRO
"""Every change of the clocks happens on a quarter of an hour, and moves them by at least half an hour."""
_SET_BACK_S: Final = 1500.0
_NOTHING: Final = np.iinfo(np.int64).min


def parse_timestamp(value: str | float) -> float:
    """Return epoch seconds.

    Args:
        value: ``YYYY-MM-DD HH:MM:SS[.ffffff]`` in local time, ISO 8601 with a zone, or epoch seconds (text or number).

    Raises:
        PayloadError: not a time, outside the years 2000 to 2099, or a number in another unit than seconds; the message
            names the unit.
    """
    t = _parse_text(value) if isinstance(value, str) else float(value)
    if not EARLIEST <= t < LATEST:
        raise PayloadError(_out_of_range(t))
    return t


def _out_of_range(t: float) -> str:
    if unit := epoch_unit(t):
        return f"`timestamp` looks like {unit}; epoch seconds are expected"
    if 0.0 <= t < EARLIEST:
        return "`timestamp` is before the year 2000: the device's clock is not set"
    return "`timestamp` is not in the years 2000 to 2099"


def epoch_unit(value: float) -> str | None:
    """Return the unit in which a number is a time of the years 2000 to 2099, a key of ``EPOCH_UNITS``; else None."""
    return next((unit for unit, per_s in EPOCH_UNITS.items() if EARLIEST <= value / per_s < LATEST), None)


def _parse_text(text: str) -> float:
    match = _FORM.fullmatch(text)
    if match is None:
        if _NUMBER.fullmatch(text):
            return float(text)
        raise PayloadError(_NOT_UNDERSTOOD)
    fraction = match["fraction"]
    second = _whole_second(match["second"], match["zone"] or "")
    return second + float(f"0.{fraction}") if fraction else second


@lru_cache(maxsize=_CACHED_SECONDS)
def _whole_second(text: str, zone: str) -> float:
    """Return the epoch of a whole second; samples of one second share the work."""
    try:
        moment = datetime.fromisoformat(text + _iso_zone(zone))
        return moment.timestamp()
    except (ValueError, OverflowError, OSError):
        raise PayloadError(_NOT_UNDERSTOOD) from None


def _iso_zone(zone: str) -> str:
    if zone in {"", "Z", "z", "UTC", "GMT"}:
        return "+00:00" if zone else ""
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return f"{zone[0]}{digits[:2]}:{digits[2:]}"


def parse_times(cells: Iterable[str], notes: list[str] | None = None) -> FloatArray:
    """Return epoch seconds for each cell of a column [n], NaN where it is not a time.

    Local times are read in sequence: in the hour that the end of summer time repeats, the clock's step back or the rows
    before and after determine which of the two it is. A column of epoch milliseconds (or micro-, or nanoseconds) is
    read as such, and noted.

    Args:
        cells: texts as ``parse_timestamp`` takes them.
        notes: gets a sentence for everything that a user should know.

    >>> notes = []
    >>> parse_times(["1768471200250", "x"], notes), notes
    (array([1.7684712e+09,           nan]), ['the timestamps are epoch milliseconds'])
    """
    texts = np.char.strip(np.array(list(cells), dtype=np.str_))
    if not len(texts):
        return np.empty(0)
    if _NUMBER.fullmatch(str(texts[np.argmax(texts != "")])) and (np.char.find(texts, ":") < 0).all():
        return _in_years(_numbers(texts, notes))
    micros, offsets_s = _uniform(texts) or _one_by_one(texts)
    return _in_years(_epochs(micros, offsets_s))


def _in_years(t: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore"):
        return np.where((t >= EARLIEST) & (t < LATEST), t, np.nan)


def _numbers(texts: _Texts, notes: list[str] | None) -> FloatArray:
    numbers = np.array([float(text) if _NUMBER.fullmatch(text) else np.nan for text in texts.tolist()])
    known = numbers[~np.isnan(numbers)]
    unit = epoch_unit(float(np.median(known)))
    if unit is None or unit == "seconds":
        return numbers
    if notes is not None:
        notes.append(f"the timestamps are epoch {unit}")
    return np.asarray(numbers / EPOCH_UNITS[unit])


def _uniform(texts: _Texts) -> tuple[IntArray, FloatArray] | None:
    """Return microseconds and offsets of a column whose cells are all of one form; None for any other column."""
    length = texts.dtype.itemsize // 4
    letters = np.ascontiguousarray(texts).view("U1").reshape(len(texts), length) if length else None
    if letters is None or (letters[:, -1] == "").any() or not _has_form(letters):
        return None
    zone = _zone_length(letters)
    if not _is_fraction(letters[:, 19 : length - zone]):
        return None
    bare = np.ascontiguousarray(letters[:, : length - zone]).view(f"U{length - zone}").ravel()
    try:
        micros = bare.astype("datetime64[us]").astype(np.int64)
        return micros, _offsets_s(letters[:, length - zone :])
    except ValueError:
        return None


def _offsets_s(letters: _Texts) -> FloatArray:
    """Return each row's offset from the letters of its zone; in most files all are the same."""
    length = letters.shape[1]
    if not length:
        return np.full(len(letters), np.nan)
    zones = np.ascontiguousarray(letters).view(f"U{length}").ravel()
    if (zones == zones[0]).all():
        return np.full(len(zones), _offset_s(str(zones[0])))
    known, index = np.unique(zones, return_inverse=True)
    return np.array([_offset_s(str(zone)) for zone in known])[index]


def _has_form(letters: _Texts) -> bool:
    """Whether every row is like ``2026-01-15 10:00:00...``."""
    signs = {4: "-", 7: "-", 13: ":", 16: ":"}
    return (
        letters.shape[1] >= 19
        and all((letters[:, place] == sign).all() for place, sign in signs.items())
        and bool(np.isin(letters[:, 10], [" ", "T"]).all())
    )


def _is_fraction(letters: _Texts) -> bool:
    return letters.shape[1] == 0 or bool((letters[:, 0] == ".").all() and (np.char.isdigit(letters[:, 1:])).all())


def _zone_length(letters: _Texts) -> int:
    if np.isin(letters[:, -1], ["Z", "z"]).all():
        return 1
    for length in (6, 5):
        if letters.shape[1] >= 19 + length and np.isin(letters[:, -length], ["+", "-"]).all():
            return length
    return 0


def _offset_s(zone: str) -> float:
    """Return the seconds east of Greenwich, NaN for local time."""
    if not zone:
        return float("nan")
    offset = datetime.fromisoformat(f"2000-01-01 00:00:00{_iso_zone(zone)}").utcoffset()
    return 0.0 if offset is None else offset.total_seconds()


def _one_by_one(texts: _Texts) -> tuple[IntArray, FloatArray]:
    parts = [_parts(text) for text in texts.tolist()]
    return np.array([micros for micros, _ in parts], dtype=np.int64), np.array([offset for _, offset in parts])


def _parts(text: str) -> tuple[int, float]:
    """Return a cell's microseconds by its own clock (or None), and that clock's offset (NaN: local time)."""
    match = _FORM.fullmatch(text)
    try:
        if match is None:
            return (round(float(text) * _MICRO), 0.0) if _NUMBER.fullmatch(text) else (_NOTHING, 0.0)
        moment = datetime.fromisoformat(match["second"]).replace(tzinfo=timezone.utc)
        micros = round(float(f"0.{match['fraction'] or 0}") * _MICRO)
        return round(moment.timestamp()) * _MICRO + micros, _offset_s(match["zone"] or "")
    except (ValueError, OverflowError):
        return _NOTHING, 0.0


def _epochs(micros: IntArray, offsets_s: FloatArray) -> FloatArray:
    """Return epoch seconds from microseconds by each row's own clock; NaN where there are none."""
    known = micros != _NOTHING
    local = np.isnan(offsets_s) & known
    t = np.full(len(micros), np.nan)
    given = known & ~local
    t[given] = (micros[given] - (offsets_s[given] * _MICRO).astype(np.int64)) / 1e6
    if local.any():
        t[local] = _local(micros[local])
    return t


def _local(micros: IntArray) -> FloatArray:
    """Return epoch seconds of local times; times that occur twice a year are resolved by continuity."""
    quarters, index = np.unique(micros // _QUARTER_US, return_inverse=True)
    first, second = (np.array([_shift_us(int(quarter), fold) for quarter in quarters]) for fold in (0, 1))
    early, late = (micros + first[index]) / 1e6, (micros + second[index]) / 1e6
    return _by_continuity(early, late, late > early)


def _shift_us(quarter: int, fold: int) -> int:
    """Return the offset from local microseconds in this quarter of an hour to those of the epoch; 0 if unknown."""
    try:
        naive = datetime.fromtimestamp(quarter * 900, timezone.utc).replace(tzinfo=None, fold=fold)
        return round(naive.timestamp()) * _MICRO - quarter * _QUARTER_US
    except (ValueError, OverflowError, OSError):
        return 0


def _by_continuity(early: FloatArray, late: FloatArray, twofold: BoolArray) -> FloatArray:
    """Choose between the two meanings of the ``twofold`` rows."""
    t = early.copy()
    edges = np.flatnonzero(np.diff(np.concatenate([[0], twofold.astype(np.int8), [0]])))
    for start, stop in edges.reshape(-1, 2).tolist():
        set_back = np.flatnonzero(np.diff(early[start:stop]) < -_SET_BACK_S)
        turn = start if _is_late(t, late, start, stop) else stop
        if len(set_back):
            turn = start + int(set_back[0]) + 1
        t[turn:stop] = late[turn:stop]
    return t


def _is_late(t: FloatArray, late: FloatArray, start: int, stop: int) -> bool:
    """Whether rows without a step back are the later ones: only then they follow the row before or lead to the next."""
    if start and t[start - 1] > t[start]:
        return True
    leads_on = stop < len(t) and 0.0 <= t[stop] - late[stop - 1] < _SET_BACK_S
    return leads_on and not (start and t[start] - t[start - 1] < _SET_BACK_S)


def format_timestamp(t: float, offset_s: int | None = None) -> str:
    """Return ``YYYY-MM-DD HH:MM:SS.mmm+HH:MM``: local time with its offset, rounded to the millisecond.

    Args:
        t: epoch seconds.
        offset_s: seconds of the local time ahead of UTC; this machine's zone where None.

    >>> format_timestamp(1768471200.25, 34_200)
    '2026-01-15 19:30:00.250+09:30'
    >>> parse_timestamp(format_timestamp(1768471200.25))
    1768471200.25
    """
    millis = round(t * 1000)
    second, zone = _second_text(millis // 1000, offset_s)
    return f"{second}.{millis % 1000:03d}{zone}"


def format_timestamps(t: FloatArray, offset_s: int | None = None) -> list[str]:
    """Return what ``format_timestamp`` returns for each of many times [n], several times as fast.

    >>> format_timestamps(np.array([1768471200.25]), 34_200)
    ['2026-01-15 19:30:00.250+09:30']
    """
    millis = np.rint(t * 1000).astype(np.int64)
    seconds, rest = np.divmod(millis, 1000)
    minutes = seconds // 60
    texts = {minute: _second_text(minute * 60, offset_s) for minute in set(minutes.tolist())}
    if any(not text.endswith(":00") for text, _ in texts.values()):  # an old local time of uneven seconds
        return [format_timestamp(each, offset_s) for each in t.tolist()]
    if len(texts) == 1:
        ((text, zone),) = texts.values()
        head = text[:17]
        each = zip((seconds % 60).tolist(), rest.tolist(), strict=True)
        return [f"{head}{_SECONDS[second]}{_MILLIS[milli]}{zone}" for second, milli in each]
    rows = zip(map(texts.__getitem__, minutes.tolist()), (seconds % 60).tolist(), rest.tolist(), strict=True)
    return [f"{text[:17]}{_SECONDS[second]}{_MILLIS[milli]}{zone}" for (text, zone), second, milli in rows]


@lru_cache(maxsize=_CACHED_SECONDS)
def _second_text(second: int, offset_s: int | None = None) -> tuple[str, str]:
    zone = None if offset_s is None else timezone(timedelta(seconds=offset_s))
    text = datetime.fromtimestamp(second, timezone.utc).astimezone(zone).isoformat(" ", "seconds")
    return text[:19], text[19:]


def file_stamp(t: float) -> str:
    """Return ``YYYY_MM_DD-HH_MM_SS`` in local time, as file names carry it."""
    return datetime.fromtimestamp(t).strftime("%Y_%m_%d-%H_%M_%S")  # noqa: DTZ006 - local time is the contract
