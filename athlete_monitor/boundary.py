"""The boundary where foreign data come in: any failure there becomes one counted line, and the other items continue.

A session, an athlete or a message may be broken in unforeseen ways. Inside, exceptions are raised as usual; at the
boundary ``described`` turns any exception into a ``Fault``. Its traceback is only for the log file. Tests set
``STRICT``: then an unexpected failure is raised, so that our own bugs stay visible.
"""

from __future__ import annotations

import os
import traceback
from dataclasses import dataclass
from typing import Final

from athlete_monitor.errors import MonitorError

STRICT: Final = "ATHLETE_MONITOR_STRICT"
"""Environment variable: if it is ``1``, unexpected failures are raised at the boundary."""

LONGEST_CAUSE: Final = 300


@dataclass(frozen=True)
class Fault:
    """An unexpected failure: its cause in one line, and the traceback for the log."""

    cause: str
    trace: str


def described(error: Exception) -> Fault:
    """Describe a failure for one line of output; with ``STRICT`` set it is raised again.

    Errors of our own (``MonitorError``) are expected, and never raised again.

    >>> described(MonitorError("file.csv: no heart rate")).cause
    'file.csv: no heart rate'
    """
    if isinstance(error, MonitorError):
        return Fault(printable(str(error)), "")
    if os.environ.get(STRICT) == "1":
        raise error
    return Fault(cause_of(error), "".join(traceback.format_exception(error)))


def cause_of(error: BaseException) -> str:
    """Kind and text of an error in one line.

    >>> cause_of(ValueError("negative dimensions"))
    'ValueError: negative dimensions'
    >>> cause_of(MemoryError())
    'MemoryError'
    """
    text = " ".join(str(error).split())
    return printable(f"{type(error).__name__}: {text}" if text else type(error).__name__)[:LONGEST_CAUSE]


def printable(text: str) -> str:
    r"""Return the text with everything that is not printable UTF-8 escaped, such as bytes of an undecodable file name.

    >>> printable("TR1_\udcff.csv")
    'TR1_\\udcff.csv'
    """
    encoded = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in encoded)
