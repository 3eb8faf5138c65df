"""Bars of time: who was on the pitch when, and the time in each heart-rate zone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.report.drawing import (
    INK,
    ZONES,
    Axes,
    Band,
    bands_of,
    svg,
    text,
    time_axis,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


_LONGEST_NAME: Final = 21


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
    axes = Axes(left, 12, width - left - 4, len(rows) * row_height, *span_s, 0, 1)
    out = bands_of(axes, bands, axes.top - 3)
    for index, (name, stints) in enumerate(rows):
        y = axes.top + index * row_height
        out.append(text(left - 4, y + 6.8, _shortened(name), 6.6, INK, "end"))
        for start, end in stints:
            x = np.clip(axes.x(np.array([start, end])), axes.left, axes.left + axes.width)
            out.append(
                f"<rect x='{x[0]:.1f}' y='{y + 2:.1f}' width='{max(0.6, float(x[1] - x[0])):.1f}' height='5' "
                f"rx='1' fill='{ZONES[1]}'/>"
            )
    out += time_axis(Axes(left, 0, axes.width, height - 14, *span_s, 0, 1))
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
