"""Training: the forest, the watcher, the gate before a model goes into service, earlier versions."""

from __future__ import annotations

import pkgutil
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, field_validator

import athlete_monitor
from athlete_monitor.config.fields import FilePath, Section

MODEL_KINDS: Final = tuple(
    sorted(module.name for module in pkgutil.iter_modules([f"{athlete_monitor.__path__[0]}/models/kinds"]))
)
"""Kinds of model: the modules of ``models/kinds``, listed without importing them."""


ALL_SESSIONS: Final = 1_000_000
"""Number of sessions that ``sessions_to_use: all`` stands for."""


def _all(value: object) -> object:
    return ALL_SESSIONS if value == "all" else value


class Training(Section):
    """How a personal model is trained and evaluated."""

    kinds: tuple[str, ...] = Field(
        min_length=1,
        strict=False,
        description="Kinds of model: the first unless held-out sessions prefer another; the last with few sessions.",
    )
    n_estimators: int = Field(ge=1, le=2000, description="Trees of a forest.")
    max_depth: int = Field(ge=1, le=32, description="Depth of a tree.")
    min_samples_split: int = Field(ge=2, le=10_000, description="Smallest number of rows in a node that is split.")
    min_samples_leaf: int = Field(ge=1, le=10_000, description="Smallest number of rows in a leaf.")
    max_features: float = Field(gt=0, le=1, description="Share of the features tried at each split.")
    random_state: int = Field(ge=0, le=2**32 - 1, description="Seed: the same data give the same model.")
    n_jobs: int = Field(ge=1, le=256, description="Athletes trained at the same time.")
    backend: Literal["loky", "threading", "multiprocessing", "ray", "dask"] = Field(
        description="joblib backend that trains the athletes; a cluster's own backend must be registered first."
    )
    sessions_to_use: Annotated[int, BeforeValidator(_all)] = Field(
        ge=1,
        le=ALL_SESSIONS,
        description="How many of an athlete's latest sessions are used: a number or the word all.",
    )
    max_rows: int = Field(
        ge=500,
        le=1_000_000,
        description="Largest number of training rows; if there are more, every n-th row of each session is used.",
    )
    min_sessions_required: int = Field(ge=1, le=1000, description="Sessions an athlete needs before training.")
    rows_per_second: float = Field(
        gt=0, le=10, description="Rows kept for each second; neighbouring rows are nearly equal."
    )
    holdout_fraction: float = Field(
        ge=0.1, le=0.5, description="Last part of the session that is held out when an athlete has only one session."
    )
    use_games: bool = Field(description="Also train on match files that hold a strap's heart rate.")
    use_simulated: bool = Field(
        description="Also train on simulated sessions. false: not for an athlete of the roster or with real sessions."
    )

    @property
    def sessions_in_words(self) -> int | Literal["all"]:
        """``sessions_to_use`` as it is written in the configuration."""
        return "all" if self.sessions_to_use == ALL_SESSIONS else self.sessions_to_use

    @field_validator("kinds")
    @classmethod
    def _known(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [kind for kind in kinds if kind not in MODEL_KINDS]
        if unknown:
            msg = f"{unknown[0]!r} is not a kind of model; known: {', '.join(MODEL_KINDS)}"
            raise ValueError(msg)
        return kinds


class Monitoring(Section):
    """The watcher for new sessions (sup_ml_rf_training.py --watch)."""

    poll_interval_secs: float = Field(
        ge=1, le=86_400, description="Interval at which the watcher looks for new sessions, s."
    )
    debounce_secs: float = Field(
        ge=0, le=3600, description="How long a session must be unchanged before it is used, s."
    )
    auto_update_enabled: bool = Field(description="Train when there are new sessions; if false, only report them.")


class Retraining(Section):
    """When to train again, and what a new model must achieve before it goes into service."""

    min_samples_threshold: int = Field(
        ge=10, le=10_000_000, description="Smallest number of rows with a valid heart rate."
    )
    force_retrain_on_new_data: bool = Field(
        description="Train whenever an athlete has a session that has not been used yet."
    )
    max_rmse_threshold: float = Field(
        gt=0, le=200, description="Largest hold-out RMSE of a model that is put into service, bpm."
    )
    min_gain_over_median_bpm: float = Field(
        ge=-50,
        le=50,
        description="Smallest gain over always guessing the athlete's median, with 90 % confidence, bpm.",
    )
    min_coverage: float = Field(
        ge=0, le=0.8, description="Smallest share of unseen rows that the 80 % interval must cover."
    )
    max_mae_increase_bpm: float = Field(
        ge=0, le=50, description="How much worse than the model in service a new model may be on the hold-out, bpm."
    )


class Backup(Section):
    """Earlier versions of models."""

    enabled: bool = Field(description="Keep the version that a new model replaces.")
    keep_previous_versions: int = Field(ge=0, le=100, description="Versions kept for each athlete.")
    backup_on_update: bool = Field(description="Keep it at every publication; false keeps none, as `enabled` does.")


class PredictionCheck(Section):
    """Training waits while a match is monitored."""

    enabled: bool = Field(description="Look for a running engine before training.")
    prediction_script_names: tuple[str, ...] = Field(
        strict=False,
        description="Scripts that count as an engine even without a lock, if they use these folders.",
    )
    lockfile_path: FilePath = Field(description="Lock held by the running engine.")
    training_lockfile_path: FilePath = Field(description="Lock held by the running trainer.")
    check_interval_secs: float = Field(
        gt=0, le=3600, description="Interval at which a waiting trainer checks again, s."
    )
    max_wait_time_secs: float = Field(ge=0, le=86_400, description="How long the trainer waits before it gives up, s.")
    force_training: bool = Field(description="Train at once; safe, because publication is atomic.")
