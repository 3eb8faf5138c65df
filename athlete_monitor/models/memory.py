"""The models in memory, and what is known about those that are not: why they were refused, and what was counted."""

from __future__ import annotations

import logging
import threading
import weakref
from typing import TYPE_CHECKING, Final

from cachetools import TTLCache

from athlete_monitor.errors import ModelError
from athlete_monitor.models.cache import BoundedCache
from athlete_monitor.models.ledger import MOST_REMEMBERED, LoaderCounts, Refusal, Refusals

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from athlete_monitor.models.limits import LoaderLimits
    from athlete_monitor.models.manifest import AthleteId
    from athlete_monitor.models.model import Model
    from athlete_monitor.models.store import Stamp

logger = logging.getLogger(__name__)

CROWDED_S: Final = 10.0
"""If an evicted model is needed again this soon, more models are in use than the cache holds."""

CROWDED_WARNING_S: Final = 60.0


class ModelMemory:
    """Models by athlete in a bounded cache. Safe to use from any number of threads; no call takes long.

    A model that was evicted but is still referenced by a caller remains known until that reference goes.

    Args:
        most: largest number of models.
        limits: bytes of all models together, and how long a refusal is remembered.
        clock: time, s.
        pinned: keys of models that are evicted last: those in use by live athletes.
    """

    def __init__(
        self, most: int, limits: LoaderLimits, clock: Callable[[], float], pinned: Container[AthleteId]
    ) -> None:
        self._cache: BoundedCache[AthleteId, Model] = BoundedCache(most, limits.total_model_memory_bytes, pinned)
        self._alive: weakref.WeakValueDictionary[AthleteId, Model] = weakref.WeakValueDictionary()
        self._refusals = Refusals(limits.missing_ttl_s, clock)
        self._gone: TTLCache[AthleteId, bool] = TTLCache(MOST_REMEMBERED, CROWDED_S, clock)
        self._clock = clock
        self._warning_s = clock()
        self._lock = threading.RLock()
        self.counts = LoaderCounts()

    @property
    def limit(self) -> int:
        """Largest number of models at present; smaller than configured while the machine is short of memory."""
        return self._cache.limit

    @property
    def is_full(self) -> bool:
        """Whether the next model evicts another one."""
        return len(self._cache) >= self._cache.limit

    @property
    def held_bytes(self) -> int:
        """Bytes of the models in the cache."""
        return self._cache.held_bytes

    def models(self) -> dict[AthleteId, Model]:
        """The models in the cache, the least recently used first."""
        with self._lock:
            return dict(self._cache.items())

    def alive(self) -> dict[AthleteId, Model]:
        """The models that somebody references, in the cache or not."""
        with self._lock:
            return dict(self._alive)

    def get(self, key: AthleteId) -> Model | None:
        """Return the cached model, now the most recently used one; counted as a hit."""
        with self._lock:
            model = self._cache.get(key)
            self.counts.hits += model is not None
            return model

    def known(self, key: AthleteId) -> tuple[bool, Model | None]:
        """Return whether nothing needs to be loaded, and the cached model: None if it was refused lately."""
        with self._lock:
            model = self.get(key)
            return model is not None or key in self._refusals, model

    def peek(self, key: AthleteId) -> Model | None:
        """Return the model if it is in memory; nothing becomes recent."""
        with self._lock:
            return self._alive.get(key)

    def add(self, model: Model) -> None:
        """Add a model that was just loaded.

        Raises:
            ModelError: by itself it is larger than all the memory for models.
        """
        key = model.manifest.athlete_id
        with self._lock:
            crowded = self._put(key, model)
            self._alive[key] = model
            self.counts.loads += 1
            self.counts.load_s += model.load_s
            if not model.is_fallback:
                self._refusals.forget(key)
        logger.info(
            "event=model_loaded athlete=%s model=%s held_bytes=%d load_ms=%.1f",
            key, model.model_id, model.held_bytes, 1e3 * model.load_s,
        )  # fmt: skip
        if crowded:
            self._warn_crowded()

    def restore(self, model: Model) -> Model:
        """Cache a model again that was evicted but is still referenced."""
        with self._lock:
            self._note_gone(self._cache.put(model.manifest.athlete_id, model))
        self._warn_crowded()
        return model

    def refusal(self, key: AthleteId) -> Refusal | None:
        """Why the model in the store is not used; None if it is, or was not requested lately."""
        with self._lock:
            return self._refusals.get(key)

    def refusals(self) -> dict[AthleteId, Refusal]:
        """All refusals that are remembered."""
        with self._lock:
            return self._refusals.items()

    def refuse(self, key: AthleteId, refusal: Refusal) -> None:
        """Remember why a model cannot be used."""
        with self._lock:
            self._refusals.put(key, refusal)
            self.counts.failed_loads += 1

    def forget_refusal(self, key: AthleteId) -> None:
        """Let the model be loaded again."""
        with self._lock:
            self._refusals.forget(key)

    def stamps(self) -> dict[AthleteId, Stamp | None]:
        """State of the manifest file that each model in memory, and each refusal, comes from."""
        with self._lock:
            seen = {key: model.stamp for key, model in self._alive.items()}
            return seen | {key: refusal.stamp for key, refusal in self._refusals.items().items()}

    def shrink(self) -> None:
        """Allow one model less than there are."""
        with self._lock:
            self._note_gone(self._cache.resize(min(self._cache.limit, len(self._cache)) - 1))

    def grow(self) -> None:
        """Allow one model more, up to the configured number."""
        with self._lock:
            self._cache.resize(self._cache.limit + 1)

    def clear(self) -> None:
        """Remove all models and refusals."""
        with self._lock:
            self._cache.clear()
            self._alive.clear()
            self._refusals.clear()

    def _put(self, key: AthleteId, model: Model) -> bool:
        """Cache a model; return whether it was evicted a moment ago."""
        try:
            gone = self._cache.put(key, model)
        except ValueError as error:
            raise ModelError(f"model {model.model_id}: {error} (model_loading.total_model_memory_mb)") from None
        self._note_gone(gone)
        return bool(gone) and key in self._gone

    def _note_gone(self, gone: list[AthleteId]) -> None:
        self.counts.evictions += len(gone)
        self._gone.update(dict.fromkeys(gone, True))

    def _warn_crowded(self) -> None:
        now_s = self._clock()
        if now_s < self._warning_s:
            return
        self._warning_s = now_s + CROWDED_WARNING_S
        logger.warning(
            "event=cache_too_small cache_size=%d limit=%d hint='more models are in use than fit: raise "
            "model_loading.cache_size (or total_model_memory_mb)'",
            self._cache.most, self._cache.limit,
        )  # fmt: skip
