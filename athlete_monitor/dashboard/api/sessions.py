"""Earlier sessions: their seconds, periods, markers and alarms, from the archive."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Final, Literal

import numpy as np
from fastapi import APIRouter, HTTPException, Path, Query, Request
from starlette.responses import Response

from athlete_monitor.archive import DeviceSession
from athlete_monitor.dashboard.access import Viewer, access_of
from athlete_monitor.dashboard.api.answers import (
    REFUSALS,
    Curves,
    DeviceKey,
    Moment,
    Span,
    hidden_keys,
    requested_curves,
    station_of,
)
from athlete_monitor.dashboard.columns import DECIMALS, PLACES, without_heart
from athlete_monitor.dashboard.curves import MOST_POINTS, as_document, heat, joined, thinned
from athlete_monitor.dashboard.reply import reply
from athlete_monitor.dashboard.station import Station
from athlete_monitor.dashboard.visits import Visit

router = APIRouter(prefix="/api", tags=["sessions"], responses=REFUSALS)
MOST_SESSIONS = 500
PAST_SESSIONS = 4

TeamKey = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.:-]{1,64}$", description="Id of the team's session.")]
Number = Annotated[int, Path(ge=0, le=2**53, description="Number of a device's session.")]
Points = Annotated[int, Query(ge=10, le=MOST_POINTS, description="At most about so many points.")]
ReportKind = Literal["pdf", "html"]
ExportTable = Literal["summaries", "periods", "seconds", "events"]
ExportKind = Literal["csv", "json", "xlsx", "parquet", "influx", "fit", "tcx", "gpx"]
TABLE_KINDS: Final = frozenset({"csv", "json", "xlsx", "parquet", "influx"})
Lang = Annotated[Literal["en", "de"], Query(description="Language of the report.")]
REPORT_TYPES: Final = {"pdf": "application/pdf", "html": "text/html; charset=utf-8"}
Athletes = Annotated[
    str, Query(max_length=2000, pattern=r"^([0-9]{1,7}(,[0-9]{1,7})*)?$", description="Ids; all if empty.")
]


@router.get("/sessions")
def sessions(request: Request, _visit: Viewer, span: Span) -> Response:
    """Return the sessions of the team, newest first."""
    archive = station_of(request).archive
    found = archive.team_sessions(*span)[-MOST_SESSIONS:]
    return reply({"sessions": [asdict(one) for one in reversed(found)]})


@router.get("/sessions/{key}")
def session(request: Request, visit: Viewer, key: TeamKey) -> Response:
    """Return a session of the team with its periods, markers, stints on the pitch, alarms, ratings and devices."""
    archive = station_of(request).archive
    found = archive.team_session(key)
    if found is None:
        raise HTTPException(404, "there is no such session")
    sees = access_of(request).sees_heart_rate(visit)
    return reply(
        {
            "session": asdict(found),
            "periods": [asdict(one) for one in archive.periods(key)],
            "markers": [asdict(one) for one in archive.markers(key)],
            "stints": [asdict(one) for one in archive.stints(key)],
            "alarms": [asdict(one) for one in archive.alarms(key)] if sees else [],
            "ratings": _ratings(request, key),
            "devices": [_described(one, sees=sees) for one in _shown(request, archive.sessions(team_session=key))],
        }
    )


@router.get("/sessions/{key}/figures")
def figures(request: Request, visit: Viewer, key: TeamKey, span: Span) -> Response:
    """Return the figures of a part of a session (or of all of it), by device session."""
    archive = station_of(request).archive
    if archive.team_session(key) is None:
        raise HTTPException(404, "there is no such session")
    from_t, to_t = span
    found = _shown(request, archive.sessions(team_session=key))
    limits = (0.0 if from_t is None else from_t, 9e12 if to_t is None else to_t)
    parts = archive.parts([one.number for one in found], [limits])
    hidden = hidden_keys(request, visit)
    return reply(
        {
            str(number): {name: one for name, one in part.items() if _key(name) not in hidden}
            for number, part in parts.items()
        }
    )


@router.get("/sessions/{key}/heat")
def heat_of_session(request: Request, _visit: Viewer, key: TeamKey, span: Span, athletes: Athletes = "") -> Response:
    """Return the seconds spent in each cell of the pitch, added up over the chosen athletes."""
    station = station_of(request)
    if station.archive.team_session(key) is None:
        raise HTTPException(404, "there is no such session")
    chosen = {int(one) for one in athletes.split(",") if one}
    found = [
        one
        for one in _shown(request, station.archive.sessions(team_session=key))
        if not chosen or one.athlete_id in chosen
    ]
    tracks = [station.archive.seconds(one.number, *span, ["x_m", "y_m"]) for one in found]
    pitch = station.config.dashboard.pitch
    x_m, y_m = (np.concatenate([track[name] for track in tracks] or [np.empty(0)]) for name in ("x_m", "y_m"))
    return reply(
        heat(x_m, y_m, (pitch.length_m, pitch.width_m)) | {"length_m": pitch.length_m, "width_m": pitch.width_m}
    )


@router.get("/device-sessions/{number}/seconds")
def seconds(
    request: Request, visit: Viewer, number: Number, columns: Curves, span: Span, points: Points = 1500
) -> Response:
    """Return curves of one device's session."""
    keys = requested_curves(request, visit, columns)
    archived = station_of(request).archive.seconds(number, *span, keys)
    table = np.vstack([archived["t"], *(archived[key] for key in keys)])
    return reply(as_document(thinned(table, points), keys, [DECIMALS[key] for key in keys]))


@router.get("/athletes/{key}/seconds")
def seconds_now(
    request: Request, visit: Viewer, key: DeviceKey, columns: Curves, from_t: Moment = None, points: Points = 1500
) -> Response:
    """Return curves of a running session up to this second: from the archive, and from memory what is newer."""
    station = station_of(request)
    keys = requested_curves(request, visit, columns)
    one = station.live.devices.get(key)
    if one is None:
        raise HTTPException(404, "this device has not sent anything since the screen's server started")
    number = _running(station, key, one.athlete_id)
    empty = dict.fromkeys(["t", *keys], np.empty(0))
    archived = empty if number is None else station.archive.seconds(number, from_t, None, keys)
    t, values = one.track.since(0, [PLACES[name] for name in keys])
    table = joined(archived, (t, values), keys)
    table = table[:, table[0] >= (0.0 if from_t is None else from_t)]
    document = as_document(thinned(table, points), keys, [DECIMALS[name] for name in keys])
    return reply(document | {"session": number})


@router.get("/athletes/{key}/past")
def past(request: Request, visit: Viewer, key: DeviceKey) -> Response:
    """Return the summaries of the last four sessions of whoever wears the device."""
    station = station_of(request)
    one = station.live.devices.get(key)
    athlete_id = one.athlete_id if one else 0
    if not athlete_id or athlete_id in station.live.hidden:
        return reply({"sessions": []})
    ended = [found for found in station.archive.sessions(athlete_id=athlete_id) if found.summary is not None]
    sees = access_of(request).sees_heart_rate(visit)
    return reply({"sessions": [_described(found, sees=sees) for found in ended[-PAST_SESSIONS:]]})


def _running(station: Station, device_id: str, athlete_id: int) -> int | None:
    found = station.archive.sessions(athlete_id=athlete_id)
    mine = [one for one in found if one.device_id == device_id]
    return mine[-1].number if mine and mine[-1].end_t is None else None


def _shown(request: Request, found: list[DeviceSession]) -> list[DeviceSession]:
    hidden = station_of(request).live.hidden
    return [one for one in found if one.athlete_id not in hidden]


def _described(one: DeviceSession, *, sees: bool) -> dict[str, Any]:
    told = asdict(one)
    if not sees:
        told["load_trimp"] = None
        told["summary"] = without_heart(one.summary or {})
    return told


def _ratings(request: Request, key: str) -> list[dict[str, Any]]:
    """Return the latest session RPE of each athlete; one that was taken back is left out."""
    station = station_of(request)
    return [
        {**asdict(one), "srpe_load": one.srpe_load}
        for who, one in station.archive.ratings(key).items()
        if who not in station.live.hidden
    ]


def _key(column: str) -> str:
    """Return the figure that a column of the archive belongs to."""
    return column.partition("__")[0].removesuffix("_per_min")


@router.get("/sessions/{key}/report", response_class=Response)
def report(
    request: Request, visit: Viewer, key: TeamKey, kind: Annotated[ReportKind, Query()] = "pdf", lang: Lang = "en"
) -> Response:
    """Return the report of a session; it shows heart-rate figures, so it needs the right to see them."""
    people = _reported(request, visit, key)
    options = ("session", key, "--format", kind, "--lang", lang, *people)
    made = station_of(request).programs.made_file("report.py", options, f"report.{kind}")
    return _download(made, REPORT_TYPES[kind], f"report-{key}.{kind}")


@router.get("/sessions/{key}/export", response_class=Response)
def export(
    request: Request,
    visit: Viewer,
    key: TeamKey,
    what: Annotated[ExportTable, Query(description="Which table; not used by fit, tcx and gpx.")] = "summaries",
    kind: Annotated[ExportKind, Query(description="Format; fit, tcx and gpx are one file for each athlete.")] = "csv",
) -> Response:
    """Return tables or activity files of a session as a ZIP archive; needs the right to see heart-rate figures."""
    people = _reported(request, visit, key)
    table = ("--what", what) if kind in TABLE_KINDS else ()
    options = ("export", f"--session={key}", *table, "--format", kind, *people)
    made = station_of(request).programs.made_files("report.py", options)
    return _download(made, "application/zip", f"{what if kind in TABLE_KINDS else 'activities'}-{kind}-{key}.zip")


def _reported(request: Request, visit: Visit, key: str) -> tuple[str, ...]:
    """Check that this visit may have all figures of a session; return the options that name its athletes."""
    station = station_of(request)
    if not access_of(request).sees_heart_rate(visit):
        raise HTTPException(403, "reports and exports show heart-rate figures")
    if station.archive.team_session(key) is None:
        raise HTTPException(404, "there is no such session")
    if not station.live.hidden:
        return ()
    known = {one.athlete_id for one in _shown(request, station.archive.sessions(team_session=key))} - {0}
    if not known:
        raise HTTPException(404, "this session holds no athlete who may be shown")
    return ("--players", ",".join(map(str, sorted(known))))


def _download(content: bytes, media_type: str, name: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name.replace(":", "-")}"'}
    return Response(content, media_type=media_type, headers=headers)
