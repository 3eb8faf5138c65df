"""Dates and times of day as they are written: their order, their zones, and the hours that clocks repeat or skip."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from athlete_monitor.errors import RecordingError

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence
    from datetime import tzinfo

    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.recordings.moments import Rules

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=timezone.utc).timestamp()
LATEST: Final = datetime(2100, 1, 1, tzinfo=timezone.utc).timestamp()
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar janvier janv ene enero gen gennaio janeiro januari",
            "feb february februar fevrier fevr febrero febbraio fev fevereiro februari",
            "mar march mars marz maerz mrz marzo marco mrt maart",
            "apr april avr avril abr abril aprile",
            "may mai mayo mag maggio maio mei maj",
            "jun june juni juin junio giu giugno junho",
            "jul july juli juillet juil julio lug luglio julho",
            "aug august aout ago agosto augustus augusti",
            "sep sept september septembre septiembre set settembre setembro",
            "oct okt october oktober octobre octubre ott ottobre out outubro",
            "nov november novembre noviembre novembro",
            "dec dez december dezember decembre dic diciembre dicembre dezembro",
        ),
        1,
    )
    for name in names.split()
}


class Day(NamedTuple):
    """A date as it is written, and its zone."""

    a: str
    b: str
    c: str
    zone: str
    dotted: bool = False


def seconds_of(match: re.Match[str]) -> float | None:
    """Return the seconds since midnight of a time of day; None if it is none."""
    parts = match.groupdict()
    hours, half = int(parts.get("h") or 0), (parts.get("half") or "").lower().replace(".", "")
    if half:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half == "pm" else 0)
    minutes, seconds = int(parts.get("m") or 0), int(parts.get("s") or 0)
    if seconds > 60 or (parts.get("h") and minutes > 59):
        return None
    return hours * 3600 + minutes * 60 + seconds + float(f"0.{parts.get('f') or 0}")


def _month(text: str) -> int | None:
    return int(text) if text.isdigit() else _MONTHS.get(text.lower().rstrip("."))


def order_of(days: Sequence[Day], rules: Rules) -> str:
    """Return ``ymd``, ``dmy`` or ``mdy``.

    Raises:
        RecordingError: both of the last two are possible, and differ.
    """
    if all(len(day.a) == 4 for day in days):
        return "ymd"
    if any(not day.b.isdigit() for day in days):
        return "dmy"
    possible = [order for order in ("dmy", "mdy") if all(date_of(day, order) is not None for day in days)]
    if not possible:
        raise RecordingError(f"{rules.label}: {'/'.join(days[0][:3])} is not a date")
    if len(possible) == 1 or all(int(day.a) == int(day.b) for day in days):
        return possible[0]
    if days[0].dotted and rules.day_first is None:
        return "dmy"
    if rules.day_first is not None:
        return "dmy" if rules.day_first else "mdy"
    of_name = [order for order in possible if _is_day(date_of(days[0], order), rules)]
    if len(of_name) == 1:
        return of_name[0]
    readings = [f"{date_of(days[0], order):%-d %B %Y}" for order in possible]
    raise RecordingError(
        f"{rules.label}: the date {'/'.join(days[0][:3])} can be {readings[0]} or {readings[1]}; "
        "give --dates day-first or --dates month-first"
    )


def _is_day(date: datetime | None, rules: Rules) -> bool:
    """Whether a date is that in the file's name."""
    return date is not None and rules.day_t is not None and local_epoch(date, rules.zone) == rules.day_t


def date_of(day: Day, order: str) -> datetime | None:
    """Return the date of a day written in an order such as ``dmy``; None if there is no such date."""
    parts = dict(zip(order, day[:3], strict=True))
    month = _month(parts["m"])
    year = int(parts["y"])
    try:
        return None if month is None else datetime(year + 2000 if year < 100 else year, month, int(parts["d"]))  # noqa: DTZ001
    except ValueError:
        return None


def offset_of(zone: str) -> int:
    """Return the seconds ahead of UTC of a zone as it is written."""
    if zone in {"", "Z", "UTC", "GMT"}:
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return (1 if zone[0] == "+" else -1) * (int(digits[:2]) * 3600 + int(digits[2:]) * 60)


def epochs_of(date: datetime | None, seconds: FloatArray, zone: str, rules: Rules) -> FloatArray:
    """Return the epoch of moments of one day."""
    if date is None:
        return np.full(len(seconds), np.nan)
    if zone:
        return np.asarray(date.replace(tzinfo=timezone.utc).timestamp() - offset_of(zone) + seconds)
    hours = np.floor_divide(np.nan_to_num(seconds), 3600)
    t = np.array(seconds)
    for hour in np.unique(hours):
        rows = hours == hour
        t[rows] += local_epoch(date + timedelta(hours=float(hour)), rules.zone) - hour * 3600
    return t


@lru_cache(maxsize=4096)
def local_epoch(moment: datetime, zone: tzinfo | None, fold: int = 0) -> float:
    """Return the epoch of a local moment; NaN where there is none."""
    try:
        return moment.replace(tzinfo=zone, fold=fold).timestamp()
    except (OverflowError, OSError, ValueError):
        return float("nan")


def folded(t: FloatArray, zone: tzinfo | None) -> FloatArray:
    """Distinguish the two hours that clocks show twice in autumn: the second begins where the clock goes back."""
    sane = (t >= EARLIEST) & (t < LATEST)
    back = np.flatnonzero((np.diff(t) < -1800) & sane[1:] & sane[:-1])
    if not len(back):
        return t
    repaired = t.copy()
    for row in (back + 1).tolist():
        local = datetime.fromtimestamp(float(t[row]), zone).replace(tzinfo=None)
        later = local_epoch(local, zone, 1)
        shift = later - local_epoch(local, zone, 0)
        if 0 < shift <= 7200 and abs(t[row] + shift - t[row - 1]) < 1800:
            end = later + _until_unambiguous(local, zone)
            rows = np.arange(row, len(t))
            repaired[rows[repaired[rows] + shift < end]] += shift
    return repaired


def skipped_hours(t: FloatArray, seconds_of_day: FloatArray, zone: tzinfo | None) -> int:
    """Return how many hours of the rows' clocks are skipped in spring, so that they were read as the next one."""
    hours = np.floor_divide(seconds_of_day, 3600) % 24
    sane = np.flatnonzero((t >= EARLIEST) & (t < LATEST) & ~np.isnan(hours))
    _, first = np.unique(np.floor_divide(t[sane], 3600), return_index=True)
    return sum(datetime.fromtimestamp(float(t[row]), zone).hour != hours[row] for row in sane[first].tolist())


def _until_unambiguous(local: datetime, zone: tzinfo | None) -> float:
    minutes = 0
    while minutes < 180 and local_epoch(local + timedelta(minutes=minutes), zone, 0) != local_epoch(
        local + timedelta(minutes=minutes), zone, 1
    ):
        minutes += 1
    return minutes * 60.0 - local.second
