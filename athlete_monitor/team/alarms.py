"""Alarm rules on the figures of a squad: which conditions hold, for how long, and which alarms to raise or clear.

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
"""The unit of a condition's value: absolute, or percent of a value of the athlete."""

FALSE: Final = 0
UNKNOWN: Final = 1
TRUE: Final = 2
"""In this order the smallest of several results is that of ``all``, the largest that of ``any``."""

LONGEST_STEP_S: Final = 5.0
"""A longer time between two evaluations is a pause: it counts neither as held nor as reset."""

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
    """Number of earlier sessions that ``own_mean`` averages."""


@dataclass(frozen=True)
class Who:
    """The athletes a rule is for: all, or those of a group, a position or a list."""

    group: str | None = None
    position: str | None = None
    athletes: frozenset[int] | None = None


@dataclass(frozen=True)
class Only:
    """When a rule is evaluated: in periods of these names or kinds, in these modes, on the pitch; empty: always."""

    periods: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    modes: frozenset[str] = frozenset()
    on_pitch: bool = False


@dataclass(frozen=True)
class Scope:
    """Whether each athlete gets an alarm, or the team gets one when enough athletes meet the conditions."""

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
class SquadValues:
    """The inputs of the rules, one row for each athlete [n]; NaN where a value is not known.

    ``values`` by figure; ``own`` by figure, base and number of sessions: the bases of percents; ``applies`` by rule:
    the athletes that it applies to at present.
    """

    athletes: IntArray
    values: Mapping[str, FloatArray]
    own: Mapping[tuple[str, Base, int], FloatArray]
    applies: Mapping[str, BoolArray]


@dataclass(frozen=True)
class Change:
    """An alarm is raised or cleared; ``athlete_id`` is None for the team's, whose ``row`` has no meaning."""

    rule: Rule
    is_raised: bool
    athlete_id: int | None
    row: int


class RuleMemory:
    """The state of the rules, [5, rules, 1 + athletes]: the first column is the team's.

    The five: the last known result, for how long it has held (s) and not held (s), whether an alarm is raised, and
    when.
    """

    def __init__(self, rules: int) -> None:
        self.ids = np.zeros(1, dtype=np.int64)
        self.table = _fresh(rules, 1)
        self._asked: IntArray = self.ids
        self._columns: IntArray = np.zeros(1, dtype=np.int64)

    def columns_of(self, ids: IntArray) -> IntArray:
        """Columns of the team and of athletes [1 + n]; new ones are added."""
        if len(ids) + 1 == len(self._columns) and np.array_equal(ids, self._asked):
            return self._columns
        new = np.setdiff1d(ids, self.ids)
        self.ids = np.concatenate([self.ids, new])
        self.table = np.concatenate([self.table, _fresh(self.table.shape[1], len(new))], axis=2)
        order = np.argsort(self.ids)
        found = order[np.searchsorted(self.ids, ids, sorter=order)]
        self._asked, self._columns = ids, np.concatenate([[0], found])
        return self._columns


def _fresh(rules: int, columns: int) -> FloatArray:
    fresh = np.array([float(UNKNOWN), 0.0, 0.0, 0.0, -np.inf])
    return np.broadcast_to(fresh[:, None, None], (5, rules, columns)).copy()


class Alarms:
    """Evaluates rules, about once a second.

    Args:
        rules: the rules; a raised alarm survives a change of rules if the name stays.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._muted: dict[tuple[str, int | None], float] = {}
        self._last_t: float | None = None
        self._take(rules)

    def replace(self, rules: Sequence[Rule]) -> None:
        """Use other rules from now on."""
        old, memory = {rule.name: index for index, rule in enumerate(self.rules)}, self._memory
        self._take(rules)
        self._memory.columns_of(memory.ids[1:])
        for index, rule in enumerate(self.rules):
            if rule.name in old:
                self._memory.table[:, index] = memory.table[:, old[rule.name]]

    def mute(self, rule: str, athlete_id: int | None, until_t: float) -> None:
        """Mute a rule until a moment, for one athlete or for all."""
        self._muted[rule, athlete_id] = until_t

    def restore(self, rule: str, athlete_id: int | None, raised_t: float) -> None:
        """Restore an alarm that an earlier engine raised."""
        ids = np.array([athlete_id] if athlete_id else [], dtype=np.int64)
        column = int(self._memory.columns_of(ids)[-1])
        for index, each in enumerate(self.rules):
            if each.name == rule:
                self._memory.table[:, index, column] = (TRUE, 0.0, 0.0, 1.0, raised_t)

    def evaluate(self, squad: SquadValues, t: float) -> list[Change]:
        """Evaluate all rules at ``t``, s; return what is raised and cleared."""
        step_s = 0.0 if self._last_t is None else t - self._last_t
        step_s = step_s if 0.0 <= step_s <= LONGEST_STEP_S else 0.0
        self._last_t = t
        self._muted = {key: until for key, until in self._muted.items() if until > t}
        if not self.rules:
            return []
        return self._advance(squad, self._answers(squad), t, step_s)

    def _take(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._memory = RuleMemory(len(self.rules))
        self._conditions = [each for rule in self.rules for each in rule.conditions]
        counts = [len(rule.conditions) for rule in self.rules]
        self._first = np.concatenate([[0], np.cumsum(counts)])[:-1].astype(np.int64)
        self._is_any = np.array([rule.match == "any" for rule in self.rules], dtype=bool)[:, None]
        self._of_team = [index for index, rule in enumerate(self.rules) if rule.scope.kind != "each"]
        settings = [(rule.for_s, rule.reset_s, rule.at_most_every_s) for rule in self.rules]
        self._settings = np.array(settings, dtype=np.float64).reshape(len(settings), 3).T[:, :, None]

    def _answers(self, squad: SquadValues) -> IntArray:
        """Whether each rule's conditions are met [rules, 1 + athletes]; the first column is the team's."""
        found = self._compared(squad)
        met = np.where(self._is_any, np.maximum.reduceat(found, self._first), np.minimum.reduceat(found, self._first))
        applies = np.stack([squad.applies[rule.name] for rule in self.rules])
        answers = np.full((len(self.rules), 1 + len(squad.athletes)), UNKNOWN)
        answers[:, 1:] = np.where(applies, met, FALSE)
        for index in self._of_team:
            answers[index, 0] = _of_team(self.rules[index].scope, answers[index, 1:][applies[index]])
            answers[index, 1:] = UNKNOWN
        return answers

    def _compared(self, squad: SquadValues) -> IntArray:
        """Whether each condition is met [conditions, athletes]."""
        values = np.stack([squad.values[each.figure] for each in self._conditions])
        limits = np.stack([limit_of(each, squad) for each in self._conditions])
        holds = np.zeros(values.shape, dtype=bool)
        operators = np.array([each.operator for each in self._conditions])
        for name, compare in _COMPARE.items():
            rows = operators == name
            if rows.any():
                holds[rows] = compare(values[rows], limits[rows])
        found: IntArray = np.where(np.isnan(values) | np.isnan(limits), UNKNOWN, np.where(holds, TRUE, FALSE))
        return found

    def _advance(self, squad: SquadValues, holds: IntArray, t: float, step_s: float) -> list[Change]:
        """Update for how long the conditions have held or not, and return what that raises and clears."""
        for_s, reset_s, at_most_every_s = self._settings
        at = self._memory.columns_of(squad.athletes)
        last, held_s, free_s, raised, raised_t = self._memory.table[:, :, at]
        yes, no, goes_on = holds == TRUE, holds == FALSE, last == holds
        held_s = np.where(yes, np.where(goes_on, held_s + step_s, 0.0), np.where(no, 0.0, held_s))
        free_s = np.where(no, np.where(goes_on, free_s + step_s, 0.0), np.where(yes, 0.0, free_s))
        rises = yes & (held_s >= for_s) & (raised == 0.0) & (t - raised_t >= at_most_every_s)
        falls = no & (free_s >= reset_s) & (raised == 1.0)
        self._silence(rises, squad)
        raised = np.where(rises, 1.0, np.where(falls, 0.0, raised))
        raised_t = np.where(rises, t, raised_t)
        last = np.where(yes | no, holds, last)
        self._memory.table[:, :, at] = np.stack([last, held_s, free_s, raised, raised_t])
        where = np.argwhere(rises | falls).tolist()
        return [self._change(squad, rule, column, is_raised=bool(rises[rule, column])) for rule, column in where]

    def _silence(self, rises: BoolArray, squad: SquadValues) -> None:
        """Suppress muted alarms."""
        for name, athlete in self._muted:
            for index in (index for index, rule in enumerate(self.rules) if rule.name == name):
                rises[index, 1:] &= False if athlete is None else squad.athletes != athlete
                rises[index, 0] &= athlete is not None

    def _change(self, squad: SquadValues, rule: int, column: int, *, is_raised: bool) -> Change:
        if column:
            return Change(self.rules[rule], is_raised, int(squad.athletes[column - 1]), column - 1)
        return Change(self.rules[rule], is_raised, None, 0)


def limit_of(condition: Condition, squad: SquadValues) -> FloatArray:
    """The value that a condition compares with [n]; NaN where it is not known."""
    if condition.base == "value":
        return np.full(len(squad.athletes), condition.value)
    own = squad.own.get(key_of(condition))
    limit: FloatArray = np.full(len(squad.athletes), np.nan) if own is None else condition.value / 100.0 * own
    return limit


def key_of(condition: Condition) -> tuple[str, Base, int]:
    """Under what key ``SquadValues.own`` has what a condition's percents are of."""
    return condition.figure, condition.base, condition.sessions if condition.base == "own_mean" else 0


def filled(text: str, words: Mapping[str, str]) -> str:
    """A rule's text with its placeholders filled in; an unknown placeholder stays as it is.

    >>> filled("{name}: {heart_rate_bpm}, {x}", {"name": "Ada", "heart_rate_bpm": "190 bpm"})
    'Ada: 190 bpm, {x}'
    """
    return _PLACE.sub(lambda match: words.get(match[1], match[0]), text)


def _of_team(scope: Scope, holds: IntArray) -> int:
    """Whether enough of the athletes that a rule applies to meet it; unknown results may become either."""
    total, sure, unsure = len(holds), int((holds == TRUE).sum()), int((holds == UNKNOWN).sum())
    needed = {"at_least": scope.amount, "percent": max(1.0, scope.amount / 100.0 * total), "all": max(1, total)}[
        scope.kind
    ]
    if sure >= needed:
        return TRUE
    return UNKNOWN if sure + unsure >= needed else FALSE
