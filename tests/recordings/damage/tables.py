"""Damage to tables that leaves them tables: cells, rows, columns, headers, separators, line ends and encodings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.recordings.damage import spices

if TYPE_CHECKING:
    import random

ENDS = ("\n", "\r\n", "\r", "\n\r", "\r\r\n", "\n\n", " \n", "\u2028", "\x0b", "\x0c", "\x85", "\x1c")
ENCODINGS = ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1", "cp437", "utf-8")
DELIMITERS = (",", ";", "\t", "|", " ", ", ", ":", "\x1f")


@dataclass
class Table:
    """A table being damaged: its cells, the lines before its rows, and how it is written."""

    rows: list[list[str]]
    delimiter: str
    first: int
    end: str = "\n"
    encoding: str = "utf-8"

    def text(self) -> str:
        return self.end.join(self.delimiter.join(row) for row in self.rows) + self.end


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Return a table with one to three changes that leave it one."""
    table = parsed(content)
    for _ in range(chance.randint(1, 3)):
        if table.rows:
            chance.choice(_CHANGES)(table, chance)
    text = table.text()
    if chance.random() < 0.1:
        text = _mixed_ends(text, chance)
    return text.encode(table.encoding, "replace")


def parsed(content: bytes) -> Table:
    """Return the cells of a text; quoted separators are not understood, which is one more kind of damage."""
    text = content.decode("utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8", "replace")
    lines = [line.rstrip("\r") for line in text.rstrip("\n").split("\n")]
    counts = {sign: sum(line.count(sign) for line in lines[-20:]) for sign in (",", ";", "\t")}
    delimiter = max(counts, key=lambda sign: counts[sign])
    rows = [line.split(delimiter) for line in lines]
    widest = max(map(len, rows))
    first = next(place for place, row in enumerate(rows) if len(row) * 2 > widest)
    return Table(rows, delimiter, first)


def _place(table: Table, chance: random.Random) -> tuple[int, int]:
    row = chance.randrange(len(table.rows))
    return row, chance.randrange(max(len(table.rows[row]), 1))


def _a_cell(table: Table, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 1, 3, 20))):
        row, column = _place(table, chance)
        table.rows[row][column : column + 1] = [chance.choice(chance.choice(_KINDS))]


def _a_column_of(table: Table, chance: random.Random) -> None:
    """Write one value, or values of one kind, into a whole column."""
    _, column = _place(table, chance)
    kind = chance.choice(_KINDS)
    value, many = chance.choice(kind), chance.random() < 0.4
    for row in table.rows[table.first + 1 :]:
        row[column : column + 1] = [chance.choice(kind) if many else value]


def _other_numbers(table: Table, chance: random.Random) -> None:
    """Write a column's numbers in another way: decimal commas, quotes, exponents, units, sizes, the other sign."""
    _, column = _place(table, chance)
    change = chance.choice(_WRITTEN)
    for row in table.rows[table.first + 1 :]:
        if column < len(row):
            row[column] = change(row[column])


def _times(table: Table, chance: random.Random) -> None:
    """Write other times into a column: steady, backwards, repeated, far apart, around a change of the clock."""
    column = chance.choice((0, 0, 1, 2))
    start, step = chance.choice(((0, 1), (1777881600, 1), (1777881600000, 100), (1792889000, 60), (4e9, 1), (-5, 0.1)))
    way = chance.choice((1, 1, -1, 0, 1e3, 1e7))
    for place, row in enumerate(table.rows[table.first + 1 :]):
        t = start + step * way * place + (chance.choice((0, -3600, 3600, 1e6)) if chance.random() < 0.05 else 0)
        row[column : column + 1] = [f"{t:.3f}" if step < 1 else f"{t:.0f}"]


def _rows(table: Table, chance: random.Random) -> None:
    """Swap, repeat, reverse, mix or remove rows."""
    rows = table.rows
    at, other = chance.randrange(len(rows)), chance.randrange(len(rows))
    low, high = sorted((at, other))
    match chance.randrange(6):
        case 0:
            rows[at], rows[other] = rows[other], rows[at]
        case 1:
            rows[at:at] = [list(rows[other]) for _ in range(chance.choice((1, 3, 200)))]
        case 2:
            rows[low:high] = rows[low:high][::-1]
        case 3:
            part = rows[low:high]
            chance.shuffle(part)
            rows[low:high] = part
        case 4:
            rows[at:at] = [list(row) for row in rows[low:high]]
        case _:
            del rows[low:high]


def _columns(table: Table, chance: random.Random) -> None:
    """Swap, double, move or remove columns, everywhere or only below the header."""
    _, first = _place(table, chance)
    _, second = _place(table, chance)
    what = chance.randrange(4)
    for row in table.rows[table.first + chance.choice((0, 0, 0, 1)) :]:
        if max(first, second) < len(row):
            if what == 0:
                row[first], row[second] = row[second], row[first]
            elif what == 1:
                row.insert(second, row[first])
            elif what == 2:
                row.append(row.pop(first))
            else:
                del row[first]


def _header(table: Table, chance: random.Random) -> None:
    """Rename columns, change their case, write the header again, or a row of units below it."""
    at = min(table.first, len(table.rows) - 1)
    header = table.rows[at]
    match chance.randrange(6):
        case 0:
            for _ in range(chance.choice((1, 2, 5))):
                header[chance.randrange(len(header))] = chance.choice(spices.NAMES)
        case 1:
            change = chance.choice((str.upper, str.lower, str.title, str.swapcase, _spaced, _quoted))
            table.rows[at] = [change(name) for name in header]
        case 2:
            table.rows.insert(chance.randrange(len(table.rows) + 1), list(header))
        case 3:
            table.rows.insert(at + 1, [chance.choice(("", "s", "bpm", "km/h", "m", "°", "x")) for _ in header])
        case 4:
            table.rows[at] = [header[0]] * len(header)
        case _:
            del table.rows[at]


def _lines(table: Table, chance: random.Random) -> None:
    """Add empty lines, comments, titles, sums, separators for spreadsheets, or an unfinished quote."""
    width = max(map(len, table.rows))
    added = chance.choice(
        (
            [""],
            [""] * width,
            ["# a comment", "x"],
            ["sep=;"],
            ["Total", *["1"] * (width - 1)],
            ['"unfinished'],
            ["Page 1 of 2"],
            ["-" * 40],
            *([chance.choice(kind) for _ in range(width)] for kind in _KINDS),
        )
    )
    for _ in range(chance.choice((1, 1, 2, 90))):
        table.rows.insert(chance.choice((0, len(table.rows), chance.randrange(len(table.rows) + 1))), list(added))


def _written(table: Table, chance: random.Random) -> None:
    """Use another separator, line end or encoding."""
    match chance.randrange(3):
        case 0:
            table.delimiter = chance.choice(DELIMITERS)
        case 1:
            table.end = chance.choice(ENDS)
        case _:
            table.encoding = chance.choice(ENCODINGS)


def _mixed_ends(text: str, chance: random.Random) -> str:
    return "".join(line.rstrip("\r\n") + chance.choice(ENDS[:7]) for line in text.split("\n"))


def _spaced(cell: str) -> str:
    return f"  {cell} "


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


_KINDS = (spices.NUMBERS, spices.NUMBERS, spices.DATES, spices.TEXTS)
_WRITTEN = (
    lambda cell: cell.replace(".", ","),
    lambda cell: cell.replace(",", "."),
    lambda cell: f"{cell}e3",
    lambda cell: f"{cell} km/h",
    lambda cell: f"-{cell}",
    lambda cell: f"{cell}000000",
    lambda cell: f"0.000{cell}",
    lambda cell: cell.replace("T", " ").replace("Z", ""),
    lambda cell: cell[::-1],
    lambda cell: "",
    _spaced,
    _quoted,
)
_CHANGES = (
    *(_a_cell, _a_cell, _a_column_of, _other_numbers, _times, _rows, _rows, _columns, _header, _header, _lines),
    _written,
)
