"""A format of recordings: a name, a recogniser and a reader. A new format is one file below ``formats``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import tzinfo

    from athlete_monitor.recordings.imported import Imported
    from athlete_monitor.recordings.source import Source


@dataclass(frozen=True)
class Options:
    """Information that a user may give about files that do not contain it.

    Attributes:
        rate_hz: rows a second, for formats that are resampled.
        zone: the zone of times without an offset; this machine's if None.
        start_t: epoch seconds of the start of files that only count from 0.
        day_first: how dates such as 03/04/2026 are read; refused if None.
        mapping: columns of tables by channel, and other keys of a mapping file.
    """

    rate_hz: float = 10.0
    zone: tzinfo | None = None
    start_t: float | None = None
    day_first: bool | None = None
    mapping: Mapping[str, object] | None = None


def alone(_source: Source) -> frozenset[str]:
    """Return the companions of a file of a format whose recordings are one file: none."""
    return frozenset()


@dataclass(frozen=True)
class Format:
    """A format of recordings.

    Attributes:
        kind: its name on the command line.
        title: its name for people.
        recognise: whether a file is of this format, from its content; must be quick and never raise.
        read: reads all recordings in a file.
        companions: the names of other files of the same folder that belong to the recording of a recognised file.
        rank: formats of a lower rank are tried first; a table with any columns is tried last.
        suffixes: the usual ends of a file's name, for messages only.
    """

    kind: str
    title: str
    recognise: Callable[[Source], bool]
    read: Callable[[Source, Options], Sequence[Imported]]
    companions: Callable[[Source], frozenset[str]] = alone
    rank: int = 0
    suffixes: tuple[str, ...] = ()

    def recordings(self, source: Source, options: Options) -> Sequence[Imported]:
        """Read all recordings in a file; numbers beyond all limits become infinite and are no warnings.

        Raises:
            RecordingError: it cannot be read.
        """
        with np.errstate(all="ignore"):
            return self.read(source, options)
