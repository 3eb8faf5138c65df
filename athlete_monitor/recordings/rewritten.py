"""Rows of another structure, rewritten as a CSV table, so that the readers of tables take them."""

from __future__ import annotations

import csv
import io
import zlib
from typing import TYPE_CHECKING

from athlete_monitor.recordings.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def as_table(source: Source, names: Sequence[str], rows: Iterable[Mapping[str, object]]) -> Source:
    """Return a table in memory in the place of a file: one row for each mapping, in columns of these names.

    What a row lacks is an empty cell. Messages and the time in the file's name stay those of the file.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    packed = zlib.compress(text.getvalue().encode("utf-8", "replace"), 1)  # recent sources are kept in caches
    return Source(source.path, lambda: io.BytesIO(zlib.decompress(packed)), source.member, source.siblings)


def _cell(value: object) -> object:
    return "" if value is None or isinstance(value, bool | dict | list) else value
