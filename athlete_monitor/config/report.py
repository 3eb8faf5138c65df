"""Settings of the reports: club, language and appearance."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from athlete_monitor.config.fields import FilePath, Section

Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]


class Report(Section):
    """The reports that are made after a session."""

    club: str = Field(max_length=80, description="Name in the heading of every report.")
    colour: Colour = Field(description="The club's colour, as #rrggbb.")
    logo: FilePath | None = Field(description="PNG or SVG file shown beside the heading; null for none.")
    lang: Literal["en", "de"] = Field(description="Language of the reports.")
