"""The file of alarm rules: validated with line numbers, and reloaded when it changes."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from athlete_monitor.catalogue import NUMBERS
from athlete_monitor.config import Section, read_yaml_model
from athlete_monitor.errors import ConfigError
from athlete_monitor.team.alarms import Condition, Only, Rule, Scope, Who

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SIGNALS: Final = {
    "strap_lost_s": ("Strap lost for", "s"),
    "device_silent_s": ("Device silent for", "s"),
    "battery_percent": ("Battery", "%"),
    "data_percent": ("Data received", "%"),
    "impact_g": ("Impact", "g"),
}
"""Signals that a rule may use in addition to the figures: label and unit."""

DEFAULT_RULES: Final = (
    Rule(
        "high_heart_rate", (Condition("heart_rate_bpm", ">=", 95.0, "own_maximum"),), level="warning", for_s=120.0,
        reset_s=30.0, at_most_every_s=300.0, text="{name}: heart rate {heart_rate_bpm} for two minutes",
    ),
    Rule(
        "impact", (Condition("impact_g", ">", 0.0),), level="danger", reset_s=10.0,
        text="{name}: impact of {impact_g}, look after the athlete",
    ),
    Rule(
        "fast_distance", (Condition("high_speed_running_m", ">", 110.0, "own_mean", 10),), level="info",
        text="{name}: fast distance {high_speed_running_m}, above the own mean",
    ),
    Rule(
        "strap_lost", (Condition("strap_lost_s", ">=", 20.0),), level="info", reset_s=10.0, at_most_every_s=120.0,
        text="{name}: no strap reading for {strap_lost_s}",
    ),
    Rule(
        "device_silent", (Condition("device_silent_s", ">=", 15.0),), level="warning", at_most_every_s=60.0,
        text="{name}: device silent for {device_silent_s}",
    ),
    Rule("battery", (Condition("battery_percent", "<", 15.0),), level="warning", reset_s=60.0,
         text="{name}: battery at {battery_percent}"),
    Rule("data", (Condition("data_percent", "<", 90.0),), level="info", for_s=30.0, reset_s=30.0,
         text="{name}: only {data_percent} of the data arrives"),
)  # fmt: skip
"""The built-in rules."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
Seconds = Annotated[float, Field(ge=0, le=86_400)]


class ConditionEntry(Section):
    """A condition as the file has it."""

    figure: str
    is_: Literal[">", ">=", "<", "<=", "==", "!="] = Field(alias="is")
    value: float = Field(ge=-1e9, le=1e9)
    of: Literal["value", "own_maximum", "own_mean", "target"] = "value"
    sessions: int = Field(default=10, ge=1, le=200)

    @field_validator("figure")
    @classmethod
    def _known(cls, figure: str) -> str:
        if figure in NUMBERS or figure in SIGNALS:
            return figure
        close = difflib.get_close_matches(figure, [*NUMBERS, *SIGNALS], 3)
        msg = f"did you mean {', '.join(close)}?" if close else "docs/alarms.md lists the figures"
        raise ValueError(msg)

    def condition(self) -> Condition:
        """The condition."""
        return Condition(self.figure, self.is_, self.value, self.of, self.sessions)


class WhoEntry(Section):
    """The athletes that a rule is for."""

    group: str | None = None
    position: str | None = None
    athletes: tuple[int, ...] | None = Field(default=None, strict=False)


class OnlyEntry(Section):
    """When a rule is evaluated."""

    periods: tuple[str, ...] = Field(default=(), strict=False)
    kinds: tuple[str, ...] = Field(default=(), strict=False)
    modes: tuple[Literal["training", "game"], ...] = Field(default=(), strict=False)
    on_pitch: bool = False


class ScopeEntry(Section):
    """How many athletes must meet a rule for an alarm of the team."""

    at_least: int | None = Field(default=None, ge=1)
    percent: float | None = Field(default=None, gt=0, le=100)

    @model_validator(mode="after")
    def _one(self) -> ScopeEntry:
        if (self.at_least is None) == (self.percent is None):
            msg = "at_least or percent is required"
            raise ValueError(msg)
        return self


class RuleEntry(Section):
    """A rule as the file has it."""

    name: Name
    if_: tuple[ConditionEntry, ...] = Field(alias="if", min_length=1, max_length=20, strict=False)
    match: Literal["all", "any"] = "all"
    level: Literal["info", "warning", "danger"] = "warning"
    text: Annotated[str, StringConstraints(max_length=200)] = ""
    for_s: Seconds = 0.0
    reset_s: Seconds = 0.0
    at_most_every_s: Seconds = 0.0
    who: Literal["all"] | WhoEntry = "all"
    only: OnlyEntry = Field(default_factory=OnlyEntry)
    scope: Literal["each", "all"] | ScopeEntry = "each"

    def rule(self) -> Rule:
        """The rule."""
        return Rule(
            name=self.name,
            conditions=tuple(each.condition() for each in self.if_),
            match=self.match,
            level=self.level,
            text=self.text,
            for_s=self.for_s,
            reset_s=self.reset_s,
            at_most_every_s=self.at_most_every_s,
            who=_who(self.who),
            only=Only(
                frozenset(name.casefold() for name in self.only.periods), frozenset(self.only.kinds),
                frozenset(self.only.modes), self.only.on_pitch,
            ),
            scope=_scope(self.scope),
        )  # fmt: skip


class RulesFile(Section):
    """The whole file."""

    defaults: bool = True
    rules: tuple[RuleEntry, ...] = Field(default=(), max_length=200, strict=False)

    @field_validator("rules")
    @classmethod
    def _unique(cls, rules: tuple[RuleEntry, ...]) -> tuple[RuleEntry, ...]:
        names = [rule.name for rule in rules]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            msg = f"two rules are called {repeated[0]}"
            raise ValueError(msg)
        return rules


def read_rules(path: Path | None) -> tuple[Rule, ...]:
    """The rules of a file, with the built-in ones that it does not replace.

    Raises:
        ConfigError: one line for each problem.
    """
    if path is None:
        return DEFAULT_RULES
    file = read_yaml_model(path, RulesFile)
    own = tuple(entry.rule() for entry in file.rules)
    names = {rule.name for rule in own}
    return (*(rule for rule in DEFAULT_RULES if file.defaults and rule.name not in names), *own)


class WatchedRules:
    """The rules of a file that may change at any time; a file that is not valid changes nothing.

    Args:
        path: the file; None: the built-in rules.
        notify: called with one line when the file has been reloaded or is not valid.

    Raises:
        ConfigError: the file is not valid at the start.
    """

    def __init__(self, path: Path | None, notify: Callable[[str], None]) -> None:
        self._path, self._notify = path, notify
        self.rules = read_rules(path)
        self._seen = self._mark()

    def look(self) -> bool:
        """Whether the rules have changed since the last check."""
        mark = self._mark()
        if self._path is None or mark == self._seen:
            return False
        self._seen = mark
        try:
            rules = read_rules(self._path)
        except ConfigError as error:
            first, *more = str(error).splitlines()
            also = f" (and {len(more)} more)" if more else ""
            self._notify(f"alarm rules: {first}{also}; the previous rules stay in use")
            return False
        self.rules = rules
        self._notify(f"alarm rules: {len(rules)} rules read from {self._path.name}")
        return True

    def _mark(self) -> tuple[int, int, int] | None:
        try:
            found = None if self._path is None else self._path.stat()
        except OSError:
            return None
        return None if found is None else (found.st_mtime_ns, found.st_size, found.st_ino)


def _who(entry: WhoEntry | str) -> Who:
    if isinstance(entry, str):
        return Who()
    return Who(entry.group, entry.position, None if entry.athletes is None else frozenset(entry.athletes))


def _scope(entry: ScopeEntry | str) -> Scope:
    if not isinstance(entry, ScopeEntry):
        return Scope("all") if entry == "all" else Scope()
    return Scope("at_least", entry.at_least) if entry.at_least is not None else Scope("percent", entry.percent or 0.0)
