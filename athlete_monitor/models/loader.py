"""The live process's models: loaded when an athlete needs one, kept while memory allows, replaced by newer ones.

Order of preference for an athlete: the model in the store; if that is refused, the last valid one (in memory, else the
newest complete earlier version on disk); else the squad-wide default, marked as such; else None, with a reason.
"""

from __future__ import annotations

import logging
import threading
import weakref
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cachetools import TTLCache

from athlete_monitor.errors import ModelError
from athlete_monitor.models.cache import BoundedCache
from athlete_monitor.models.ledger import MOST_REMEMBERED, Counts, Refusal, Refusals
from athlete_monitor.models.limits import Limits, accept_all
from athlete_monitor.models.manifest import DEFAULT, AthleteId, Manifest
from athlete_monitor.models.model import Model, ModelSource
from athlete_monitor.models.newest import Newest
from athlete_monitor.models.probes import Probes
from athlete_monitor.models.runtimes import DeviceName, Runtime, RuntimeName, configured_runtime, open_runtime
from athlete_monitor.models.store import ModelStore, Stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from athlete_monitor.config import Config

logger = logging.getLogger(__name__)

PRESSURE_CHECK_S: Final = 1.0
PRESSURE_EASED_PERCENT: Final = 5.0
"""The memory use must fall this far below the threshold before the cache grows again."""

CROWDED_S: Final = 10.0
"""If an evicted model is needed again this soon, more athletes are live than the cache holds."""

CROWDED_WARNING_S: Final = 60.0

NO_OWN: Final = "no model of its own"
NO_DEFAULT: Final = "no default model"


@dataclass
class _Due:
    """The next time of each periodic check, on the loader's clock, s."""

    pressure_s: float
    manifests_s: float
    warning_s: float
    first_s: float = field(init=False, default=0.0)


class DynamicModelLoader:
    """Least-recently-used cache of models in front of a store. Safe to use from any number of threads.

    Args:
        models_dir: folder of the models in service; it may be missing, also temporarily.
        cache_size: largest number of models in memory.
        device: ``auto``, ``cpu`` or ``cuda``.
        enable_memory_monitoring: shrink the cache while the machine is short of memory.
        runtime: ``hummingbird``, ``onnx``, or a runtime that is already open.
        store: the store of models; by default only ``models_dir``, without earlier versions.
        limits: memory, times, and the check that a manifest must pass.
        probes: clock, memory probes and the thread of reloads.

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
        limits: Limits | None = None,
        probes: Probes | None = None,
    ) -> None:
        self.models_dir = Path(models_dir)
        self.cache_size = cache_size
        self.enable_memory_monitoring = enable_memory_monitoring
        self.store = store or ModelStore(self.models_dir)
        self.limits = limits or Limits()
        self.runtime = open_runtime(runtime, device, logger.warning) if isinstance(runtime, str) else runtime
        self.device = self.runtime.device
        self._probes = probes or Probes()
        clock = self._probes.clock
        self._source = ModelSource(
            self.store, self.runtime, self.limits.accept, self._probes.rss_bytes, Newest(self.limits.newest_file)
        )
        self._cache: BoundedCache[AthleteId, Model] = BoundedCache(cache_size, self.limits.total_model_memory_bytes)
        self._refusals = Refusals(self.limits.missing_ttl_s, clock)
        self._gone: TTLCache[AthleteId, bool] = TTLCache(MOST_REMEMBERED, CROWDED_S, clock)
        self._alive: weakref.WeakValueDictionary[AthleteId, Model] = weakref.WeakValueDictionary()
        self._reloading: set[AthleteId] = set()
        self._counts = Counts()
        self._due = _Due(clock(), clock() + self.limits.reload_check_s, clock())
        self._lock = threading.RLock()  # all of the above; held for microseconds
        self._load_lock = threading.Lock()  # one load at a time; taken before the other, never inside it

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
            limits=Limits(
                total_model_memory_bytes=int(loading.total_model_memory_mb * 1e6),
                memory_warning_percent=config.performance.memory_warning_threshold,
                missing_ttl_s=loading.missing_ttl_s,
                reload_check_s=loading.reload_check_s,
                accept=accept,
                newest_file=config.paths.journal.with_name("models_served.json"),
            ),
        )
        loader.preload_models(loading.preload_players or ())
        return loader

    # ------------------------------------------------------------------------------------------------------- serving

    def get_model(self, player_id: AthleteId) -> Model | None:
        """Return the athlete's model, else the default one (``is_default``), else None; ``why_not`` returns the reason.

        A model in memory costs about a microsecond; another one is loaded first, only once for all threads.

        Raises:
            ModelError: the id is neither a whole number from 1 on nor ``default``.
        """
        if self._probes.clock() >= self._due.first_s:
            self.look_around()
        with self._lock:
            model = self._cache.get(player_id)
            if model is not None:
                self._counts.hits += 1
                return model
        return self._own(player_id) or (self._own(DEFAULT) if player_id != DEFAULT else None)

    def peek(self, player_id: AthleteId) -> Model | None:
        """Return the athlete's own model if it is in memory; nothing is loaded, nothing becomes recent."""
        with self._lock:
            return self._alive.get(player_id)

    def why_not(self, player_id: AthleteId) -> str | None:
        """Return why the athlete's model in the store is not used; None if it is, or was not requested lately."""
        with self._lock:
            refusal = self._refusals.get(player_id)
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
            if len(self._cache) >= self._cache.limit:
                logger.warning("event=preload_stopped reason=model_loading.cache_size cache_size=%d", self._cache.limit)
                return
            self.get_model(player_id)

    def clear_cache(self) -> None:
        """Remove all models and all records of missing ones."""
        with self._lock:
            self._cache.clear()
            self._alive.clear()
            self._refusals.clear()

    # ------------------------------------------------------------------------------------------------------- loading

    def _own(self, key: AthleteId) -> Model | None:
        known, model = self._known(key)
        if known:
            return model
        with self._load_lock:
            known, model = self._known(key)  # another thread may have loaded it in the meantime
            return model if known else self._load(key)

    def _known(self, key: AthleteId) -> tuple[bool, Model | None]:
        with self._lock:
            model = self._cache.get(key)
            self._counts.hits += model is not None
            return model is not None or key in self._refusals, model

    def _load(self, key: AthleteId) -> Model | None:
        """Load the model, or else the last valid one; record the reason. The caller holds the load lock.

        A model that was evicted from the cache but is still referenced is reused.
        """
        used, stamp = self.peek(key), self.store.stamp(key)
        with self._lock:
            self._counts.misses += 1
        if used is not None and used.stamp == stamp:
            return self._take_back(key, used)
        try:
            return self._take_in(key, self._source.load(key))
        except FileNotFoundError:
            self._refuse(key, NO_DEFAULT if key == DEFAULT else NO_OWN, stamp, logging.INFO)
            return used and self._take_back(key, used)
        except ModelError as error:
            self._refuse(key, str(error), stamp)
            return self._take_back(key, used) if used else self._load_earlier(key)

    def _load_earlier(self, key: AthleteId) -> Model | None:
        earlier = self._source.load_earlier(key)
        try:
            model = earlier and self._take_in(key, earlier)
        except ModelError as error:  # larger than all the memory for models
            logger.warning("event=earlier_version_refused athlete=%s reason=%r", key, str(error))
            return None
        if model is not None:
            logger.warning("event=fallback athlete=%s model=%s", key, model.model_id)
        return model

    def _take_back(self, key: AthleteId, model: Model) -> Model:
        with self._lock:
            self._note_gone(self._cache.put(key, model))
        self._warn_crowded()
        return model

    def _take_in(self, key: AthleteId, model: Model) -> Model:
        with self._lock:
            crowded = self._put(key, model)
            self._alive[key] = model
            self._counts.loads += 1
            self._counts.load_s += model.load_s
            if not model.is_fallback:
                self._refusals.forget(key)
        logger.info(
            "event=model_loaded athlete=%s model=%s held_bytes=%d load_ms=%.1f",
            key, model.model_id, model.held_bytes, 1e3 * model.load_s,
        )  # fmt: skip
        if crowded:
            self._warn_crowded()
        return model

    def _put(self, key: AthleteId, model: Model) -> bool:
        """Add a model to the cache; return whether it was evicted a moment ago."""
        try:
            gone = self._cache.put(key, model)
        except ValueError as error:
            raise ModelError(f"model {model.model_id}: {error} (model_loading.total_model_memory_mb)") from None
        self._note_gone(gone)
        return bool(gone) and key in self._gone

    def _note_gone(self, gone: list[AthleteId]) -> None:
        self._counts.evictions += len(gone)
        self._gone.update(dict.fromkeys(gone, True))

    def _warn_crowded(self) -> None:
        now_s = self._probes.clock()
        if now_s < self._due.warning_s:
            return
        self._due.warning_s = now_s + CROWDED_WARNING_S
        logger.warning(
            "event=cache_too_small cache_size=%d limit=%d hint='more athletes are live than models fit: raise "
            "model_loading.cache_size (or total_model_memory_mb)'",
            self.cache_size, self._cache.limit,
        )  # fmt: skip

    def _refuse(self, key: AthleteId, reason: str, stamp: Stamp | None, level: int = logging.WARNING) -> None:
        with self._lock:
            self._refusals.put(key, Refusal(reason, stamp))
            self._counts.failed_loads += 1
        event = "model_missing" if reason in {NO_OWN, NO_DEFAULT} else "model_refused"
        logger.log(level, "event=%s athlete=%s reason=%r", event, key, reason)

    # ----------------------------------------------------------------------------------------------------- reloading

    def reload(self, player_id: AthleteId) -> Model | None:
        """Reload the athlete's model; if it is refused, the old one stays in service.

        Nothing is loaded for an athlete who has no model in memory: the next ``get_model`` does that.

        Returns:
            The model in service now, None if there is none in memory.
        """
        with self._load_lock:
            old = self.peek(player_id)
            if old is None:
                with self._lock:
                    self._refusals.forget(player_id)
                return None
            return self._replace(player_id, old)

    def _replace(self, key: AthleteId, old: Model) -> Model:
        stamp = self.store.stamp(key)
        try:
            new = self._take_in(key, self._source.load(key))
        except FileNotFoundError:
            self._refuse(key, "its model is no longer in the store; the loaded one stays", stamp)
        except ModelError as error:
            self._refuse(key, f"{error}; the loaded model stays", stamp)
        else:
            with self._lock:
                self._counts.reloads += 1
            return new
        return old

    def request_reload(self, player_id: AthleteId) -> None:
        """Reload on another thread, as ``reload`` does; for a notification that a model was updated."""
        with self._lock:
            if player_id in self._reloading:
                return
            self._reloading.add(player_id)
        self._probes.run_aside(lambda: self._reload_aside(player_id))

    def _reload_aside(self, player_id: AthleteId) -> None:
        with self._lock:
            self._reloading.discard(player_id)
        self.reload(player_id)

    def reload_changed(self) -> list[AthleteId]:
        """Request a reload of each model whose manifest file has changed; return their ids. For SIGHUP.

        Records of missing or refused models are removed if the manifest file has changed.
        """
        with self._lock:
            seen: dict[AthleteId, Stamp | None] = {key: model.stamp for key, model in self._alive.items()}
            seen.update({key: refusal.stamp for key, refusal in self._refusals.items().items()})
        changed = [key for key, stamp in seen.items() if self.store.stamp(key) != stamp]
        for key in changed:
            self.request_reload(key)
        return changed

    # ------------------------------------------------------------------------------------------------ looking around

    def look_around(self) -> None:
        """Look at the machine's memory and at the manifests, each when it is due; ``get_model`` does it by itself."""
        now_s = self._probes.clock()
        due = self._due
        with self._lock:
            look_at_manifests, look_at_memory = now_s >= due.manifests_s, now_s >= due.pressure_s
            due.manifests_s = now_s + self.limits.reload_check_s if look_at_manifests else due.manifests_s
            due.pressure_s = now_s + PRESSURE_CHECK_S if look_at_memory else due.pressure_s
            due.first_s = min(due.manifests_s, due.pressure_s)
        if look_at_memory and self.enable_memory_monitoring:
            self._adapt()
        if look_at_manifests:
            self.reload_changed()

    def _adapt(self) -> None:
        """Let the cache shrink by one while memory is short, and grow back by one when it is not."""
        used, threshold = self._probes.used_memory_percent(), self.limits.memory_warning_percent
        with self._lock:
            before = self._cache.limit
            if used >= threshold:
                self._note_gone(self._cache.resize(min(before, len(self._cache)) - 1))
            elif used < threshold - PRESSURE_EASED_PERCENT:
                self._cache.resize(before + 1)
            limit = self._cache.limit
        if limit != before:
            logger.warning("event=cache_resized limit=%d used_memory_percent=%.0f", limit, used)

    # --------------------------------------------------------------------------------------------------- information

    def get_cache_info(self) -> dict[str, Any]:
        """Return the cache's state: counts, ``*_s`` in seconds, ``*_bytes`` of memory; plain values for JSON."""
        with self._lock:
            counts, models, alive = self._counts, dict(self._cache.items()), dict(self._alive)
            refused = {key: refusal.reason for key, refusal in self._refusals.items().items()}
        return {
            "cache_size": len(models),
            "max_cache_size": self.cache_size,
            "cache_limit": self._cache.limit,
            "cached_models": list(models),
            "cache_hits": counts.hits,
            "cache_misses": counts.misses,
            "cache_hit_rate": counts.hit_rate,
            "total_requests": counts.requests,
            "models_loaded": counts.loads,
            "models_evicted": counts.evictions,
            "models_reloaded": counts.reloads,
            "failed_loads": counts.failed_loads,
            "average_load_time": counts.mean_load_s,
            "available_models": len(self.store.athlete_ids()),
            "models_in_use": len(alive),
            "bytes_held": self._cache.held_bytes,
            "bytes_in_use": sum(model.held_bytes for model in alive.values()),
            "bytes_per_model": {key: model.held_bytes for key, model in models.items()},
            "model_ids": {key: model.model_id for key, model in models.items()},
            "refused": refused,
            "rss_bytes": self._probes.rss_bytes(),
            "peak_rss_bytes": self._probes.peak_rss_bytes(),
            "used_memory_percent": self._probes.used_memory_percent(),
            "runtime": self.runtime.name,
            "device": self.device,
        }


def create_dynamic_model_loader(cache_size: int = 5, device: DeviceName = "cpu") -> DynamicModelLoader:
    """Open a loader on the models folder below the current one."""
    return DynamicModelLoader(cache_size=cache_size, device=device)
