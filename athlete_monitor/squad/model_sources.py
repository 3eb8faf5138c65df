"""Where the engine's models come from: the loader, for athletes who are live and for recordings."""

from __future__ import annotations

import logging
import weakref
from typing import TYPE_CHECKING

from athlete_monitor.models.manifest import DEFAULT
from athlete_monitor.models.model import Model

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from athlete_monitor.models.loader import DynamicModelLoader
    from athlete_monitor.models.manifest import AthleteId
    from athlete_monitor.squad.prediction import JoinedModels, ServedModel

_log = logging.getLogger(__name__)


class LiveSource:
    """Models for live athletes: never waits for a load of an athlete's own model.

    The squad's model serves until it is there, and athletes beyond ``model_loading.cache_size``.
    """

    def __init__(self, loader: DynamicModelLoader) -> None:
        self._loader = loader
        self._warned = False

    def candidates(self, athlete_id: int) -> Sequence[ServedModel]:
        """See ``ModelSource``."""
        own = self._loader.live_model(athlete_id) if athlete_id > 0 else None
        self._warn_of_waiting()
        default = self._loader.get_model(DEFAULT)
        return [model for model in (own, default) if model is not None]

    def has_other(self, athlete_id: int, served: ServedModel | None) -> bool:
        """See ``ModelSource``."""
        own = self._loader.live_model(athlete_id) if athlete_id > 0 else None
        return _differ(own or self._loader.get_model(DEFAULT), served)

    def join(self, models: Sequence[ServedModel]) -> JoinedModels | None:
        """See ``ModelSource``."""
        return _joined(self._loader, models)

    def arrivals(self) -> Collection[AthleteId]:
        """See ``ModelSource``."""
        return self._loader.live.take_arrivals()

    def release(self, athlete_id: int) -> None:
        """See ``ModelSource``."""
        self._loader.live.end(athlete_id)

    def _warn_of_waiting(self) -> None:
        waiting = self._loader.live.waiting
        if waiting and not self._warned:
            _log.warning(
                "event=athletes_without_place cache_size=%d hint='more athletes are live than models fit; the squad's "
                "model serves those who came last: raise model_loading.cache_size (or total_model_memory_mb)'",
                self._loader.cache_size,
            )
        self._warned = bool(waiting)


class RecordedSource:
    """Models for recordings: an athlete's own model is loaded before its first row, so that every run is equal.

    Each athlete keeps a reference to the model in use, so more athletes than ``model_loading.cache_size`` cost memory,
    not a load for each prediction. ``limit_bytes`` bounds this memory: beyond it athletes share the default model.
    """

    def __init__(self, loader: DynamicModelLoader, limit_bytes: int) -> None:
        self._loader = loader
        self._limit_bytes = limit_bytes
        self._held: weakref.WeakValueDictionary[str, Model] = weakref.WeakValueDictionary()
        self._reported = False

    def candidates(self, athlete_id: int) -> Sequence[ServedModel]:
        """See ``ModelSource``."""
        own = self._loader.get_model(athlete_id) if athlete_id > 0 else None
        default = self._loader.get_model(DEFAULT)
        models = [model for model in (own, None if own is default else default) if model is not None]
        return [model for model in models if model.is_default or self._fits(model)]

    def has_other(self, athlete_id: int, served: ServedModel | None) -> bool:
        """See ``ModelSource``."""
        if athlete_id > 0 and served is not None and served.manifest.athlete_id != DEFAULT:
            newest = self._loader.peek(athlete_id)
            return newest is not None and _differ(newest, served)
        return _differ(self._loader.get_model(athlete_id if athlete_id > 0 else DEFAULT), served)

    def join(self, models: Sequence[ServedModel]) -> JoinedModels | None:
        """See ``ModelSource``."""
        return _joined(self._loader, models)

    def arrivals(self) -> Collection[AthleteId]:
        """See ``ModelSource``: nothing is loaded in the background."""
        return ()

    def release(self, athlete_id: int) -> None:
        """See ``ModelSource``."""

    def _fits(self, model: Model) -> bool:
        others = sum(held.held_bytes for model_id, held in self._held.items() if model_id != model.model_id)
        if others + model.held_bytes <= self._limit_bytes:
            self._held[model.model_id] = model
            return True
        if not self._reported:
            self._reported = True
            _log.warning("event=models_exceed_memory the default model serves (model_loading.total_model_memory_mb)")
        return False


def _differ(best: ServedModel | None, served: ServedModel | None) -> bool:
    return (best.model_id if best else None) != (served.model_id if served else None)


def _joined(loader: DynamicModelLoader, models: Sequence[ServedModel]) -> JoinedModels | None:
    return loader.runtime.join([model.predictor for model in models if isinstance(model, Model)])
