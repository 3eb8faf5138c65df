"""Who is on the pitch, and since when: a timeline for each athlete, which commands may extend in any order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from athlete_monitor.team.records import Stint
from athlete_monitor.team.refusals import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from athlete_monitor.team.commands import Command
    from athlete_monitor.team.records import PitchState

Stamp = tuple[float, str]
"""Moment and id of the command that set something."""

_RANK: Final = {"on": 0, "off": 1, "unavailable": 2}


class Pitch:
    """Timelines of on, off and unavailable.

    A command's conditions are checked just before its moment, so that the order in which commands of one moment arrive
    does not matter; if two states have the same moment, the more absent one is used.
    """

    def __init__(self, name_of: Callable[[int], str]) -> None:
        self._name_of = name_of
        self._states: dict[int, dict[Stamp, PitchState]] = {}

    def move(self, command: Command) -> None:
        """Execute a ``pitch`` command.

        Raises:
            RefusedError: a substitution that is not possible at that moment.
        """
        athlete, state, leaves = (command.values.get(name) for name in ("athlete", "state", "for"))
        if leaves is not None:
            self._check_substitution(command.at, str(state), int(athlete or 0), leaves)
            self._states.setdefault(leaves, {})[command.at, command.id] = "off"
        self._states.setdefault(int(athlete or 0), {})[command.at, command.id] = state  # type: ignore[assignment]

    def stints(self) -> list[Stint]:
        """Stretches of equal state of all athletes, in the order of their beginning."""
        found = [stint for athlete in self._states for stint in self._stints_of(athlete)]
        return sorted(found, key=lambda stint: (stint.start_t, stint.athlete_id))

    def now(self) -> dict[int, PitchState]:
        """The last known state of each athlete."""
        return {athlete: self._stints_of(athlete)[-1].state for athlete in sorted(self._states)}

    def _stints_of(self, athlete: int) -> list[Stint]:
        by_time: dict[float, PitchState] = {}
        for (t, _), state in self._states[athlete].items():
            by_time[t] = max(by_time.get(t, state), state, key=_RANK.__getitem__)
        merged: list[Stint] = []
        for t, state in sorted(by_time.items()):
            if merged and merged[-1].state == state:
                continue
            if merged:
                merged[-1] = replace(merged[-1], end_t=t)
            merged.append(Stint(athlete, state, t))
        return merged

    def _state_before(self, athlete: int, t: float) -> PitchState | None:
        stints = self._stints_of(athlete) if athlete in self._states else []
        before = [stint.state for stint in stints if stint.start_t < t]
        return before[-1] if before else None

    def _check_substitution(self, at: float, state: str, comes: int, leaves: int) -> None:
        if state != "on":
            raise RefusedError("substitution_state")
        if comes == leaves:
            raise self._refusal("substitution_of_oneself", leaves)
        if self._state_before(leaves, at) != "on":
            raise self._refusal("on_pitch_not", leaves)
        found = self._state_before(comes, at)
        if found == "on":
            raise self._refusal("on_pitch_already", comes)
        if found == "unavailable":
            raise self._refusal("unavailable", comes)

    def _refusal(self, code: str, athlete: int) -> RefusedError:
        return RefusedError(code, athlete=self._name_of(athlete), athlete_id=athlete)
