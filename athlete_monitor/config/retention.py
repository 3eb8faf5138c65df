"""How long data about people are kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from athlete_monitor.config.fields import Section

Days = Annotated[int, Field(ge=1, le=36_500)]


class Retention(Section):
    """Days after which files are removed, at the start of the engine and of each training; null: kept forever."""

    session_files_days: Days | None = Field(
        description="Session files: the measured data that models are trained from."
    )
    outputs_days: Days | None = Field(description="Summaries, realtime files and impact logs of each athlete.")
    logs_days: Days | None = Field(description="Logs of each device.")
