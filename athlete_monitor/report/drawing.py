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

    from athlete_monitor.arrays import FloatArray, IntArray

INK: Final = "#14181f"
MUTED: Final = "#4a5361"
RULE: Final = "#d4d9e0"
SHADE: Final = "#eef1f5"
MODEL: Final = "#5a3fa0"
ZONES: Final = ("#4d5662", "#23558f", "#075f5f", "#425c00", "#834000", "#a3123f")
"""Colours of zones 0 to 5: contrast to white at least 7:1; in grey the numbers beside them distinguish them."""

POINTS_PER_CURVE: Final = 900
GAP_S: Final = 10.0
"""No line joins two moments that are further apart."""
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


_DOT: Final = 1.8


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


def _points_of(piece: IntArray, whole: FloatArray) -> int:
    """How many points a piece of a curve may have."""
    return max(8, POINTS_PER_CURVE * len(piece) // len(whole))


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
    out += _legend(axes, panel.lines)
    for line in panel.lines:
        out += _line(axes, line)
    return out + _marks(axes, panel.marks)


def _legend(axes: _Axes, lines: Sequence[Line]) -> list[str]:
    """Names of the lines, each after a piece of it: in grey the stroke distinguishes them."""
    out, right = [], axes.left + axes.width
    for line in reversed([each for each in lines if each.label]):
        out.append(text(right, axes.top - 4, line.label, 6.6, line.colour, "end"))
        right -= 3.9 * len(line.label) + 4
        out.append(f"<path d='M{right - 12:.1f} {axes.top - 6:.1f}h12' {_stroke(line)}/>")
        right -= 20
    return out


def _stroke(line: Line) -> str:
    dash = " stroke-dasharray='3 2'" if line.dashed else ""
    return f"fill='none' stroke='{line.colour}' stroke-width='{line.width:g}' stroke-linecap='round'{dash}"


_MARK_ROWS: Final = 3


def _marks(axes: _Axes, marks: Sequence[Mark]) -> list[str]:
    """Moments as lines across the panel; texts that would meet stand below each other, on a light ground."""
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


def _bands(axes: _Axes, bands: Sequence[Band], label_y: float | None = None) -> list[str]:
    """Shaded spans with a line where each begins; the names stand inside, or at ``label_y``."""
    out = []
    for band in bands:
        x = np.clip(axes.x(np.array([band.start_s, band.end_s])), axes.left, axes.left + axes.width)
        wide = float(x[1] - x[0])
        out.append(
            f"<rect x='{x[0]:.1f}' y='{axes.top:.1f}' width='{wide:.1f}' height='{axes.height:.1f}' fill='{SHADE}'/>"
        )
        out.append(f"<path d='M{x[0]:.1f} {axes.top:.1f}v{axes.height:.1f}' stroke='{MUTED}' stroke-width='.5'/>")
        fits = int(wide / 3.7)
        if band.label and fits > 2:
            name = band.label if len(band.label) <= fits else band.label[: fits - 1] + "…"
            out.append(text(float(x[0]) + 2, axes.top + 7 if label_y is None else label_y, name, 6, MUTED))
    return out


def _ticks(axes: _Axes) -> list[tuple[float, str]]:
    step = _round_step((axes.high - axes.low) / 4)
    first = np.ceil(axes.low / step) * step
    return [(value, f"{value:.10g}") for value in np.arange(first, axes.high, step).tolist()]


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
    parts = []
    for piece in without_gaps(line.t_s):
        t_s, y = thinned(line.t_s[piece], line.y[piece], _points_of(piece, line.t_s))
        parts.append(_path(axes.x(t_s), axes.y(y)))
    data = "".join(parts)
    if data:
        out.append(f"<path d='{data}' {_stroke(line)}/>")
    return out


def _interval(axes: _Axes, t_s: FloatArray, low: FloatArray, high: FloatArray, colour: str) -> str:
    """A shaded area between two curves, one closed piece per run of known values."""
    parts = [_outline(axes, t_s[piece], low[piece], high[piece], _points_of(piece, t_s)) for piece in without_gaps(t_s)]
    data = "".join(parts)
    return f"<path d='{data}' fill='{colour}' fill-opacity='.16' stroke='none'/>" if data else ""


def _outline(axes: _Axes, t_s: FloatArray, low: FloatArray, high: FloatArray, points: int) -> str:
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


_UNITS: Final = ((600.0, 1.0, "min"), (6_000.0, 60.0, "h"), (math.inf, 1_440.0, "d"))
"""Up to so many minutes, a unit of so many minutes, and its name."""


def _time_axis(axes: _Axes) -> list[str]:
    minutes = (axes.t1 - axes.t0) / 60.0
    unit_min, unit = next((size, name) for most, size, name in _UNITS if minutes <= most)
    count = minutes / unit_min
    step = max(1.0, _round_step(count / 8)) if count > 8 else 1.0
    out = []
    for value in np.arange(0, count + 1e-6, step).tolist():
        x = float(axes.x(np.array([axes.t0 + 60 * unit_min * value]))[0])
        if x > axes.left + axes.width - _ROOM_FOR_UNIT:
            break
        out.append(text(x, axes.height + 10, f"{value:.0f}", 6.2, MUTED, "middle"))
    out.append(text(axes.left + axes.width, axes.height + 10, unit, 6.2, MUTED, "end"))
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
    out = _bands(axes, bands, axes.top - 3)
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
    """One bar of the share of time in each heart-rate zone, with the zone's number in it where it fits.

    White lines separate the zones, because in grey their colours are alike.
    """
    total = sum(seconds)
    x, out = 0.0, []
    for zone, value in enumerate(seconds):
        wide = width * value / total if total > 0 else 0.0
        if wide > 0:
            drawn = max(0.4, wide - 1.0)
            out.append(f"<rect x='{x:.1f}' y='0' width='{drawn:.2f}' height='11' fill='{ZONES[zone]}'/>")
        if wide > 9:
            out.append(text(x + wide / 2, 8.2, str(zone), 7, "#ffffff", "middle"))
        x += wide
    return svg(width, 11, out, title)


def heat_map_svg(x_m: FloatArray, y_m: FloatArray, width: float = 240.0, title: str = "", cell_m: float = 2.0) -> str:
    """Where time was spent: darker cells hold more of it; both axes have the scale of the bar below, in metres."""
    known = ~(np.isnan(x_m) | np.isnan(y_m))
    x, y = x_m[known], y_m[known]
    edges_x, edges_y = _edges(x, cell_m), _edges(y, cell_m)
    cells, _, _ = np.histogram2d(x, y, [edges_x, edges_y])
    scale = width / float(edges_x[-1] - edges_x[0])
    size, height = cell_m * scale, float(edges_y[-1] - edges_y[0]) * scale
    top = float(np.percentile(cells[cells > 0], 98))
    out = [f"<rect width='{width:g}' height='{height:.2f}' fill='{SHADE}'/>", "<g shape-rendering='crispEdges'>"]
    for i, j in np.argwhere(cells > 0).tolist():
        opacity = 0.12 + 0.88 * min(1.0, float(cells[i, j]) / top)
        out.append(
            f"<rect x='{i * size:.2f}' y='{height - (j + 1) * size:.2f}' width='{size:.2f}' height='{size:.2f}' "
            f"fill='{ZONES[5]}' fill-opacity='{opacity:.2f}'/>"
        )
    return svg(width, height + 14, [*out, "</g>", *_scale_bar(width, height + 5, scale)], title)


def _edges(values: FloatArray, cell: float) -> FloatArray:
    """Edges of the cells that hold all values; at least 10 m.

    >>> _edges(np.array([0.5, 11.0]), 2.0).tolist()
    [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0]
    """
    low = math.floor(float(values.min()) / cell) * cell
    count = max(math.ceil(10.0 / cell), math.floor((float(values.max()) - low) / cell) + 1)
    edges: FloatArray = np.asarray(low + cell * np.arange(count + 1), dtype=np.float64)
    return edges


def _scale_bar(width: float, y: float, scale: float) -> list[str]:
    metres = _round_step(width / scale / 8)
    bar = f"<path d='M0 {y:.1f}h{metres * scale:.1f}m0 -2v4M0 {y - 2:.1f}v4' fill='none' stroke='{MUTED}'/>"
    return [bar, text(metres * scale + 4, y + 2.4, f"{metres:g} m", 6.6, MUTED)]
