"""Numbers formatted for people."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from athlete_monitor.figures import rounded

if TYPE_CHECKING:
    from athlete_monitor.report.texts import Language


def number(value: float | None, decimals: int, lang: Language = "en") -> str:
    """A number with its decimals; empty for None. German texts use the decimal comma.

    >>> number(1234.56, 1), number(1234.56, 1, "de"), number(None, 1), number(-0.01, 1)
    ('1,234.6', '1.234,6', '', '0.0')
    >>> number(132.5, 0)
    '133'
    """
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return ""
    text = f"{rounded(value, decimals) + 0.0:,.{decimals}f}"
    return text.translate(str.maketrans(",.", ".,")) if lang == "de" else text


def signed(value: float, decimals: int, lang: Language = "en") -> str:
    """A difference with its sign.

    >>> signed(5.0, 0), signed(-0.25, 1), signed(-0.01, 1)
    ('+5', '−0.3', '0.0')
    """
    shown = rounded(value, decimals)
    return f"{'+' if shown > 0 else '−' if shown < 0 else ''}{number(abs(shown), decimals, lang)}"


def signed_percent(value: float | None) -> str:
    """A change in percent with its sign; empty for None.

    >>> signed_percent(0.123), signed_percent(-0.2), signed_percent(-0.001), signed_percent(None)
    ('+12 %', '−20 %', '0 %', '')
    """
    if value is None:
        return ""
    percent = int(rounded(100 * value))
    return f"{'+' if percent > 0 else '−' if percent < 0 else ''}{abs(percent)} %"


def day(t_s: float, lang: Language = "en") -> str:
    """The local date of a moment.

    >>> day(86_400.0 * 20_000)[-4:]
    '2024'
    """
    when = datetime.fromtimestamp(t_s).astimezone()
    return when.strftime("%d.%m.%Y") if lang == "de" else when.strftime("%d %b %Y")


def clock(t_s: float) -> str:
    """The local time of a moment, to the minute."""
    return datetime.fromtimestamp(t_s).astimezone().strftime("%H:%M")


def minutes(seconds: float) -> str:
    """A length of time as minutes and seconds.

    >>> minutes(2745)
    '45:45'
    """
    whole = int(rounded(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


def times(t_s: float) -> tuple[str, str, float]:
    """A moment as UTC, as local time with offset, and as epoch seconds.

    >>> times(1777888800.25)[0]
    '2026-05-04T10:00:00.250Z'
    """
    utc = datetime.fromtimestamp(t_s, timezone.utc)
    local = utc.astimezone().isoformat(timespec="milliseconds")
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z"), local, round(t_s, 6)
