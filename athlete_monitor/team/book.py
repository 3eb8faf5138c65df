"""The team sessions of a box: which one is running, which one a command is about, and the published state."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from athlete_monitor.team.commands import Command
from athlete_monitor.team.records import TeamSession
from athlete_monitor.team.refusals import RefusedError
from athlete_monitor.team.state import TeamState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from athlete_monitor.team.records import Marker, Period

RESULTS_KEPT: Final = 10_000
MARKERS_SHOWN: Final = 50
PAST_S: Final = 12 * 3600.0
"""A new team session may begin at most this long ago: an earlier moment must be in a known session."""
AFTERWARDS_S: Final = 24 * 3600.0
"""How long after a session its ratings and corrections are still assigned to it."""
FORGOTTEN_S: Final = 6 * 3600.0
"""A session without any device, whose period is never ended, ends after this time."""

_OPENING: Final = frozenset({"period_start", "pitch", "marker", "target", "assign", "session_edit"})
_AFTERWARDS: Final = frozenset({
    "rpe", "wellness", "session_edit", "period_edit", "period_delete", "marker_delete", "alarm_ack", "alarm_mute",
})  # fmt: skip


class SessionStore(Protocol):
    """The store of earlier team sessions."""

    def new_id(self, t: float) -> str:
        """A new id for a team session that begins at ``t``."""

    def by_id(self, number: str) -> TeamState | None:
        """The state of an earlier session."""

    def at(self, t: float, afterwards_s: float) -> TeamState | None:
        """The last session that had begun at ``t`` and had ended at most ``afterwards_s`` before."""


@dataclass
class _Running:
    """A team session that has not ended."""

    state: TeamState
    last_t: float
    devices: int = 0
    phase: str | None = None


class TeamBook:
    """Keeps the running team sessions and executes commands.

    Device sessions that overlap, or follow one another within ``gap_s``, belong to one team session. It is pure: time
    comes in with the calls, earlier sessions come from the store.

    Args:
        store: earlier sessions.
        gap_s: the longest break without any device within a team session, s.
        make: creates the state of a new session; by default without a check of targets.
    """

    def __init__(self, store: SessionStore, gap_s: float, make: Any = TeamState) -> None:  # noqa: ANN401 - a callable
        self._store, self._gap_s, self._make = store, gap_s, make
        self._running: dict[str, _Running] = {}
        self._results: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._changed: dict[str, TeamState] = {}
        self._now_t: float | None = None
        self._latest: TeamState | None = None
        self.revision = 0

    @property
    def current(self) -> TeamState | None:
        """The running session; if there are several, that of most devices, then the one nearest to the present.

        Several run at once if the clock of a device is set wrong.
        """
        running = max(self._running.values(), key=self._rank, default=None)
        return running.state if running else None

    def _rank(self, running: _Running) -> tuple[int, float]:
        last_t = running.last_t
        return max(running.devices, 0), last_t if self._now_t is None else -abs(last_t - self._now_t)

    @property
    def rated(self) -> TeamState | None:
        """The session that a rating given now is about: the running one, else the last one if it may still be rated."""
        if self.current is not None:
            return self.current
        latest, now_t = self._latest, self._now_t
        if latest is None or (now_t is not None and now_t > (latest.session.end_t or now_t) + AFTERWARDS_S):
            return None
        return latest

    def look_back(self, now_t: float) -> None:
        """Find the last session that may still be rated; call once, after an earlier engine's sessions are restored."""
        self._latest = self._store.at(now_t, AFTERWARDS_S)

    def states(self) -> list[TeamState]:
        """The running sessions."""
        return [running.state for running in self._running.values()]

    def state_of(self, number: str) -> TeamState | None:
        """A running session by its id."""
        return self._running[number].state if number in self._running else None

    def take_changed(self) -> list[TeamState]:
        """The sessions that have changed since the last call."""
        changed = list(self._changed.values())
        self._changed.clear()
        return changed

    def known_result(self, number: str) -> dict[str, Any] | None:
        """The earlier answer to a command with this id."""
        return self._results.get(number)

    def remember(self, result: dict[str, Any]) -> dict[str, Any]:
        """Store an answer, so that a repeated command gets it again; the oldest are dropped."""
        self._results[result["id"]] = result
        while len(self._results) > RESULTS_KEPT:
            self._results.popitem(last=False)
        return result

    def restore(self, state: TeamState, last_t: float) -> None:
        """Resume a session that an earlier engine had not ended."""
        automatic = [period for period in state.periods() if period.automatic and period.end_t is None]
        phase = automatic[-1].name if automatic else None
        self._running[state.session.id] = _Running(state, last_t, phase=phase)
        self.revision += 1

    def command(self, command: Command, now_t: float) -> TeamState | None:
        """Execute a command; return the session that it was about, None for a rating without one.

        Raises:
            RefusedError: it cannot be executed; nothing has changed.
        """
        state, is_new = self._state_for(command, now_t)
        if state is None:
            return None
        state.apply(command)
        self.revision += 1
        self._changed[state.session.id] = state
        if is_new:
            self._running[state.session.id] = _Running(state, command.at)
        running = self._running.get(state.session.id)
        if running is not None:
            running.last_t = max(running.last_t, command.at)
            self._widen(state, command.at)
        return state

    def device_began(self, t: float, mode: str | None = None) -> str:
        """A device's session begins at ``t``; return the id of its team session."""
        running = self._around(t)
        if running is None:
            state = self._make(TeamSession(self._store.new_id(t), t, mode=mode))
            running = self._running[state.session.id] = _Running(state, t)
        running.devices += 1
        self._widen(running.state, t)
        self._touch(running)
        return str(running.state.session.id)

    def device_goes_on(self, number: str) -> None:
        """A device's session of this team session is resumed after a restart."""
        if number in self._running:
            self._running[number].devices += 1

    def device_seen(self, number: str, t: float) -> None:
        """A device of a team session has sent a sample with time ``t``."""
        running = self._running.get(number)
        if running is not None and t > running.last_t:
            running.last_t = t

    def device_ended(self, number: str, t: float) -> None:
        """A device's session has ended."""
        running = self._running.get(number)
        if running is not None:
            running.devices -= 1
            running.last_t = max(running.last_t, t)

    def phases(self, number: str, reported: Sequence[tuple[str | None, float]]) -> Command | None:
        """The phases that the devices of a team session are in, and since when: the most common one becomes a period.

        Returns the command that caused the change, for the journal; None if nothing has changed.
        """
        running = self._running.get(number)
        if running is None or running.state.is_controlled:
            return None
        plain = [(each and each.replace("_", " "), since_t) for each, since_t in reported]
        phase = _commonest((each for each, _ in plain), running.phase)
        if phase == running.phase:
            return None
        running.phase = phase
        t = min(since_t for each, since_t in plain if each == phase)
        command = Command(f"phase-{number}-{t:.3f}", "phase", t, {"name": phase})
        running.state.apply(command)
        self._touch(running)
        return command

    def tick(self, now_t: float) -> list[TeamState]:
        """End finished sessions and return them."""
        self._now_t = now_t
        over = [running for running in self._running.values() if self._is_over(running, now_t)]
        for running in over:
            state = running.state
            state.end_open(running.last_t, automatic_only=False)
            state.extend(state.session.start_t, max(running.last_t, state.session.start_t))
            self._touch(running)
            self._latest = state
            del self._running[state.session.id]
        return [running.state for running in over]

    def _is_over(self, running: _Running, now_t: float) -> bool:
        silent_s = now_t - running.last_t
        is_open = any(period.end_t is None and not period.automatic for period in running.state.periods())
        return running.devices <= 0 and silent_s > (FORGOTTEN_S if is_open else self._gap_s)

    def _touch(self, running: _Running) -> None:
        self.revision += 1
        self._changed[running.state.session.id] = running.state

    def _widen(self, state: TeamState, t: float) -> None:
        if t < state.session.start_t:
            state.extend(t, None)

    def _around(self, t: float) -> _Running | None:
        """The running session whose time, with the gap around it, holds ``t``."""
        fits = [
            running
            for running in self._running.values()
            if running.state.session.start_t - self._gap_s <= t
            and (t <= running.last_t + self._gap_s or _has_open_period(running.state))
        ]
        return max(fits, key=lambda running: running.last_t, default=None)

    def _state_for(self, command: Command, now_t: float) -> tuple[TeamState | None, bool]:
        named = command.values.get("session")
        if named is not None:
            running = self._running.get(named)
            state = running.state if running else self._kept(self._store.by_id(named))
            if state is None:
                raise RefusedError("session_unknown", session=named)
            return state, False
        running = self._around(command.at)
        state = running.state if running else self._earlier(command)
        if state is None and command.do in _OPENING:
            return self._open(command, now_t), True
        if state is None and command.do != "wellness":
            raise RefusedError("no_session", do=command.do)
        return state, False

    def _earlier(self, command: Command) -> TeamState | None:
        if command.do in _AFTERWARDS and self.current is not None:
            return self.current
        return self._kept(self._store.at(command.at, AFTERWARDS_S if command.do in _AFTERWARDS else 0.0))

    def _kept(self, found: TeamState | None) -> TeamState | None:
        """The last session as it is in memory: what was changed a moment ago may not be in the archive yet."""
        latest = self._latest
        return latest if found is not None and latest is not None and found.session.id == latest.session.id else found

    def _open(self, command: Command, now_t: float) -> TeamState:
        if command.at < now_t - PAST_S:
            raise RefusedError("time_too_long_ago", hours=round(PAST_S / 3600))
        state: TeamState = self._make(TeamSession(self._store.new_id(command.at), command.at))
        return state


def _has_open_period(state: TeamState) -> bool:
    return any(period.end_t is None for period in state.periods())


def _commonest(reported: Iterable[str | None], present: str | None) -> str | None:
    """The most common phase; of equally common ones the present one, else the first in the alphabet."""
    counts = Counter(reported)
    if not counts:
        return present
    most = max(counts.values())
    names = [name for name, count in counts.items() if count == most]
    return present if present in names else min(names, key=lambda name: (name is None, name or ""))


def state_message(
    state: TeamState | None,
    revision: int,
    alarms: list[dict[str, Any]],
    now_t: float,
    *,
    rated: TeamState | None = None,
) -> dict[str, Any]:
    """The message of ``team/state``; ``docs/outputs.md`` describes its keys.

    Args:
        state: the running session.
        revision: grows with every change.
        alarms: those that are open.
        now_t: the present, epoch seconds.
        rated: the session whose ratings are published.
    """
    return {
        "revision": revision,
        "now_s": round(now_t, 3),
        "team_session": None if state is None else asdict(state.session),
        "periods": [] if state is None else [period_message(period) for period in state.periods()],
        "pitch": {} if state is None else {str(athlete): word for athlete, word in state.pitch().items()},
        "markers": [] if state is None else [_marker(marker) for marker in state.markers()[-MARKERS_SHOWN:]],
        "targets": [] if state is None else _targets(state.targets()),
        "assigned": {} if state is None else state.worn(),
        "alarms": alarms,
        "ratings": [] if rated is None else _ratings(rated),
        "rated_session": None if rated is None else rated.session.id,
    }


def period_message(period: Period) -> dict[str, Any]:
    """A period as it is published."""
    return {
        "id": period.id,
        "name": period.name,
        "kind": period.kind,
        "whose": whose_message(period),
        "start_t": period.start_t,
        "end_t": period.end_t,
        "automatic": period.automatic,
    }


def whose_message(period: Period) -> Any:  # noqa: ANN401 - a word or a mapping
    """The athletes of a period, in the form of a command."""
    whose = period.whose
    if whose.athletes is not None:
        return {"athletes": list(whose.athletes)}
    return "all" if whose.group is None else {"group": whose.group}


def _marker(marker: Marker) -> dict[str, Any]:
    return {"id": marker.id, "t": marker.t, "text": marker.text, "athlete_id": marker.athlete_id}


def _ratings(state: TeamState) -> list[dict[str, Any]]:
    """Session RPE; how an athlete has slept or feels is nobody's business at the pitch."""
    entries = [each for each in state.entries() if each.kind == "rpe" and each.values.get("rpe") is not None]
    return [
        {"athlete_id": each.athlete_id, "rpe": each.values["rpe"], "minutes": each.values.get("minutes"), "t": each.t}
        for each in entries
    ]


def _targets(targets: Mapping[tuple[int, str], float]) -> list[dict[str, Any]]:
    return [
        {"athlete_id": athlete, "figure": figure, "value": value}
        for (athlete, figure), value in sorted(targets.items())
    ]
