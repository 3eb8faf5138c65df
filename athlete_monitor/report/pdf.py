"""The document as PDF, set by Typst: no system packages, and fonts that come with the Python packages."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from athlete_monitor.errors import MonitorError
from athlete_monitor.report.fonts import font_folders
from athlete_monitor.report.logo import as_svg, is_png

if TYPE_CHECKING:
    from collections.abc import Mapping


def pdf(document: Mapping[str, Any], template: str = "report.typ") -> bytes:
    """Set a document.

    Args:
        document: of ``document.document``.
        template: file of ``templates/``.

    Raises:
        MonitorError: Typst is not installed, or it refuses the document.
    """
    try:
        import typst
    except ImportError:
        raise MonitorError("PDF reports need typst: pip install typst; --format html works without") from None
    sources = sources_of(document, template)
    try:
        # its stubs do not know that several files may be given as a mapping
        return bytes(typst.compile(sources, font_paths=font_folders()))  # type: ignore[call-overload]
    except RuntimeError as error:  # of TypstError, and of Typst itself
        raise MonitorError(f"the PDF could not be made: {str(error).splitlines()[0]}") from error


def sources_of(document: Mapping[str, Any], template: str) -> dict[str, bytes]:
    """The files that Typst needs for a document, by name."""
    logo = document.get("logo")
    if logo and is_png(logo):
        logo = as_svg(logo)
    name = "logo.svg" if logo else None
    plain = {**document, "logo": name, "logo_base64": ""}
    source = (files("athlete_monitor.report") / "templates" / template).read_bytes()
    sources = {"main.typ": source, "data.json": json.dumps(plain).encode()}
    return {**sources, name: logo} if name and logo else sources
