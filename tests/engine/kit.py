"""Samples, models and monitors for the engine's tests."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from athlete_monitor.arrays import CHANNEL_INDEX
from athlete_monitor.athletes import Roster
from athlete_monitor.engine.build import build_monitor
from athlete_monitor.engine.figures.record import AthleteFigures
from athlete_monitor.engine.sinks.sink import Collected
from athlete_monitor.features import PROFILE_FEATURES, FeatureSpec
from athlete_monitor.models.manifest import Holdout, Manifest, ResidualQuantiles
from athlete_monitor.squad.prediction import NoModels
from athlete_monitor.wire.sample import NOT_MEASURED, Sample, Tags, WireProfile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from athlete_monitor.config import Config

START = 1_750_000_000.0
MAN = WireProfile(25.0, 75.0, 180.0, "male")
TRAINING = Tags(mode="training", session_phase="main")
GAME = Tags(mode="game", session_phase="first_half")


def values(**channels: float) -> tuple[float, ...]:
    row = list(NOT_MEASURED)
    for name, value in channels.items():
        row[CHANNEL_INDEX[name]] = value
    return tuple(row)


def sample(
    t: float,
    device: str = "001",
    athlete: int | None = 1,
    *,
    seq: int | None = None,
    tags: Tags = TRAINING,
    **rest: Any,
) -> Sample:
    channels = {name: value for name, value in rest.items() if name in CHANNEL_INDEX}
    fields = {name: value for name, value in rest.items() if name not in CHANNEL_INDEX}
    return Sample(device, START + t, values(**channels), athlete, seq, fields.pop("profile", MAN), tags, **fields)


def stream(
    device: str = "001",
    athlete: int = 1,
    seconds: float = 20.0,
    rate_hz: float = 10.0,
    tags: Tags = TRAINING,
    seed: int = 0,
) -> list[Sample]:
    """A plausible device: gait, rotation and a strap that reads once a second."""
    rng = random.Random(f"{device}{seed}")
    return [
        sample(
            i / rate_hz,
            device,
            athlete,
            seq=i,
            tags=tags,
            acc_x=rng.gauss(0, 2),
            acc_y=rng.gauss(0, 2),
            acc_z=9.8 + 4 * math.sin(i / rate_hz * 2 * math.pi * 2.6) + rng.gauss(0, 1),
            gyro_x=rng.gauss(0, 1),
            gyro_y=rng.gauss(0, 1),
            gyro_z=rng.gauss(0, 1),
            heart_rate_bpm=round(120 + 20 * math.sin(i / rate_hz / 15)) if i % round(rate_hz) == 0 else math.nan,
        )
        for i in range(round(seconds * rate_hz))
    ]


@dataclass(frozen=True)
class Recorded:
    """Samples as a recording."""

    kept: Sequence[Sample]

    def __len__(self) -> int:
        return len(self.kept)

    def samples(self) -> Iterator[Sample]:
        return iter(self.kept)


def manifest(
    spec: FeatureSpec, athlete_id: Any = "default", groups: tuple[str, ...] = ("acceleration", "rotation")
) -> Manifest:
    names = spec.names(groups) + (PROFILE_FEATURES if athlete_id == "default" else ())
    return Manifest(
        athlete_id=athlete_id,
        groups=groups,
        feature_names=names,
        feature_spec=spec.to_dict(),
        schema_hash=spec.schema_hash(groups),
        sample_rate_hz=10.0,
        window=8,
        sessions=(),
        holdout=Holdout(
            mae_bpm=4.0,
            rmse_bpm=5.0,
            bias_bpm=0.0,
            r2=None,
            correlation=None,
            coverage_80=None,
            baselines={},
            rows=1,
            kind="none",
        ),
        residual_quantiles=ResidualQuantiles(-6.0, 5.0),
        versions={},
        created="2026-01-01",
    )


class LinearModel:
    """A model of known answers: a level and some of the motion."""

    def __init__(self, spec: FeatureSpec, athlete_id: Any = "default", level_bpm: float = 130.0, **rest: Any) -> None:
        self.manifest = manifest(spec, athlete_id, **rest)
        self.level_bpm = level_bpm
        self.calls: list[int] = []

    @property
    def model_id(self) -> str:
        return f"{self.manifest.athlete_id}@{self.manifest.created}:{self.level_bpm}"

    def predict(self, X: Any) -> Any:
        self.calls.append(len(X))
        return (np.float32(self.level_bpm) + np.tanh(X[:, 0]) * np.float32(10)).astype(np.float32)


class Models:
    """A source of given models."""

    def __init__(self, own: dict[int, LinearModel] | None = None, default: LinearModel | None = None) -> None:
        self.own, self.default = own or {}, default
        self.joins = False

    def candidates(self, athlete_id: int) -> list[Any]:
        return [model for model in (self.own.get(athlete_id), self.default) if model is not None]

    def has_other(self, athlete_id: int, served: Any) -> bool:
        return next(iter(self.candidates(athlete_id)), None) is not served

    def join(self, models: Sequence[Any]) -> Any:
        return Joined(list(models)) if self.joins else None

    def arrivals(self) -> tuple[()]:
        return ()

    def release(self, athlete_id: int) -> None:
        pass


class Joined:
    """Several models as one, each row through its own."""

    def __init__(self, models: list[Any]) -> None:
        self.models = models

    def predict(self, X: Any, which: Any) -> Any:
        pairs = zip(X, which, strict=True)
        return np.concatenate([self.models[number].predict(row[None, :]) for row, number in pairs])


def record(**known: Any) -> Any:
    """Figures of an athlete, only these known."""
    blank = dict.fromkeys(AthleteFigures.__struct_fields__)
    optional = dict.fromkeys(("period", "on_pitch"), msgspec.UNSET)
    if "reasons" in known:
        known["reasons"] = msgspec.Raw(msgspec.json.encode(known["reasons"]))
    return AthleteFigures(**{**blank, **optional, **known})


def spec_of(config: Config) -> FeatureSpec:
    return FeatureSpec.from_config(config.feature_engineering)


def monitor_of(config: Config, models: Any = None, roster: Roster | None = None, **rest: Any) -> tuple[Any, Collected]:
    told = Collected()
    return build_monitor(config, roster or Roster(), [told], models=models or NoModels(), **rest), told


def feed(monitor: Any, samples: Sequence[Sample], now_s: float = 0.0) -> None:
    for each in samples:
        monitor.accept(each, now_s)
    monitor.advance()


def deliver(monitor: Any, payloads: Sequence[bytes], device: str = "001") -> None:
    """Messages of one device, as they come from the network."""
    for payload in payloads:
        monitor.receive(f"player/{device}/sensor/data", payload, 0.0)
    monitor.advance()
