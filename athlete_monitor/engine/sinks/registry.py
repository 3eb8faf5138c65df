"""Finds the sinks: every module of this package that has ``make`` is one.

Live and offline engine make their sinks here, each from the configuration and from what there is around the engine.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from athlete_monitor.engine import sinks

if TYPE_CHECKING:
    from collections.abc import Callable

    from athlete_monitor.config import Config
    from athlete_monitor.engine.journal.journal import Journal
    from athlete_monitor.engine.sinks.sink import Sink
    from athlete_monitor.wire.mqtt import MqttLink


@dataclass(frozen=True)
class SinkContext:
    """The environment of a sink; offline there is neither broker nor journal."""

    config: Config
    notify: Callable[[str, bool], None] | None = None
    """Gets a sentence for the operator, and whether it is bad news."""
    link: MqttLink | None = None
    journal: Journal | None = None

    @property
    def is_live(self) -> bool:
        """Whether samples arrive now, and not from recordings."""
        return self.link is not None


def make_sinks(context: SinkContext) -> dict[str, Sink]:
    """Return the sinks that the configuration enables, by the names of their modules."""
    found = {}
    for module in pkgutil.iter_modules(sinks.__path__):
        make = getattr(importlib.import_module(f"{sinks.__name__}.{module.name}"), "make", None)
        sink = make(context) if make is not None else None
        if sink is not None:
            found[module.name] = sink
    return found
