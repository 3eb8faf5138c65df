"""The libraries that fit and export models, imported before they are needed."""

from __future__ import annotations

import importlib
from contextlib import suppress
from threading import Thread
from typing import Final

from athlete_monitor.models.runtimes import has_torch

LIBRARIES: Final = ("sklearn.ensemble", "onnx", "onnxruntime", "athlete_monitor.models.export")
WITH_TORCH: Final = ("torch", "hummingbird.ml.containers.sklearn.pytorch_containers")


def import_in_background() -> Thread:
    """Start a thread that imports them, while this process, which does all the work itself, reads sessions.

    pandas is not hidden from it: that would hide it from the threads that read sessions too.
    """
    thread = Thread(target=import_all, name="import of exporters", daemon=True)
    thread.start()
    return thread


def import_all() -> None:
    """Import those that are installed."""
    for name in (*LIBRARIES, *(WITH_TORCH if has_torch() else ())):
        with suppress(Exception):  # who needs the library will say what is wrong with it
            importlib.import_module(name)
