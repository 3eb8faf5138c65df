"""The club and appearance of a report, from the configuration and the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athlete_monitor.report.document import Look
from athlete_monitor.report.logo import read_logo

if TYPE_CHECKING:
    from athlete_monitor.config import Config
    from athlete_monitor.report.texts import Language


def look_of(config: Config, lang: Language | None = None, sort: str = "") -> Look:
    """The look of the configuration's ``report`` section, overridden by the command line.

    Raises:
        MonitorError: the logo cannot be read or drawn.
    """
    report = config.report
    logo = b"" if report.logo is None else read_logo(report.logo)
    return Look(lang or report.lang, report.club, report.colour, logo, sort)
