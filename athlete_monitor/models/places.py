"""The places that live athletes have for a model of their own."""

from __future__ import annotations


class Places:
    """Live athletes with a place in memory for their own model: first come, first served.

    Those without one wait in the order in which they came; an athlete who leaves makes room for the first of them.

    >>> places = Places()
    >>> [places.ask(athlete_id, most=2) for athlete_id in (7, 8, 9)]
    [True, True, False]
    >>> places.leave(7)
    >>> places.ask(10, most=2), places.ask(9, most=2)
    (False, True)
    """

    def __init__(self) -> None:
        self._taken: dict[object, None] = {}
        self._waiting: dict[object, None] = {}

    def __contains__(self, athlete_id: object) -> bool:
        return athlete_id in self._taken

    @property
    def taken(self) -> int:
        """Number of athletes with a place."""
        return len(self._taken)

    @property
    def waiting(self) -> int:
        """Number of athletes who wait for one."""
        return len(self._waiting)

    def ask(self, athlete_id: int, most: int) -> bool:
        """Return whether the athlete has one of ``most`` places; otherwise it waits from now on."""
        if athlete_id not in self._taken:
            self._waiting.setdefault(athlete_id)
        while len(self._taken) > max(most, 0):
            last, _ = self._taken.popitem()
            self._waiting = {last: None, **self._waiting}
        while self._waiting and len(self._taken) < most:
            first = next(iter(self._waiting))
            del self._waiting[first]
            self._taken[first] = None
        return athlete_id in self._taken

    def give_back(self, athlete_id: int) -> None:
        """Wait again, behind all others."""
        self.leave(athlete_id)
        self._waiting[athlete_id] = None

    def leave(self, athlete_id: int) -> None:
        """Neither have a place nor wait for one."""
        self._taken.pop(athlete_id, None)
        self._waiting.pop(athlete_id, None)
