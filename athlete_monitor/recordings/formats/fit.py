"""FIT: the files of Garmin, Coros, Wahoo, Suunto, Polar and other watches and bicycle computers.

These messages are read: ``record`` (enhanced fields first, compressed speed and distance, developer fields for heart
rate, cadence and speed), ``hrv`` (beat intervals), ``hr`` (the memory of a strap, which is preferred to what the watch
received), ``lap``, ``event`` (pauses), ``session`` (one recording each, and the device's own totals), ``activity`` (the
local time) and ``user_profile``. On foot, cadence counts strides and is doubled; that of bicycles is left out.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.dates import EARLIEST
from athlete_monitor.recordings.fit_beats import beats_by_row, hrv_beats, remembered, strap_memory
from athlete_monitor.recordings.fit_messages import EPOCH_S, FitFile, Messages, is_fit, read_fit, with_developer_types
from athlete_monitor.recordings.format import Format, Options
from athlete_monitor.recordings.imported import Imported, Whose
from athlete_monitor.recordings.plural import plural
from athlete_monitor.recordings.source import NotARecording, Source
from athlete_monitor.recordings.vocabulary import key_of
from athlete_monitor.wire.sample import NO_PROFILE, Tags, WireProfile

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray, IntArray

FILE_ID, USER, SPORT, SESSION, LAP, RECORD, EVENT, ACTIVITY, FIELD = 0, 3, 12, 18, 19, 20, 21, 34, 206
_SEMICIRCLE: Final = 2**31 / 180
_ON_FOOT: Final = frozenset(
    {
        *(0, 1, 4, 254),  # generic, running, fitness equipment (a treadmill), all
        *(6, 7, 8, 9, 49, 64, 70, 71, 72, 73, 74, 75),  # basketball, soccer, tennis, American football, baseball,
        # racket sports, team sports, cricket, rugby, hockey, lacrosse, volleyball
        *(
            10,
            11,
            16,
            17,
            25,
            35,
            45,
            69,
            87,
        ),  # training, walking, mountaineering, hiking, golf, snowshoeing, tactical,
        # disc golf, geocaching
        *(47, 62, 68, 80, 83, 86),  # boxing, intervals, para sport, martial arts, dance, mobility
    }
)
"""Sports of the FIT profile whose cadence counts strides: not cycling, swimming, rowing, skipping and the like."""
_ROWING_MACHINE: Final = 14
"""A sub-sport of fitness equipment."""
_POOL: Final = 17
"""A sub-sport of swimming, whose rows are the ends of lengths."""
_FILE_TYPES: Final = {
    1: "device settings",
    2: "settings",
    3: "sports",
    5: "a workout",
    6: "a course",
    7: "schedules",
    9: "weight",
    10: "totals",
    11: "goals",
    14: "blood pressure",
    15: "monitoring",
    20: "an activity summary",
    28: "monitoring",
    32: "monitoring",
    34: "segments",
    35: "segments",
}
_ACTIVITY: Final = 4
_COURSE: Final = 6
_STOPS: Final = frozenset({1, 4, 8, 9})
_STARTS: Final = frozenset({0})
_QUARTER_S: Final = 900
_LONGEST_OFFSET_S: Final = 14 * 3600
_NAMES: Final = {
    "heartrate": "heart_rate_bpm",
    "hr": "heart_rate_bpm",
    "cadence": "cadence_spm",
    "speed": "speed_mps",
    "distance": "distance_m",
}
_NATIVE: Final = {3: "heart_rate_bpm", 4: "cadence_spm", 6: "speed_mps", 73: "speed_mps", 5: "distance_m"}


def recognise(source: Source) -> bool:
    """Whether the file begins as FIT files do."""
    return is_fit(source.head)


def read(source: Source, options: Options) -> list[Imported]:
    """Read the activities in a FIT file.

    Raises:
        RecordingError: there is none, or none is readable.
    """
    file = read_fit(source.read(), str(source))
    records = file.of(RECORD)
    if not len(records) or _is_course(file, records):
        raise NotARecording(f"{source}: holds {_what(file)}, not a recording")
    described = _developer_fields(file)
    whole = _recording(
        source, with_developer_types(file, {place: base for place, (_, base) in described.items()}), records, described
    )
    parts = _sessions(_dated(whole, source, options), file)
    return [_labelled(part, source, len(parts)) for part in parts]


FORMAT: Final = Format("fit", "FIT (Garmin, Coros, Wahoo, Suunto, Polar)", recognise, read, suffixes=(".fit",))


def _what(file: FitFile) -> str:
    kinds = file.of(FILE_ID).number(0)
    kind = int(kinds[0]) if len(kinds) and not np.isnan(kinds[0]) else -1
    return _FILE_TYPES.get(kind, "only the totals of an activity" if kind == _ACTIVITY else "other messages")


def _is_course(file: FitFile, records: Messages) -> bool:
    """Whether the points are those of a course, with times that were planned: nobody's heart rate is among them."""
    kinds = file.of(FILE_ID).number(0)
    return len(kinds) > 0 and kinds[0] == _COURSE and bool(np.isnan(records.number(3)).all())


def _dated(whole: Imported, source: Source, options: Options) -> Imported:
    """Times of a device whose clock was never set count from when it was switched on."""
    known = whole.t[~np.isnan(whole.t)]
    if not len(known) or known.max() >= EARLIEST:
        return whole
    if options.start_t is None:
        raise RecordingError(f"{source}: the device's clock was not set; give --start 'YYYY-MM-DD HH:MM:SS'")
    return dataclasses.replace(whole, t=whole.t - known[0] + options.start_t).noted("the device's clock was not set")


def _labelled(part: Imported, source: Source, count: int) -> Imported:
    return dataclasses.replace(part, label=f"{source} ({part.label})" if count > 1 else str(source))


def _recording(
    source: Source, file: FitFile, records: Messages, described: dict[tuple[int, int], tuple[str, int]]
) -> Imported:
    channels = _channels(records) | _developed(records, described, file)
    rr = hrv_beats(file, records)
    notes = list(file.notes)
    t = records.timestamp
    memory_t, memory_bpm, memory_rr = strap_memory(file)
    if len(memory_t):
        notes.append(
            f"the strap's memory holds {plural(len(memory_t), 'beat', 'beats')}: they replace the watch's readings"
        )
        channels["heart_rate_bpm"] = remembered(t, channels.get("heart_rate_bpm"), memory_t, memory_bpm)
        rr = rr or beats_by_row(t, memory_t, memory_rr)
    name = next((text for text in file.of(USER).text(0) if text), None)
    serial = file.of(FILE_ID).number(3)
    device = f"{serial[0]:.0f}" if len(serial) and not np.isnan(serial[0]) else None
    recording = Imported(
        source.path,
        t,
        {key: column for key, column in channels.items() if not np.isnan(column).all()},
        rr,
        _profile(file),
        tuple(notes),
        kind="fit",
        whose=Whose(name=name, device=device),
        offset_s=_offset(file),
    )
    return _lapped(_without_pauses(recording, file), file)


def _channels(records: Messages) -> dict[str, FloatArray]:
    cadence = records.number(4)
    speed, distance = records.number(73, 6, scale=1000.0), records.number(5, scale=100.0)
    if np.isnan(speed).all() or np.isnan(distance).all():
        squeezed_speed, squeezed_distance = _compressed(records)
        speed = np.where(np.isnan(speed), squeezed_speed, speed)
        distance = np.where(np.isnan(distance), squeezed_distance, distance)
    return {
        "heart_rate_bpm": records.number(3),
        "speed_mps": speed,
        "distance_m": distance,
        "altitude_m": records.number(78, 2, scale=5.0, offset=500.0),
        "cadence_spm": (cadence + np.nan_to_num(records.number(53, scale=128.0))) * 2,
        "latitude": records.number(0, scale=_SEMICIRCLE),
        "longitude": records.number(1, scale=_SEMICIRCLE),
        "horizontal_accuracy_m": records.number(31),
    }


def _compressed(records: Messages) -> tuple[FloatArray, FloatArray]:
    """Read the three bytes that hold speed and distance in old files: 12 bits each, the distance is cumulative."""
    speed, steps = np.full(len(records), np.nan), np.full(len(records), np.nan)
    for row, raw in enumerate(records.raw(8)):
        if len(raw) == 3 and raw.tolist() != [255, 255, 255]:
            low, middle, high = raw.tolist()
            speed[row] = (low | (middle & 0x0F) << 8) / 100
            steps[row] = middle >> 4 | high << 4
    known = np.flatnonzero(~np.isnan(steps))
    distance = np.full(len(records), np.nan)
    if len(known):
        distance[known] = np.concatenate([[0.0], np.cumsum(np.diff(steps[known]) % 4096)]) / 16
    return speed, distance


def _developer_fields(file: FitFile) -> dict[tuple[int, int], tuple[str, int]]:
    """Return the channel and base type of each developer field, by its developer and number."""
    described = file.of(FIELD)
    numbers = zip(
        described.number(0),
        described.number(1),
        described.number(2),
        described.number(14),
        described.number(15),
        strict=True,
    )
    found = {}
    for (index, number, base, message, native), name in zip(numbers, described.text(3), strict=True):
        if np.isnan([index, number, base]).any():
            continue
        channel = (
            _NATIVE.get(int(native), "") if message == RECORD and not np.isnan(native) else _NAMES.get(key_of(name), "")
        )
        found[int(index), int(number)] = (channel, int(base))
    return found


def _developed(
    records: Messages, described: dict[tuple[int, int], tuple[str, int]], file: FitFile
) -> dict[str, FloatArray]:
    """Return channels from developer fields, if the record itself has none."""
    own = _channels(records)
    found: dict[str, FloatArray] = {}
    for (index, number), (channel, _) in described.items():
        if channel and channel not in found and np.isnan(own[channel]).all():
            column = records.developer(index, number)
            if not np.isnan(column).all():
                found[channel] = column * (
                    2.0 if channel == "cadence_spm" and _usual(column) < 115 and _sport(file) in _ON_FOOT else 1.0
                )
    return found


def _usual(column: FloatArray) -> float:
    moving = column[column > 0]
    return float(np.median(moving)) if len(moving) else 0.0


def _sport(file: FitFile) -> int:
    for kind, number in ((SESSION, 5), (SPORT, 0), (LAP, 25)):
        index = file.of(kind).number(number)
        if len(index) and not np.isnan(index[0]):
            return int(index[0])
    return 0


# ---------------------------------------------------------------------------------------- pauses, laps and sessions


def _without_pauses(recording: Imported, file: FitFile) -> Imported:
    """Leave out rows that were recorded while the timer was stopped."""
    events = file.of(EVENT)
    timer = events.number(0) == 0
    kinds, times = events.number(1)[timer], events.timestamp[timer]
    spans, stopped = [], None
    for kind, at in zip(kinds.tolist(), times.tolist(), strict=True):
        if kind in _STOPS and stopped is None:
            stopped = at
        elif kind in _STARTS and stopped is not None:
            spans.append((stopped, at))
            stopped = None
    inside = np.zeros(len(recording.t), dtype=np.bool_)
    for start, end in spans:
        inside |= (recording.t > start) & (recording.t < end)
    paused = sum(end - start for start, end in spans if end > start)
    note = f"{plural(len(spans), 'pause', 'pauses')} of {paused:,.0f} s together" if paused > 0 else ""
    if not inside.any():
        return recording.noted(note)
    note += f"; {plural(int(inside.sum()), 'row', 'rows')} recorded meanwhile left out"
    return recording.rows(np.flatnonzero(~inside)).noted(note)


def _lapped(recording: Imported, file: FitFile) -> Imported:
    """Name the laps as phases, if there is more than one."""
    starts = np.sort(_stamps(file.of(LAP).number(2)))
    if len(starts) < 2:
        return recording
    index = np.maximum(np.searchsorted(starts, recording.t, "right") - 1, 0)
    tags = tuple(Tags(session_phase=f"lap {number}") for number in range(1, len(starts) + 1))
    return dataclasses.replace(recording, tags=tags, tag_index=index)


def _stamps(fit_seconds: FloatArray) -> FloatArray:
    return fit_seconds[~np.isnan(fit_seconds)] + EPOCH_S


def _sessions(whole: Imported, file: FitFile) -> list[Imported]:
    """Return one recording for each session message, with its totals; files without one are one recording."""
    sessions = file.of(SESSION)
    starts = sessions.number(2) + EPOCH_S
    known = np.flatnonzero(~np.isnan(starts))
    kinds = sessions.number(6)
    if len(known) < 2:
        only = int(known[0]) if len(known) else 0
        totalled = dataclasses.replace(whole, totals=_totals(sessions, only))
        kind = kinds[only] if len(kinds) else np.nan
        begun = _from_the_wall(totalled, starts[only], 0.0) if kind == _POOL else totalled
        return [_of_sport(begun, _sport(file), kind)]
    order = known[np.argsort(starts[known], kind="stable")]
    owner = np.maximum(np.searchsorted(starts[order], whole.t, "right") - 1, 0)
    sports = sessions.number(5)
    parts = []
    for place, session in enumerate(order.tolist()):
        rows = np.flatnonzero(owner == place)
        if len(rows):
            part = dataclasses.replace(
                _own_rows(whole, rows), totals=_totals(sessions, session), label=f"session {place + 1}"
            )
            sport = 0 if np.isnan(sports[session]) else int(sports[session])
            if kinds[session] == _POOL:
                part = _from_the_wall(part, starts[session], _distance_before(whole, int(rows[0])))
            parts.append(_of_sport(part, sport, kinds[session]))
    return parts


def _distance_before(whole: Imported, row: int) -> float:
    """Return what the odometer has shown before a row, m; 0 if it begins again at zero."""
    distance = whole.channels.get("distance_m", np.full(len(whole.t), np.nan))
    before = distance[:row][~np.isnan(distance[:row])]
    return float(before[-1]) if len(before) and before[-1] <= distance[row] else 0.0


def _from_the_wall(swim: Imported, start: float, distance_m: float) -> Imported:
    """Return a pool swim with a row at its start: the first row of the file is the end of the first length."""
    if "distance_m" not in swim.channels or not start < swim.t[0]:
        return swim
    first = {"distance_m": distance_m}
    return dataclasses.replace(
        swim,
        t=np.concatenate([[start], swim.t]),
        channels={name: np.concatenate([[first.get(name, np.nan)], swim.channels[name]]) for name in swim.channels},
        rr={row + 1: beats for row, beats in swim.rr.items()},
        tag_index=None if swim.tag_index is None else np.concatenate([swim.tag_index[:1], swim.tag_index]),
    )


def _own_rows(whole: Imported, rows: IntArray) -> Imported:
    kept = set(rows.tolist())
    return dataclasses.replace(whole, rr={row: beats for row, beats in whole.rr.items() if row in kept}).rows(rows)


def _is_on_foot(sport: int, kind: float) -> bool:
    return sport in _ON_FOOT and kind != _ROWING_MACHINE


def _of_sport(recording: Imported, sport: int, kind: float) -> Imported:
    if _is_on_foot(sport, kind) or "cadence_spm" not in recording.channels:
        return recording
    return recording.with_channels({"cadence_spm": None}, "the cadence does not count steps and is left out")


def _totals(sessions: Messages, row: int) -> dict[str, float]:
    if not len(sessions):
        return {}
    totals = {
        "duration_s": sessions.number(7, scale=1000.0)[row],
        "timer_s": sessions.number(8, scale=1000.0)[row],
        "distance_m": sessions.number(9, scale=100.0)[row],
        "heart_rate_mean_bpm": sessions.number(16)[row],
        "heart_rate_max_bpm": sessions.number(17)[row],
        "speed_max_mps": sessions.number(125, 15, scale=1000.0)[row],
    }
    return {name: float(value) for name, value in totals.items() if not np.isnan(value)}


def _offset(file: FitFile) -> int | None:
    activities = file.of(ACTIVITY)
    local = activities.number(5)
    if not len(local) or np.isnan(local[-1]) or np.isnan(activities.timestamp[-1]):
        return None
    offset = local[-1] + EPOCH_S - activities.timestamp[-1]
    return round(offset / _QUARTER_S) * _QUARTER_S if abs(offset) <= _LONGEST_OFFSET_S else None


def _profile(file: FitFile) -> WireProfile:
    users = file.of(USER)
    if not len(users):
        return NO_PROFILE
    values = [float(users.number(number, scale=scale)[0]) for number, scale in ((2, 1.0), (4, 10.0), (3, 1.0))]
    age, weight, height = (value if value == value and value > 0 else None for value in values)  # noqa: PLR0124 - not NaN
    sex = users.number(1)[0]
    return WireProfile(age, weight, height, "male" if sex == 1 else "female" if sex == 0 else None)
