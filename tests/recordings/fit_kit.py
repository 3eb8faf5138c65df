"""FIT files made message by message, for tests."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from athlete_monitor.recordings.fit_messages import EPOCH_S, crc

if TYPE_CHECKING:
    from collections.abc import Sequence

START = 1_777_888_800  # 2026-05-04 10:00:00 UTC
FORMATS = {0: "B", 1: "b", 2: "B", 0x83: "h", 0x84: "H", 0x85: "i", 0x86: "I", 0x88: "f", 0x8C: "I", 13: "B", 7: "s"}
SEMICIRCLE = 2**31 / 180


def fit_time(t: float) -> int:
    return int(t) - EPOCH_S


@dataclass
class Fit:
    """A file in the making; ``bytes`` ends it."""

    body: bytearray = field(default_factory=bytearray)
    layouts: dict[int, tuple[str, list[tuple[int, int, int]]]] = field(default_factory=dict)

    def define(self, local: int, message: int, fields: Sequence[tuple[int, int, int]], order: str = "<", developer=()):
        """Fields are (number, how many, base type); developer fields (number, size, developer)."""
        sizes = [(n, struct.calcsize("<" + FORMATS[base]) * count, base) for n, count, base in fields]
        self.body += bytes([0x40 | local | (0x20 if developer else 0), 0, order == ">"])
        self.body += struct.pack(order + "HB", message, len(fields))
        for n, size, base in sizes:
            self.body += bytes([n, size, base])
        if developer:
            self.body += bytes([len(developer)])
            for n, size, index in developer:
                self.body += bytes([n, size, index])
        self.layouts[local] = (order, list(fields))
        return self

    def add(self, local: int, *values: object, extra: bytes = b"", header: int | None = None):
        """Add a message; a value is a number, a list of them, or text."""
        order, fields = self.layouts[local]
        self.body += bytes([local if header is None else header])
        for value, (_, count, base) in zip(values, fields, strict=True):
            if base == 7:
                self.body += str(value).encode()[:count].ljust(count, b"\0")
            else:
                numbers = value if isinstance(value, list | bytes) else [value]
                self.body += struct.pack(f"{order}{count}{FORMATS[base]}", *numbers)
        self.body += extra
        return self

    def bytes(self, *, declared: int | None = None, good: bool = True) -> bytes:
        size = len(self.body) if declared is None else declared
        head = struct.pack("<BBHI4s", 14, 0x20, 2132, size, b".FIT")
        whole = head + struct.pack("<H", crc(head)) + bytes(self.body)
        return whole + struct.pack("<H", crc(whole) ^ (0 if good else 1))


def running(seconds: int = 60, start: float = START, sport: int = 1) -> Fit:
    """A minute of running north at 3 m/s: heart rate from 100, cadence 85.5 strides, session totals."""
    fit = Fit()
    fit.define(0, 0, [(0, 1, 0), (3, 1, 0x8C)]).add(0, 4, 4711)
    record = [
        (253, 1, 0x86),
        (3, 1, 2),
        (73, 1, 0x86),
        (5, 1, 0x86),
        (4, 1, 2),
        (53, 1, 2),
        (0, 1, 0x85),
        (1, 1, 0x85),
        (78, 1, 0x86),
    ]
    fit.define(1, 20, record)
    for second in range(seconds):
        latitude = 52 + second * 3 / 111_277
        fit.add(
            1, fit_time(start + second), min(100 + second, 180), 3000, second * 300, 85, 64,
            round(latitude * SEMICIRCLE), round(13 * SEMICIRCLE), (35 + 500) * 5,
        )  # fmt: skip
    session = [
        (253, 1, 0x86),
        (2, 1, 0x86),
        (5, 1, 0),
        (7, 1, 0x86),
        (8, 1, 0x86),
        (9, 1, 0x86),
        (16, 1, 2),
        (17, 1, 2),
    ]
    fit.define(2, 18, session)
    span = seconds - 1
    fit.add(
        2,
        fit_time(start + span),
        fit_time(start),
        sport,
        span * 1000,
        span * 1000,
        span * 300,
        129,
        min(99 + seconds, 180),
    )
    fit.define(3, 34, [(253, 1, 0x86), (5, 1, 0x86)]).add(3, fit_time(start + span), fit_time(start + span) + 7200)
    return fit
