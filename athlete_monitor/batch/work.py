"""What is computed: items, the work on them, and how it went for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Item(Protocol):
    """One thing to compute; it can be pickled."""

    @property
    def key(self) -> str:
        """Name of its result, unique in a batch."""

    @property
    def label(self) -> str:
        """What the user calls it."""


@dataclass(frozen=True)
class ItemOutcome:
    """How it went for one item: its result, or why there is none.

    Attributes:
        item_key: the item's.
        content: the result as bytes for the store; None where the work has stored it itself, or where there is none.
        failure: one line, None where all went well.
        cpu_s: processor time.
        value: the result as an object, where the caller wants that.
    """

    item_key: str
    content: bytes | None = None
    failure: str | None = None
    cpu_s: float = 0.0
    value: Any = None


class Work(Protocol):
    """What is done with items, and what they share; it can be pickled."""

    def compute(self, items: Sequence[Any], on_round: Callable[[int], None] = ...) -> list[ItemOutcome]:
        """Return an outcome for each item, in order; an item's failure costs nothing but itself.

        Args:
            items: what to compute together.
            on_round: called now and then with the number of items left; it may end the process.
        """

    def portable(self) -> Work:
        """Return the same work with all that a machine without this one's files needs."""
