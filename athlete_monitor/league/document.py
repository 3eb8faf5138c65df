"""The league's state as one document: the message of ``league/state`` and what ``league.py status`` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SCHEMA_VERSION: Final = 1
BEHIND_S: Final = 2.0
"""A squad is behind when its newest sample was older than this when it was stored, s."""


def league_document(
    name: str, rows: Mapping[str, Any], tiles: Mapping[str, Mapping[str, Any]], now_s: float, problem: str = ""
) -> dict[str, Any]:
    """Return the document.

    Args:
        name: of the league.
        rows: squads, shards and nodes (``LeagueView.rows``).
        tiles: what the brokers know of each squad (``Watched.tile``).
        now_s: epoch seconds.
        problem: what the coordinator itself has met.

    Example:
        >>> rows = {"squads": [{"squad": "reds", "condition": "running", "delay_s": 3.0}], "shards": [], "nodes": []}
        >>> found = league_document("cup", rows, {"reds": {"athletes_live": 12, "box": "sending", "alarms": None}}, 0.0)
        >>> found["totals"]["behind"], found["totals"]["alarms"]
        (1, None)
    """
    squads = [{**row, **tiles.get(row["squad"], {}), "is_behind": _is_behind(row)} for row in rows["squads"]]
    return {
        "schema_version": SCHEMA_VERSION,
        "league": name,
        "t": round(now_s, 1),
        "problem": problem or None,
        "totals": _totals(squads),
        "squads": squads,
        "shards": rows["shards"],
        "nodes": rows["nodes"],
    }


def _is_behind(row: Mapping[str, Any]) -> bool | None:
    return None if row.get("delay_s") is None else row["delay_s"] > BEHIND_S


def _totals(squads: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "squads": len(squads),
        "running": sum(squad.get("condition") == "running" for squad in squads),
        "behind": sum(bool(squad["is_behind"]) for squad in squads),
        "silent_boxes": sum(squad.get("box") in {"silent", "no link"} for squad in squads),
        "athletes_live": _sum(squad.get("athletes_live") for squad in squads),
        "alarms": _sum(squad.get("alarms") for squad in squads),
        "worst_delay_s": max((squad["delay_s"] for squad in squads if squad.get("delay_s") is not None), default=None),
    }


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
