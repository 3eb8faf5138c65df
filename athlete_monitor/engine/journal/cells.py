"""The seconds of the archive as whole numbers, many athletes at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.archive.columns import SOURCES, archived, column, entry_name
from athlete_monitor.physiology.hrv import HeartRateVariability
from athlete_monitor.squad.heart_rate_source import SOURCE_NAMES
from athlete_monitor.squad.tables import PRESENT_FIGURES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from athlete_monitor.arrays import FloatArray

_SOURCE: Final = "heart_rate_source"
_CODES: Final = np.array([SOURCES.index(name) if name else np.nan for name in SOURCE_NAMES])
"""The archive's code of a source by the kernel's."""
BEATS: Final = tuple(figure.key for figure in HeartRateVariability.BEATS)
BESIDE: Final = ("quality__received", "quality__lost", *BEATS)
"""Columns that are not among the kernel's present figures."""


def _kernel_columns() -> Iterator[tuple[str, int, int]]:
    """Yield the columns that ``Squad.present_values`` fills: name, row, and the row that shows whether it is known."""
    kept, place = frozenset(archived()), 0
    for figure in PRESENT_FIGURES:
        if figure.key in kept:
            names = [entry_name(figure.key, each) for each in figure.members] or [figure.key]
            yield from ((name, place + offset, place) for offset, name in enumerate(names))
        place += figure.width


_KERNEL: Final = tuple(_kernel_columns())
COLUMNS: Final = (*(name for name, _, _ in _KERNEL), *BESIDE)
"""Columns of a second, in order."""
_ROWS: Final = np.array([row for _, row, _ in _KERNEL])
_KNOWN: Final = np.array([known for _, _, known in _KERNEL])
_SCALES: Final = np.array([[column(name).scale] for name, _, _ in _KERNEL])
_BEAT_SCALES: Final = tuple(column(name).scale for name in BEATS)
_NO_BEATS: Final = (np.nan,) * len(BEATS)
_SOURCE_ROW: Final = COLUMNS.index(_SOURCE)


def kernel_cells(values: FloatArray) -> FloatArray:
    """Return the archive's whole numbers [columns, k] of present values [figures, k]; NaN where not known."""
    cells = np.rint(values[_ROWS] * _SCALES)
    cells[np.isnan(values[_KNOWN]) | np.isinf(cells)] = np.nan
    sources = values[_ROWS[_SOURCE_ROW]]
    cells[_SOURCE_ROW] = _CODES[np.nan_to_num(sources).astype(np.int64)]
    return np.asarray(cells)


def beside(received: int, lost: int, beats: Sequence[float | None]) -> list[float]:
    """Return the whole numbers of ``BESIDE``: counts of samples, and the variability of the heart rate.

    >>> beside(600, 2, (41.25, None, None, None))
    [600, 2, 4125, nan, nan, nan]
    """
    if not any(beats) and beats.count(None) == len(beats):  # of devices that send no beats
        return [received, lost, *_NO_BEATS]
    scaled: list[Any] = [
        np.nan if value is None else round(value * scale) for value, scale in zip(beats, _BEAT_SCALES, strict=True)
    ]
    return [received, lost, *scaled]
