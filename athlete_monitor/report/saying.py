"""The output of a command: its file, and a sentence, JSON, or nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from athlete_monitor.errors import MonitorError
from athlete_monitor.system.files import refuse_special, replace_file

if TYPE_CHECKING:
    import argparse


def say(args: argparse.Namespace, sentence: str, **facts: object) -> None:
    """Print the sentence, or the facts with ``--json``, or neither with ``--quiet``."""
    if args.json:
        print(json.dumps(facts, default=str))
    elif not args.quiet:
        print(sentence)


def warn(sentence: str) -> None:
    """Print a sentence that is not the result; nothing for an empty one."""
    if sentence:
        print(sentence, file=sys.stderr)


def in_folder(out: Path | None, name: str) -> Path:
    """The file to write: ``out``, or the name in the folder ``out`` or the current one."""
    if out is None:
        return Path(name)
    return out / name if out.is_dir() else out


def write(path: Path, content: bytes) -> None:
    """Write a file in one step.

    Raises:
        MonitorError: it cannot be written; nothing of it stays.
    """
    refuse_special(path)
    try:
        replace_file(path.resolve(), content)
    except OSError as error:
        raise MonitorError(f"{path}: cannot be written ({error.strerror})") from error


def counted(count: int, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "athlete"), counted(2, "athlete")
    ('1 athlete', '2 athletes')
    """
    return f"{count} {noun}{'' if count == 1 else 's'}"
