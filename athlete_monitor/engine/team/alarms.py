"""Alarms in the live engine: the inputs of the rules, once a second, and the messages of raised or cleared alarms."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, replace
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.archive.columns import SOURCES
from athlete_monitor.arrays import CHANNEL_INDEX
from athlete_monitor.catalogue import FIGURES, is_one_rate, is_rate_bound
from athlete_monitor.engine.figures.record import identity
from athlete_monitor.engine.team.rules import SIGNALS
from athlete_monitor.team.alarms import Alarms, Only, SquadValues, filled, key_of
from athlete_monitor.team.records import AlarmRow
from athlete_monitor.team.refusals import RefusedError
from athlete_monitor.wire.timestamps import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from athlete_monitor.arrays import BoolArray, FloatArray
    from athlete_monitor.engine.sessions.session import Session
    from athlete_monitor.engine.team.rules import WatchedRules
    from athlete_monitor.team.alarms import Base, Change, Rule
    from athlete_monitor.team.state import TeamState
    from athlete_monitor.wire.sample import Sample

EVERY_S: Final = 1.0
RULES_EVERY_S: Final = 2.0
SILENT_S: Final = 3.0
"""A device that has been silent for longer has no present figures: its alarms are neither raised nor cleared."""
HISTORY: Final = 30
"""Number of an athlete's earlier sessions that are used for maxima and means."""
LOADED_AT_ONCE: Final = 2
"""Athletes whose earlier sessions are read in one round, so that samples are not kept waiting."""
_BATTERY: Final = CHANNEL_INDEX["battery_percent"]
_STRAP: Final = frozenset(SOURCES[:1])


@dataclass
class WatchedSession:
    """A session that the rules are evaluated on."""

    session: Session
    arrived_s: float
    record: Any = None
    strap_t: float = math.nan
    battery_percent: float = math.nan
    impact_g: float = math.nan
    history: list[dict[str, Any]] | None = None

    @property
    def key(self) -> int:
        """The athlete, or a number below zero for a device without an athlete."""
        return self.session.athlete_id or -self.session.number


class AlarmKeeper:
    """Evaluates the rules on the running sessions and keeps the alarms that are open.

    Args:
        rules: the rules, reloaded when they change.
        history: the summaries of an athlete's last sessions, newest first.
        publish: called with each alarm that is raised, cleared or acknowledged, and its session.
        place: groups and positions of an athlete.
    """

    def __init__(
        self,
        rules: WatchedRules,
        history: Callable[[int, int], list[dict[str, Any]]],
        publish: Callable[[AlarmRow, str, Session | None], None],
        place: Callable[[int], tuple[str | None, str | None]],
    ) -> None:
        self._watched_rules, self._history, self._publish, self._place = rules, history, publish, place
        self._alarms = Alarms(rules.rules)
        self._watched: dict[int, WatchedSession] = {}
        self.open: dict[tuple[str, int | None], AlarmRow] = {}
        self._due_s = self._rules_due_s = -math.inf
        self._stints: dict[int, str] = {}

    def follow(self, session: Session, record: Any) -> None:  # noqa: ANN401 - a made structure
        """Take an athlete's newest figures."""
        watched = self._watched.get(session.number)
        if watched is None:
            watched = self._watched[session.number] = WatchedSession(session, time.monotonic())
        watched.record, watched.arrived_s = record, time.monotonic()
        if record.heart_rate_source in _STRAP:
            watched.strap_t = session.device_t

    def samples(self, session: Session, samples: Sequence[Sample]) -> None:
        """Take the values that only samples carry: the charge of the battery."""
        watched = self._watched.get(session.number)
        if watched is not None and not math.isnan(battery := samples[-1].values[_BATTERY]):
            watched.battery_percent = battery

    def impact(self, session: Session, event: dict[str, Any]) -> None:
        """Take an impact of alert size."""
        watched = self._watched.get(session.number)
        if watched is not None and event.get("alert"):
            watched.impact_g = max(event["peak_g"], 0.0 if math.isnan(watched.impact_g) else watched.impact_g)

    def forget(self, session: Session, t: float) -> None:
        """A session has ended: so have its alarms."""
        watched = self._watched.pop(session.number, None)
        if watched is None:
            return
        for (rule, who), alarm in list(self.open.items()):
            if who == watched.key:
                self._close((rule, who), replace(alarm, cleared_t=t), session)

    def excuse(self, seconds: float, now_s: float) -> None:
        """Do not count so many seconds as silence of any device."""
        for watched in self._watched.values():
            watched.arrived_s = min(watched.arrived_s + seconds, now_s)

    def restore(self, alarms: Sequence[AlarmRow]) -> None:
        """Restore alarms that an earlier engine had raised."""
        for alarm in alarms:
            self.open[alarm.rule, alarm.athlete_id] = alarm
            self._alarms.restore(alarm.rule, alarm.athlete_id, alarm.raised_t)

    def tick(self, state: TeamState | None, t: float) -> bool:
        """Evaluate the rules if it is time to; return whether an alarm has changed."""
        now_s = time.monotonic()
        if now_s >= self._rules_due_s:
            self._rules_due_s = now_s + RULES_EVERY_S
            if self._watched_rules.look():
                self._alarms.replace(self._watched_rules.rules)
        if now_s < self._due_s:
            return False
        self._due_s = now_s + EVERY_S
        self._load_history()
        rows = self._rows()
        if not rows:
            return False
        changes = self._alarms.evaluate(self._squad(rows, state, now_s), t)
        for change in changes:
            self._apply(change, rows, now_s, t)
        for watched in rows:
            watched.impact_g = min(watched.impact_g, 0.0)
        return bool(changes)

    def acknowledge(self, wanted: str, t: float) -> None:
        """Acknowledge an alarm, or all of them.

        Raises:
            RefusedError: no open alarm has this id.
        """
        found = [key for key, alarm in self.open.items() if wanted in {"all", alarm.id}]
        if not found and wanted != "all":
            raise RefusedError("alarm_not_open", alarm=wanted)
        for key in found:
            if self.open[key].acknowledged_t is None:
                self.open[key] = replace(self.open[key], acknowledged_t=t)
                self._publish(self.open[key], "acknowledged", self._session_of(key[1]))

    def mute(self, rule: str, athlete: int | None, until_t: float) -> None:
        """Mute a rule for a while.

        Raises:
            RefusedError: there is no such rule.
        """
        names = [each.name for each in self._alarms.rules]
        if rule not in names:
            raise RefusedError("rule_unknown", rule=rule, allowed=", ".join(names))
        self._alarms.mute(rule, athlete, until_t)

    def messages(self) -> list[dict[str, Any]]:
        """The open alarms as they are published."""
        return [asdict(alarm) for alarm in sorted(self.open.values(), key=lambda alarm: (alarm.raised_t, alarm.id))]

    def _rows(self) -> list[WatchedSession]:
        """One session of each athlete: if there are two devices, the one that sent last."""
        newest: dict[int, WatchedSession] = {}
        for watched in sorted(self._watched.values(), key=lambda each: each.arrived_s):
            if watched.record is not None:
                newest[watched.key] = watched
        return list(newest.values())

    def _load_history(self) -> None:
        missing = [each for each in self._watched.values() if each.history is None]
        for watched in missing[:LOADED_AT_ONCE]:
            watched.history = self._history(watched.session.athlete_id, HISTORY) if watched.session.athlete_id else []

    def _squad(self, rows: Sequence[WatchedSession], state: TeamState | None, now_s: float) -> SquadValues:
        rules = self._alarms.rules
        conditions = [each for rule in rules for each in rule.conditions]
        figures = {each.figure for each in conditions}
        silent = now_s - np.array([each.arrived_s for each in rows]) > SILENT_S
        values = {name: _values(rows, name, silent, now_s) for name in figures}
        own = {key_of(each): self._own(rows, *key_of(each), state) for each in conditions if each.base != "value"}
        is_asked = any(rule.only != Only() for rule in rules)
        context = self._contexts(rows, state) if is_asked else []
        applies = {rule.name: self._applies(rule, rows, context) for rule in rules}
        return SquadValues(np.array([each.key for each in rows], dtype=np.int64), values, own, applies)

    def _own(
        self, rows: Sequence[WatchedSession], figure: str, base: Base, sessions: int, state: TeamState | None
    ) -> FloatArray:
        if base == "target":
            targets = {} if state is None else state.targets()
            return np.array([targets.get((each.session.athlete_id, figure), math.nan) for each in rows])
        if base == "own_mean":
            return np.array([_mean(each, figure, sessions) for each in rows])
        if _is_heart_rate(figure):
            return np.array([each.record.hr_max_bpm for each in rows], dtype=np.float64)
        return np.array([_own_maximum(each, figure) for each in rows])

    def _contexts(
        self, rows: Sequence[WatchedSession], state: TeamState | None
    ) -> list[tuple[set[str], set[str], bool]]:
        """Names and kinds of the periods that each athlete is in, and whether on the pitch."""
        periods, pitch = ([], {}) if state is None else (state.periods(), state.pitch())
        found: list[tuple[set[str], set[str], bool]] = []
        for watched in rows:
            session, group = watched.session, self._place(watched.session.athlete_id)[0]
            mine = [
                each for each in periods
                if each.holds(session.device_t) and each.whose.includes(session.athlete_id, group)
            ]  # fmt: skip
            on_pitch = pitch.get(session.athlete_id) == "on"
            found.append(({each.name.casefold() for each in mine}, {str(each.kind) for each in mine}, on_pitch))
        return found

    def _applies(
        self, rule: Rule, rows: Sequence[WatchedSession], context: Sequence[tuple[set[str], set[str], bool]]
    ) -> BoolArray:
        only, who = rule.only, rule.who
        found = np.ones(len(rows), dtype=bool)
        if only.periods or only.kinds or only.modes or only.on_pitch:
            for index, (watched, (names, kinds, on_pitch)) in enumerate(zip(rows, context, strict=True)):
                found[index] = (
                    (not only.periods or bool(only.periods & names))
                    and (not only.kinds or bool(only.kinds & kinds))
                    and (not only.modes or watched.session.mode in only.modes)
                    and (on_pitch or not only.on_pitch)
                )
        if who.athletes is not None:
            found &= np.array([each.session.athlete_id in who.athletes for each in rows])
        if who.group is not None or who.position is not None:
            places = [self._place(each.session.athlete_id) for each in rows]
            found &= np.array([who.group in {None, g} and who.position in {None, p} for g, p in places])
        return found

    def _apply(self, change: Change, rows: Sequence[WatchedSession], now_s: float, t: float) -> None:
        key = (change.rule.name, change.athlete_id)
        watched = rows[change.row]
        if not change.is_raised:
            alarm = self.open.get(key)
            if alarm is not None:
                self._close(key, replace(alarm, cleared_t=t), None if change.athlete_id is None else watched.session)
            return
        whom = "team" if change.athlete_id is None else str(change.athlete_id)
        athlete = None if change.athlete_id is None else watched.session.athlete_id
        text = _text_of(change, watched, now_s)
        alarm = AlarmRow(f"{key[0]}-{whom}-{round(t * 1000)}", key[0], change.rule.level, text, t, athlete)
        self.open[key] = alarm
        self._publish(alarm, "raised", None if change.athlete_id is None else watched.session)

    def _close(self, key: tuple[str, int | None], alarm: AlarmRow, session: Session | None) -> None:
        del self.open[key]
        self._publish(alarm, "cleared", session)

    def _session_of(self, key: int | None) -> Session | None:
        return next((each.session for each in self._watched.values() if each.key == key), None)


def event_of(alarm: AlarmRow, state: str, session: Session | None, t: float) -> dict[str, Any]:
    """The message of an alarm for ``team/events`` and, with a session, for ``player/{device}/events``."""
    whose = {} if session is None else identity(session)
    return {
        **whose, "kind": "alarm", "state": state, "t_s": round(t, 3), "timestamp": format_timestamp(t),
        **{name: value for name, value in asdict(alarm).items() if name != "athlete_id" or session is None},
    }  # fmt: skip


def _values(rows: Sequence[WatchedSession], name: str, silent: BoolArray, now_s: float) -> FloatArray:
    """A figure or signal of all rows [n]; NaN where it is not known, or the device is silent."""
    if name == "device_silent_s":
        return now_s - np.array([each.arrived_s for each in rows])
    signal = _SIGNALS.get(name)
    found = [getattr(each.record, name, None) for each in rows] if signal is None else [signal(each) for each in rows]
    return np.where(silent, np.nan, np.array(found, dtype=np.float64))


def _value(watched: WatchedSession, name: str, now_s: float) -> float:
    silent_s = now_s - watched.arrived_s
    if name == "device_silent_s":
        return silent_s
    if silent_s > SILENT_S:
        return math.nan
    signal = _SIGNALS.get(name)
    value = getattr(watched.record, name, None) if signal is None else signal(watched)
    return math.nan if value is None else float(value)


_SIGNALS: Final[Mapping[str, Callable[[WatchedSession], float | None]]] = MappingProxyType({
    "strap_lost_s": lambda watched: watched.session.device_t - watched.strap_t,
    "data_percent": lambda watched: watched.record.quality.get("percent"),
    "battery_percent": attrgetter("battery_percent"),
    "impact_g": attrgetter("impact_g"),
})  # fmt: skip
"""The signals that a watched session knows."""


def _is_heart_rate(figure: str) -> bool:
    return "heart_rate" in figure and figure.endswith("_bpm")


def _own_maximum(watched: WatchedSession, figure: str) -> float:
    """The athlete's own maximum: of the heart rate the one that the figures use, else the highest of the sessions."""
    if _is_heart_rate(figure):
        value = watched.record.hr_max_bpm
        return math.nan if value is None else float(value)
    return max(_known(watched, figure, HISTORY), default=math.nan)


def _mean(watched: WatchedSession, figure: str, sessions: int) -> float:
    known = _known(watched, figure, sessions)
    return sum(known) / len(known) if known else math.nan


def _known(watched: WatchedSession, figure: str, sessions: int) -> list[float]:
    """The figure in the athlete's last sessions; PlayerLoad only of those with the sample rate of the running one."""
    earlier = (watched.history or [])[:sessions]
    if is_rate_bound(figure):
        rate_hz = watched.record.sample_rate_hz
        earlier = [each for each in earlier if is_one_rate(rate_hz, each.get("sample_rate_hz"))]
    found = [each.get(figure) for each in earlier]
    return [float(each) for each in found if isinstance(each, int | float)]


def _text_of(change: Change, watched: WatchedSession, now_s: float) -> str:
    """The rule's text with the values of the moment, or one made of its conditions."""
    words = dict(_words(change, watched, now_s))
    name = "Team" if change.athlete_id is None else watched.session.wearer.name
    template = change.rule.text or "{name}: " + ", ".join(
        f"{_label(c.figure)} {{{c.figure}}}" for c in change.rule.conditions
    )
    return filled(template, {**words, "name": name, "rule": change.rule.name})


def _words(change: Change, watched: WatchedSession, now_s: float) -> Iterator[tuple[str, str]]:
    for condition in change.rule.conditions:
        value = _value(watched, condition.figure, now_s)
        figure = FIGURES.get(condition.figure)
        if math.isnan(value):
            yield condition.figure, "–"
        elif figure is not None:
            yield condition.figure, figure.show(value)
        else:
            yield condition.figure, f"{value:.4g} {SIGNALS[condition.figure][1]}"


def _label(name: str) -> str:
    figure = FIGURES.get(name)
    return SIGNALS[name][0] if figure is None else figure.label
