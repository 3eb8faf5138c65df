"""Whose a place for state is: two leagues in one place would take each other's squads away, again and again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from athlete_monitor.batch.storage import store_at
from athlete_monitor.errors import ConfigError

if TYPE_CHECKING:
    from athlete_monitor.league.settings import League

PLACE: Final = "plan"
"""Below the state: what belongs to the league and to no squad."""
OWNER: Final = "league.json"


def check_owner(league: League) -> None:
    """Note the league as the owner of its state's place.

    Raises:
        ConfigError: the place belongs to another league.
        MonitorError: it cannot be read or written.
    """
    store = store_at(league.state, PLACE, "state")
    owner = _name_in(store.get(OWNER)) if OWNER in store.names() else None
    if owner is None:
        store.put(OWNER, json.dumps({"name": league.name}).encode())
    elif owner != league.name:
        raise ConfigError(
            f"state: {league.state} belongs to the league {owner!r}; give {league.name!r} its own, "
            f"or remove {league.state}/{PLACE}/{OWNER} if that league has ended"
        )


def _name_in(content: bytes) -> str | None:
    try:
        return str(json.loads(content)["name"])
    except (ValueError, KeyError, TypeError):
        return None
