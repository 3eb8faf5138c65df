"""A function called with one argument after another, somewhere: results in the order of the arguments."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from athlete_monitor.batch.work import ItemOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from athlete_monitor.batch.places import Place

A = TypeVar("A")
R = TypeVar("R")


@dataclass(frozen=True)
class Call(Generic[A]):
    """An argument as an item of a batch."""

    key: str
    label: str
    argument: A


@dataclass(frozen=True)
class _Raised:
    """An exception of the function, on its way to the caller."""

    error: Exception


@dataclass(frozen=True)
class Function(Generic[A, R]):
    """Work that calls a function, importable by name, with arguments and results that can be pickled."""

    function: Callable[[A], R]

    def compute(
        self, items: Sequence[Call[A]], on_round: Callable[[int], None] = lambda _left: None
    ) -> list[ItemOutcome]:
        """See ``Work``."""
        outcomes = []
        for place, item in enumerate(items):
            on_round(len(items) - place)
            began_s = time.process_time()
            value = self._value(item.argument)
            outcomes.append(ItemOutcome(item.key, value=value, cpu_s=time.process_time() - began_s))
        return outcomes

    def portable(self) -> Function[A, R]:
        """See ``Work``."""
        return self

    def _value(self, argument: A) -> R | _Raised:
        try:
            return self.function(argument)
        except Exception as error:  # noqa: BLE001 - it is raised where the result is asked for
            return _Raised(error)


def each_at(
    place: Place, function: Callable[[A], R], arguments: Iterable[A], lost: Callable[[A, str], R]
) -> Generator[R, None, None]:
    """Yield ``function(argument)`` for each argument, in order, computed at a place; arguments are taken when needed.

    Args:
        place: where to compute.
        function: importable by name, its arguments and results can be pickled.
        arguments: the arguments.
        lost: makes the result of an argument whose workers were lost again and again, from it and the reason.

    Raises:
        Exception: whatever the function raises.

    >>> from athlete_monitor.batch.places import Here
    >>> list(each_at(Here(), str.upper, ["a", "b"], lambda argument, reason: reason))
    ['A', 'B']
    """
    known: dict[str, A] = {}

    def calls() -> Iterator[list[Call[A]]]:
        for number, argument in enumerate(arguments):
            known[str(number)] = argument
            yield [Call(str(number), f"task {number + 1}", argument)]

    ready: dict[str, Any] = {}
    following = 0
    with closing(place.run(Function(function), calls())) as outcomes:
        for outcome in outcomes:
            argument = known.pop(outcome.item_key)
            failed = outcome.failure is not None
            ready[outcome.item_key] = lost(argument, outcome.failure or "") if failed else outcome.value
            while str(following) in ready:
                yield _returned(ready.pop(str(following)))
                following += 1


def _returned(value: Any) -> Any:  # noqa: ANN401 - any result
    if isinstance(value, _Raised):
        raise value.error
    return value
