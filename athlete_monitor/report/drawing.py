"""What the drawings of a report have in common: colours, texts, axes, bands and the axis of time, as SVG text.

The same drawing goes into the PDF and into the HTML page. Drawn here rather than by a plotting library because a page
per athlete must cost milliseconds on a small board: ``benchmarks/report.py`` has the comparison.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
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
_LABEL_WIDTH: Final = 3.7
_LEAST_LABEL: Final = 2
_FONT: Final = "font-family='DejaVu Sans, sans-serif'"


@dataclass(frozen=True)
class Band:
    """A span of time with a name, shaded over the whole height."""

    start_s: float
    end_s: float
    label: str


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
class Axes:
    """A rectangle in the drawing, and the spans of time and of values that it shows."""

    left: float
    top: float
    width: float
    height: float
    t0: float
    t1: float
    low: float
    high: float

    def x(self, t_s: FloatArray) -> FloatArray:
        """Places [n] of moments [n] from left to right."""
        return self.left + (t_s - self.t0) / max(self.t1 - self.t0, 1e-9) * self.width

    def y(self, values: FloatArray) -> FloatArray:
        """Places [n] of values [n] from top to bottom."""
        return self.top + self.height * (1.0 - (values - self.low) / max(self.high - self.low, 1e-9))


def bands_of(axes: Axes, bands: Sequence[Band], label_y: float | None = None) -> list[str]:
    """Shaded spans with a line where each begins; the names are inside, or at ``label_y``.

    A name ends where the next span begins, so that two never lie on each other.
    """
    out, names = [], []
    edges = np.clip(axes.x(np.array([(each.start_s, each.end_s) for each in bands]).reshape(-1, 2)), *_sides(axes))
    for band, (left, right) in zip(bands, edges.tolist(), strict=True):
        out.append(
            f"<rect x='{left:.1f}' y='{axes.top:.1f}' width='{right - left:.1f}' height='{axes.height:.1f}' "
            f"fill='{SHADE}'/>"
        )
        names.append(f"<path d='M{left:.1f} {axes.top:.1f}v{axes.height:.1f}' stroke='{MUTED}' stroke-width='.5'/>")
        after = min((each for each in edges[:, 0].tolist() if each > left), default=right)
        fits = int((min(right, after) - left) / _LABEL_WIDTH)
        if band.label and fits > _LEAST_LABEL:
            name = band.label if len(band.label) <= fits else band.label[: fits - 1] + "…"
            names.append(text(left + 2, axes.top + 7 if label_y is None else label_y, name, 6, MUTED))
    return out + names


def _sides(axes: Axes) -> tuple[float, float]:
    return axes.left, axes.left + axes.width


def round_step(rough: float) -> float:
    """The next of 1, 2, 5 times a power of ten.

    >>> round_step(37), round_step(0.9), round_step(120)
    (50.0, 1.0, 200.0)
    """
    power = 10.0 ** np.floor(np.log10(max(rough, 1e-9)))
    return float(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9)))


_UNITS: Final = ((240.0, 1.0, "min"), (6_000.0, 60.0, "h"), (math.inf, 1_440.0, "d"))
"""Up to so many minutes, a unit of so many minutes, and its name."""
_ROOM_FOR_UNIT: Final = 18.0


def time_axis(axes: Axes) -> list[str]:
    """Numbers of minutes, hours or days below the axes, with the unit at the right end."""
    minutes = (axes.t1 - axes.t0) / 60.0
    unit_min, unit = next((size, name) for most, size, name in _UNITS if minutes <= most)
    count = minutes / unit_min
    step = max(1.0, round_step(count / 8)) if count > 8 else 1.0
    out = []
    for value in np.arange(0, count + 1e-6, step).tolist():
        x = float(axes.x(np.array([axes.t0 + 60 * unit_min * value]))[0])
        if x > axes.left + axes.width - _ROOM_FOR_UNIT:
            break
        out.append(text(x, axes.height + 10, f"{value:.0f}", 6.2, MUTED, "middle"))
    out.append(text(axes.left + axes.width, axes.height + 10, unit, 6.2, MUTED, "end"))
    return out
