"""Alarm rules over the figures of a squad: which conditions hold, for how long, and what to raise or clear.

The evaluator works on arrays, one row for each athlete; ``tests/team/test_alarms.py`` compares it with a slow one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athlete_monitor.arrays import BoolArray, FloatArray, IntArray
    from athlete_monitor.team.records import Level

Operator = Literal[">", ">=", "<", "<=", "==", "!="]
Base = Literal["value", "own_maximum", "own_mean", "target"]
"""What a condition's value is: itself, or percent of something of the athlete's own."""

UNKNOWN: Final = -1
FALSE: Final = 0
TRUE: Final = 1

LONGEST_STEP_S: Final = 5.0
"""More time than this between two evaluations is a pause: it counts for no hold and no reset."""

_COMPARE: Final = {
    ">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal, "==": np.equal, "!=": np.not_equal,
}  # fmt: skip
_PLACE: Final = re.compile(r"\{([a-z0-9_]+)\}")


@dataclass(frozen=True)
class Condition:
    """One comparison of a figure."""

    figure: str
    operator: Operator
    value: float
    base: Base = "value"
    sessions: int = 10
    """Of how many earlier sessions ``own_mean`` is the mean."""


@dataclass(frozen=True)
class Who:
    """For whom a rule is: everybody, or those of a group, a position or a list."""

    group: str | None = None
    position: str | None = None
    athletes: frozenset[int] | None = None


@dataclass(frozen=True)
class Only:
    """When a rule is looked at: in periods of these names or kinds, in these modes, on the pitch; empty: always."""

    periods: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    modes: frozenset[str] = frozenset()
    on_pitch: bool = False


@dataclass(frozen=True)
class Scope:
    """Whether each athlete has an alarm, or the team one when enough athletes meet the conditions."""

    kind: Literal["each", "at_least", "percent", "all"] = "each"
    amount: float = 0.0


@dataclass(frozen=True)
class Rule:
    """A rule. It raises when its conditions have held for ``for_s`` and clears when they have not for ``reset_s``."""

    name: str
    conditions: tuple[Condition, ...]
    match: Literal["all", "any"] = "all"
    level: Level = "warning"
    text: str = ""
    for_s: float = 0.0
    reset_s: float = 0.0
    at_most_every_s: float = 0.0
    who: Who = field(default_factory=Who)
    only: Only = field(default_factory=Only)
    scope: Scope = field(default_factory=Scope)


@dataclass(frozen=True)
class Squad:
    """What the rules look at, one row for each athlete [n]; NaN where something is not known.

    ``values`` by figure; ``own`` by figure, base and number of sessions: what percents are of; ``applies`` by rule:
    whom it concerns at present.
    """

    athletes: IntArray
    values: Mapping[str, FloatArray]
    own: Mapping[tuple[str, Base, int], FloatArray]
    applies: Mapping[str, BoolArray]


@dataclass(frozen=True)
class Change:
    """An alarm is raised or cleared; ``athlete_id`` is None for the team's, ``row`` is then the first who caused it."""

    rule: Rule
    is_raised: bool
    athlete_id: int | None
    row: int


class RuleState:
    """What a rule remembers of each athlete it has seen, by id, or of the team under the id 0."""

    def __init__(self) -> None:
        self.ids = np.zeros(0, dtype=np.int64)
        self.table = np.zeros((5, 0))

    def rows_of(self, ids: IntArray) -> IntArray:
        """Columns of the table for these ids [n], made where they are new."""
        new = np.setdiff1d(ids, self.ids)
        if len(new):
            self.ids = np.concatenate([self.ids, new])
            fresh = np.array([[UNKNOWN], [0.0], [0.0], [0.0], [-np.inf]])
            self.table = np.concatenate([self.table, np.repeat(fresh, len(new), axis=1)], axis=1)
        order = np.argsort(self.ids)
        found: IntArray = order[np.searchsorted(self.ids, ids, sorter=order)]
        return found


class Alarms:
    """Evaluates rules, about once a second.

    Args:
        rules: the rules; alarms that are raised stay so over a change of rules where the name stays.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._states: dict[str, RuleState] = {}
        self._muted: dict[tuple[str, int | None], float] = {}
        self._last_t: float | None = None

    def replace(self, rules: Sequence[Rule]) -> None:
        """Use other rules from now on."""
        self.rules = tuple(rules)
        names = {rule.name for rule in rules}
        self._states = {name: state for name, state in self._states.items() if name in names}

    def mute(self, rule: str, athlete_id: int | None, until_t: float) -> None:
        """Raise no alarm of a rule, for one athlete or for all, until a moment."""
        self._muted[rule, athlete_id] = until_t

    def restore(self, rule: str, athlete_id: int | None, raised_t: float) -> None:
        """An alarm has been raised before, by an earlier engine."""
        memory = self._states.setdefault(rule, RuleState())
        at = memory.rows_of(np.array([athlete_id or 0]))
        memory.table[:, at] = np.array([[TRUE], [0.0], [0.0], [1.0], [raised_t]])

    def evaluate(self, squad: Squad, t: float) -> list[Change]:
        """Look at all rules at ``t``, s; return what is raised and cleared."""
        step_s = 0.0 if self._last_t is None else t - self._last_t
        step_s = step_s if 0.0 <= step_s <= LONGEST_STEP_S else 0.0
        self._last_t = t
        self._muted = {key: until for key, until in self._muted.items() if until > t}
        return [change for rule in self.rules for change in self._of(rule, squad, t, step_s)]

    def _of(self, rule: Rule, squad: Squad, t: float, step_s: float) -> list[Change]:
        applies = squad.applies[rule.name]
        holds = np.where(applies, met(rule, squad), FALSE)
        if rule.scope.kind == "each":
            return self._advance(rule, squad.athletes, holds, t, step_s)
        team = np.array([_of_team(rule.scope, holds[applies])])
        row = int(np.argmax(holds == TRUE)) if len(holds) else 0
        changes = self._advance(rule, np.zeros(1, dtype=np.int64), team, t, step_s)
        return [Change(each.rule, each.is_raised, None, row) for each in changes]

    def _advance(self, rule: Rule, ids: IntArray, holds: IntArray, t: float, step_s: float) -> list[Change]:
        """Count for how long the conditions have held or not, and find what that raises and clears."""
        memory = self._states.setdefault(rule.name, RuleState())
        at = memory.rows_of(ids)
        last, held_s, free_s, raised, raised_t = memory.table[:, at]
        goes_on = last == holds
        held_s = np.where(holds == TRUE, np.where(goes_on, held_s + step_s, 0.0), np.where(holds == FALSE, 0.0, held_s))
        free_s = np.where(holds == FALSE, np.where(goes_on, free_s + step_s, 0.0), np.where(holds == TRUE, 0.0, free_s))
        rises = (holds == TRUE) & (held_s >= rule.for_s) & (raised == 0.0) & (t - raised_t >= rule.at_most_every_s)
        rises &= ~self._is_muted(rule.name, ids)
        falls = (holds == FALSE) & (free_s >= rule.reset_s) & (raised == 1.0)
        raised = np.where(rises, 1.0, np.where(falls, 0.0, raised))
        raised_t = np.where(rises, t, raised_t)
        memory.table[:, at] = np.stack([np.where(holds == UNKNOWN, last, holds), held_s, free_s, raised, raised_t])
        rows = np.flatnonzero(rises | falls).tolist()
        return [Change(rule, bool(rises[row]), int(ids[row]), row) for row in rows]

    def _is_muted(self, rule: str, ids: IntArray) -> BoolArray:
        if not self._muted:
            return np.zeros(len(ids), dtype=bool)
        return np.array([(rule, None) in self._muted or (rule, int(each)) in self._muted for each in ids])


def met(rule: Rule, squad: Squad) -> IntArray:
    """Whether a rule's conditions are met [n]: ``TRUE``, ``FALSE`` or ``UNKNOWN``."""
    found = np.stack([_compared(each, squad) for each in rule.conditions])
    if rule.match == "any":
        return np.where((found == TRUE).any(axis=0), TRUE, np.where((found == UNKNOWN).any(axis=0), UNKNOWN, FALSE))
    return np.where((found == FALSE).any(axis=0), FALSE, np.where((found == UNKNOWN).any(axis=0), UNKNOWN, TRUE))


def limit_of(condition: Condition, squad: Squad) -> FloatArray:
    """What a condition compares with [n]; NaN where it is not known."""
    if condition.base == "value":
        return np.full(len(squad.athletes), condition.value)
    own = squad.own.get(key_of(condition))
    limit: FloatArray = np.full(len(squad.athletes), np.nan) if own is None else condition.value / 100.0 * own
    return limit


def key_of(condition: Condition) -> tuple[str, Base, int]:
    """Under what key ``Squad.own`` has what a condition's percents are of."""
    return condition.figure, condition.base, condition.sessions if condition.base == "own_mean" else 0


def filled(text: str, words: Mapping[str, str]) -> str:
    """A rule's text with its places filled in; a place that nobody knows stays as it is.

    >>> filled("{name}: {heart_rate_bpm}, {x}", {"name": "Ada", "heart_rate_bpm": "190 bpm"})
    'Ada: 190 bpm, {x}'
    """
    return _PLACE.sub(lambda match: words.get(match[1], match[0]), text)


def _compared(condition: Condition, squad: Squad) -> IntArray:
    value, limit = squad.values[condition.figure], limit_of(condition, squad)
    with np.errstate(invalid="ignore"):
        holds = _COMPARE[condition.operator](value, limit)
    return np.where(np.isnan(value) | np.isnan(limit), UNKNOWN, holds.astype(np.int64))


def _of_team(scope: Scope, holds: IntArray) -> int:
    """Whether enough of those whom a rule concerns meet it; what is not known may turn out either way."""
    total, sure, unsure = len(holds), int((holds == TRUE).sum()), int((holds == UNKNOWN).sum())
    needed = {"at_least": scope.amount, "percent": max(1.0, scope.amount / 100.0 * total), "all": max(1, total)}[
        scope.kind
    ]
    if sure >= needed:
        return TRUE
    return UNKNOWN if sure + unsure >= needed else FALSE
