"""``bridge.py scan`` and ``bridge.py pair``: which straps are in range, and whose they are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.athletes import Roster
from athlete_monitor.athletes.editing import RosterEditor
from athlete_monitor.bridge import heart_rate
from athlete_monitor.bridge.radio import TROUBLE, Radio
from athlete_monitor.errors import MonitorError

if TYPE_CHECKING:
    import argparse

    from athlete_monitor.athletes import Athlete
    from athlete_monitor.bridge.radio import Sighting
    from athlete_monitor.config import Config

CLEARLY_DB: Final = 6.0
"""A strap is the closest where it is heard by so much better than the next one."""


@dataclass(frozen=True)
class Found:
    """A strap in range."""

    sighting: Sighting
    athlete: Athlete | None
    battery_percent: float | None

    def values(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        return {
            "name": self.sighting.name,
            "address": self.sighting.address,
            "adapter": self.sighting.adapter,
            "rssi_dbm": self.sighting.rssi_dbm,
            "battery_percent": self.battery_percent,
            "athlete_id": self.athlete.id if self.athlete else None,
            "athlete": self.athlete.name if self.athlete else None,
        }


async def scan(args: argparse.Namespace, config: Config) -> int:
    """List the straps in range.

    Raises:
        NoBluetoothError: there is no Bluetooth.
    """
    roster, radio = Roster.load(config.athletes.roster), Radio(args.adapter)
    await radio.look(args.listen)
    found = [
        Found(each, owner(each, roster), None if args.no_battery else await _battery(radio, each))
        for each in radio.seen()
        if each.is_strap or owner(each, roster)
    ]
    if args.json:
        print(json.dumps([each.values() for each in found], ensure_ascii=False))
    elif not args.quiet:
        print("\n".join(_table(found)))
    return 0


async def pair(args: argparse.Namespace, config: Config) -> int:
    """Write the closest strap, or the named one, into the roster.

    Raises:
        MonitorError: nobody has this id, or it is not clear which strap is meant.
        NoBluetoothError: there is no Bluetooth.
    """
    roster, radio = Roster.load(config.athletes.roster), Radio(args.adapter)
    athlete = roster.by_id(args.athlete)
    if athlete is None:
        raise MonitorError(f"{config.athletes.roster}: nobody has id {args.athlete}; python3 jetson_deploy.py athletes")
    if not args.quiet and not args.json and args.strap is None:
        print(
            f"hold the strap of {_called(athlete)} close to this machine, the others some metres away ...", flush=True
        )
    await radio.look(args.listen, lambda: args.strap is not None and radio.best(args.strap) is not None)
    chosen = _chosen(radio.seen(), args.strap)
    _check_free(chosen, athlete, roster)
    editor = RosterEditor(config.athletes.roster)
    editor.edit(athlete.id, {"strap": chosen.address})
    editor.save()
    if args.json:
        print(json.dumps({"athlete_id": athlete.id, "strap": chosen.address, "name": chosen.name}, ensure_ascii=False))
    elif not args.quiet:
        print(f"{_called(athlete)} wears {_named(chosen)}")
    return 0


def owner(sighting: Sighting, roster: Roster) -> Athlete | None:
    """Return whose strap this is."""
    return next((each for each in roster if each.strap and sighting.matches(each.strap)), None)


def _chosen(seen: list[Sighting], named: str | None) -> Sighting:
    """Return the strap that is meant; the list is sorted by strength."""
    if named is not None:
        found = next((each for each in seen if each.matches(named)), None)
        if found is None:
            raise MonitorError(f"no strap {named} is in range; one that is connected elsewhere is not heard")
        return found
    straps = [each for each in seen if each.is_strap]
    if not straps:
        raise MonitorError("no strap is in range; wet its electrodes and put it on, and see that no phone is connected")
    if len(straps) > 1 and _dbm(straps[0]) - _dbm(straps[1]) < CLEARLY_DB:
        near = " and ".join(f"{_named(each)} ({_dbm(each):.0f} dBm)" for each in straps[:2])
        raise MonitorError(f"{near} are equally close; move one away, or name the address: bridge.py pair ID ADDRESS")
    return straps[0]


def _check_free(chosen: Sighting, athlete: Athlete, roster: Roster) -> None:
    other = owner(chosen, roster)
    if other is not None and other.id != athlete.id:
        raise MonitorError(
            f"{_named(chosen)} is the strap of {_called(other)}; first run: "
            f"python3 jetson_deploy.py athletes edit {other.id} strap="
        )


async def _battery(radio: Radio, sighting: Sighting) -> float | None:
    radio.reserve(sighting)
    try:
        async with radio.connection(sighting) as connection:
            return heart_rate.read_battery(await connection.read(heart_rate.BATTERY) or b"")
    except TROUBLE:
        return None


def _table(found: list[Found]) -> list[str]:
    if not found:
        return ["no strap is in range; one that is connected elsewhere is not heard"]
    lines = [f"{'name':24} {'address':17} {'signal':>8} {'battery':>7}  athlete"]
    for each in found:
        battery = "-" if each.battery_percent is None else f"{each.battery_percent:.0f} %"
        whose = _called(each.athlete) if each.athlete else "nobody's"
        name = (each.sighting.name or "-")[:24]
        lines.append(f"{name:24} {each.sighting.address:17} {_dbm(each.sighting):4.0f} dBm {battery:>7}  {whose}")
    return lines


def _called(athlete: Athlete) -> str:
    return f"athlete {athlete.id}{f' ({athlete.name})' if athlete.name else ''}"


def _named(sighting: Sighting) -> str:
    return f"{sighting.name or 'strap'} {sighting.address}"


def _dbm(sighting: Sighting) -> float:
    return -127.0 if sighting.rssi_dbm is None else sighting.rssi_dbm
