"""Models in the live process."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from athlete_monitor.config.fields import FilePath, Megabytes, Seconds, Section


class ModelLoading(Section):
    """Models in the live process."""

    models_directory: FilePath = Field(description="Where the live engine looks for models.")
    runtime: Literal["hummingbird", "onnx"] = Field(description="Runtime of the models.")
    cache_size: int = Field(
        ge=1,
        le=10_000,
        description="Largest number of models in memory, the squad's model included. If more athletes are live, the "
        "squad's model serves those who came last.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        description="Device that models run on; auto: the one on which this machine predicts the roster faster."
    )
    enable_memory_monitoring: bool = Field(description="Measure memory and shrink the cache when it runs short.")
    preload_players: tuple[int, ...] | None = Field(strict=False, description="Models loaded at start.")
    max_model_memory_mb: Megabytes = Field(description="Largest size of one model file, MB.")
    total_model_memory_mb: Megabytes = Field(description="Largest size of all models in memory together, MB.")
    missing_ttl_s: Seconds = Field(description="Time before a missing model is looked for again, s.")
    reload_check_s: Seconds = Field(description="How often manifests are checked for a change, s.")
    require_signature: bool = Field(description="Refuse a manifest that is not signed with the key.")
    signing_key_file: FilePath | None = Field(description="File with the key that signs and checks manifests.")
