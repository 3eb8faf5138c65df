"""The season: each athlete's load over weeks, against the own last four weeks, and match against training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.arguments import add_common_arguments, add_players_argument, whole
from athlete_monitor.athletes import Roster
from athlete_monitor.physiology.acceleration_speed import AccelerationSpeed, acceleration_speed, by_second
from athlete_monitor.physiology.chronic import ChronicLoad, chronic_load, daily_loads
from athlete_monitor.report.columns import DISTANCE, LOAD, TOP_SPEED, TRIMP
from athlete_monitor.report.ratings import Ratings
from athlete_monitor.report.saying import counted, in_folder, say, warn, write
from athlete_monitor.report.worn import joined

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping, Sequence

    from athlete_monitor.archive import Archive, DeviceSession, Rating
    from athlete_monitor.config import Config
    from athlete_monitor.report.worn import Joined

SPAN_DAYS: Final = 28
LEAST_SESSIONS: Final = 5
"""A z-score needs so many sessions in the 28 days before, and a trend so many sessions."""
DEFAULT_SPAN_DAYS: Final = 56
BESTS: Final = (TRIMP, DISTANCE, TOP_SPEED, LOAD)


@dataclass(frozen=True)
class PastSession:
    """One finished session of an athlete, as far as the season needs it.

    ``day`` is the ordinal of the local day; ``hr_excess_bpm`` is the mean of strap − model, None without both.
    ``rating`` is how hard the athlete found it, None without a rating.
    """

    start_t: float
    end_t: float
    day: int
    mode: str
    trimp: float | None
    summary: Mapping[str, Any]
    rating: Rating | None = None

    @property
    def srpe_load(self) -> float | None:
        """Session-RPE load; None without a rating or its minutes."""
        return None if self.rating is None else self.rating.srpe_load

    @property
    def hr_excess_bpm(self) -> float | None:
        """Mean difference of strap and model over the session, bpm."""
        error = self.summary.get("model_error")
        return float(error["bias_bpm"]) if isinstance(error, dict) and error.get("bias_bpm") is not None else None


@dataclass(frozen=True)
class AthleteSeason:
    """One athlete's sessions of a span of time, oldest first, and what follows from them."""

    athlete_id: int
    name: str
    sessions: tuple[PastSession, ...]
    load: ChronicLoad
    z_score: float | None
    bests: Mapping[str, tuple[float, int]]
    """By key: the highest value and the ordinal of its day."""
    profile: AccelerationSpeed | None = None
    """Acceleration against speed over the last 28 days of the span."""

    def mean_trimp(self, mode: str) -> float | None:
        """Mean TRIMP of the sessions of a mode; None without any."""
        known = [each.trimp for each in self.sessions if each.mode == mode and each.trimp is not None]
        return float(np.mean(known)) if known else None

    def mean_rpe(self) -> float | None:
        """Mean rating of the sessions that were rated; None without any."""
        known = [each.rating.rpe for each in self.sessions if each.rating is not None]
        return float(np.mean(known)) if known else None

    def mean_srpe_load(self, mode: str) -> float | None:
        """Mean session-RPE load of the rated sessions of a mode; None without any."""
        known = [each.srpe_load for each in self.sessions if each.mode == mode and each.srpe_load is not None]
        return float(np.mean(known)) if known else None

    def daily(self) -> dict[int, float]:
        """TRIMP by day."""
        return _by_day(self.sessions)


def ordinal(t_s: float) -> int:
    """Number of the local day."""
    return datetime.fromtimestamp(t_s).astimezone().date().toordinal()


def seasons(
    archive: Archive, roster: Roster, last: date, days: int, athletes: Iterable[int] | None
) -> list[AthleteSeason]:
    """Every athlete's season up to ``last`` (included), over ``days`` days.

    The load of the four weeks before the span counts for the averages too.
    """
    end = last.toordinal()
    chosen = None if athletes is None else set(athletes)
    by_athlete: dict[int, list[DeviceSession]] = {}
    begin = datetime.fromordinal(end - max(days + SPAN_DAYS, 3 * SPAN_DAYS)).astimezone().timestamp()
    for each in archive.each_session(from_t=begin):
        if each.athlete_id and (chosen is None or each.athlete_id in chosen):
            by_athlete.setdefault(each.athlete_id, []).append(each)
    ratings = Ratings(archive)
    found = [
        _season(joined(archive, group), ratings, roster, end, days, group[-1])
        for _, group in sorted(by_athlete.items())
    ]
    return [
        replace(each, profile=_profile(archive, by_athlete[each.athlete_id], end)) for each in found if each.sessions
    ]


def _profile(archive: Archive, group: Sequence[DeviceSession], end: int) -> AccelerationSpeed | None:
    """Acceleration against speed over the last 28 days up to ``end``, from the archive's seconds."""
    recent = [each for each in group if end - SPAN_DAYS < ordinal(each.start_t) <= end]
    moments = []
    for each in recent:
        table = archive.seconds(each.number, columns=["speed_mps"])
        moments.append(by_second(table["t"], table["speed_mps"]))
    if not moments:
        return None
    speed, acceleration = (np.concatenate(parts) for parts in zip(*moments, strict=True))
    return acceleration_speed(speed, acceleration)


def _season(
    whole: Sequence[Joined], ratings: Ratings, roster: Roster, end: int, days: int, newest: DeviceSession
) -> AthleteSeason:
    """The season of one athlete from the sessions; the newest one has the name of who has left the roster."""
    past = _without_overlap([_past(each, ratings.of(each.team_session, newest.athlete_id)) for each in whole])
    until = [each for each in past if each.day <= end]
    inside = tuple(each for each in until if each.day > end - days)
    known = roster.by_id(newest.athlete_id)
    recent = {day: trimp for day, trimp in _by_day(until).items() if day > end - 3 * SPAN_DAYS}
    return AthleteSeason(
        newest.athlete_id,
        (known.name if known and known.name else newest.name) or f"Athlete {newest.athlete_id}",
        inside,
        chronic_load(daily_loads(recent, end)),
        z_score(until),
        _bests(inside),
    )


def _past(session: Joined, rating: Rating | None) -> PastSession:
    summary = session.summary
    mode = str(summary.get("mode") or "training")
    return PastSession(
        session.start_t, session.end_t, ordinal(session.start_t), mode, session.load_trimp, summary, rating
    )


def _without_overlap(sessions: Sequence[PastSession]) -> list[PastSession]:
    """Of two sessions that overlap in time, from two devices, the one with the larger load."""
    kept: list[PastSession] = []
    for each in sorted(sessions, key=lambda session: session.start_t):
        if kept and each.start_t < kept[-1].end_t:
            kept[-1] = max(kept[-1], each, key=lambda session: session.trimp or -1.0)
        else:
            kept.append(each)
    return kept


def _by_day(sessions: Iterable[PastSession]) -> dict[int, float]:
    found: dict[int, float] = {}
    for each in sessions:
        if each.trimp is not None:
            found[each.day] = found.get(each.day, 0.0) + each.trimp
    return found


def z_score(sessions: Sequence[PastSession]) -> float | None:
    """The last session's TRIMP against the own mean of the 28 days before it, in standard deviations (n − 1).

    None where its load is unknown, with fewer than five sessions before, or where those do not differ.
    """
    if not sessions or sessions[-1].trimp is None:
        return None
    last = sessions[-1]
    before = [each.trimp for each in sessions[:-1] if each.trimp is not None and 0 <= last.day - each.day <= SPAN_DAYS]
    spread = float(np.std(before, ddof=1)) if len(before) >= LEAST_SESSIONS else 0.0
    return (sessions[-1].trimp - float(np.mean(before))) / spread if spread > 0.0 else None


def per_week(points: Sequence[tuple[int, float]]) -> float | None:
    """Change of a value a week, by least squares over (day, value); None below five points or on one day.

    >>> per_week([(0, 4.0), (7, 3.0), (14, 2.0), (21, 1.0), (28, 0.0)])
    -1.0
    """
    days = np.array([float(day) for day, _ in points])
    values = np.array([value for _, value in points])
    if len(points) < LEAST_SESSIONS or not np.ptp(days):
        return None
    apart = days - days.mean()
    return float(7.0 * np.sum(apart * values) / np.sum(apart**2))


def z_mark(value: float | None) -> str:
    """The mark beside a z-score: one sign beyond ±1, two beyond ±2.

    >>> z_mark(2.4), z_mark(-1.1), z_mark(0.3), z_mark(None)
    ('▲▲', '▼', '', '')
    """
    if value is None or abs(value) <= 1.0:
        return ""
    return ("▲" if value > 0 else "▼") * (2 if abs(value) > 2.0 else 1)


def _bests(sessions: Sequence[PastSession]) -> dict[str, tuple[float, int]]:
    found = {}
    for shown in BESTS:
        known = [(value, each.day) for each in sessions if (value := shown.in_summary(each.summary)) is not None]
        if known:
            found[shown.key] = max(known)
    return found


def add_season_arguments(commands: Any) -> None:  # noqa: ANN401 - argparse's own class is private
    """Add the command ``season``."""
    parser = commands.add_parser(
        "season", help="write load over weeks: acute, chronic, monotony, bests, match and training"
    )
    parser.add_argument(
        "--days", type=whole(7, 400), default=DEFAULT_SPAN_DAYS, help="number of days (default: %(default)s)"
    )
    parser.add_argument("--to", dest="end", type=date.fromisoformat, metavar="DATE", help="last day (default: today)")
    parser.add_argument("--format", choices=("pdf", "html"), default="pdf")
    parser.add_argument("--out", type=Path, metavar="FILE", help="file or folder to write to (default: season.pdf)")
    parser.add_argument("--lang", choices=("en", "de"), help="language (default: report.lang)")
    add_players_argument(parser, "only these athletes: 1,2,5-9 or [1,3,7]")
    add_common_arguments(parser)
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace, config: Config, archive: Archive) -> int:
    """Write the season; a span without sessions is one sentence."""
    from athlete_monitor.report.fonts import boxes_in
    from athlete_monitor.report.look import look_of
    from athlete_monitor.report.page import page
    from athlete_monitor.report.pdf import pdf
    from athlete_monitor.report.season_document import season_document

    last = args.end or datetime.now().astimezone().date()
    found = seasons(archive, Roster.load(config.athletes.roster), last, args.days, args.players)
    made = season_document(found, last, args.days, look_of(config, args.lang))
    content = pdf(made, "season.typ") if args.format == "pdf" else page(made, "season.html.j2")
    if args.format == "pdf":
        warn(boxes_in(made))
    path = in_folder(args.out, f"season.{args.format}")
    write(path, content)
    holds = made["empty"] or f"{counted(len(found), 'athlete')}, {len(content) / 1000:.0f} kB"
    say(args, f"{path}: {holds}", file=path)
    return 0
