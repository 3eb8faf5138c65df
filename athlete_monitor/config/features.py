"""What a model sees."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from athlete_monitor.config.fields import Section


class Features(Section):
    """Which classic features are computed in addition to the averages of effort."""

    resultant: bool = Field(description="Mean and deviation of the length of the acceleration over the short window.")
    rolling_stats: bool = Field(description="Rolling mean and deviation.")
    jerk: bool = Field(description="Averages of the change of the acceleration.")
    fft_features: bool = Field(
        description="Dominant frequency and spectral energy of the last 6.4 s of the acceleration's length, and the "
        "step rate: how often the vertical acceleration rises through zero."
    )
    acc_components: tuple[Literal["acc_x", "acc_y", "acc_z"], ...] = Field(
        description="Axes that get rolling statistics of their own.", strict=False
    )


class FeatureEngineering(Section):
    """What a model sees."""

    enabled: bool = Field(description="Use the classic features; false uses only the averages of effort.")
    rolling_window: int = Field(ge=2, le=1000, description="Short window, samples.")
    sampling_frequency: float = Field(ge=1, le=200, description="Sample rate that models are trained for, Hz.")
    time_constants_s: tuple[float, ...] = Field(
        min_length=1, max_length=16, strict=False, description="Averaging times of effort, s."
    )
    features: Features
