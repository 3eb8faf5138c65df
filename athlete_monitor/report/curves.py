"""Curves over time, in panels below each other."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.report.drawing import (
    INK,
    MUTED,
    RULE,
    Axes,
    Band,
    bands_of,
    round_step,
    svg,
    text,
    time_axis,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import FloatArray, IntArray

POINTS_PER_CURVE: Final = 900
LEAST_RANGE: Final = 20.0
"""Of axes that do not begin at zero, in their unit: a level curve has numbers beside it too."""
GAP_S: Final = 10.0
"""No line joins two moments that are further apart."""
LEFT_MARGIN: Final = 30.0
PANEL_GAP: Final = 14.0
_DOT: Final = 1.8
_MARK_ROWS: Final = 3


@dataclass(frozen=True)
class Curve:
    """One curve. ``t_s`` [n] and ``y`` [n]; NaN breaks it. ``low`` and ``high`` [n] shade an interval."""

    t_s: FloatArray
    y: FloatArray
    colour: str = INK
    label: str = ""
    dashed: bool = False
    width: float = 0.9
    low: FloatArray | None = None
    high: FloatArray | None = None


@dataclass(frozen=True)
class Mark:
    """A moment with a text."""

    t_s: float
    label: str


@dataclass(frozen=True)
class Panel:
    """One set of axes: lines over time, a unit, and thin guide lines at given heights."""

    title: str
    lines: Sequence[Curve]
    guides: Sequence[tuple[float, str]] = ()
    least_top: float = 1.0
    from_zero: bool = True
    marks: Sequence[Mark] = field(default=())


def panels_svg(
    panels: Sequence[Panel],
    span_s: tuple[float, float],
    bands: Sequence[Band] = (),
    *,
    width: float = 520.0,
    panel_height: float = 66.0,
    title: str = "",
) -> str:
    """Panels below each other on one time axis in minutes from the start of ``span_s``."""
    height = len(panels) * (panel_height + PANEL_GAP) + 14
    elements: list[str] = []
    for index, panel in enumerate(panels):
        top = PANEL_GAP + index * (panel_height + PANEL_GAP)
        low, high = _limits(panel)
        axes = Axes(LEFT_MARGIN, top, width - LEFT_MARGIN - 4, panel_height, *span_s, low, high)
        elements += _panel(axes, panel, bands if index == 0 else [Band(b.start_s, b.end_s, "") for b in bands])
    elements += time_axis(Axes(LEFT_MARGIN, 0, width - LEFT_MARGIN - 4, height - 14, *span_s, 0, 1))
    return svg(width, height, elements, title)


def _limits(panel: Panel) -> tuple[float, float]:
    curves = [each for line in panel.lines for each in (line.y, line.low, line.high) if each is not None]
    known = [each[~np.isnan(each)] for each in curves]
    values = np.concatenate(known) if known else np.empty(0)
    high = max(panel.least_top, float(values.max()) if len(values) else 0.0)
    if panel.from_zero or not len(values):
        return 0.0, 1.06 * high
    low = min(float(values.min()), high - LEAST_RANGE)
    room = 0.06 * (high - low)
    return low - room, high + room


def _panel(axes: Axes, panel: Panel, bands: Sequence[Band]) -> list[str]:
    bottom = axes.top + axes.height
    out = [*bands_of(axes, bands), f"<path d='M{axes.left} {bottom:.1f}h{axes.width:.1f}' stroke='{RULE}'/>"]
    for value, label in (*_ticks(axes), *panel.guides):
        y = float(axes.y(np.array([value]))[0])
        if axes.top <= y <= bottom:
            out.append(f"<path d='M{axes.left} {y:.1f}h{axes.width:.1f}' stroke='{RULE}' stroke-width='.5'/>")
            out.append(text(axes.left - 3, y + 2.3, label, 6.2, MUTED, "end"))
    out.append(text(axes.left, axes.top - 4, panel.title, 7.2, INK))
    out += _legend(axes, panel.lines)
    for line in panel.lines:
        out += _line(axes, line)
    return out + _marks(axes, panel.marks)


def _legend(axes: Axes, lines: Sequence[Curve]) -> list[str]:
    """Names of the lines, each after a piece of it: in grey the stroke distinguishes them."""
    out, right = [], axes.left + axes.width
    for line in reversed([each for each in lines if each.label]):
        out.append(text(right, axes.top - 4, line.label, 6.6, line.colour, "end"))
        right -= 3.9 * len(line.label) + 4
        out.append(f"<path d='M{right - 12:.1f} {axes.top - 6:.1f}h12' {_stroke(line)}/>")
        right -= 20
    return out


def _stroke(line: Curve) -> str:
    dash = " stroke-dasharray='3 2'" if line.dashed else ""
    return f"fill='none' stroke='{line.colour}' stroke-width='{line.width:g}' stroke-linecap='round'{dash}"


def _marks(axes: Axes, marks: Sequence[Mark]) -> list[str]:
    """Moments as lines across the panel; texts that would meet are placed below each other, on a light ground."""
    out: list[str] = []
    free = [axes.left] * _MARK_ROWS
    for mark in sorted(marks, key=lambda each: each.t_s):
        x = float(axes.x(np.array([mark.t_s]))[0])
        out.append(f"<path d='M{x:.1f} {axes.top:.1f}v{axes.height:.1f}' stroke='{INK}' stroke-width='.7'/>")
        wide = 3.7 * len(mark.label) + 3
        left = min(x + 1, axes.left + axes.width - wide)
        row = next((place for place, right in enumerate(free) if right <= left), None)
        if row is None:
            continue
        free[row] = left + wide
        y = axes.top + axes.height - 2 - 8 * row
        out.append(
            f"<rect x='{left:.1f}' y='{y - 6.2:.1f}' width='{wide:.1f}' height='8' fill='#fff' fill-opacity='.8'/>"
        )
        out.append(text(left + 1.5, y, mark.label, 6, INK))
    return out


def _ticks(axes: Axes) -> list[tuple[float, str]]:
    step = round_step((axes.high - axes.low) / 4)
    first = np.ceil(axes.low / step) * step
    return [(value, f"{value:.10g}") for value in np.arange(first, axes.high, step).tolist()]


def _line(axes: Axes, line: Curve) -> list[str]:
    out = []
    if line.low is not None and line.high is not None:
        out.append(_interval(axes, line.t_s, line.low, line.high, line.colour))
    parts = []
    for piece in without_gaps(line.t_s):
        t_s, y = thinned(line.t_s[piece], line.y[piece], _points_of(piece, line.t_s))
        parts.append(_path(axes.x(t_s), axes.y(y)))
    data = "".join(parts)
    if data:
        out.append(f"<path d='{data}' {_stroke(line)}/>")
    return out


def _interval(axes: Axes, t_s: FloatArray, low: FloatArray, high: FloatArray, colour: str) -> str:
    """A shaded area between two curves, one closed piece per run of known values."""
    parts = [_outline(axes, t_s[piece], low[piece], high[piece], _points_of(piece, t_s)) for piece in without_gaps(t_s)]
    data = "".join(parts)
    return f"<path d='{data}' fill='{colour}' fill-opacity='.16' stroke='none'/>" if data else ""


def _outline(axes: Axes, t_s: FloatArray, low: FloatArray, high: FloatArray, points: int) -> str:
    t_low, thin_low = thinned(t_s, low, points)
    thin_high = np.interp(t_low, t_s, high)
    known = ~np.isnan(thin_low) & ~np.isnan(thin_high)
    pieces = np.split(np.arange(len(t_low)), np.flatnonzero(np.diff(known.astype(int))) + 1)
    parts = []
    for piece in pieces:
        if len(piece) > 1 and known[piece[0]]:
            x = axes.x(t_low[piece])
            outline = _path(np.concatenate([x, x[::-1]]), axes.y(np.r_[thin_low[piece], thin_high[piece][::-1]]))
            parts.append(outline + "Z")
    return "".join(parts)


def _points_of(piece: IntArray, whole: FloatArray) -> int:
    """How many points a piece of a curve may have."""
    return max(8, POINTS_PER_CURVE * len(piece) // len(whole))


def _path(x: FloatArray, y: FloatArray) -> str:
    """Path data through the known points; a NaN lifts the pen, and a point without neighbours is a dot.

    >>> _path(np.array([0.0, 1.0, 2.0, 3.0]), np.array([5.0, 6.0, np.nan, 7.0]))
    'M0.0 5.0L1.0 6.0M2.1 7.0h1.8'
    """
    known = [False, *(~np.isnan(y)).tolist(), False]
    parts = []
    for place, (px, py) in enumerate(zip(x.tolist(), y.tolist(), strict=True), start=1):
        if known[place] and not known[place - 1] and not known[place + 1]:
            parts.append(f"M{px - _DOT / 2:.1f} {py:.1f}h{_DOT:g}")
        elif known[place]:
            parts.append(f"{'L' if known[place - 1] else 'M'}{px:.1f} {py:.1f}")
    return "".join(parts)


def without_gaps(t_s: FloatArray) -> list[IntArray]:
    """Indices of the pieces of a curve between its gaps.

    >>> [piece.tolist() for piece in without_gaps(np.array([0.0, 1.0, 60.0, 61.0]))]
    [[0, 1], [2, 3]]
    """
    return np.split(np.arange(len(t_s)), np.flatnonzero(np.diff(t_s) > GAP_S) + 1)


def thinned(t_s: FloatArray, y: FloatArray, points: int = POINTS_PER_CURVE) -> tuple[FloatArray, FloatArray]:
    """Fewer points with the same look: the lowest and highest of each bucket stay, and so does every gap.

    Args:
        t_s: seconds [n], rising.
        y: values [n], NaN where unknown.
        points: about so many are kept.

    >>> t, y = thinned(np.arange(10.0), np.array([0, 0, 9, 0, 0, 0, 0, 0, -3, 0.0]), points=4)
    >>> float(y.max()), float(y.min()), len(y) <= 6
    (9.0, -3.0, True)
    """
    if len(t_s) <= points:
        return t_s, y
    bucket = math.ceil(2 * len(y) / points)
    padded = np.full(bucket * math.ceil(len(y) / bucket), np.nan)
    padded[: len(y)] = y
    buckets = padded.reshape(-1, bucket)
    unknown = np.isnan(buckets)
    lowest = np.where(unknown, np.inf, buckets).argmin(axis=1)
    highest = np.where(unknown, -np.inf, buckets).argmax(axis=1)
    starts = bucket * np.arange(len(buckets))
    index = np.unique(np.concatenate([starts + lowest, starts + highest]))
    return t_s[index], y[index]
