"""Which device of an athlete counts when, and what several device sessions of one match or training add up to.

An athlete may have several device sessions in one team session: a device that was changed, a second one that was worn
beside it, or an athlete who left and came back. No moment counts twice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.archive.columns import column
from athlete_monitor.catalogue import FIGURES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from athlete_monitor.archive import Archive, DeviceSession

Figures = dict[str, float | None]
Span = tuple[float, float]


@dataclass(frozen=True)
class Worn:
    """A device session, and the span of time in which it counts; infinite where nothing is cut off."""

    session: DeviceSession
    start_t: float = -math.inf
    end_t: float = math.inf

    @property
    def is_cut(self) -> bool:
        """Whether a part of the session does not count."""
        return self.start_t != -math.inf or self.end_t != math.inf

    def inside(self, spans: Iterable[Span]) -> list[Span]:
        """The parts of spans in which the session counts."""
        clipped = [(max(start, self.start_t), min(end, self.end_t)) for start, end in spans]
        return [(start, end) for start, end in clipped if start < end]


def worn(sessions: Sequence[DeviceSession], end_t: float) -> tuple[Worn, ...]:
    """The device sessions of one athlete in order: of two that overlap, the longer one counts in the overlap.

    Args:
        sessions: of one athlete.
        end_t: the end of those that still run.
    """
    kept: list[Worn] = []
    taken: list[Span] = []
    for session in sorted(sessions, key=lambda each: each.start_t - (each.end_t or end_t)):
        own = session.start_t, session.end_t or end_t
        left = _uncovered(own, taken)
        if left is not None:
            kept.append(Worn(session, *left))
            taken.append(own)
    return tuple(sorted(kept, key=lambda each: each.session.start_t))


def _uncovered(own: Span, taken: Iterable[Span]) -> Span | None:
    """The part of a span that longer ones leave, infinite where they leave it whole; None for nothing.

    >>> _uncovered((0.0, 10.0), [(20.0, 40.0)]), _uncovered((0.0, 10.0), [(8.0, 40.0)])
    ((-inf, inf), (-inf, 8.0))
    >>> _uncovered((0.0, 10.0), [(-5.0, 12.0)]) is None
    True
    """
    start, end = -math.inf, math.inf
    for first, last in taken:
        if first <= own[0] < last:
            start = max(start, last)
        elif own[0] < first < own[1]:
            end = min(end, first)
    return (start, end) if max(start, own[0]) < min(end, own[1]) or start < own[0] == own[1] else None


def part(archive: Archive, devices: Iterable[Worn], spans: Sequence[Span]) -> Figures | None:
    """Figures of a part of an athlete's session that may lie on several devices; None where no data lie in it."""
    found = (
        archive.part(each.session.number, inside) if (inside := each.inside(spans)) else Figures() for each in devices
    )
    parts = [each for each in found if each.get("duration_s")]
    if len(parts) <= 1:
        return parts[0] if parts else None
    return combined(parts)


def combined(parts: Sequence[Figures]) -> Figures:
    """Figures of parts that follow each other as those of one part: sums, extremes, and means over time.

    >>> combined([{"duration_s": 60.0, "distance_m": 100.0}, {"duration_s": 30.0, "distance_m": 20.0}])
    {'duration_s': 90.0, 'distance_m': 120.0}
    """
    keys = dict.fromkeys(key for each in parts for key in each)
    return {key: _combine(key, parts) for key in keys}


def _combine(key: str, parts: Sequence[Figures]) -> float | None:
    known = [(value, each.get("duration_s") or 0.0) for each in parts if (value := each.get(key)) is not None]
    if not known:
        return None
    values = [value for value, _ in known]
    how = "count" if key == "duration_s" else column(key).how
    if how in {"difference", "count"}:
        return sum(values)
    if how in {"highest", "maximum"}:
        return max(values)
    if how in {"lowest", "minimum"}:
        return min(values)
    if how == "mean" or key.endswith("_per_min"):
        weight = sum(duration for _, duration in known)
        return sum(value * duration for value, duration in known) / weight if weight else None
    return values[-1]


@dataclass(frozen=True)
class Joined:
    """An athlete's finished device sessions of one match or training as one.

    ``load_trimp`` is None where no load is known; ``summary`` has the catalogue's figures of all, other facts of the
    longest. ``team_session`` is the match or training that they belong to.
    """

    start_t: float
    end_t: float
    load_trimp: float | None
    summary: Mapping[str, Any]
    team_session: str | None = None


_ADDED: Final = frozenset({"difference", "count", "highest", "maximum", "lowest", "minimum", "mean"})


def joined(archive: Archive, sessions: Sequence[DeviceSession]) -> list[Joined]:
    """The finished device sessions of one athlete, those of one team session as one, oldest first."""
    groups: dict[object, list[DeviceSession]] = {}
    for each in sessions:
        if each.summary is not None and each.end_t is not None:
            groups.setdefault(each.team_session or each.number, []).append(each)
    return sorted((_join(archive, group) for group in groups.values()), key=lambda each: each.start_t)


def _join(archive: Archive, group: Sequence[DeviceSession]) -> Joined:
    devices = worn(group, 0.0)
    start_t, end_t = devices[0].session.start_t, max(each.session.end_t or 0.0 for each in devices)
    if len(devices) == 1:
        only = devices[0].session
        return Joined(start_t, end_t, only.load_trimp, only.summary or {}, only.team_session)
    parts = [_figures(archive, each) for each in devices]
    longest = max(devices, key=lambda each: (each.session.end_t or 0.0) - each.session.start_t).session
    known = [load for each, own in zip(devices, parts, strict=True) if (load := _load(each, own)) is not None]
    figures = {key: value for key, value in combined(parts).items() if key != "duration_s"}
    return Joined(
        start_t, end_t, sum(known) if known else None, {**(longest.summary or {}), **figures}, longest.team_session
    )


def _load(device: Worn, figures: Figures) -> float | None:
    """The load of a device session, or of what counts of it."""
    known = device.session.load_trimp
    return figures.get("trimp") if device.is_cut and known is not None else known


def _figures(archive: Archive, device: Worn) -> Figures:
    """The numbers of a summary that can be added up; of a session that is cut, its sums are those of what counts."""
    session, summary = device.session, device.session.summary or {}
    found: Figures = {
        key: float(value)
        for key, value in summary.items()
        if key in FIGURES and type(value) in {int, float} and column(key).how in _ADDED
    }
    duration_s = min(device.end_t, session.end_t or 0.0) - max(device.start_t, session.start_t)
    if device.is_cut:
        counts = archive.part(session.number, device.inside([(session.start_t - 1.0, (session.end_t or 0.0) + 1.0)]))
        found |= {key: counts[key] for key in found if key in counts and column(key).how in {"difference", "count"}}
    return {**found, "duration_s": duration_s}
