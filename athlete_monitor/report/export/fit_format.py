"""The FIT file format: messages as bytes, one definition for many rows.

Numbers, scales and offsets are those of Garmin's profile; a test compares them with Garmin's own decoder. A value that
a field cannot hold is written as the field's "invalid" value, which readers show as unknown.

Source: Garmin, *FIT Protocol* and *FIT Profile* 21 (developer.garmin.com/fit).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.report.export.cells import printable, valid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike

EPOCH_S: Final = 631_065_600
"""FIT counts seconds from 31 December 1989, UTC."""
_HEADER_BYTES: Final = 14
_PROTOCOL: Final = 0x20
"""Version 2.0: the first one with developer fields."""
_PROFILE: Final = 21_32
_DEFINES: Final = 0x40
_HAS_DEVELOPER_FIELDS: Final = 0x20


@dataclass(frozen=True)
class Base:
    """A base type: its number, how NumPy stores it, and the value that means "unknown"."""

    number: int
    dtype: str
    unknown: int


BASES: Final = {
    "enum": Base(0x00, "u1", 0xFF), "uint8": Base(0x02, "u1", 0xFF), "uint16": Base(0x84, "<u2", 0xFFFF),
    "sint32": Base(0x85, "<i4", 0x7FFFFFFF), "uint32": Base(0x86, "<u4", 0xFFFFFFFF),
    "uint32z": Base(0x8C, "<u4", 0), "float32": Base(0x88, "<f4", 0xFFFFFFFF), "string": Base(0x07, "S", 0),
    "byte": Base(0x0D, "u1", 0xFF),
}  # fmt: skip


@dataclass(frozen=True)
class Field:
    """A field: the stored number is ``(value + offset) * scale``; ``width`` values, or bytes of a text."""

    number: int
    base: str
    scale: float = 1.0
    offset: float = 0.0
    width: int = 1


@dataclass(frozen=True)
class MessageKind:
    """A kind of message."""

    number: int
    fields: Mapping[str, Field]


_TIME: Final = Field(253, "uint32", offset=-EPOCH_S)
_START: Final = Field(2, "uint32", offset=-EPOCH_S)
_DEGREES: Final = 2.0**31 / 180.0
_TOTALS: Final = {
    "timestamp": _TIME, "event": Field(0, "enum"), "event_type": Field(1, "enum"), "start_time": _START,
    "total_elapsed_time": Field(7, "uint32", 1000), "total_timer_time": Field(8, "uint32", 1000),
    "total_distance": Field(9, "uint32", 100), "total_calories": Field(11, "uint16"),
    "message_index": Field(254, "uint16"),
}  # fmt: skip

MESSAGES: Final[dict[str, MessageKind]] = {
    "file_id": MessageKind(0, {
        "type": Field(0, "enum"), "manufacturer": Field(1, "uint16"), "product": Field(2, "uint16"),
        "serial_number": Field(3, "uint32z"), "time_created": Field(4, "uint32", offset=-EPOCH_S),
    }),
    "developer_data_id": MessageKind(207, {
        "application_id": Field(1, "byte", width=16), "developer_data_index": Field(3, "uint8"),
    }),
    "field_description": MessageKind(206, {
        "developer_data_index": Field(0, "uint8"), "field_definition_number": Field(1, "uint8"),
        "fit_base_type_id": Field(2, "uint8"), "field_name": Field(3, "string", width=24),
        "units": Field(8, "string", width=16),
    }),
    "event": MessageKind(21, {"timestamp": _TIME, "event": Field(0, "enum"), "event_type": Field(1, "enum")}),
    "record": MessageKind(20, {
        "timestamp": _TIME, "position_lat": Field(0, "sint32", _DEGREES), "position_long": Field(1, "sint32", _DEGREES),
        "heart_rate": Field(3, "uint8"), "cadence": Field(4, "uint8"), "distance": Field(5, "uint32", 100),
        "enhanced_speed": Field(73, "uint32", 1000), "enhanced_altitude": Field(78, "uint32", 5, 500),
    }),
    "hrv": MessageKind(78, {"time": Field(0, "uint16", 1000, width=5)}),
    "lap": MessageKind(19, _TOTALS | {
        "avg_heart_rate": Field(15, "uint8"), "max_heart_rate": Field(16, "uint8"),
        "enhanced_avg_speed": Field(110, "uint32", 1000), "enhanced_max_speed": Field(111, "uint32", 1000),
        "lap_trigger": Field(24, "enum"),
    }),
    "session": MessageKind(18, _TOTALS | {
        "sport": Field(5, "enum"), "avg_heart_rate": Field(16, "uint8"), "max_heart_rate": Field(17, "uint8"),
        "enhanced_avg_speed": Field(124, "uint32", 1000), "enhanced_max_speed": Field(125, "uint32", 1000),
        "first_lap_index": Field(25, "uint16"), "num_laps": Field(26, "uint16"), "sub_sport": Field(6, "enum"),
        "trigger": Field(28, "enum"),
    }),
    "activity": MessageKind(34, {
        "timestamp": _TIME, "total_timer_time": Field(0, "uint32", 1000), "num_sessions": Field(1, "uint16"),
        "type": Field(2, "enum"), "event": Field(3, "enum"), "event_type": Field(4, "enum"),
        "local_timestamp": Field(5, "uint32", offset=-EPOCH_S),
    }),
}  # fmt: skip


def messages(
    kind: str,
    columns: Mapping[str, ArrayLike | Sequence[str]],
    developer: Mapping[Field, ArrayLike | Sequence[str]] | None = None,
) -> bytes:
    """A definition and one message for each row: ``rows_of`` joined."""
    definition, rows = rows_of(kind, columns, developer)
    return b"".join((definition, *rows))


def rows_of(
    kind: str,
    columns: Mapping[str, ArrayLike | Sequence[str]],
    developer: Mapping[Field, ArrayLike | Sequence[str]] | None = None,
    local: int = 0,
) -> tuple[bytes, list[bytes]]:
    """A definition and one message for each row.

    Args:
        kind: of ``MESSAGES``.
        columns: by the field's name, values [n] or [n, width] in SI units; NaN where unknown. Times are epoch seconds.
        developer: values of developer fields of developer 0; a field's ``number`` is that of its description.
        local: number of the definition, 0 to 15: two that are used in turn need numbers of their own.

    Returns:
        The definition and the messages [n]; both are empty without rows.
    """
    message, own = MESSAGES[kind], dict(developer or {})
    fields = [message.fields[name] for name in columns]
    values = [
        stored(field, each) for field, each in zip([*fields, *own], [*columns.values(), *own.values()], strict=True)
    ]
    if not values or not len(values[0]):
        return b"", []
    types: list[Any] = [
        ("head", "u1"),
        *((f"_{place}", each.dtype, each.shape[1:]) for place, each in enumerate(values)),
    ]
    table = np.zeros(len(values[0]), dtype=types)
    table["head"] = local
    for place, each in enumerate(values):
        table[f"_{place}"] = each
    content, size = table.tobytes(), table.dtype.itemsize
    return _definition(message, fields, list(own), local), [
        content[place : place + size] for place in range(0, len(content), size)
    ]


def _definition(message: MessageKind, fields: Sequence[Field], own: Sequence[Field], local: int) -> bytes:
    """The definition of a local message, in little-endian order."""
    head = local | _DEFINES | (_HAS_DEVELOPER_FIELDS if own else 0)
    parts = [struct.pack("<BBBHB", head, 0, 0, message.number, len(fields))]
    parts += [bytes((each.number, _size(each), BASES[each.base].number)) for each in fields]
    if own:
        parts += [bytes((len(own),)), *(bytes((each.number, _size(each), 0)) for each in own)]
    return b"".join(parts)


def _size(field: Field) -> int:
    base = BASES[field.base]
    return field.width * (1 if base.dtype == "S" else np.dtype(base.dtype).itemsize)


def stored(field: Field, values: ArrayLike | Sequence[str]) -> np.ndarray[Any, Any]:
    """The stored numbers of a field, [n] or [n, width]; what it cannot hold is its unknown value."""
    base = BASES[field.base]
    if base.dtype == "S":
        return np.array([_cut(str(each), field.width) for each in values], dtype=f"S{field.width}")  # type: ignore[union-attr]
    numbers = np.asarray(values, dtype=np.float64)
    if field.base == "float32":
        with np.errstate(over="ignore"):
            single = numbers.astype("<f4")
        unknown = ~np.isfinite(single)
        single.view("<u4")[unknown] = base.unknown
        return single
    raw = np.rint((numbers + field.offset) * field.scale)
    limits = np.iinfo(base.dtype)
    fits = (raw >= limits.min) & (raw <= limits.max)
    return np.where(fits, raw, base.unknown).astype(base.dtype)


def _cut(text: str, width: int) -> bytes:
    """A text as UTF-8 with its end mark, cut between two characters.

    >>> _cut("Müller", 3)
    b'M'
    """
    return printable(valid(text)).encode()[: width - 1].decode(errors="ignore").encode()


def file(parts: Iterable[bytes]) -> bytes:
    """A whole file from its messages, with header and checksums."""
    body = b"".join(parts)
    start = struct.pack("<BBHI4s", _HEADER_BYTES, _PROTOCOL, _PROFILE, len(body), b".FIT")
    content = start + struct.pack("<H", checksum(start)) + body
    return content + struct.pack("<H", checksum(content))


def checksum(content: bytes) -> int:
    """The CRC of the format: CRC-16/ARC.

    >>> hex(checksum(b"123456789"))
    '0xbb3d'
    """
    table, crc = _crc_table(), 0
    for byte in content:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc


@cache
def _crc_table() -> tuple[int, ...]:
    found = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xA001 if crc & 1 else 0)
        found.append(crc)
    return tuple(found)
