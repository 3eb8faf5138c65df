"""One session as a FIT activity."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.report.export.fit_format import BASES, MESSAGES, Field, file, messages, rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.report.export.activity import Activity, Lap

LARGEST_SERIAL: Final = 2**32 - 1
APPLICATION_ID: Final = b"athlete-monitor\x00"
_ACTIVITY_FILE: Final = 4
_DEVELOPMENT: Final = 255
_TIMER, _LAP, _SESSION, _ACTIVITY = 0, 9, 8, 26
_START, _STOP, _STOP_ALL = 0, 1, 4
_RECORDS: Final = {
    "position_lat": "latitude", "position_long": "longitude", "heart_rate": "heart_rate_bpm", "cadence": "strides",
    "distance": "distance_m", "enhanced_speed": "speed_mps", "enhanced_altitude": "altitude_m",
}  # fmt: skip
"""Fields of a record and the columns of an activity."""
OWN_FIGURES: Final = {
    Field(0, "float32"): ("trimp", ""),
    Field(1, "float32"): ("player_load", ""),
    Field(2, "float32"): ("stress_percent", "%"),
}
PERIOD: Final = Field(3, "string", width=48)
"""The period that a lap is: FIT laps have no name of their own."""


def encode(found: Activity) -> bytes:
    """The bytes of a FIT file; times are whole seconds as the format has them."""
    span = (found.start_t, found.end_t)
    return file([
        _file_id(found.session.number, found.start_t), _developer(), _event(found.start_t, _START),
        _records_and_beats(found), _event(found.end_t, _STOP_ALL), _laps(found), _session(found, span),
        _activity(span),
    ])  # fmt: skip


def _one(kind: str, **values: float | list[int]) -> bytes:
    """One message."""
    return messages(kind, {name: np.asarray([value]) for name, value in values.items()})


def empty() -> bytes:
    """A file without an activity."""
    return file([_file_id(1, time.time())])


def _file_id(number: int, created_t: float) -> bytes:
    return _one(
        "file_id", type=_ACTIVITY_FILE, manufacturer=_DEVELOPMENT, product=1,
        serial_number=max(1, number % LARGEST_SERIAL), time_created=created_t,
    )  # fmt: skip


def _developer() -> bytes:
    """Who describes the developer fields, and their descriptions."""
    described = [*((field, *words) for field, words in OWN_FIGURES.items()), (PERIOD, "period", "")]
    descriptions = messages("field_description", {
        "developer_data_index": np.zeros(len(described)),
        "field_definition_number": [field.number for field, _, _ in described],
        "fit_base_type_id": [BASES[field.base].number for field, _, _ in described],
        "field_name": [name for _, name, _ in described],
        "units": [unit for _, _, unit in described],
    })  # fmt: skip
    return _one("developer_data_id", application_id=list(APPLICATION_ID), developer_data_index=0) + descriptions


def _event(t_s: float, kind: int) -> bytes:
    return _one("event", timestamp=t_s, event=_TIMER, event_type=kind)


def _records_and_beats(found: Activity) -> bytes:
    """One record for each second; after it the beats that came until then, as a watch writes them.

    A beat has no time of its own in the format: readers take it from the record before.
    """
    definition, records = _records(found)
    beat_definition, beats = _beats(found)
    moments = [t_s for t_s, _ in _messages_of_beats(found)]
    places = np.maximum(np.searchsorted(found.seconds["t"], moments, "right") - 1, 0).tolist()
    parts = [definition, beat_definition, *records]
    for place, beat in zip(reversed(places), reversed(beats), strict=True):
        parts.insert(place + 3, beat)
    return b"".join(parts)


def _records(found: Activity) -> tuple[bytes, list[bytes]]:
    """Fields that are unknown all the time are left out."""
    columns = {**found.seconds, "strides": found.seconds["cadence_spm"] / 2}  # strides, as watches write it
    fields = {field: columns[name] for field, name in _RECORDS.items() if _is_known(columns[name])}
    own = {field: columns[name] for field, (name, _) in OWN_FIGURES.items() if _is_known(columns[name])}
    return rows_of("record", {"timestamp": found.seconds["t"], **fields}, own)


def _is_known(values: FloatArray) -> bool:
    return not np.isnan(values).all()


_WIDTH: Final = MESSAGES["hrv"].fields["time"].width
"""So many intervals are a message; unknown ones fill it up."""


def _messages_of_beats(found: Activity) -> list[tuple[float, Sequence[float]]]:
    """The intervals in ms of each message, with the moment when they were known."""
    return [
        (t_s, intervals[first : first + _WIDTH])
        for t_s, intervals in found.rr
        for first in range(0, len(intervals), _WIDTH)
    ]


def _beats(found: Activity) -> tuple[bytes, list[bytes]]:
    wanted = _messages_of_beats(found)
    padded = np.full((len(wanted), _WIDTH), np.nan)
    for row, (_, intervals) in enumerate(wanted):
        padded[row, : len(intervals)] = np.asarray(intervals) / 1000.0
    return rows_of("hrv", {"time": padded}, local=1)


def _totals(found: Activity, spans: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """What laps and sessions have in common, one value for each span."""
    start, end = np.array(spans, dtype=np.float64).T
    heart = [found.inside("heart_rate_bpm", span) for span in spans]
    speed = [found.inside("speed_mps", span) for span in spans]
    return {
        "timestamp": end, "start_time": start, "total_elapsed_time": end - start, "total_timer_time": end - start,
        "event_type": np.full(len(spans), _STOP),
        "total_distance": [found.gained("distance_m", span) for span in spans],
        "total_calories": [found.gained("energy_kcal", span) for span in spans],
        "avg_heart_rate": [float(each.mean()) if len(each) else np.nan for each in heart],
        "max_heart_rate": [float(each.max()) if len(each) else np.nan for each in heart],
        "enhanced_avg_speed": [float(each.mean()) if len(each) else np.nan for each in speed],
        "enhanced_max_speed": [float(each.max()) if len(each) else np.nan for each in speed],
    }  # fmt: skip


def _laps(found: Activity) -> bytes:
    count = len(found.laps)
    columns = {
        "message_index": np.arange(count),
        "event": np.full(count, _LAP),
        "lap_trigger": np.zeros(count),
        **_totals(found, [lap[1:] for lap in found.laps]),
    }
    return messages("lap", columns, _period_names(found.laps))


def _period_names(laps: Sequence[Lap]) -> Mapping[Field, Sequence[str]]:
    return {PERIOD: [name for name, _, _ in laps]} if any(name for name, _, _ in laps) else {}


def _session(found: Activity, span: tuple[float, float]) -> bytes:
    extra = {"message_index": [0], "event": [_SESSION], "sport": [0], "sub_sport": [0], "trigger": [0]}
    laps = {"first_lap_index": [0], "num_laps": [len(found.laps)]}
    return messages("session", {**extra, **_totals(found, [span]), **laps})


def _activity(span: tuple[float, float]) -> bytes:
    offset = datetime.fromtimestamp(span[1]).astimezone().utcoffset()
    return _one(
        "activity", timestamp=span[1], total_timer_time=span[1] - span[0], num_sessions=1, type=0, event=_ACTIVITY,
        event_type=_STOP, local_timestamp=span[1] + (offset.total_seconds() if offset else 0.0),
    )  # fmt: skip
