"""How far a batch is: a bar on a terminal."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Bar:
    """Shows nothing."""

    def expect(self, total: int) -> None:
        """So many things are to be computed."""

    def step(self) -> None:
        """One is done."""


@contextmanager
def progress(what: str) -> Iterator[Bar]:
    """Provide a bar where standard error is a terminal."""
    if not sys.stderr.isatty():
        yield Bar()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=None)

        class Shown(Bar):
            def expect(self, total: int) -> None:
                shown.update(task, total=total)

            def step(self) -> None:
                shown.advance(task)

        yield Shown()
