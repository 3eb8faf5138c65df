"""Curves, bars and maps as SVG text: the same drawing goes into the PDF and into the HTML page.

Drawn here rather than by a plotting library because a page per athlete must cost milliseconds on a small board:
``benchmarks/report.py`` has the comparison.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from athlete_monitor.arrays import FloatArray

INK: Final = "#14181f"
MUTED: Final = "#4a5361"
RULE: Final = "#d4d9e0"
SHADE: Final = "#eef1f5"
MODEL: Final = "#5a3fa0"
ZONES: Final = ("#4d5662", "#23558f", "#075f5f", "#425c00", "#834000", "#a3123f")
"""Colours of zones 0 to 5: contrast to white at least 7:1; in grey the numbers beside them distinguish them."""

POINTS_PER_CURVE: Final = 900
_FONT: Final = "font-family='DejaVu Sans, sans-serif'"


@dataclass(frozen=True)
class Line:
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
class Band:
    """A span of time with a name, shaded over the whole height."""

    start_s: float
    end_s: float
    label: str


@dataclass(frozen=True)
class Mark:
    """A moment with a text."""

    t_s: float
    label: str


@dataclass(frozen=True)
class Panel:
    """One set of axes: lines over time, a unit, and thin guide lines at given heights."""

    title: str
    lines: Sequence[Line]
    guides: Sequence[tuple[float, str]] = ()
    least_top: float = 1.0
    from_zero: bool = True
    marks: Sequence[Mark] = field(default=())


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


def _path(x: FloatArray, y: FloatArray) -> str:
    """Path data through the known points; a NaN lifts the pen."""
    parts, down = [], False
    for px, py in zip(x.tolist(), y.tolist(), strict=True):
        if py != py:  # noqa: PLR0124 - NaN
            down = False
            continue
        parts.append(f"{'L' if down else 'M'}{px:.1f} {py:.1f}")
        down = True
    return "".join(parts)


def text(x: float, y: float, words: str, size: float = 7, colour: str = MUTED, anchor: str = "start") -> str:
    """A text element; the words are escaped."""
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size:g}' fill='{colour}' text-anchor='{anchor}' {_FONT}>"
        f"{escape(words)}</text>"
    )


def svg(width: float, height: float, elements: Iterable[str], title: str = "") -> str:
    """A drawing of the given size; ``title`` is read by screen readers."""
    label = escape(title, {"'": "&#39;"})
    head = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width:g} {height:g}' role='img' aria-label='{label}'>"
    )
    return head + "".join(elements) + "</svg>"


@dataclass(frozen=True)
class _Axes:
    left: float
    top: float
    width: float
    height: float
    t0: float
    t1: float
    low: float
    high: float

    def x(self, t_s: FloatArray) -> FloatArray:
        return self.left + (t_s - self.t0) / max(self.t1 - self.t0, 1e-9) * self.width

    def y(self, values: FloatArray) -> FloatArray:
        return self.top + self.height * (1.0 - (values - self.low) / max(self.high - self.low, 1e-9))


LEFT_MARGIN: Final = 30.0
_ROOM_FOR_UNIT: Final = 18.0
_LONGEST_NAME: Final = 21
PANEL_GAP: Final = 14.0


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
        axes = _Axes(LEFT_MARGIN, top, width - LEFT_MARGIN - 4, panel_height, *span_s, low, high)
        elements += _panel(axes, panel, bands if index == 0 else [Band(b.start_s, b.end_s, "") for b in bands])
    elements += _time_axis(_Axes(LEFT_MARGIN, 0, width - LEFT_MARGIN - 4, height - 14, *span_s, 0, 1))
    return svg(width, height, elements, title)


def _limits(panel: Panel) -> tuple[float, float]:
    curves = [each for line in panel.lines for each in (line.y, line.low, line.high) if each is not None]
    known = [each[~np.isnan(each)] for each in curves]
    values = np.concatenate(known) if known else np.empty(0)
    high = max(panel.least_top, float(values.max()) if len(values) else 0.0)
    low = 0.0 if panel.from_zero or not len(values) else float(values.min())
    room = 0.06 * (high - low)
    return (low if panel.from_zero else low - room), high + room


def _panel(axes: _Axes, panel: Panel, bands: Sequence[Band]) -> list[str]:
    bottom = axes.top + axes.height
    out = [*_bands(axes, bands), f"<path d='M{axes.left} {bottom:.1f}h{axes.width:.1f}' stroke='{RULE}'/>"]
    for value, label in (*_ticks(axes), *panel.guides):
        y = float(axes.y(np.array([value]))[0])
        if axes.top <= y <= bottom:
            out.append(f"<path d='M{axes.left} {y:.1f}h{axes.width:.1f}' stroke='{RULE}' stroke-width='.5'/>")
            out.append(text(axes.left - 3, y + 2.3, label, 6.2, MUTED, "end"))
    out.append(text(axes.left, axes.top - 4, panel.title, 7.2, INK))
    offset = axes.left + axes.width
    for line in reversed(panel.lines):
        if line.label:
            out.append(text(offset, axes.top - 4, line.label, 6.6, line.colour, "end"))
            offset -= 4.2 * len(line.label) + 10
    for line in panel.lines:
        out += _line(axes, line)
    for mark in panel.marks:
        x = float(axes.x(np.array([mark.t_s]))[0])
        out.append(f"<path d='M{x:.1f} {axes.top:.1f}v{axes.height:.1f}' stroke='{INK}' stroke-width='.7'/>")
        out.append(text(x + 2, axes.top + 7, mark.label, 6, INK))
    return out


def _bands(axes: _Axes, bands: Sequence[Band]) -> list[str]:
    out = []
    for band in bands:
        x = np.clip(axes.x(np.array([band.start_s, band.end_s])), axes.left, axes.left + axes.width)
        wide = float(x[1] - x[0])
        out.append(
            f"<rect x='{x[0]:.1f}' y='{axes.top:.1f}' width='{wide:.1f}' height='{axes.height:.1f}' fill='{SHADE}'/>"
        )
        fits = int(wide / 3.4)
        if band.label and fits > 2:
            name = band.label if len(band.label) <= fits else band.label[: fits - 1] + "…"
            out.append(text(float(x[0]) + 2, axes.top + 7, name, 6, MUTED))
    return out


def _ticks(axes: _Axes) -> list[tuple[float, str]]:
    step = _round_step((axes.high - axes.low) / 4)
    first = np.ceil(axes.low / step) * step
    return [(value, f"{value:g}") for value in np.arange(first, axes.high, step).tolist()]


def _round_step(rough: float) -> float:
    """The next of 1, 2, 5 times a power of ten.

    >>> _round_step(37), _round_step(0.9), _round_step(120)
    (50.0, 1.0, 200.0)
    """
    power = 10.0 ** np.floor(np.log10(max(rough, 1e-9)))
    return float(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9)))


def _line(axes: _Axes, line: Line) -> list[str]:
    out = []
    if line.low is not None and line.high is not None:
        out.append(_interval(axes, line.t_s, line.low, line.high, line.colour))
    t_s, y = thinned(line.t_s, line.y)
    dash = " stroke-dasharray='3 2'" if line.dashed else ""
    data = _path(axes.x(t_s), axes.y(y))
    if data:
        out.append(f"<path d='{data}' fill='none' stroke='{line.colour}' stroke-width='{line.width:g}'{dash}/>")
    return out


def _interval(axes: _Axes, t_s: FloatArray, low: FloatArray, high: FloatArray, colour: str) -> str:
    """A shaded area between two curves, one closed piece per run of known values."""
    t_low, thin_low = thinned(t_s, low)
    thin_high = np.interp(t_low, t_s, high)
    known = ~np.isnan(thin_low) & ~np.isnan(thin_high)
    pieces = np.split(np.arange(len(t_low)), np.flatnonzero(np.diff(known.astype(int))) + 1)
    parts = []
    for piece in pieces:
        if len(piece) > 1 and known[piece[0]]:
            x = axes.x(t_low[piece])
            outline = _path(np.concatenate([x, x[::-1]]), axes.y(np.r_[thin_low[piece], thin_high[piece][::-1]]))
            parts.append(outline + "Z")
    return f"<path d='{''.join(parts)}' fill='{colour}' fill-opacity='.16' stroke='none'/>" if parts else ""


def _time_axis(axes: _Axes) -> list[str]:
    minutes = (axes.t1 - axes.t0) / 60.0
    step = max(1.0, _round_step(minutes / 8)) if minutes > 8 else 1.0
    out = []
    for minute in np.arange(0, minutes + 1e-6, step).tolist():
        x = float(axes.x(np.array([axes.t0 + 60 * minute]))[0])
        if x > axes.left + axes.width - _ROOM_FOR_UNIT:
            break
        out.append(text(x, axes.height + 10, f"{minute:g}", 6.2, MUTED, "middle"))
    out.append(text(axes.left + axes.width, axes.height + 10, "min", 6.2, MUTED, "end"))
    return out


def timeline_svg(
    rows: Sequence[tuple[str, Sequence[tuple[float, float]]]],
    span_s: tuple[float, float],
    bands: Sequence[Band] = (),
    width: float = 520.0,
    title: str = "",
) -> str:
    """Who was on the pitch when: one row per athlete with a bar for each stint."""
    row_height, left = 9.0, 96.0
    height = len(rows) * row_height + 26
    axes = _Axes(left, 12, width - left - 4, len(rows) * row_height, *span_s, 0, 1)
    out = _bands(axes, bands)
    for index, (name, stints) in enumerate(rows):
        y = axes.top + index * row_height
        out.append(text(left - 4, y + 6.8, _shortened(name), 6.6, INK, "end"))
        for start, end in stints:
            x = np.clip(axes.x(np.array([start, end])), axes.left, axes.left + axes.width)
            out.append(
                f"<rect x='{x[0]:.1f}' y='{y + 2:.1f}' width='{max(0.6, float(x[1] - x[0])):.1f}' height='5' "
                f"rx='1' fill='{ZONES[1]}'/>"
            )
    out += _time_axis(_Axes(left, 0, axes.width, height - 14, *span_s, 0, 1))
    return svg(width, height, out, title)


def _shortened(name: str) -> str:
    """A name that fits before the bars.

    >>> _shortened("6 An Exceedingly Long Name")
    '6 An Exceedingly Lon…'
    """
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def zone_bar_svg(seconds: Sequence[float], width: float = 300.0, title: str = "") -> str:
    """One bar of the share of time in each heart-rate zone, with the zone's number in it where it fits."""
    total = sum(seconds)
    x, out = 0.0, []
    for zone, value in enumerate(seconds):
        wide = width * value / total if total > 0 else 0.0
        if wide > 0:
            out.append(f"<rect x='{x:.1f}' y='0' width='{wide:.2f}' height='11' fill='{ZONES[zone]}'/>")
        if wide > 9:
            out.append(text(x + wide / 2, 8.2, str(zone), 7, "#ffffff", "middle"))
        x += wide
    return svg(width, 11, out, title)


def heat_map_svg(x_m: FloatArray, y_m: FloatArray, width: float = 240.0, title: str = "", cell_m: float = 2.0) -> str:
    """Where time was spent: darker cells hold more of it; axes in metres, the same scale on both."""
    known = ~(np.isnan(x_m) | np.isnan(y_m))
    x, y = x_m[known], y_m[known]
    low_x, low_y = float(np.floor(x.min())), float(np.floor(y.min()))
    size_x, size_y = max(10.0, float(np.ptp(x)) + cell_m), max(10.0, float(np.ptp(y)) + cell_m)
    cells, _, _ = np.histogram2d(
        x, y, [np.arange(low_x, low_x + size_x + cell_m, cell_m), np.arange(low_y, low_y + size_y + cell_m, cell_m)]
    )
    scale = width / size_x
    height = size_y * scale
    top = float(np.percentile(cells[cells > 0], 98))
    out = [f"<rect width='{width:g}' height='{height:.1f}' fill='{SHADE}'/>"]
    for i, j in np.argwhere(cells > 0).tolist():
        opacity = 0.12 + 0.88 * min(1.0, float(cells[i, j]) / top)
        out.append(
            f"<rect x='{i * cell_m * scale:.1f}' y='{height - (j + 1) * cell_m * scale:.1f}' "
            f"width='{cell_m * scale:.1f}' height='{cell_m * scale:.1f}' fill='{ZONES[5]}' "
            f"fill-opacity='{opacity:.2f}'/>"
        )
    return svg(width, height, out, title)
