"""One team session out of the archive: who took part, their figures as a whole and by period, and what came before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.catalogue import is_one_rate, is_rate_bound
from athlete_monitor.errors import MonitorError
from athlete_monitor.report.worn import joined, part, worn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from athlete_monitor.archive import AlarmRow, Archive, DeviceSession, Marker, Period, Rating, TeamSession
    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.athletes import Athlete, Roster
    from athlete_monitor.report.worn import Figures, Span, Worn

EARLIER_SESSIONS: Final = 4
"""An athlete is compared with the mean of so many sessions of the same kind before."""
_MOMENT_S: Final = 0.001
_HELD: Final = MappingProxyType({"heart_rate_highest_bpm": max, "heart_rate_lowest_bpm": min})

CURVES: Final = (
    "heart_rate_bpm", "heart_rate_low_bpm", "heart_rate_high_bpm", "strap_heart_rate_bpm", "model_heart_rate_bpm",
    "speed_mps", "trimp", "x_m", "y_m",
)  # fmt: skip


@dataclass(frozen=True)
class Participant:
    """One athlete in one team session.

    Attributes:
        athlete_id: from 1; 0 for a device that nobody is known to wear.
        number: shirt number as text, empty where unknown.
        name: as shown.
        position: as in the roster, empty where unknown.
        devices: the athlete's device sessions in order, with the spans in which they count.
        whole: figures of the whole session by column of the archive, and those of the rating.
        by_period: the same for each period, by its id; a period in which the athlete has no data is missing.
        on_pitch: stints on the pitch, epoch seconds; None where nobody recorded substitutions.
        earlier: summaries of earlier sessions of the same kind, newest first.
        summary: the engine's summary of the longest device session; None while it runs.
        rating: how hard the athlete found the session; None without a rating.
    """

    athlete_id: int
    number: str
    name: str
    position: str
    devices: tuple[Worn, ...]
    whole: Figures
    by_period: Mapping[str, Figures]
    on_pitch: tuple[Span, ...] | None
    earlier: tuple[Mapping[str, Any], ...]
    summary: Mapping[str, Any] | None
    rating: Rating | None = None

    def own_mean(self, key: str) -> float | None:
        """Mean of a figure over the earlier sessions that have it in a comparable form; None without any."""
        known = self.comparable(key)
        return float(np.mean(known)) if known else None

    def comparable(self, key: str) -> list[float]:
        """A figure of the earlier sessions that have it in a comparable form, newest first."""
        return [value for each in self.earlier if (value := self._comparable(each, key)) is not None]

    def before(self, key: str) -> float | None:
        """The figure of the last session of this kind before; None where it is not known or not comparable."""
        return self._comparable(self.earlier[0], key) if self.earlier else None

    def _comparable(self, earlier: Mapping[str, Any], key: str) -> float | None:
        """A figure of an earlier session; None where it depends on the sample rate, and that was another one."""
        value = earlier.get(key)
        if not isinstance(value, int | float) or (is_rate_bound(key) and not self._has_rate_of(earlier)):
            return None
        return float(value)

    def _has_rate_of(self, earlier: Mapping[str, Any]) -> bool:
        return is_one_rate((self.summary or self.whole).get("sample_rate_hz"), earlier.get("sample_rate_hz"))

    @property
    def minutes(self) -> float | None:
        """Minutes on the pitch; without substitutions, of data."""
        if self.on_pitch is None:
            seconds = self.whole.get("duration_s")
            return None if seconds is None else seconds / 60.0
        return sum(end - start for start, end in self.on_pitch) / 60.0


@dataclass(frozen=True)
class SessionData:
    """Everything that a report of one team session is made from."""

    team: TeamSession
    start_t: float
    end_t: float
    periods: tuple[Period, ...]
    markers: tuple[Marker, ...]
    alarms: tuple[AlarmRow, ...]
    participants: tuple[Participant, ...]


def gather(archive: Archive, team_session: str, roster: Roster, athletes: Iterable[int] | None = None) -> SessionData:
    """Read one team session.

    Args:
        archive: the journal.
        team_session: its id.
        roster: names, numbers and positions.
        athletes: only these; None for all.

    Raises:
        MonitorError: there is no such session, or the archive cannot be read.
    """
    team = archive.team_session(team_session)
    if team is None:
        raise MonitorError(f"session {team_session!r}: not in the archive; report.py list shows what is")
    chosen = None if athletes is None else set(athletes)
    by_athlete: dict[int, list[DeviceSession]] = {}
    for session in archive.sessions(team_session=team.id):
        if chosen is None or session.athlete_id in chosen:
            by_athlete.setdefault(session.athlete_id, []).append(session)
    end_t = team.end_t or _end_so_far(archive, team.id)
    data = SessionData(
        team, team.start_t, max(end_t, team.start_t), tuple(archive.periods(team.id)),
        tuple(archive.markers(team.id)), tuple(archive.alarms(team.id)), (),
    )  # fmt: skip
    stints = _stints(archive, team.id, data.end_t)
    ratings = archive.ratings(team.id)
    found = [
        _rated(
            _participant(archive, data, athlete_id, group, roster.by_id(athlete_id), stints), ratings.get(athlete_id)
        )
        for athlete_id, group in by_athlete.items()
    ]
    ordered = tuple(sorted(found, key=lambda each: (_shirt(each.number), each.name)))
    return SessionData(data.team, data.start_t, data.end_t, data.periods, data.markers, data.alarms, ordered)


def _shirt(number: str) -> tuple[int, str]:
    return (int(number), "") if number.isdecimal() else (10**6, number)


def _end_so_far(archive: Archive, team_session: str) -> float:
    """The moment after the last one with data of a session that is still running."""
    last = archive.last_moment(team_session)
    return 0.0 if last is None else last + _MOMENT_S


def _stints(archive: Archive, team_session: str, end_t: float) -> dict[int, list[Span]] | None:
    stints = archive.stints(team_session)
    if not stints:
        return None
    found: dict[int, list[Span]] = {}
    for each in stints:
        if each.state == "on":
            found.setdefault(each.athlete_id, []).append((each.start_t, each.end_t or end_t))
    return found


def _participant(
    archive: Archive,
    data: SessionData,
    athlete_id: int,
    sessions: Sequence[DeviceSession],
    known: Athlete | None,
    stints: Mapping[int, list[Span]] | None,
) -> Participant:
    devices = worn(sessions, data.end_t)
    longest = max((each.session for each in devices), key=lambda each: (each.end_t or data.end_t) - each.start_t)
    number = getattr(known, "number", None)
    group = getattr(known, "group", None)
    periods = {
        period.id: figures
        for period in data.periods
        if period.whose.includes(athlete_id, group)
        and (figures := part(archive, devices, [(period.start_t, period.end_t or data.end_t)])) is not None
    }
    return Participant(
        athlete_id=athlete_id,
        number=str(number if number is not None else athlete_id or ""),
        name=(known.name if known and known.name else longest.name) or f"Device_{longest.device_id}",
        position=getattr(known, "position", None) or "",
        devices=devices,
        whole=_whole(archive, devices, (data.start_t - 1.0, data.end_t + 1.0)),
        by_period=periods,
        on_pitch=None if stints is None else tuple(stints.get(athlete_id, ())),
        earlier=_earlier(archive, athlete_id, data),
        summary=longest.summary,
    )


def _rated(participant: Participant, rating: Rating | None) -> Participant:
    """The participant with a rating and its figures."""
    if rating is None:
        return participant
    return replace(participant, whole={**participant.whole, **rating.figures}, rating=rating)


def _earlier(archive: Archive, athlete_id: int, data: SessionData) -> tuple[Mapping[str, Any], ...]:
    """Summaries of the athlete's last sessions of this kind before, newest first."""
    if not athlete_id:
        return ()
    before = archive.sessions(athlete_id=athlete_id, to_t=data.start_t)
    known = joined(archive, [each for each in before if each.team_session != data.team.id])
    same = [each.summary for each in known if each.summary.get("mode") == data.team.mode]
    return tuple(same[: -EARLIER_SESSIONS - 1 : -1])


def _whole(archive: Archive, devices: Sequence[Worn], span: Span) -> Figures:
    """Figures of the whole session; once it has ended, with the extremes of heart rate of the engine's summary.

    Those are levels that were held for 5 s; by the second a single false reading would be the peak.
    """
    figures = part(archive, devices, [span]) or {}
    for key, largest in _HELD.items():
        known = [None if each.session.summary is None else each.session.summary.get(key) for each in devices]
        values = [float(value) for value in known if value is not None]
        if figures.get(key) is not None and values and all(each.session.summary is not None for each in devices):
            figures[key] = largest(values)
    return figures


def curves(archive: Archive, participant: Participant) -> dict[str, FloatArray]:
    """The athlete's curves by the second, [n] each, with a NaN row between two devices so that no line joins them."""
    parts = [_curves_of(archive, device) for device in participant.devices]
    filled = [each for each in parts if len(each["t"])]
    if not filled:
        return {name: np.empty(0) for name in ("t", *CURVES)}
    return {name: _joined(name, filled) for name in ("t", *CURVES)}


def _curves_of(archive: Archive, device: Worn) -> dict[str, FloatArray]:
    """The curves of a device where it counts."""
    table = archive.seconds(device.session.number, columns=CURVES)
    counts = (table["t"] >= device.start_t) & (table["t"] < device.end_t)
    return {name: values[counts] for name, values in table.items()} if device.is_cut else table


def _joined(name: str, parts: Sequence[Mapping[str, FloatArray]]) -> FloatArray:
    pieces: list[FloatArray] = []
    for index, each in enumerate(parts):
        if index:
            between = (pieces[-1][-1] + each["t"][0]) / 2.0 if name == "t" else np.nan
            pieces.append(np.array([between]))
        pieces.append(each[name])
    return np.concatenate(pieces)
