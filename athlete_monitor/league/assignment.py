"""What a shard must know to run the engine of a squad. Plain values: a shard's process loads nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from athlete_monitor.league.settings import League

Role = Literal["run", "prepare"]
"""``prepare``: start the engine's process up to the point where it would take over, and wait."""


@dataclass(frozen=True)
class Assignment:
    """A squad for a shard.

    Attributes:
        squad: its name.
        state: folder or URL of its state.
        engine: the league, cut down to this squad, as JSON: the engine's process reads it.
        node_folder: where the state lies on the node, if ``state`` is a URL.
        snapshot_s: how often the state is copied to the URL, s.
        start_s, hung_s: see ``settings.Health``.
        runtime: ``model_loading.runtime`` of the engine's configuration.
    """

    squad: str
    state: str
    engine: str
    node_folder: str
    snapshot_s: float
    start_s: float
    hung_s: float
    runtime: str


@lru_cache(maxsize=64)
def runtime_of(config: Path) -> str:
    """Return the model runtime of an engine's configuration.

    Raises:
        ConfigError: the configuration is not valid.
    """
    from athlete_monitor.config import load_config

    return str(load_config(config).model_loading.runtime)


def assignment_of(league: League, squad: str) -> Assignment:
    """Return the assignment of one of the league's squads."""
    found = league.squads[squad]
    only = {"squads": {squad: found}, "brokers": {found.broker: league.brokers[found.broker]}}
    cut = league.model_copy(update=only | {"shards": None, "topic_broker": None})
    return Assignment(
        squad=squad,
        state=league.state_of(squad),
        engine=cut.model_dump_json(),
        node_folder=str(league.node_folder / league.name / squad),
        snapshot_s=league.snapshot_s,
        start_s=league.health.start_s,
        hung_s=league.health.hung_s,
        runtime=runtime_of(found.engine_config or league.engine_config),
    )
