"""One team session as the result of its commands: periods, pitch, markers, targets, ratings.

The state is a function of the accepted commands, so the journal can replay it. Each value carries the moment and the id
of the command that set it, and the later one is used: the order in which commands of one moment arrive does not matter,
and a later edit gives the same result as the right command in time.
"""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.team.pitch import Pitch, Stamp
from athlete_monitor.team.records import Marker, Period, PeriodKind, PitchState, Stint, TeamSession, Whose
from athlete_monitor.team.refusals import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from athlete_monitor.team.commands import Command

_BEFORE_ALL: Final[Stamp] = (-math.inf, "")
_EDITABLE: Final = ("name", "kind", "start_t", "end_t", "whose", "automatic")
KEPT_VALUES: Final = 50
_SESSION_FIELDS: Final = ("name", "note", "opponent", "day_code", "mode")
MOST: Final = 2000
"""Limit of periods, markers and the like in a team session; more is an error of the sender."""


class Register:
    """Values by key, each with the stamp of the command that set it; the later one is used."""

    def __init__(self) -> None:
        self._values: dict[Any, list[tuple[Stamp, Any]]] = {}

    def set(self, key: Any, value: Any, stamp: Stamp) -> None:  # noqa: ANN401 - any hashable key, any value
        """Set a value; it is used unless a later command sets it too."""
        values = self._values.setdefault(key, [])
        values.append((stamp, value))
        values.sort(key=_stamp)
        del values[:-KEPT_VALUES]

    def get(self, key: Any, default: Any = None, before: float = math.inf) -> Any:  # noqa: ANN401
        """The value as of just before a moment, or ``default``."""
        return next((value for stamp, value in reversed(self._values.get(key, ())) if stamp[0] < before), default)

    def items(self) -> list[tuple[Any, Any]]:
        """Keys and their current values."""
        return [(key, values[-1][1]) for key, values in self._values.items()]

    def all(self, key: Any, before: float) -> list[Any]:  # noqa: ANN401
        """Every value that was set before a moment."""
        return [value for stamp, value in self._values.get(key, ()) if stamp[0] < before]


def _stamp(entry: tuple[Stamp, Any]) -> Stamp:
    return entry[0]


@dataclass
class _Draft:
    """A period with its fields as registers, so that edits may arrive in any order."""

    period: Period
    fields: Register = field(default_factory=Register)
    deleted_t: float = math.inf

    def now(self, before: float = math.inf) -> Period:
        """The period as edited so far, or as it was just before a moment."""
        changed = {name: self.fields.get(name, getattr(self.period, name), before) for name in _EDITABLE}
        period = replace(self.period, **changed)
        if period.end_t is not None and period.end_t < period.start_t:
            return replace(period, end_t=period.start_t)
        return period

    def is_called(self, name: str, before: float) -> bool:
        """Whether the period had this name at some time before a moment."""
        if self.period.start_t >= before:
            return False
        names = [self.period.name, *self.fields.all("name", before)]
        return name.casefold() in {each.casefold() for each in names}


@dataclass(frozen=True)
class Entry:
    """An athlete's own rating: ``kind`` is ``rpe`` or ``wellness``."""

    athlete_id: int
    kind: str
    t: float
    values: Mapping[str, Any]


class TeamState:
    """One team session and everything that commands have set.

    Args:
        session: the session as it began.
        figures: keys for which a target may be set; None allows all.
        name_of: how to name an athlete in a refusal.
    """

    def __init__(
        self,
        session: TeamSession,
        figures: Iterable[str] | None = None,
        name_of: Callable[[int], str] = lambda athlete: f"athlete {athlete}",
    ) -> None:
        self._session = session
        self._figures = None if figures is None else frozenset(figures)
        self._drafts: dict[str, _Draft] = {}
        self._markers: dict[str, Marker] = {}
        self._deleted_markers: set[str] = set()
        self._pitch = Pitch(name_of)
        self._facts = Register()
        self._targets = Register()
        self._worn = Register()
        self._entries = Register()
        self.is_controlled = False
        """Whether a command has set a period: then the sender's phases no longer become periods."""

    def apply(self, command: Command) -> None:
        """Execute a command.

        Raises:
            RefusedError: it is not possible; nothing has changed.
        """
        getattr(self, f"_do_{command.do}")(command)

    @property
    def session(self) -> TeamSession:
        """The team session with its edits."""
        return replace(self._session, **dict(self._facts.items()))

    def extend(self, start_t: float, end_t: float | None) -> None:
        """Set the start and end of the session so that it covers its devices and periods."""
        self._session = replace(self._session, start_t=start_t, end_t=end_t)

    def periods(self) -> list[Period]:
        """The periods in the order of their beginning."""
        alive = (draft.now() for draft in self._drafts.values() if draft.deleted_t == math.inf)
        return sorted(alive, key=lambda period: (period.start_t, period.id))

    def markers(self) -> list[Marker]:
        """The markers in the order of their moments."""
        alive = (marker for marker in self._markers.values() if marker.id not in self._deleted_markers)
        return sorted(alive, key=lambda marker: (marker.t, marker.id))

    def stints(self) -> list[Stint]:
        """Who was on the pitch, off it or unavailable, in order."""
        return self._pitch.stints()

    def pitch(self) -> dict[int, PitchState]:
        """The present state of each athlete, if known."""
        return self._pitch.now()

    def targets(self) -> dict[tuple[int, str], float]:
        """Targets by athlete and figure."""
        return {key: value for key, value in self._targets.items() if value is not None}

    def worn(self) -> dict[str, int]:
        """Athletes by the device that a command assigned to them."""
        return dict(self._worn.items())

    def entries(self) -> list[Entry]:
        """Session RPE and wellness, the latest of each athlete and kind."""
        return [entry for _, entry in sorted(self._entries.items())]

    def end_open(self, t: float, *, automatic_only: bool) -> None:
        """End the periods that are still open, because the session ends."""
        for draft in self._drafts.values():
            period = draft.now()
            if period.end_t is None and (period.automatic or not automatic_only):
                draft.fields.set("end_t", max(t, period.start_t), _BEFORE_ALL)

    def _do_period_start(self, command: Command) -> None:
        values = command.values
        number, name = values.get("period", command.id), values["name"]
        if number in self._drafts:
            raise RefusedError("period_exists", period=number, name=self._drafts[number].now().name)
        if self._is_running(name, command.at):
            raise RefusedError("period_running", period=name)
        self._room(self._drafts, "periods")
        self._take_control(command.at)
        kind = values.get("kind") or kind_of(name)
        self._drafts[number] = _Draft(Period(number, name, kind, command.at, whose=whose_of(values.get("whose"))))

    def _take_control(self, at: float) -> None:
        """End automatic periods where the first period of a command begins."""
        self.is_controlled = True
        for draft in self._drafts.values():
            period = draft.now()
            if period.automatic and (period.end_t is None or period.end_t > at):
                draft.deleted_t = at if period.start_t >= at else draft.deleted_t
                draft.fields.set("end_t", at, (at, ""))

    def _do_phase(self, command: Command) -> None:
        """The devices are in a phase of another name: an automatic period ends, the next begins."""
        if self.is_controlled:
            return
        for draft in self._drafts.values():
            period = draft.now()
            if period.automatic and period.end_t is None and period.start_t < command.at:
                draft.fields.set("end_t", command.at, (command.at, command.id))
        name = command.values.get("name")
        if name is not None:
            self._room(self._drafts, "periods")
            period = Period(command.id, name, kind_of(name), command.at, automatic=True)
            self._drafts[command.id] = _Draft(period)

    def _is_running(self, name: str, at: float) -> bool:
        """Whether a period of this name was running just before a moment."""
        before = [
            draft.now(at) for draft in self._drafts.values() if draft.deleted_t >= at and draft.is_called(name, at)
        ]
        return any(each.end_t is None and each.start_t < at and not each.automatic for each in before)

    def _do_period_end(self, command: Command) -> None:
        draft = self._draft(command.values["period"], command.at)
        period = draft.now(command.at)
        if period.start_t >= command.at:
            raise RefusedError("period_not_begun", period=period.name)
        if period.end_t is not None and period.end_t < command.at:
            raise RefusedError("period_ended", period=period.name)
        draft.fields.set("end_t", command.at, (command.at, command.id))

    def _do_period_edit(self, command: Command) -> None:
        draft = self._draft(command.values["period"], command.at)
        changes = {name: value for name, value in command.values.items() if name not in {"period", "session"}}
        period = draft.now(command.at)
        start, end = changes.get("start", period.start_t), changes.get("end", period.end_t)
        if end is not None and end <= start:
            raise RefusedError("period_ends_before_begin", period=period.name)
        stamp = (command.at, command.id)
        names = {"start": "start_t", "end": "end_t"}
        for name, value in changes.items():
            draft.fields.set(names.get(name, name), whose_of(value) if name == "whose" else value, stamp)
        draft.fields.set("automatic", False, stamp)  # noqa: FBT003 - a person has looked at it

    def _do_period_delete(self, command: Command) -> None:
        draft = self._draft(command.values["period"], command.at)
        draft.deleted_t = min(draft.deleted_t, command.at)

    def _draft(self, wanted: str, at: float) -> _Draft:
        """The period of an id, else of a name that it had before ``at``: a running one first, then the latest."""
        draft = self._drafts.get(wanted)
        if draft is not None and draft.deleted_t >= at:
            return draft
        named = [each for each in self._drafts.values() if each.deleted_t >= at and each.is_called(wanted, at)]
        if not named:
            later = any(each.is_called(wanted, math.inf) for each in self._drafts.values())
            raise RefusedError("period_begins_later", period=wanted) if later else _unknown(wanted, self.periods())
        return max(named, key=lambda each: _relevance(each.now(at), at))

    def _do_marker(self, command: Command) -> None:
        self._room(self._markers, "markers")
        values = command.values
        self._markers[command.id] = Marker(command.id, command.at, values["text"], values.get("athlete"))

    def _do_marker_delete(self, command: Command) -> None:
        if command.values["marker"] not in self._markers:
            raise RefusedError("marker_unknown", marker=command.values["marker"])
        self._deleted_markers.add(command.values["marker"])

    def _do_pitch(self, command: Command) -> None:
        self._pitch.move(command)

    def _do_assign(self, command: Command) -> None:
        self._worn.set(command.values["device"], command.values["athlete"], (command.at, command.id))

    def _do_session_edit(self, command: Command) -> None:
        for name in _SESSION_FIELDS:
            if name in command.values:
                self._facts.set(name, command.values[name], (command.at, command.id))

    def _do_rpe(self, command: Command) -> None:
        self._enter(command)

    def _do_wellness(self, command: Command) -> None:
        self._enter(command)

    def _enter(self, command: Command) -> None:
        values = dict(command.values)
        athlete = values.pop("athlete")
        if not values:
            raise RefusedError("no_rating", do=command.do)
        entry = Entry(athlete, command.do, command.at, values)
        self._entries.set((athlete, command.do), entry, (command.at, command.id))

    def _do_target(self, command: Command) -> None:
        figure = command.values["figure"]
        if self._figures is not None and figure not in self._figures:
            raise _unknown_figure(figure, self._figures)
        key = (command.values["athlete"], figure)
        self._targets.set(key, command.values["value"], (command.at, command.id))

    def _do_alarm_ack(self, command: Command) -> None:
        """Changes the alarms, not the session."""

    def _do_alarm_mute(self, command: Command) -> None:
        """Changes the alarms, not the session."""

    @staticmethod
    def _room(things: Mapping[str, Any], what: str) -> None:
        if len(things) >= MOST:
            raise RefusedError("too_many", most=MOST, what=what)


def whose_of(value: Mapping[str, Any] | None) -> Whose:
    """The athletes that a command's ``whose`` means; all by default."""
    athletes = (value or {}).get("athletes")
    return Whose((value or {}).get("group"), None if athletes is None else tuple(athletes))


def kind_of(name: str) -> PeriodKind:
    """The kind that a period's name suggests.

    >>> kind_of("1st half"), kind_of("half time"), kind_of("warm_up"), kind_of("rondo")
    ('half', 'break', 'warm-up', 'other')
    """
    plain = name.casefold().replace("_", " ").replace("-", " ")
    for kind, words in _WORDS.items():
        if any(word in plain for word in words):
            return kind
    return "other"


_WORDS: Final[Mapping[PeriodKind, tuple[str, ...]]] = {
    "break": ("break", "half time", "halftime", "pause", "rest", "cool"),
    "half": ("half", "quarter", "extra time"),
    "warm-up": ("warm",),
    "drill": ("drill", "exercise"),
}


def _relevance(period: Period, at: float) -> tuple[bool, bool, float, str]:
    return (period.start_t < at, period.end_t is None, period.start_t, period.id)


def _unknown(wanted: str, periods: Sequence[Period]) -> RefusedError:
    names = list(dict.fromkeys(period.name for period in periods))
    if not names:
        return RefusedError("period_unknown_none", period=wanted)
    return RefusedError("period_unknown", period=wanted, known=", ".join(names[:10]))


def _unknown_figure(figure: str, figures: Iterable[str]) -> RefusedError:
    close = difflib.get_close_matches(figure, figures, 3)
    if not close:
        return RefusedError("figure_unknown", figure=figure)
    return RefusedError("figure_unknown_like", figure=figure, like=", ".join(close))
