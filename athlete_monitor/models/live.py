"""Models of athletes who are live: loaded in the background, for as many athletes as there are places.

A few who come together get theirs at once, so that a squad's figures are those of a replay from the first row on.

While an athlete's model is loaded, and for an athlete without a place, the caller uses the squad's model.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from athlete_monitor.models.manifest import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Callable

    from athlete_monitor.models.background import Requests
    from athlete_monitor.models.limits import LoaderLimits
    from athlete_monitor.models.loading import Loading
    from athlete_monitor.models.manifest import AthleteId
    from athlete_monitor.models.memory import ModelMemory
    from athlete_monitor.models.model import Model
    from athlete_monitor.models.places import Places
    from athlete_monitor.models.store import ModelStore

AT_ONCE_PER_S: Final = 4.0
"""After some models were loaded at once, so many more may be for every second that passes."""
ARRIVALS_S: Final = 5.0
"""While many models are loaded, callers learn of the new ones this often: each time they join them again."""


class LiveModels:
    """The models of live athletes. Not safe for threads: one thread asks, another one loads.

    Args:
        store, memory, loading: the models.
        places: the live athletes with a place; the memory evicts their models last.
        requests: runs jobs on the thread that loads.
        most: largest number of models in memory, the squad's model included.
        limits: bytes of the models in use together; models that the caller loads itself, in milliseconds each.
        clock: time, s.
    """

    def __init__(
        self,
        store: ModelStore,
        memory: ModelMemory,
        loading: Loading,
        places: Places,
        requests: Requests,
        most: int,
        limits: LoaderLimits,
        clock: Callable[[], float],
    ) -> None:
        self._store, self._memory, self._loading, self._places = store, memory, loading, places
        self._requests, self._most, self._limits, self._clock = requests, most, limits, clock
        self._room: int | None = None
        self._too_large: set[int] = set()
        self._pending: set[AthleteId] = set()
        self._arrived: deque[AthleteId] = deque()
        self._next_s = self._allowed_s = clock()
        self._allowed = float(limits.at_once)

    @property
    def loading(self) -> int:
        """Number of live athletes whose model is being loaded."""
        return len(self._pending)

    @property
    def waiting(self) -> int:
        """Number of live athletes with a model of their own, but without a place for it."""
        return self._places.waiting

    def own(self, athlete_id: int) -> Model | None:
        """Return the athlete's own model if it has a place and is loaded; otherwise it is loaded in the background.

        Raises:
            ModelError: the id is not allowed.
        """
        if self._store.stamp(athlete_id) is None and self._memory.peek(athlete_id) is None:
            self.end(athlete_id)
            return None
        if athlete_id in self._too_large:
            self._wait(athlete_id)
        if not self._places.ask(athlete_id, self._most_places()):
            return None
        known, model = self._memory.known(athlete_id)
        if model is not None:
            return model
        if known:  # it was refused, and there is no earlier one
            self.end(athlete_id)
        elif athlete_id not in self._pending:
            self._pending.add(athlete_id)
            if self._may_load_now():
                self._load(athlete_id)
                return self._memory.known(athlete_id)[1]
            self._requests.add(("live", athlete_id), lambda: self._load(athlete_id))
        return None

    def end(self, athlete_id: int) -> None:
        """The athlete is no longer live: its place becomes free."""
        if athlete_id in self._places:
            self._room = None
        self._places.leave(athlete_id)

    def note_arrival(self, key: AthleteId) -> None:
        """A model was loaded or replaced."""
        self._arrived.append(key)

    def take_arrivals(self) -> frozenset[AthleteId]:
        """Return whose models have arrived since the last call; while others are loaded, once in ``ARRIVALS_S``."""
        if not self._arrived or (self._pending and self._clock() < self._next_s):
            return frozenset()
        self._next_s = self._clock() + ARRIVALS_S
        return frozenset(self._arrived.popleft() for _ in range(len(self._arrived)))

    def _may_load_now(self) -> bool:
        """Whether the caller may wait for another load; nobody overtakes those who already wait."""
        now_s = self._clock()
        self._allowed = min(self._limits.at_once, self._allowed + AT_ONCE_PER_S * max(now_s - self._allowed_s, 0.0))
        self._allowed_s = now_s
        if self._allowed < 1.0 or len(self._pending) > 1:
            return False
        self._allowed -= 1.0
        return True

    def _load(self, athlete_id: int) -> None:
        try:
            if athlete_id not in self._places:
                return
            if self._is_full():
                self._too_large.add(athlete_id)
            elif self._loading.get(athlete_id) is not None:
                self.note_arrival(athlete_id)
        finally:
            self._pending.discard(athlete_id)

    def _wait(self, athlete_id: int) -> None:
        """Its model has no room in memory: as many athletes as have a place now can have one until somebody leaves."""
        self._too_large.discard(athlete_id)
        self._places.give_back(athlete_id)
        self._room = self._places.taken

    def _most_places(self) -> int:
        """Number of athletes who may have their own model in memory, beside the squad's model if there is one."""
        squads = self._store.stamp(DEFAULT) is not None or self._memory.peek(DEFAULT) is not None
        most = self._most - squads
        return most if self._room is None else min(most, self._room)

    def _is_full(self) -> bool:
        """Return whether another model as large as those in use would need more memory than is allowed."""
        models = self._memory.models().items()
        in_use = [model.held_bytes for key, model in models if key in self._places or key == DEFAULT]
        return bool(in_use) and sum(in_use) + max(in_use) > self._limits.total_model_memory_bytes
