"""The sink that writes seconds, events and ends of sessions into the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athlete_monitor.engine.journal.keeper import JournalSink

if TYPE_CHECKING:
    from athlete_monitor.engine.sinks.registry import SinkContext


def make(context: SinkContext) -> JournalSink | None:
    """Return the sink of the live engine; recordings do not use it."""
    return None if context.journal is None else JournalSink(context.journal)
