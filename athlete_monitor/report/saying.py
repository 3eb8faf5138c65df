"""The output of a command: a sentence, JSON, or nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def say(args: argparse.Namespace, sentence: str, **facts: object) -> None:
    """Print the sentence, or the facts with ``--json``, or neither with ``--quiet``."""
    if args.json:
        print(json.dumps(facts, default=str))
    elif not args.quiet:
        print(sentence)
