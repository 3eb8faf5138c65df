"""Damage to FIT files that leaves them FIT: values, fields, definitions, messages and chains, with right checksums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athlete_monitor.recordings.fit_messages import crc

if TYPE_CHECKING:
    import random

BASES = (0, 1, 2, 0x83, 0x84, 0x85, 0x86, 7, 0x88, 0x89, 0x0A, 0x8B, 0x8C, 0x0D, 0x8E, 0x8F, 0x90, 0x11, 0x1F, 0xFF)
NUMBERS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 14, 15, 25, 31, 39, 53, 73, 78, 108, 253, 254, 255)
MESSAGES = (0, 3, 12, 18, 19, 20, 21, 34, 78, 132, 206, 207, 0xFFFF)


@dataclass
class Part:
    """A definition or a data message: its bytes, and the places and sizes of its fields."""

    data: bytearray
    is_definition: bool
    fields: tuple[tuple[int, int], ...] = ()


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Return a FIT file with one to four changes; its length and checksums are right, in most cases."""
    parts = split(content)
    for _ in range(chance.randint(1, 4)):
        if parts:
            chance.choice(_CHANGES)(parts, chance)
    body = b"".join(bytes(part.data) for part in parts)
    made = joined(body, chance)
    return made * 2 if chance.random() < 0.03 else made


def split(content: bytes) -> list[Part]:
    """Return the messages of a valid file."""
    at, end = content[0], len(content) - 2
    sizes: dict[int, tuple[int, ...]] = {}
    parts = []
    while at < end:
        header = content[at]
        if header & 0x40:
            count = content[at + 5]
            places = [at + 6 + 3 * n for n in range(count)]
            size = 6 + 3 * count
            if header & 0x20:
                more = content[at + size]
                places += [at + size + 1 + 3 * n for n in range(more)]
                size += 1 + 3 * more
            sizes[header & 0x0F] = tuple(content[place + 1] for place in places)
            parts.append(Part(bytearray(content[at : at + size]), is_definition=True))
        else:
            each = sizes[header & 0x0F]
            starts = [1 + sum(each[:n]) for n in range(len(each))]
            size = 1 + sum(each)
            fields = tuple(zip(starts, each, strict=True))
            parts.append(Part(bytearray(content[at : at + size]), is_definition=False, fields=fields))
        at += size
    return parts


def joined(body: bytes, chance: random.Random) -> bytes:
    """Return a file around its messages."""
    declared = len(body) if chance.random() < 0.9 else chance.choice((0, 1, len(body) - 1, len(body) + 9, 2**32 - 1))
    head = bytes([14, 0x20]) + (2132).to_bytes(2, "little") + declared.to_bytes(4, "little") + b".FIT"
    whole = head + crc(head).to_bytes(2, "little") + body
    return whole + crc(whole).to_bytes(2, "little")


def _a_value(parts: list[Part], chance: random.Random) -> None:
    """Write values at the limits of a type into fields of messages."""
    for _ in range(chance.choice((1, 1, 5, 50))):
        part = chance.choice(parts)
        if not part.fields:
            continue
        start, size = chance.choice(part.fields)
        most = 256**size - 1
        old = int.from_bytes(part.data[start : start + size], "little")
        value = chance.choice(
            (0, 1, most, most - 1, most // 2, most // 2 + 1, old + 1, old - 1, chance.randrange(most + 1))
        )
        part.data[start : start + size] = (value % (most + 1)).to_bytes(size, "little")


def _a_definition(parts: list[Part], chance: random.Random) -> None:
    """Change a definition: its message, order of bytes, a field's number, size or type, or how many fields it has."""
    part = chance.choice([each for each in parts if each.is_definition] or parts)
    count = part.data[5] if len(part.data) > 5 else 0
    if not count or len(part.data) < 6 + 3 * count:
        return
    at = 6 + 3 * chance.randrange(count)
    match chance.randrange(7):
        case 0:
            part.data[3:5] = chance.choice(MESSAGES).to_bytes(2, "little")
        case 1:
            part.data[2] = chance.choice((0, 1, 2, 255))
        case 2:
            part.data[at] = chance.choice(NUMBERS)
        case 3:
            part.data[at + 1] = chance.choice((0, 1, 2, 3, 4, 8, 127, 255))
        case 4:
            part.data[at + 2] = chance.choice(BASES)
        case 5:
            part.data[at : at + 3] = part.data[6:9]  # the first field twice
        case _:
            part.data[5] = chance.choice((0, 1, count - 1, min(count + 1, 255), 255))


def _messages(parts: list[Part], chance: random.Random) -> None:
    """Repeat, remove, swap or mix messages."""
    at, other = chance.randrange(len(parts)), chance.randrange(len(parts))
    low, high = sorted((at, other))
    match chance.randrange(5):
        case 0:
            copied = parts[at]
            again = [Part(bytearray(copied.data), copied.is_definition, copied.fields)]
            parts[other:other] = again * chance.choice((1, 1, 3, 400))
        case 1:
            del parts[low:high]
        case 2:
            parts[at], parts[other] = parts[other], parts[at]
        case 3:
            parts[low:high] = parts[low:high][::-1]
        case _:
            parts[at:at] = [Part(bytearray(each.data), each.is_definition, each.fields) for each in parts[low:high]]


def _a_header(parts: list[Part], chance: random.Random) -> None:
    """Change the byte before a message: another local type, a compressed time, developer fields."""
    part = chance.choice(parts)
    if part.data:
        part.data[0] = chance.choice((part.data[0] ^ 1, 0x80 | chance.randrange(128), part.data[0] ^ 0x20, 0x4F, 0))


_CHANGES = (_a_value, _a_value, _a_definition, _a_definition, _messages, _messages, _a_header)
