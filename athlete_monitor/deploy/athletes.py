"""``jetson_deploy.py athletes``: list, add, edit and import the athletes of the roster."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.athletes import Roster
from athlete_monitor.athletes.editing import RosterEditor
from athlete_monitor.athletes.table import read_table
from athlete_monitor.athletes.values import KEYS, LIMIT_KEYS, value_of
from athlete_monitor.config import load_config
from athlete_monitor.errors import ConfigError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from athlete_monitor.athletes import Athlete

COLUMNS = ("id", "number", "name", "group", "position", "device", "strap", "available", "consent")


def athletes(args: argparse.Namespace) -> int:
    """Run one of the commands and return its exit code.

    Raises:
        ConfigError: the command cannot be executed; nothing was written.
    """
    if args.action in _PERSONAL:
        return _PERSONAL[args.action](args)
    path = load_config(args.config, args.root).athletes.roster
    return {"list": _list, "add": _add, "edit": _edit, "import": _import}[args.action](args, path)


def _export(args: argparse.Namespace) -> int:
    from athlete_monitor.deploy.person import export_person

    return export_person(args.config, args.root, args.id, args.out or Path(f"athlete_{args.id}.zip"))


def _erase(args: argparse.Namespace) -> int:
    from athlete_monitor.deploy.person import erase_person

    return erase_person(args.config, args.root, args.id, dry_run=args.dry_run)


_PERSONAL: Final = {"export": _export, "erase": _erase}
"""Commands about all data of a person, not only the roster."""


def _list(args: argparse.Namespace, path: Path) -> int:
    squad = list(Roster.load(path))
    if args.json:
        _print_json(squad)
    elif squad:
        print(_table(squad))
    elif not args.quiet:
        print(f"{path}: no athletes yet; jetson_deploy.py athletes add name=... adds one")
    return 0


def _add(args: argparse.Namespace, path: Path) -> int:
    editor = RosterEditor(path)
    values = _values(args.values, KEYS)
    if values.get("id") in editor.ids():
        raise ConfigError(
            f"{path}: id {values['id']} is taken; jetson_deploy.py athletes edit {values['id']} changes it"
        )
    added = editor.add(values)
    return _saved(args, path, editor, [added], "added")


def _edit(args: argparse.Namespace, path: Path) -> int:
    since = date.fromisoformat(args.since) if args.since else None
    editor = RosterEditor(path)
    editor.edit(args.id, _values(args.values, LIMIT_KEYS if since else KEYS[1:]), since)
    return _saved(args, path, editor, [args.id], "changed")


def _import(args: argparse.Namespace, path: Path) -> int:
    editor, rows = RosterEditor(path), read_table(args.file)
    ids = []
    by_name = {athlete.name: athlete.id for athlete in Roster.load(path) if athlete.name}
    for row in rows:
        athlete_id = row.get("id") or by_name.get(row.get("name", ""))
        if athlete_id in editor.ids():
            editor.edit(athlete_id, {key: value for key, value in row.items() if key != "id"})
            ids.append(athlete_id)
        else:
            ids.append(editor.add(row))
    return _saved(args, path, editor, ids, "added or changed")


def _saved(args: argparse.Namespace, path: Path, editor: RosterEditor, ids: Iterable[int], done: str) -> int:
    wanted = set(ids)
    changed = [athlete for athlete in editor.save() if athlete.id in wanted]
    if args.json:
        _print_json(changed)
    elif not args.quiet:
        count = f"{len(changed)} athlete{'s' if len(changed) != 1 else ''}"
        print(f"{path}: {count} {done}")
        print(_table(changed))
    return 0


def _values(words: Sequence[str], keys: Sequence[str]) -> dict[str, Any]:
    """Return the values of arguments such as ``number=9``; an empty one is None.

    Raises:
        ConfigError: an argument does not have this form, or its value is not allowed.
    """
    values = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or key not in keys:
            raise ConfigError(
                f"{word!r} is not understood: KEY=VALUE with one of the keys {', '.join(keys)} is expected"
            )
        try:
            values[key] = value_of(key, text)
        except ValueError as error:
            raise ConfigError(f"{key}: {error}") from None
    return values


def _table(squad: Sequence[Athlete]) -> str:
    """Return a table without empty columns."""
    columns = [key for key in COLUMNS if key in {"id", "name", "device"} or any(_shown(each, key) for each in squad)]
    rows = [columns, *([_shown(athlete, key) for key in columns] for athlete in squad)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(columns))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _shown(athlete: Athlete, key: str) -> str:
    value = getattr(athlete, key)
    if isinstance(value, bool):
        return "" if value else "no"
    return "" if value is None else str(value)


def _print_json(squad: Sequence[Athlete]) -> None:
    text = ",\n ".join(athlete.model_dump_json(by_alias=True, exclude_none=True) for athlete in squad)
    sys.stdout.write(f"[{text}]\n")
