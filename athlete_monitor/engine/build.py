"""Building the engine from the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from athlete_monitor.engine.monitor import Monitor
from athlete_monitor.engine.sessions.wearers import Wearers
from athlete_monitor.engine.sinks.sink import Sinks
from athlete_monitor.features import FeatureSpec
from athlete_monitor.models.schema import features_check
from athlete_monitor.physiology.position import PitchPlan
from athlete_monitor.squad.batch import KernelSettings
from athlete_monitor.squad.kernel import Squad
from athlete_monitor.squad.model_sources import LiveSource, RecordedSource
from athlete_monitor.squad.prediction import ModelBook
from athlete_monitor.wire.codec import Decoder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.athletes import Roster
    from athlete_monitor.config import Config
    from athlete_monitor.config.screen import Pitch
    from athlete_monitor.engine.sessions.wearers import Trust
    from athlete_monitor.engine.sinks.sink import Sink
    from athlete_monitor.models.loader import DynamicModelLoader
    from athlete_monitor.squad.prediction import ModelSource


def kernel_settings(config: Config) -> KernelSettings:
    """The settings of the kernel from the configuration."""
    return KernelSettings(
        features=FeatureSpec.from_config(config.feature_engineering),
        fusion=config.sensors.fusion,
        policy=config.engine.heart_rate_source,
        sensor_fresh_s=config.engine.sensor_fresh_s,
        prediction_rate_hz=config.engine.prediction_rate_hz,
        metrics_rate_hz=config.outputs.metrics_rate_hz,
        alert_g=config.impacts.alert_g,
        pitch=_pitch_plan(config.dashboard.pitch),
    )


def _pitch_plan(pitch: Pitch) -> PitchPlan | None:
    if pitch.corners is None:
        return None
    return PitchPlan(pitch.length_m, pitch.width_m, tuple((corner.lat, corner.lon) for corner in pitch.corners))


def open_loader(config: Config, athletes: int = 0) -> DynamicModelLoader:
    """The loader of models for the number of expected athletes (0: a usual squad).

    Raises:
        ModelError: its runtime cannot start.
    """
    from athlete_monitor.models.loader import DynamicModelLoader

    accept = features_check(FeatureSpec.from_config(config.feature_engineering))
    return DynamicModelLoader.from_config(config, accept, athletes)


def source_of(loader: DynamicModelLoader, config: Config) -> RecordedSource:
    """The loader's models for recordings."""
    return RecordedSource(loader, int(config.model_loading.total_model_memory_mb * 1e6))


def live_source(loader: DynamicModelLoader) -> LiveSource:
    """The loader's models for live athletes."""
    return LiveSource(loader)


def build_monitor(
    config: Config,
    roster: Roster,
    sinks: Sequence[Sink],
    *,
    models: ModelSource | None = None,
    trust: Trust | None = None,
    **rest: Any,  # noqa: ANN401 - the arguments of Monitor
) -> Monitor:
    """The engine without its surroundings; ``rest`` goes to ``Monitor``.

    ``trust`` overrides ``athletes.trust_sender``.
    """
    settings = kernel_settings(config)
    source = models or source_of(open_loader(config), config)
    squad = Squad(settings, ModelBook(source, settings.features))
    decoder = Decoder(config.sensors.acc_unit, config.sensors.gyro_unit)
    return Monitor(config, squad, decoder, Wearers(roster, trust or config.athletes.trust_sender), Sinks(sinks), **rest)
