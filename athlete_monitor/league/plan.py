"""What was asked for by command, beyond the league's file."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class LeaguePlan:
    """What was asked for, beyond the file; kept over restarts.

    Attributes:
        moved: squads that were moved, and to which shard.
        drained: ids of nodes that are to be empty.
        numbers: how often each shard was started.
    """

    moved: dict[str, str] = field(default_factory=dict)
    drained: set[str] = field(default_factory=set)
    numbers: dict[str, int] = field(default_factory=dict)
