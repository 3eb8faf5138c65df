"""The command line of ``athletes``. Only the standard library is imported."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

from athlete_monitor.arguments import LARGEST_ID, add_common_arguments, whole

EPILOG = """keys: id, device, name, number, position, group, strap, available, consent, sex, birth_date, age, weight_kg,
height_cm, hr_max_bpm, hr_rest_bpm; with --from: lt1_bpm, lt2_bpm, threshold_bpm, max_speed_mps, speed_bands_mps,
speed_bands_percent, acceleration_bands_mps2, heart_rate_zones (percent_of_max:50,60,70,80,90 or bpm:142,171)"""


def add_athletes_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the commands of ``athletes``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="list the athletes of the roster")
    adding = actions.add_parser(
        "add", help='add an athlete: add name="Ada Example" number=9 group=First', epilog=EPILOG
    )
    adding.add_argument(
        "values", nargs="+", metavar="KEY=VALUE", help="known values; id and device get defaults if left out"
    )
    editing = actions.add_parser("edit", help="change an athlete: edit 7 weight_kg=62 strap=", epilog=EPILOG)
    editing.add_argument("id", type=whole(1, LARGEST_ID), metavar="ID", help="of the athlete")
    editing.add_argument("values", nargs="+", metavar="KEY=VALUE", help="an empty value removes the key")
    editing.add_argument(
        "--from", dest="since", type=_day, metavar="DATE", help="the values are limits that are valid from this day"
    )
    importing = actions.add_parser("import", help="import a squad list as CSV; existing athletes are updated")
    importing.add_argument(
        "file", type=Path, metavar="CSV", help="columns named as the keys, or shirt, gender, dob, ..."
    )
    exporting = actions.add_parser("export", help="export all data of one athlete as a zip file to hand over")
    erasing = actions.add_parser("erase", help="remove all data of one athlete, with a list of what was removed")
    for each in (exporting, erasing):
        each.add_argument("id", type=whole(1, LARGEST_ID), metavar="ID", help="of the athlete")
    exporting.add_argument(
        "--out", type=Path, metavar="FILE", help="file to write (default: athlete_ID.zip in the current folder)"
    )
    erasing.add_argument("--dry-run", action="store_true", help="only list what would be removed")
    for each in (listing, adding, editing, importing, exporting, erasing):
        add_common_arguments(each)


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-07-01") from None
