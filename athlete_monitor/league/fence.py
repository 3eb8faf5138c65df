"""The fence around a squad's state: who claims it last has it, and everybody before must stop.

A claim is an object of its own, named by a growing number, so that two claims never overwrite each other, on a folder
as in an S3-compatible store. On a folder the engine's lock (``locks.py``) works beside it: it keeps a second engine out
until the first has ended.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import MonitorError

if TYPE_CHECKING:
    from athlete_monitor.batch.storage import Store

PREFIX: Final = "claim-"


class FencedError(MonitorError):
    """Somebody else has claimed the state since."""


class Fence:
    """The claims of one squad.

    Args:
        store: where they are kept.

    Example:
        >>> import tempfile
        >>> from athlete_monitor.batch.storage import store_at
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     first, second = Fence(store_at(folder, "")), Fence(store_at(folder, ""))
        ...     first.claim("node 1"), second.claim("node 2")
        ...     [fence.newest() == fence.claimed for fence in (first, second)]
        (1, 2)
        [False, True]
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.claimed = ""
        """Name of the own claim; empty before the first."""

    def newest(self) -> str:
        """Return the name of the newest claim; empty where there is none.

        Raises:
            MonitorError: the store cannot be read.
        """
        return max(self.names(), default="")

    def names(self) -> frozenset[str]:
        """Return the names of all claims.

        Raises:
            MonitorError: the store cannot be read.
        """
        return frozenset(name for name in self._store.names() if name.startswith(PREFIX))

    def claim(self, who: str) -> int:
        """Claim the state; return the number of the claim.

        Raises:
            FencedError: somebody else claimed it at the same moment, and was later.
            MonitorError: the store cannot be used.
        """
        number = number_of(self.newest()) + 1
        self.claimed = f"{PREFIX}{number:012d}-{secrets.token_hex(4)}"
        self._store.put(self.claimed, json.dumps({"who": who}).encode())
        self.check()
        return number

    def check(self) -> None:
        """Check that the claim holds.

        Raises:
            FencedError: it does not; the text names the new holder.
            MonitorError: the store cannot be read.
        """
        newest = self.newest()
        if newest != self.claimed:
            raise FencedError(f"taken over by {self._holder(newest)}")

    def _holder(self, name: str) -> str:
        try:
            return str(json.loads(self._store.get(name))["who"])
        except (MonitorError, ValueError, KeyError, TypeError):
            return "another shard"


def number_of(claim: str) -> int:
    """Return the number of a claim; 0 for an empty name.

    >>> number_of("claim-000000000012-ab12cd34"), number_of("")
    (12, 0)
    """
    part = claim.removeprefix(PREFIX).partition("-")[0]
    return int(part) if part.isdigit() else 0
