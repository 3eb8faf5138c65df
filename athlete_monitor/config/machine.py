"""The board: memory, heat, logs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from athlete_monitor.config.fields import FilePath, Megabytes, Section


class Jetson(Section):
    """Limits of the board."""

    device_detection: bool = Field(description="Look for CUDA if the device is 'auto'; if false, 'auto' means the CPU.")
    memory_limit_mb: Megabytes = Field(
        description="Memory limit of the engine and of training, for each of the two, MB."
    )
    batch_size: int = Field(
        ge=16, le=1_000_000, description="Number of steps read at once when features are computed from sessions."
    )
    gpu_memory_fraction: float = Field(gt=0, le=1, description="Share of the GPU's memory that torch may take.")


class Performance(Section):
    """Heat and memory."""

    enable_temperature_monitoring: bool = Field(description="Read the board's temperature.")
    temperature_warning_threshold: float = Field(ge=30, le=120, description="Warn at this temperature and above, °C.")
    temperature_critical_threshold: float = Field(
        ge=30, le=120, description="Slow down or pause at this temperature and above, °C."
    )
    memory_warning_threshold: float = Field(
        ge=10, le=100, description="The model cache shrinks when at least this share of the memory is in use, %."
    )
    auto_performance_mode: bool = Field(description="Setup switches a Jetson to its performance mode (nvpmodel -m 0).")


class Logging(Section):
    """Log lines and files."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(description="Lowest level that is logged.")
    log_to_file: bool = Field(description="Write log files.")
    log_file: FilePath = Field(description="The trainer's log.")
    console_output: bool = Field(description="Write log lines to the terminal as well.")
    detailed_progress: bool = Field(description="Progress bar with the stage of each athlete, on a terminal.")
    logs_dir: FilePath = Field(description="The live engine's logs, one for each session.")
