"""Which of some files are recordings; files that belong to another one, like the parts of a folder, are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athlete_monitor.recordings.registry import recognised, with_companions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from athlete_monitor.recordings.format import Format
    from athlete_monitor.recordings.source import Source


def jobs_of(files: Sequence[Source], forced: Format | None = None) -> Iterator[tuple[Source, Format | None]]:
    """Yield the files that are not companions of another one, each with its format, in their order.

    A file is examined when it is its turn, and what was read of it is released after it, so the first of ten thousand
    files waits for no other one and all of them take no memory.

    Args:
        files: to examine.
        forced: the format of all of them; recognised if None.

    Yields:
        A file and its format; None for a file of no supported format.
    """
    taken = _companions(files, forced)
    for source in files:
        if _key(source, source.name) not in taken:
            yield source, forced or recognised(source)
        source.release()


def _companions(files: Sequence[Source], forced: Format | None) -> set[tuple[object, ...]]:
    """Return the keys of all files that belong to the recording of another one."""
    taken: set[tuple[object, ...]] = set()
    for source in files:
        known = forced or (recognised(source) if with_companions(source) else None)
        if known is not None and _key(source, source.name) not in taken:
            taken.update(_key(source, name) for name in known.companions(source) - {source.name})
        source.release()
    return taken


def _key(source: Source, name: str) -> tuple[object, ...]:
    return (source.path if source.member else source.path.parent, *source.member.split("/")[:-1], name)
