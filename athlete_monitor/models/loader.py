"""The live process's models: loaded when an athlete needs one, kept while memory allows, replaced by newer ones.

This module joins the parts: ``store`` (what is on disk and trusted), ``reader`` (reading and checking a model),
``memory`` (the bounded cache), ``loading``, ``live`` and ``background`` (models of live athletes), ``watch`` (periodic
checks) and ``health`` (figures).
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from athlete_monitor.errors import ModelError
from athlete_monitor.models.background import Requests
from athlete_monitor.models.health import cache_info
from athlete_monitor.models.limits import LoaderLimits, accept_all
from athlete_monitor.models.live import LiveModels
from athlete_monitor.models.loading import Loading
from athlete_monitor.models.manifest import DEFAULT, AthleteId, Manifest
from athlete_monitor.models.memory import ModelMemory
from athlete_monitor.models.newest import Newest
from athlete_monitor.models.places import Places
from athlete_monitor.models.probes import Probes
from athlete_monitor.models.reader import ModelReader
from athlete_monitor.models.runtimes import DeviceName, Runtime, RuntimeName, configured_runtime, open_runtime
from athlete_monitor.models.store import ModelStore
from athlete_monitor.models.watch import LoaderWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from athlete_monitor.config import Config
    from athlete_monitor.models.model import Model

logger = logging.getLogger(__name__)


class DynamicModelLoader:
    """Least-recently-used cache of models in front of a store. Safe to use from any number of threads, but ``live``.

    Args:
        models_dir: folder of the models in service; it may be missing, also temporarily.
        cache_size: largest number of models in memory.
        device: ``auto``, ``cpu`` or ``cuda``.
        enable_memory_monitoring: shrink the cache while the machine is short of memory.
        runtime: ``hummingbird``, ``onnx``, or a runtime that is already open.
        store: the store of models; by default only ``models_dir``, without earlier versions.
        limits: memory, times, and the check that a manifest must pass.
        probes: clock, memory probes and the thread that loads in the background.

    Raises:
        ModelError: the runtime is not installed.
    """

    def __init__(
        self,
        models_dir: str | Path = "athlete_models_tensors_updated",
        cache_size: int = 5,
        device: DeviceName = "cpu",
        enable_memory_monitoring: bool = True,  # noqa: FBT001, FBT002  (the order that users of the loader know)
        *,
        runtime: RuntimeName | Runtime = "hummingbird",
        store: ModelStore | None = None,
        limits: LoaderLimits | None = None,
        probes: Probes | None = None,
    ) -> None:
        self.models_dir = Path(models_dir)
        self.cache_size = cache_size
        self.store = store or ModelStore(self.models_dir)
        self.limits = limits or LoaderLimits()
        self.probes = probes or Probes()
        self.runtime = open_runtime(runtime, device, logger.warning) if isinstance(runtime, str) else runtime
        self.device = self.runtime.device
        self._assemble()
        self.enable_memory_monitoring = enable_memory_monitoring

    def _assemble(self) -> None:
        limits, probes, places = self.limits, self.probes, Places()
        self.memory = ModelMemory(self.cache_size, limits, probes.clock, places)
        self.reader = ModelReader(self.store, self.runtime, limits.accept, probes.rss_bytes, Newest(limits.newest_file))
        self._loading = Loading(self.reader, self.memory)
        self._requests = Requests(probes.run_aside)
        self.live = LiveModels(
            self.store, self.memory, self._loading, places, self._requests,
            self.cache_size, limits, probes.clock,
        )  # fmt: skip
        self._watch = LoaderWatch(self.memory, limits, probes, self.reload_changed)

    @classmethod
    def from_config(
        cls, config: Config, accept: Callable[[Manifest], None] = accept_all, athletes: int = 0
    ) -> DynamicModelLoader:
        """Open the configured loader and load ``model_loading.preload_players``; ``accept`` checks each manifest.

        ``athletes``: expected number, for the choice of the device; 0: a usual squad.

        Raises:
            ModelError: the runtime is not installed, or the signing key cannot be read.
        """
        loading = config.model_loading
        loader = cls(
            loading.models_directory,
            loading.cache_size,
            loading.device,
            loading.enable_memory_monitoring,
            runtime=configured_runtime(config, logger.warning, athletes),
            store=ModelStore.from_config(config, loading.models_directory),
            limits=LoaderLimits.from_config(config, accept),
        )
        loader.preload_models(loading.preload_players or ())
        return loader

    @property
    def enable_memory_monitoring(self) -> bool:
        """Whether the cache shrinks while the machine is short of memory."""
        return self._watch.enable_memory_monitoring

    @enable_memory_monitoring.setter
    def enable_memory_monitoring(self, enabled: bool) -> None:
        self._watch.enable_memory_monitoring = enabled

    # ------------------------------------------------------------------------------------------------------- serving

    def get_model(self, player_id: AthleteId) -> Model | None:
        """Return the athlete's model, else the default one (``is_default``), else None; ``why_not`` returns the reason.

        A model in memory costs about a microsecond; another one is loaded first, only once for all threads.

        Raises:
            ModelError: the id is neither a whole number from 1 on nor ``default``.
        """
        self._watch.look_if_due()
        model = self._loading.get(player_id)
        return model or (self._loading.get(DEFAULT) if player_id != DEFAULT else None)

    def live_model(self, player_id: int) -> Model | None:
        """Return a live athlete's own model if it is in memory; otherwise it is loaded in the background: ``live``.

        Raises:
            ModelError: the id is not a whole number from 1 on.
        """
        self._watch.look_if_due()
        return self.live.own(player_id)

    def peek(self, player_id: AthleteId) -> Model | None:
        """Return the athlete's own model if it is in memory; nothing is loaded, nothing becomes recent."""
        return self.memory.peek(player_id)

    def why_not(self, player_id: AthleteId) -> str | None:
        """Return why the athlete's model in the store is not used; None if it is, or was not requested lately."""
        refusal = self.memory.refusal(player_id)
        return refusal.reason if refusal else None

    def is_model_available(self, player_id: AthleteId) -> bool:
        """Return whether the athlete has a model of its own with a valid manifest."""
        try:
            return self.store.manifest(player_id) is not None
        except ModelError:
            return False

    def get_available_player_ids(self) -> list[int]:
        """Return the athletes with a model of their own whose manifest is valid, in order."""
        return [athlete_id for athlete_id in self.store.athlete_ids() if self.is_model_available(athlete_id)]

    def preload_models(self, player_ids: Iterable[int]) -> None:
        """Load models until the cache is full."""
        for player_id in player_ids:
            if self.memory.is_full:
                logger.warning("event=preload_stopped reason=model_loading.cache_size cache_size=%d", self.memory.limit)
                return
            self.get_model(player_id)

    def clear_cache(self) -> None:
        """Remove all models and all records of missing ones."""
        self.memory.clear()

    # ------------------------------------------------------------------------------------------- reloading and health

    def reload(self, player_id: AthleteId) -> Model | None:
        """Reload the athlete's model; if it is refused, the old one stays in service.

        Nothing is loaded for an athlete who has no model in memory: the next ``get_model`` does that.

        Returns:
            The model in service now, None if there is none in memory.
        """
        model = self._loading.reload(player_id)
        if model is not None:
            self.live.note_arrival(player_id)
        return model

    def request_reload(self, player_id: AthleteId) -> None:
        """Reload on another thread, as ``reload`` does; for a notification that a model was updated."""
        self._requests.add(player_id, lambda: self.reload(player_id))

    def reload_changed(self) -> list[AthleteId]:
        """Request a reload of each model whose manifest file has changed; return their ids. For SIGHUP.

        Records of missing or refused models are removed if the manifest file has changed.
        """
        changed = [key for key, stamp in self.memory.stamps().items() if self.store.stamp(key) != stamp]
        for key in changed:
            self.request_reload(key)
        return changed

    def look_around(self) -> None:
        """Look at the machine's memory and at the manifests, each when it is due; ``get_model`` does it by itself."""
        self._watch.look()

    def get_cache_info(self) -> dict[str, Any]:
        """Return the cache's state as plain values for JSON; see ``health.cache_info``."""
        return cache_info(self)


def create_dynamic_model_loader(cache_size: int = 5, device: DeviceName = "cpu") -> DynamicModelLoader:
    """Open a loader on the models folder below the current one."""
    return DynamicModelLoader(cache_size=cache_size, device=device)
