"""Reading models from the store: each is checked, loaded into the runtime and weighed."""

from __future__ import annotations

import logging
import statistics
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import ModelError
from athlete_monitor.models.model import Model
from athlete_monitor.models.newest import Newest

if TYPE_CHECKING:
    from collections.abc import Callable

    from athlete_monitor.models.manifest import AthleteId, Manifest
    from athlete_monitor.models.runtimes import Predictor, Runtime
    from athlete_monitor.models.store import ModelStore, Stamp

logger = logging.getLogger(__name__)

ENOUGH_GROWTHS: Final = 8
"""From so many measurements on, their median is the weight."""


@dataclass
class ModelReader:
    """Reads models from a store and measures their memory.

    ``accept`` raises ModelError for a manifest that must not be used; ``rss_bytes`` is the resident memory at present.
    Not safe for threads: allocations of another load would be included.
    """

    store: ModelStore
    runtime: Runtime
    accept: Callable[[Manifest], None]
    rss_bytes: Callable[[], int]
    newest: Newest = field(default_factory=Newest)
    _loaded_once: bool = False
    _growths: deque[float] = field(default_factory=lambda: deque(maxlen=64))

    def load(self, athlete_id: AthleteId) -> Model:
        """Load the model in service.

        Raises:
            FileNotFoundError: the athlete has none.
            ModelError: it is refused.
        """
        stamp = self.store.stamp(athlete_id)
        manifest, artifact = self.store.read(athlete_id, self.runtime.kind)
        self.newest.check(manifest)
        return self._ready(manifest, artifact, stamp)

    def load_earlier(self, athlete_id: AthleteId) -> Model | None:
        """Load the newest complete version before the one in service, None if none works."""
        models = (self._load_version(manifest) for manifest in self.store.earlier(athlete_id))
        return next((model for model in models if model is not None), None)

    def _load_version(self, manifest: Manifest) -> Model | None:
        try:
            artifact = self.store.artifact(manifest, self.runtime.kind)
            return self._ready(manifest, artifact, None, is_fallback=True)
        except ModelError as error:
            logger.warning("event=earlier_version_refused model=%s reason=%r", manifest.model_id, str(error))
            return None

    def _ready(self, manifest: Manifest, artifact: bytes, stamp: Stamp | None, *, is_fallback: bool = False) -> Model:
        self.accept(manifest)
        if not self._loaded_once:
            self._predictor(manifest, artifact)  # so that the runtime's one-time set-up is not counted
            self._loaded_once = True
        before_bytes, started_s = self.rss_bytes(), time.perf_counter()
        predictor = self._predictor(manifest, artifact)
        load_s, grown_bytes = time.perf_counter() - started_s, self.rss_bytes() - before_bytes
        known = getattr(predictor, "held_bytes", None)  # a session that is gone again would be measured with it
        weight = self._weight(len(artifact), grown_bytes) if known is None else max(known, 1)
        return Model(manifest, predictor, weight, load_s, stamp, is_fallback)

    def _weight(self, artifact_bytes: int, grown_bytes: int) -> int:
        """The usual growth of resident memory by a model of this size; of the first models, at least the measured one.

        A single measurement says little: the allocator may reuse memory of evicted models, and other threads allocate.
        """
        if grown_bytes > artifact_bytes:
            self._growths.append(grown_bytes / artifact_bytes)
        usual = int(artifact_bytes * (statistics.median(self._growths) if self._growths else 1.0))
        return usual if len(self._growths) >= ENOUGH_GROWTHS else max(grown_bytes, usual)

    def _predictor(self, manifest: Manifest, artifact: bytes) -> Predictor:
        try:
            return self.runtime.load(artifact, len(manifest.feature_names))
        except ModelError as error:
            raise ModelError(f"{self.runtime.kind} artifact of model {manifest.model_id}: {error}") from None
