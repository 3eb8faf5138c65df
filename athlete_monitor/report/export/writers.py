"""Tables as files: CSV, JSON, Excel, Parquet and InfluxDB's line protocol, written as the rows come."""

from __future__ import annotations

import csv
import itertools
import json
import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.errors import MonitorError
from athlete_monitor.report.export.cells import clean_rows, plain_text, printable
from athlete_monitor.report.export.workbook import SHEET_ROWS, Workbook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from athlete_monitor.report.export.tables import ExportColumn, Table

BATCH_ROWS: Final = 2_000
GROUP_BATCHES: Final = 4
"""So many batches are a row group of Parquet: its 86 columns cost about 150 kB of memory until the file is closed."""
FILE_GROUPS: Final = 64
"""So many row groups are a file of Parquet, about half a million rows; more rows are more files."""
EXCEL_ROWS: Final = SHEET_ROWS - 1
"""A sheet holds so many rows below its heading."""


def _safe_rows(table: Table) -> Iterator[list[Any]]:
    """Clean rows in which no text looks like a formula; only text columns hold texts."""
    texts = [place for place, column in enumerate(table.columns) if column.is_text]
    for row in clean_rows(table.rows):
        for place in texts:
            value = row[place]
            if value is not None:
                row[place] = plain_text(value)
        yield row


def write_csv(table: Table, path: Path) -> int:
    """Write UTF-8 CSV with a heading; an unknown value is an empty cell. Returns the number of rows."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([each.name for each in table.columns])
        return _count(_safe_rows(table), writer.writerow)


def write_json(table: Table, path: Path) -> int:
    """Write a JSON array with one object per line, unknown values as null."""
    names = [each.name for each in table.columns]
    with path.open("w", encoding="utf-8") as file:
        file.write("[")
        separator = "\n"

        def write(row: Sequence[Any]) -> None:
            nonlocal separator
            file.write(separator + json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False, allow_nan=False))
            separator = ",\n"

        count = _count(clean_rows(table.rows), write)
        file.write("\n]\n")
    return count


def write_xlsx(table: Table, path: Path) -> int:
    """Write an Excel workbook; a table that is longer than a sheet continues in the next one."""
    book, rows, count = Workbook(path), _safe_rows(table), 0
    try:
        following = next(rows, None)
        for number in itertools.count(1):
            with book.sheet(table.name if number == 1 else f"{table.name} {number}") as write:
                write([each.name for each in table.columns])
                for _ in range(EXCEL_ROWS):
                    if following is None or book.is_full:
                        break
                    write(following)
                    count += 1
                    following = next(rows, None)
            if following is None:
                return count
    finally:
        book.close()
    return count


def write_parquet(table: Table, path: Path) -> int:
    """Write Parquet: text columns as strings, all others as double.

    After ``FILE_GROUPS`` row groups the table continues in the next file (``part_path``).

    Raises:
        MonitorError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise MonitorError("--format parquet needs pyarrow: pip install pyarrow") from None
    schema = pa.schema([(each.name, pa.string() if each.is_text else pa.float64()) for each in table.columns])
    count, batches = 0, _batches(clean_rows(table.rows))
    for number in itertools.count(1):
        with parquet.ParquetWriter(part_path(path, number), schema, compression="zstd") as writer:
            for _ in range(FILE_GROUPS):
                group = [_arrow(batch, table.columns, schema) for batch in itertools.islice(batches, GROUP_BATCHES)]
                if not group:
                    return count
                writer.write_table(pa.concat_tables(group))
                count += sum(len(each) for each in group)
                pa.default_memory_pool().release_unused()
            following = next(batches, None)
            if following is None:
                return count
            batches = itertools.chain([following], batches)
    return count


def _batches(rows: Iterator[list[Any]]) -> Iterator[list[list[Any]]]:
    """Rows, some thousands at a time."""
    return iter(lambda: list(itertools.islice(rows, BATCH_ROWS)), [])


def part_path(path: Path, number: int) -> Path:
    """The file of a part: the path itself, then, from 2 on, the part in the name.

    >>> from pathlib import Path
    >>> part_path(Path("seconds.parquet"), 1).name, part_path(Path("seconds.parquet"), 2).name
    ('seconds.parquet', 'seconds.part2.parquet')
    """
    return path if number == 1 else path.with_name(f"{path.stem}.part{number}{path.suffix}")


def _arrow(batch: Sequence[Sequence[Any]], columns: Sequence[ExportColumn], schema: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Some rows as a table of pyarrow."""
    import pyarrow as pa

    arrays = [
        pa.array(_as_parquet(column, values), type=field.type, from_pandas=True)
        for column, field, values in zip(columns, schema, zip(*batch, strict=True), strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _as_parquet(column: ExportColumn, values: Sequence[Any]) -> Any:  # noqa: ANN401 - texts or numbers
    """Texts with None, or numbers with NaN, for a column."""
    if column.is_text:
        return [None if value is None else str(value) for value in values]
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return np.array([value if isinstance(value, int | float) else math.nan for value in values], dtype=np.float64)


_TAGS: Final = ("athlete_id", "name", "session_id", "team_session", "device_id", "period", "kind", "file", "mode")


def write_influx(table: Table, path: Path) -> int:
    """Write InfluxDB's line protocol, times in ms: identity as tags, everything else as fields.

    A row without a known field is no point and is left out.
    """
    names = [each.name for each in table.columns]
    when = next(index for index, name in enumerate(names) if name in {"t_s", "start_t_s"})
    skipped = {when, *(i for i, name in enumerate(names) if name.endswith(("time_utc", "time_local")))}
    tags = [(i, _key(name)) for i, name in enumerate(names) if name in _TAGS]
    fields = [(i, _key(name)) for i, name in enumerate(names) if i not in skipped and name not in _TAGS]
    measurement, count = _key(table.name), 0
    with path.open("w", encoding="utf-8") as file:
        for row in clean_rows(table.rows):
            values = ",".join(
                [
                    f"{name}={value!r}" if type(value) is float else f"{name}={_field(value)}"
                    for i, name in fields
                    if (value := row[i]) is not None
                ]
            )
            if values:
                tagged = ((name, _key(str(row[i]))) for i, name in tags if row[i] is not None)
                tag_set = "".join(f",{name}={tag}" for name, tag in tagged if tag)
                file.write(f"{measurement}{tag_set} {values} {round(float(row[when] or 0.0) * 1000)}\n")
                count += 1
    return count


@lru_cache(maxsize=1024)
def _key(text: str) -> str:
    r"""A key, tag or measurement with its separators escaped.

    >>> _key("Da Silva, J=7")
    'Da\\ Silva\\,\\ J\\=7'
    """
    clean = printable(text).rstrip("\\")
    return clean.replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ")


def _field(value: Any) -> str:  # noqa: ANN401 - a cell
    if type(value) is float:
        return repr(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(float(value))
    return '"' + printable(str(value)).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _count(rows: Iterator[Sequence[Any]], write: Callable[[Sequence[Any]], object]) -> int:
    count = 0
    for row in rows:
        write(row)
        count += 1
    return count


WRITERS: Final[dict[str, Callable[[Table, Path], int]]] = {
    "csv": write_csv,
    "json": write_json,
    "xlsx": write_xlsx,
    "parquet": write_parquet,
    "influx": write_influx,
}
SUFFIX: Final = {"influx": "lp"}


def format_of(path: Path) -> str:
    """Return the format of a table that a file's name asks for.

    Raises:
        MonitorError: there is none with that ending.

    >>> from pathlib import Path
    >>> format_of(Path("seconds.lp")), format_of(Path("a.CSV"))
    ('influx', 'csv')
    """
    endings = {SUFFIX.get(form, form): form for form in WRITERS}
    found = endings.get(path.suffix.lower().removeprefix("."))
    if found is None:
        raise MonitorError(f"{path}: must end with {', '.join(f'.{ending}' for ending in endings)}")
    return found


def dictionary(columns: Sequence[ExportColumn], name: str, rows: int) -> str:
    """The data dictionary of a table, as Markdown."""
    lines = [
        f"# {name}",
        "",
        f"{rows} rows. An empty cell or null means: not known. Unit 1: a number without a unit.",
        "",
    ]
    lines += ["| column | unit | meaning |", "|---|---|---|"]
    lines += [f"| `{each.name}` | {each.unit} | {each.meaning.replace('|', chr(92) + '|')} |" for each in columns]
    return "\n".join(lines) + "\n"
