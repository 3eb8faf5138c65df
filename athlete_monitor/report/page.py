"""The document as one self-contained HTML file: no script, no address outside it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from athlete_monitor.report.logo import is_png

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Template


def page(document: Mapping[str, Any], template: str = "report.html.j2") -> bytes:
    """The report as UTF-8 HTML; every text is escaped, only our own drawings go in as they are."""
    logo = document.get("logo") or b""
    kind = "image/png" if is_png(logo) else "image/svg+xml"
    return _template(template).render(**document, logo_type=kind).encode()


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=PackageLoader("athlete_monitor.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template(name)
