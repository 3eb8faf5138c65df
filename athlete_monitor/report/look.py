"""The club and appearance of a report, from the configuration and the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athlete_monitor.errors import MonitorError
from athlete_monitor.report.document import Look

if TYPE_CHECKING:
    from athlete_monitor.config import Config
    from athlete_monitor.report.texts import Language

LARGEST_LOGO_BYTES = 2_000_000


def look_of(config: Config, lang: Language | None = None, sort: str = "") -> Look:
    """The look of the configuration's ``report`` section, overridden by the command line.

    Raises:
        MonitorError: the logo cannot be read, or is neither PNG nor SVG.
    """
    report = config.report
    return Look(lang or report.lang, report.club, report.colour, _logo(config), sort)


def _logo(config: Config) -> bytes:
    path = config.report.logo
    if path is None:
        return b""
    try:
        content = path.read_bytes()[: LARGEST_LOGO_BYTES + 1]
    except OSError as error:
        raise MonitorError(f"{path}: cannot be read ({error.strerror}) (report.logo)") from error
    if len(content) > LARGEST_LOGO_BYTES or not (content.startswith(b"\x89PNG") or b"<svg" in content[:1000]):
        raise MonitorError(f"{path}: must be a PNG or SVG file of at most 2 MB (report.logo)")
    return content
