"""The live engine: athletes, sessions, outputs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from athlete_monitor.config.fields import FilePath, Seconds, Section


def _none(value: object) -> object:
    return "none" if value == "off" else value


class Athletes(Section):
    """The athletes who are monitored."""

    roster: FilePath = Field(description="Roster file; without one, the athlete's data come from the messages.")
    trust_sender: Literal["unknown", "all", "never"] = Field(
        description="Which athlete_id in messages is used: unknown: of devices that are not in the roster; all; never."
    )
    max_players: int = Field(
        ge=1,
        le=100_000,
        description="Highest athlete id of the simulator; new sessions of all known athletes start a training.",
    )


class Engine(Section):
    """The live process."""

    prediction_rate_hz: float = Field(gt=0, le=200, description="Predictions for each athlete, Hz of sample time.")
    heart_rate_source: Literal["by_mode", "auto"] = Field(
        description="auto: the strap while it is good, else the model; by_mode: strap in trainings, model in games."
    )
    sensor_fresh_s: Seconds = Field(description="How long a strap reading stays valid, s.")
    idle_s: Seconds = Field(description="A session ends after this time without a sample, s.")
    stale_s: Seconds = Field(description="Status 'stale' after this time without a sample, s.")
    offline_s: Seconds = Field(description="Status 'offline' after this time without a sample, s.")
    late_tolerance_s: float = Field(
        ge=0, le=60, description="Samples that arrive late by up to this are put in order, s."
    )
    max_devices: int = Field(
        ge=1,
        le=1_000_000,
        description="Largest number of devices; messages of further devices are counted and dropped.",
    )
    queue_per_device: int = Field(ge=1, le=1_000_000, description="Longest queue of messages for each device.")
    max_rate_hz: float = Field(
        ge=1, le=100_000, description="Highest sample rate of one device, Hz; the excess is dropped and counted."
    )
    coalesce_ms: float = Field(ge=0, le=1000, description="Time to wait for further messages before a step, ms.")
    record: Annotated[Literal["none", "training", "all"], BeforeValidator(_none)] = Field(
        description="Which received samples are recorded as session files: of all sessions, of training, of none."
    )
    stats_interval_s: Seconds = Field(description="How often the engine publishes its own statistics, s.")


class Archive(Section):
    """What the journal keeps."""

    keep_days: int = Field(
        ge=1, le=4000, description="How long the per-second figures are kept, days; summaries are kept forever."
    )


class Team(Section):
    """Team sessions: matches and trainings of the squad."""

    session_gap_s: Seconds = Field(
        description="Device sessions that overlap or follow one another within this time form one team session, s."
    )
    alarm_rules: FilePath | None = Field(
        description="File with alarm rules, reloaded when it changes; null: the built-in rules."
    )


class TrainingLoad(Section):
    """Session load (Banister TRIMP): where each zone begins, and the rest commonly advised after it."""

    moderate_from: float = Field(gt=0, le=10_000, description="Load 'moderate' begins at this TRIMP.")
    high_from: float = Field(gt=0, le=10_000, description="Load 'high' begins at this TRIMP.")
    very_high_from: float = Field(gt=0, le=10_000, description="Load 'very high' begins at this TRIMP.")
    recovery_h_low: float = Field(ge=0, le=240, description="Usual recovery after a low load, h.")
    recovery_h_moderate: float = Field(ge=0, le=240, description="Usual recovery after a moderate load, h.")
    recovery_h_high: float = Field(ge=0, le=240, description="Usual recovery after a high load, h.")
    recovery_h_very_high: float = Field(ge=0, le=240, description="Usual recovery after a very high load, h.")

    @model_validator(mode="after")
    def _ordered(self) -> TrainingLoad:
        if not self.moderate_from < self.high_from < self.very_high_from:
            msg = "moderate_from < high_from < very_high_from is required"
            raise ValueError(msg)
        return self


class Outputs(Section):
    """What the engine publishes and writes."""

    metrics_rate_hz: float = Field(gt=0, le=100, description="Metrics messages for each athlete, Hz of sample time.")
    realtime_file_interval_s: float = Field(
        ge=1,
        le=3600,
        description="Shortest time between two writes of a realtime file, s; it limits wear of memory cards.",
    )
    training_load: TrainingLoad


class Impacts(Section):
    """Hits and falls."""

    alert_g: float = Field(ge=2, le=100, description="An impact of at least this size raises an alert, g.")
