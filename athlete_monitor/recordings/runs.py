"""Runs recorded by a watch: one CSV a run, about one row a second, no accelerometer.

Columns: ``t_s`` (seconds since the start), ``hr_bpm``, ``speed_mps``, ``cadence_spm``, ``altitude_m``; ``distance_m``
is not used. The file's name is its start in local time, ``YYYY-MM-DD-HH-MM-SS.csv`` or ``.csv.gz``.

Cadence is steps a minute of both feet: over forty runs (108,000 rows) running rows have 160 to 200 at 2.5 to 3.0 m/s,
which is a step of 0.84 to 0.98 m, and walking rows 100 to 140 at 1.4 to 1.8 m/s, 0.67 to 0.81 m; strides of one foot
would be half as many and twice as long. For some seconds after a change of gait the watch tells something else, half
the true number (60 to 100: 0.08 % of rows) or too many (above 215: 0.01 %, as the 222 at the start of a run that goes
on with 182). Those are too few to matter and are kept as measured, like 0 while standing still. A heart rate of 0 is
"no reading".
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.arrays import ALTITUDE, CADENCE, CHANNELS, HEART_RATE, SPEED
from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.imported import Imported, checked
from athlete_monitor.recordings.tables import read_table

if TYPE_CHECKING:
    from pathlib import Path

_NAME_FORM: Final = "%Y-%m-%d-%H-%M-%S"
_COLUMNS: Final = {"hr_bpm": HEART_RATE, "speed_mps": SPEED, "cadence_spm": CADENCE, "altitude_m": ALTITUDE}
_REQUIRED: Final = ("t_s", "hr_bpm", "speed_mps")


def read_run(path: Path, rate_hz: float) -> Imported:  # noqa: ARG001 - rows are kept at their own times
    """Read one run, its rows at their own times.

    Args:
        path: the file.
        rate_hz: not used.

    Raises:
        RecordingError: the name is no time, a column is missing, a cell is no number, or nothing is measured.
    """
    start_t = start_in_name(path)
    table = read_table(path)
    missing = [name for name in _REQUIRED if name not in table.header]
    if missing:
        raise RecordingError(f"{path}: is not a run: the header lacks {', '.join(missing)}")
    t = table.numbers("t_s")
    values = np.full((len(t), len(CHANNELS)), np.nan)
    for name in _COLUMNS.keys() & set(table.header):
        values[:, _COLUMNS[name]] = table.numbers(name)
    values[values[:, HEART_RATE] == 0, HEART_RATE] = np.nan
    timed = ~np.isnan(t)
    notes = (f"{table.torn_rows} torn rows are left out",) if table.torn_rows else ()
    return checked(Imported(path, start_t + t[timed], values[timed], notes=notes))


def start_in_name(path: Path) -> float:
    """Return the epoch seconds of the local time that is the file's name.

    Raises:
        RecordingError: the name is of another form.
    """
    stem = path.name.removesuffix(".gz").removesuffix(".csv")
    try:
        return datetime.strptime(stem, _NAME_FORM).timestamp()  # noqa: DTZ007 - local time is meant
    except ValueError:
        raise RecordingError(f"{path}: the name must be the run's start, YYYY-MM-DD-HH-MM-SS.csv[.gz]") from None
