"""Colours that can be seen on white paper."""

from __future__ import annotations

from typing import Final

LEAST_CONTRAST: Final = 4.5
"""Contrast to white, WCAG 2.2: what small text needs."""


def darkened(colour: str) -> str:
    """A colour that is as dark as it must be to be seen on white; itself where it is.

    >>> darkened("#23558f"), darkened("#ffd400")
    ('#23558f', '#8a7200')
    """
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    share = 1.0
    while _contrast(share * red, share * green, share * blue) < LEAST_CONTRAST:
        share -= 0.02
    return f"#{round(share * red):02x}{round(share * green):02x}{round(share * blue):02x}"


def _contrast(red: float, green: float, blue: float) -> float:
    """Contrast of a colour, 0 to 255 each, to white."""
    luminance = 0.2126 * _linear(red) + 0.7152 * _linear(green) + 0.0722 * _linear(blue)
    return 1.05 / (luminance + 0.05)


def _linear(value: float) -> float:
    share = value / 255.0
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
