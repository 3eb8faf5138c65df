"""Loading of models into memory. What is refused leaves the last valid model in service.

Order of preference for an athlete: the model in the store; if that is refused, the last valid one (in memory, else the
newest complete earlier version on disk); else None, with a reason.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import ModelError
from athlete_monitor.models.ledger import Refusal
from athlete_monitor.models.manifest import DEFAULT

if TYPE_CHECKING:
    from athlete_monitor.models.manifest import AthleteId
    from athlete_monitor.models.memory import ModelMemory
    from athlete_monitor.models.model import Model
    from athlete_monitor.models.reader import ModelReader
    from athlete_monitor.models.store import Stamp

logger = logging.getLogger(__name__)

NO_OWN: Final = "no model of its own"
NO_DEFAULT: Final = "no default model"


class Loading:
    """Reads models into memory, one at a time. Safe to use from any number of threads; a load takes milliseconds."""

    def __init__(self, reader: ModelReader, memory: ModelMemory) -> None:
        self._reader, self._store, self._memory = reader, reader.store, memory
        self._lock = threading.Lock()  # one load at a time; never taken while the memory's is held

    def get(self, key: AthleteId) -> Model | None:
        """Return the model from memory or load it; only once, however many threads ask."""
        known, model = self._memory.known(key)
        if known:
            return model
        with self._lock:
            known, model = self._memory.known(key)  # another thread may have loaded it in the meantime
            return model if known else self._load(key)

    def reload(self, key: AthleteId) -> Model | None:
        """Replace the model in memory with the one in the store; if that is refused, the old one stays in service.

        Returns:
            The model in service now, None if there is none in memory: then nothing is loaded.
        """
        with self._lock:
            old = self._memory.peek(key)
            if old is None:
                self._memory.forget_refusal(key)
                return None
            return self._replace(key, old)

    def _load(self, key: AthleteId) -> Model | None:
        """Load the model, or else the last valid one; record the reason."""
        used, stamp = self._memory.peek(key), self._store.stamp(key)
        self._memory.counts.misses += 1
        if used is not None and used.stamp == stamp:
            return self._memory.restore(used)
        try:
            return self._read(key)
        except FileNotFoundError:
            self._refuse(key, NO_DEFAULT if key == DEFAULT else NO_OWN, stamp, logging.INFO)
            return used and self._memory.restore(used)
        except ModelError as error:
            self._refuse(key, str(error), stamp)
            return self._memory.restore(used) if used else self._load_earlier(key)

    def _read(self, key: AthleteId) -> Model:
        model = self._reader.load(key)
        self._memory.add(model)
        return model

    def _load_earlier(self, key: AthleteId) -> Model | None:
        model = self._reader.load_earlier(key)
        if model is None:
            return None
        try:
            self._memory.add(model)
        except ModelError as error:  # larger than all the memory for models
            logger.warning("event=earlier_version_refused athlete=%s reason=%r", key, str(error))
            return None
        logger.warning("event=fallback athlete=%s model=%s", key, model.model_id)
        return model

    def _replace(self, key: AthleteId, old: Model) -> Model:
        stamp = self._store.stamp(key)
        try:
            new = self._read(key)
        except FileNotFoundError:
            self._refuse(key, "its model is no longer in the store; the loaded one stays", stamp)
        except ModelError as error:
            self._refuse(key, f"{error}; the loaded model stays", stamp)
        else:
            self._memory.counts.reloads += 1
            return new
        return old

    def _refuse(self, key: AthleteId, reason: str, stamp: Stamp | None, level: int = logging.WARNING) -> None:
        self._memory.refuse(key, Refusal(reason, stamp))
        event = "model_missing" if reason in {NO_OWN, NO_DEFAULT} else "model_refused"
        logger.log(level, "event=%s athlete=%s reason=%r", event, key, reason)
