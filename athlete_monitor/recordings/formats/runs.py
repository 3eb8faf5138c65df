"""Runs recorded by a watch: one CSV a run, about one row a second, no accelerometer.

Columns: ``t_s`` (seconds since the start), ``hr_bpm``, ``speed_mps``, ``cadence_spm``, ``altitude_m``; ``distance_m``
is the watch's own. The file's name is its start in local time, ``YYYY-MM-DD-HH-MM-SS.csv`` or ``.csv.gz``.

Cadence is steps a minute of both feet: over forty runs (108,000 rows) running rows have 160 to 200 at 2.5 to 3.0 m/s,
which is a step of 0.84 to 0.98 m, and walking rows 100 to 140 at 1.4 to 1.8 m/s, 0.67 to 0.81 m; strides of one foot
would be half as many and twice as long. For some seconds after a change of gait the watch reports a wrong number, half
the true one (60 to 100: 0.08 % of rows) or too large (above 215: 0.01 %, as the 222 at the start of a run that
continues with 182). Those are too few to matter and are kept as measured, like 0 while standing still. A heart rate of
0 is "no reading".
"""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.format import Format, Options
from athlete_monitor.recordings.layout import Layout, layout_of
from athlete_monitor.recordings.plans import plan_of
from athlete_monitor.recordings.source import Source, from_path
from athlete_monitor.recordings.tabular import imported
from athlete_monitor.recordings.text import text_head

if TYPE_CHECKING:
    from pathlib import Path

    from athlete_monitor.recordings.imported import Imported
    from athlete_monitor.recordings.plans import ColumnPlan

_NAME_FORM: Final = "%Y-%m-%d-%H-%M-%S"
_REQUIRED: Final = ("t_s", "hr_bpm", "speed_mps")
_OWN: Final = {"ts": "elapsed"}


def recognise(source: Source) -> bool:
    """Whether the header and the file's name are those of a run."""
    text = text_head(source)
    first = text.partition("\n")[0] if text else ""
    return all(name in first.strip().split(",") for name in _REQUIRED) and _start(source.name) is not None


def read(source: Source, options: Options) -> list[Imported]:
    """Read one run, its rows at their own times.

    Raises:
        RecordingError: the name is not a time, a column is missing, or nothing is measured.
    """
    layout = layout_of(source)
    missing = [name for name in _REQUIRED if name not in layout.header]
    if missing:
        raise RecordingError(f"{source}: is not a run: the header lacks {', '.join(missing)}")
    return imported(_plan(layout, source), options)


def _plan(layout: Layout, source: Source) -> ColumnPlan:
    start_t = _start(source.name)
    if start_t is None:
        raise RecordingError(f"{source}: the name must be the run's start, YYYY-MM-DD-HH-MM-SS.csv[.gz]")
    return dataclasses.replace(plan_of(layout, "runs", _OWN), start_t=start_t)


def _start(name: str) -> float | None:
    try:
        return datetime.strptime(name.removesuffix(".csv"), _NAME_FORM).timestamp()  # noqa: DTZ007 - local time is meant
    except ValueError:
        return None


FORMAT: Final = Format("runs", "runs of a watch (t_s, hr_bpm, speed_mps, …)", recognise, read, suffixes=(".csv",))


def read_run(path: Path, rate_hz: float) -> Imported:
    """Read one run, its rows at their own times.

    Args:
        path: the file.
        rate_hz: not used.

    Raises:
        RecordingError: the name is not a time, a column is missing, or nothing is measured.
    """
    from athlete_monitor.recordings.prepare import prepared

    return prepared(read(from_path(path), Options(rate_hz))[0])[0]
