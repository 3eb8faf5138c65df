"""Folders and files."""

from __future__ import annotations

from pydantic import Field

from athlete_monitor.config.fields import FilePath, Section


class Paths(Section):
    """Folders of the programs."""

    data_root: FilePath = Field(description="Training sessions, one folder for each athlete.")
    game_data_root: FilePath = Field(description="Match sessions, one folder for each athlete.")
    prediction_outputs: FilePath = Field(description="What the live engine writes for each athlete.")
    models_root: FilePath = Field(description="scikit-learn models, read by the trainer only.")
    hb_tensors_updated: FilePath = Field(description="Models in service: the trainer publishes here.")
    hb_tensors_previous: FilePath = Field(description="Earlier versions of the models, for a rollback.")
    data_file_pattern: str = Field(
        min_length=1, description="Which files of a session folder are sessions (shell pattern)."
    )
    journal: FilePath = Field(description="SQLite journal of the live engine: crash recovery and load history.")
