"""FIFA EPTS: metadata in XML with a raw text file beside it, whose layout the metadata define.

The metadata name the players and their channels, the field's size, the frame rate and how a line is divided. Positions
are shares of the field or metres; shares become metres. Periods of the match become phases.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings import xml
from athlete_monitor.recordings.cells import given, number, safe_text
from athlete_monitor.recordings.format import Format, Options
from athlete_monitor.recordings.imported import Imported, Whose
from athlete_monitor.recordings.moments import Rules, moment_of
from athlete_monitor.recordings.plural import plural
from athlete_monitor.recordings.text import text_head
from athlete_monitor.recordings.vocabulary import key_of
from athlete_monitor.wire.sample import Tags

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import FloatArray, IntArray
    from athlete_monitor.recordings.source import Source

_MOST_XML_BYTES: Final = 16 * 2**20
_MOST_LINES: Final = 2_000_000
_MOST_CELLS: Final = 48_000_000
_LONGEST_LINE: Final = 262_144
_CHANNELS: Final = {
    **dict.fromkeys(("x", "positionx"), "x_m"),
    **dict.fromkeys(("y", "positiony"), "y_m"),
    **dict.fromkeys(
        ("speed", "velocity", "speedkph", "speedmps", "averagespeed", "avgspeed", "currentspeed"), "speed_mps"
    ),
    **dict.fromkeys(("heartrate", "hr", "heartbeat", "currentheartbeat", "currentheartrate"), "heart_rate_bpm"),
    **dict.fromkeys(("distance", "totaldistance", "odometer"), "distance_m"),
    "latitude": "latitude",
    "longitude": "longitude",
}
_UNITS: Final = {
    "kph": 1 / 3.6,
    "kmh": 1 / 3.6,
    "kilometers per hour": 1 / 3.6,
    "km/h": 1 / 3.6,
    "kilometre per hour": 1 / 3.6,
    "cm": 0.01,
    "centimeter": 0.01,
}


def recognise(source: Source) -> bool:
    """Whether it is the XML of metadata."""
    return b"Metadata" in source.head and b"GlobalConfig" in source.head and xml.root_tag(source) != ""


FORMAT_KIND: Final = "epts"


@dataclass(frozen=True)
class Metadata:
    """The content of the metadata.

    Attributes:
        rate_hz: frames a second.
        start_t: of the first frame of the session; None if it is not given.
        field: length and width in m; None if it is not given.
        players: name and shirt number by the player's id.
        channels: player and kind (``x``, ``speed`` …) by the channel's id.
        kinds: name and unit of each kind of channel, by its id.
        layout: how a line is divided: nested lists of a separator and its parts; ids at the ends.
        match: whether the session is a match.
        first_frame: the frame at the start.
        periods: name, first and last frame.
    """

    rate_hz: float
    start_t: float | None
    field: tuple[float, float] | None
    players: dict[str, tuple[str, str]]
    channels: dict[str, tuple[str, str]]
    kinds: dict[str, tuple[str, str]]
    layout: list[Any]
    match: bool
    first_frame: float
    periods: tuple[tuple[str, float, float], ...]


def read(source: Source, options: Options) -> list[Imported]:
    """Read the positions of all players.

    Raises:
        RecordingError: the metadata are not valid, or the raw file is missing or does not fit.
    """
    metadata = _metadata(source, options)
    raw = _raw(source)
    frames, columns, torn = _rows(raw, metadata)
    if not len(frames):
        raise RecordingError(f"{raw}: no line fits the layout in {source.name}")
    start = options.start_t if options.start_t is not None else metadata.start_t
    if start is None:
        raise RecordingError(f"{source}: does not give its start; give --start 'YYYY-MM-DD HH:MM:SS'")
    t = start + (frames - metadata.first_frame) / metadata.rate_hz
    tags, index = _phases(frames, metadata)
    notes = [f"{plural(torn, 'line is', 'lines are')} not in the given layout and left out"] if torn else []
    players = list(dict.fromkeys(player for player, _ in metadata.channels.values()))
    parts = [_player(source, metadata, player, t, columns, notes) for player in players]
    return [dataclasses.replace(part, tags=tags, tag_index=index) for part in parts if part is not None]


def _phases(frames: FloatArray, metadata: Metadata) -> tuple[tuple[Tags, ...], IntArray]:
    tags = [Tags(), *(Tags(session_phase=name) for name, _, _ in metadata.periods)]
    index = np.zeros(len(frames), dtype=np.int64)
    for place, (_, first, last) in enumerate(metadata.periods, 1):
        index[(frames >= first) & (frames <= last)] = place
    return tuple(tags), index


def _raw_names(source: Source) -> frozenset[str]:
    try:
        return frozenset({_raw(source).name})
    except RecordingError:
        return frozenset()


FORMAT: Final = Format(
    FORMAT_KIND,
    "FIFA EPTS (metadata and raw text)",
    recognise,
    read,
    _raw_names,
    suffixes=(".xml", ".txt"),
)


def _raw(source: Source) -> Source:
    """Return the raw file of some metadata: of the text files beside it, the one with the most similar name."""
    texts = [
        other
        for name, other in source.siblings().items()
        if name.lower().endswith((".txt", ".dat", ".csv", ".raw")) and _is_raw(other)
    ]
    if not texts:
        raise RecordingError(f"{source}: its raw file is missing (frames as text, .txt, in the same folder)")
    stem = source.stem.lower()
    return max(texts, key=lambda other: (_alike(stem, other.stem.lower()), -len(other.name)))


def _alike(first: str, second: str) -> int:
    return next(
        (place for place, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )


def _is_raw(source: Source) -> bool:
    text = text_head(source)
    return text is not None and re.match(r"\d+\s*[:;,]", text) is not None


def _metadata(source: Source, options: Options) -> Metadata:
    content = source.read(_MOST_XML_BYTES).lstrip(b" \t\r\n")
    try:
        root = fromstring(content, forbid_dtd=True)
    except DefusedXmlException:
        raise RecordingError(f"{source}: declares entities or a document type; such files are not read") from None
    except (ParseError, ValueError, LookupError, RecursionError) as error:
        raise RecordingError(f"{source}: is not valid XML: {' '.join(str(error).split())[:100]}") from None
    for element in root.iter():
        element.tag = xml.local(element.tag)
    rate = given(root.findtext(".//FrameRate") or "")
    if rate is None or not 0.1 <= rate <= 1000:
        raise RecordingError(f"{source}: has no frame rate")
    specification = root.find(".//DataFormatSpecification")
    if specification is None:
        raise RecordingError(f"{source}: has no data format specification")
    return Metadata(
        rate,
        _start(source, root, options),
        _field(root),
        {str(p.get("id")): (p.findtext("Name") or "", p.findtext("ShirtNumber") or "") for p in root.iter("Player")},
        {str(c.get("id")): (str(c.get("playerId")), str(c.get("channelId"))) for c in root.iter("PlayerChannel")},
        {
            str(c.get("id")): ((c.findtext("Name") or "").strip(), (c.findtext("Unit") or "").strip().lower())
            for c in root.iter("Channel")
        },
        _layout(specification),
        "match" in (root.findtext(".//SessionType") or "").lower(),
        given(specification.get("startFrame") or "") or 0.0,
        _periods(root),
    )


def _periods(root: Any) -> tuple[tuple[str, float, float], ...]:  # noqa: ANN401
    """Return the halves: sessions of their own, or written by providers among their own parameters."""
    parameters = {str(p.findtext("Name")): given(p.findtext("Value") or "") for p in root.iter("ProviderParameter")}
    found = []
    for name in ("first_half", "second_half", "first_extra_half", "second_extra_half"):
        start, end = parameters.get(f"{name}_start"), parameters.get(f"{name}_end")
        if start is not None and end is not None and start <= end:
            found.append((name.replace("_", " "), start, end))
    return tuple(found) or tuple(filter(None, map(_period, root.iter("Session"))))


def _period(session: Any) -> tuple[str, float, float] | None:  # noqa: ANN401
    """Return a session that is a period, with its first and last frame; None if it is none."""
    if (session.findtext("SessionType") or "").strip().lower() != "period":
        return None
    parameters = {str(p.findtext("Name")): given(p.findtext("Value") or "") for p in session.iter("ProviderParameter")}
    start, end = parameters.get("Start Frame"), parameters.get("End Frame")
    name = safe_text(session.findtext("SessionName") or "").strip()[:64]
    return (name, start, end) if name and start is not None and end is not None and start <= end else None


def _start(source: Source, root: Any, options: Options) -> float | None:  # noqa: ANN401
    for name in (".//Session/Start", ".//GlobalConfig/FileDate"):
        text = root.findtext(name)
        if text and text.strip():
            return moment_of(text.strip(), Rules(str(source), options.zone, None, options.day_first))[0]
    return None


def _field(root: Any) -> tuple[float, float] | None:  # noqa: ANN401
    """Return length and width; the longer one is the length, whatever it is called."""
    sizes = [given(root.findtext(f".//FieldSize/{name}") or "") or 0.0 for name in ("Width", "Height")]
    if min(sizes) <= 0 and root.findtext(".//FieldSize/Length"):
        sizes[1] = given(root.findtext(".//FieldSize/Length") or "") or 0.0
    return (max(sizes), min(sizes)) if min(sizes) > 0 else None


def _layout(element: Any) -> list[Any]:  # noqa: ANN401
    """Return a separator and its parts; a part is an id, or a list of the same kind."""
    parts: list[Any] = [element.get("separator") or ","]
    for child in element:
        if child.tag == "SplitRegister":
            parts.append(_layout(child))
        elif child.tag == "StringRegister":
            parts.append(f"#{child.get('name')}")
        else:
            parts.append(child.get("playerChannelId") or "")
    return parts


def _rows(raw: Source, metadata: Metadata) -> tuple[FloatArray, dict[str, FloatArray], int]:
    """Return the frame numbers and the columns by the channel's id."""
    ids = _ids(metadata.layout)
    wanted = [place for place, name in enumerate(ids) if name in metadata.channels]
    frame_at = next(
        (place for place, name in enumerate(ids) if name.lower() in {"#framecount", "#frame", "#framenumber"}), None
    )
    rows: list[list[float]] = []
    torn = 0
    with raw.opened() as stream:
        while line := stream.readline(_LONGEST_LINE):
            cells = _cells(line.decode("utf-8", "replace").strip(), metadata.layout)
            if cells is None or len(cells) != len(ids):
                torn += bool(line.strip())
                continue
            frame = float(len(rows)) if frame_at is None else given(cells[frame_at])
            if frame is None or len(rows) >= _MOST_LINES or len(rows) * len(wanted) > _MOST_CELLS:
                torn += 1
                continue
            rows.append([frame, *(_value(cells[place]) for place in wanted)])
    table = np.array(rows) if rows else np.empty((0, len(wanted) + 1))
    return table[:, 0], {ids[place]: table[:, column] for column, place in enumerate(wanted, 1)}, torn


def _value(cell: str) -> float:
    value = number(cell)
    return float("nan") if value is None else value


def _ids(layout: Sequence[Any]) -> list[str]:
    return [name for part in layout[1:] for name in (_ids(part) if isinstance(part, list) else [str(part)])]


def _cells(text: str, layout: Sequence[Any]) -> list[str] | None:
    """Divide a line by the layout; None if it does not fit."""
    parts = text.split(layout[0])
    if len(parts) == len(layout) and not parts[-1]:
        parts = parts[:-1]
    if len(parts) != len(layout) - 1:
        return None
    found: list[str] = []
    for part, inner in zip(parts, layout[1:], strict=True):
        if isinstance(inner, list):
            cells = _cells(part, inner)
            if cells is None:
                return None
            found += cells
        else:
            found.append(part)
    return found


def _player(
    source: Source, metadata: Metadata, player: str, t: FloatArray, columns: dict[str, FloatArray], notes: Sequence[str]
) -> Imported | None:
    channels: dict[str, FloatArray] = {}
    for name, (owner, kind) in metadata.channels.items():
        named, unit = metadata.kinds.get(kind, (kind, ""))
        channel = next((_CHANNELS[key] for word in (named, kind) if (key := key_of(word)) in _CHANNELS), "")
        if owner == player and channel and name in columns:
            channels[channel] = columns[name] * _UNITS.get(unit, 1.0)
    channels = _in_metres(channels, metadata)
    if not any(np.isfinite(column).any() for column in channels.values()):
        return None
    name, shirt = metadata.players.get(player, ("", ""))
    return Imported(
        source.path,
        t,
        channels,
        notes=tuple(notes),
        label=f"{source}: {name or player}",
        kind="epts",
        whose=Whose(name=name or player, number=shirt or None),
        mode="game" if metadata.match else None,
    )


def _in_metres(channels: dict[str, FloatArray], metadata: Metadata) -> dict[str, FloatArray]:
    """Positions that are all within a unit square are shares of the field."""
    if not {"x_m", "y_m"} <= channels.keys() or metadata.field is None:
        return channels
    largest = max(float(np.nanmax(np.abs(channels[axis]), initial=0.0)) for axis in ("x_m", "y_m"))
    given = next((unit for name, unit in metadata.kinds.values() if key_of(name) in {"x", "positionx"}), "")
    if "norm" in given or (largest <= 2.0 and not given.startswith("m")):
        length, width = metadata.field
        return {**channels, "x_m": channels["x_m"] * length, "y_m": channels["y_m"] * width}
    return channels
