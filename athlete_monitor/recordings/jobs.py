"""Which of some files are recordings; files that belong to another one, like the parts of a folder, are not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from athlete_monitor.recordings.registry import recognised

if TYPE_CHECKING:
    from collections.abc import Iterable

    from athlete_monitor.recordings.format import Format
    from athlete_monitor.recordings.source import Source


@dataclass
class Jobs:
    """Files by what they are.

    Attributes:
        recordings: the files to read, each with its format.
        unknown: files of no supported format.
    """

    recordings: list[tuple[Source, Format]] = field(default_factory=list)
    unknown: list[Source] = field(default_factory=list)


def jobs_of(files: Iterable[Source], forced: Format | None = None) -> Jobs:
    """Divide files by whether they are recordings, in their order; companions of a recording are in neither list.

    Args:
        files: to examine.
        forced: the format of all of them; recognised if None.
    """
    taken: set[tuple[object, ...]] = set()
    examined = [(source, forced or recognised(source)) for source in files]
    for source, known in examined:
        if known is not None and _key(source, source.name) not in taken:
            taken.update(_key(source, name) for name in known.companions(source) - {source.name})
    jobs = Jobs()
    for source, known in examined:
        if _key(source, source.name) in taken:
            continue
        if known is None:
            jobs.unknown.append(source)
        else:
            jobs.recordings.append((source, known))
    return jobs


def _key(source: Source, name: str) -> tuple[object, ...]:
    return (source.path if source.member else source.path.parent, *source.member.split("/")[:-1], name)
