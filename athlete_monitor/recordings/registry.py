"""All supported formats, found by a scan of the package ``formats``: a new format is one file and nothing else."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings import formats
from athlete_monitor.recordings.format import Format, alone

if TYPE_CHECKING:
    from athlete_monitor.recordings.source import Source


@cache
def all_formats() -> tuple[Format, ...]:
    """Return all formats, in the order in which they are tried.

    >>> "fit" in [known.kind for known in all_formats()]
    True
    """
    modules = [
        importlib.import_module(f"{formats.__name__}.{info.name}") for info in pkgutil.iter_modules(formats.__path__)
    ]
    found = [value for module in modules if isinstance(value := getattr(module, "FORMAT", None), Format)]
    return tuple(sorted(found, key=lambda known: (known.rank, known.kind)))


def by_kind(kind: str) -> Format:
    """Return the format of this kind.

    Raises:
        RecordingError: there is none.
    """
    for known in all_formats():
        if known.kind == kind:
            return known
    kinds = ", ".join(sorted(known.kind for known in all_formats()))
    raise RecordingError(f"unknown kind of recording {kind!r}; known: {kinds}")


def recognised(source: Source) -> Format | None:
    """Return the format of a file, from its content; None if it is not supported."""
    return next((known for known in all_formats() if known.recognise(source)), None)


def with_companions(source: Source) -> bool:
    """Whether a file may be of a format whose recordings have further files; quicker than to recognise it."""
    return any(known.companions is not alone and known.recognise(source) for known in all_formats())
