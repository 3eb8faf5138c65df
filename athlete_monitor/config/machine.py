"""The board: memory, heat, logs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from athlete_monitor.config.fields import FilePath, Megabytes, Section


class Jetson(Section):
    """Limits of the board."""

    device_detection: bool = Field(description="Look for CUDA if the device is 'auto'; false makes 'auto' the CPU.")
    memory_limit_mb: Megabytes = Field(description="Memory that training and the engine may each use, MB.")
    batch_size: int = Field(
        ge=16, le=1_000_000, description="Steps that are read at once when features are computed from sessions."
    )
    gpu_memory_fraction: float = Field(gt=0, le=1, description="Share of the GPU's memory that torch may take.")


class Performance(Section):
    """Heat and memory."""

    enable_temperature_monitoring: bool = Field(description="Read the board's temperature.")
    temperature_warning_threshold: float = Field(ge=30, le=120, description="Warn from this temperature on, °C.")
    temperature_critical_threshold: float = Field(
        ge=30, le=120, description="Slow down or pause from this temperature on, °C."
    )
    memory_warning_threshold: float = Field(
        ge=10, le=100, description="The model cache shrinks when this share of the memory is in use, %."
    )
    auto_performance_mode: bool = Field(description="Setup puts a Jetson into its performance mode (nvpmodel -m 0).")


class Logging(Section):
    """Log lines and files."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        description="Lowest level of the lines that are written."
    )
    log_to_file: bool = Field(description="Write log files.")
    log_file: FilePath = Field(description="The trainer's log.")
    console_output: bool = Field(description="Write log lines to the terminal as well.")
    detailed_progress: bool = Field(description="Progress bar with the stage of each athlete, on a terminal.")
    logs_dir: FilePath = Field(description="The live engine's logs, one for each session.")
