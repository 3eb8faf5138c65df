"""FIT activities by fit-tool; apart, so that nothing else loads it."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from fit_tool.base_type import BaseType
from fit_tool.developer_field import DeveloperField
from fit_tool.fit_file_builder import FitFileBuilder
from fit_tool.profile.messages.activity_message import ActivityMessage
from fit_tool.profile.messages.developer_data_id_message import DeveloperDataIdMessage
from fit_tool.profile.messages.event_message import EventMessage
from fit_tool.profile.messages.field_description_message import FieldDescriptionMessage
from fit_tool.profile.messages.file_id_message import FileIdMessage
from fit_tool.profile.messages.hrv_message import HrvMessage
from fit_tool.profile.messages.lap_message import LapMessage
from fit_tool.profile.messages.record_message import RecordMessage
from fit_tool.profile.messages.session_message import SessionMessage
from fit_tool.profile.profile_type import Event, EventType, FileType, Manufacturer, Sport

from athlete_monitor.report.export.activities import DEVELOPER_FIELDS, Activity, known

if TYPE_CHECKING:
    from collections.abc import Mapping

BEATS_PER_MESSAGE: Final = 5
LARGEST_SERIAL: Final = 2**32 - 1
LARGEST_CADENCE: Final = 508.0
APPLICATION_ID: Final = b"athlete-monitor\x00"


def encode(found: Activity) -> bytes:
    """The bytes of a FIT file; times are whole seconds as the format has them."""
    builder = FitFileBuilder(auto_define=True, min_string_size=24)
    builder.add_all([_file_id(found), _developer(), *_descriptions(), _event(found.start_t, EventType.START)])
    builder.add_all(_records(found))
    builder.add_all(_beats(found))
    builder.add(_event(found.end_t, EventType.STOP_ALL))
    builder.add_all([_lap(found, index, lap) for index, lap in enumerate(found.laps)])
    builder.add_all([_session(found), _activity(found)])
    content: bytes = builder.build_bytes()
    return content


def _ms(t_s: float) -> int:
    """Unix time in ms, as fit-tool takes it; FIT keeps whole seconds."""
    return round(t_s) * 1000


def _file_id(found: Activity) -> Any:  # noqa: ANN401 - fit-tool has no types
    message = FileIdMessage()
    message.type = FileType.ACTIVITY
    message.manufacturer = Manufacturer.DEVELOPMENT.value
    message.product = 1
    message.serial_number = max(1, found.session.number % LARGEST_SERIAL)
    message.time_created = _ms(found.start_t)
    return message


def _developer() -> Any:  # noqa: ANN401
    message = DeveloperDataIdMessage()
    message.application_id = list(APPLICATION_ID)
    message.developer_data_index = 0
    return message


def _descriptions() -> list[Any]:
    found = []
    for index, (name, unit) in enumerate(DEVELOPER_FIELDS):
        message = FieldDescriptionMessage()
        message.developer_data_index = 0
        message.field_definition_number = index
        message.fit_base_type_id = BaseType.FLOAT32.value
        message.field_name = name
        message.units = unit
        found.append(message)
    return found


def _event(t_s: float, kind: Any) -> Any:  # noqa: ANN401
    message = EventMessage()
    message.event = Event.TIMER
    message.event_type = kind
    message.timestamp = _ms(t_s)
    return message


def _records(found: Activity) -> list[Any]:
    names = list(found.seconds)
    rows = zip(*(found.seconds[name].tolist() for name in names), strict=True)
    return [_record(dict(zip(names, values, strict=True))) for values in rows]


def _record(row: Mapping[str, float]) -> Any:  # noqa: ANN401
    own = [
        (index, name, value)
        for index, (name, _) in enumerate(DEVELOPER_FIELDS)
        if (value := known(row, name)) is not None
    ]
    message = RecordMessage(developer_fields=[_developer_field(*each) for each in own])
    message.timestamp = _ms(row["t"])
    for key, attribute in (
        ("speed_mps", "enhanced_speed"),
        ("distance_m", "distance"),
        ("altitude_m", "enhanced_altitude"),
    ):
        value = known(row, key)
        if value is not None:
            setattr(message, attribute, value)
    heart_rate = known(row, "heart_rate_bpm")
    if heart_rate is not None and 0 < heart_rate < 255:
        message.heart_rate = round(heart_rate)
    steps = known(row, "cadence_spm")
    if steps is not None and 0 <= steps < LARGEST_CADENCE:
        message.cadence = round(steps / 2)  # strides, as watches write it
    latitude, longitude = known(row, "latitude"), known(row, "longitude")
    if latitude is not None and longitude is not None:
        message.position_lat, message.position_long = latitude, longitude
    return message


def _developer_field(index: int, name: str, value: float) -> Any:  # noqa: ANN401
    field = DeveloperField(developer_data_index=0, field_id=index, size=4, name=name, base_type=BaseType.FLOAT32)
    field.set_value(0, value)
    return field


def _beats(found: Activity) -> list[Any]:
    intervals = [interval / 1000.0 for _, each in found.rr for interval in each]
    messages = []
    for begin in range(0, len(intervals), BEATS_PER_MESSAGE):
        message = HrvMessage()
        message.time = intervals[begin : begin + BEATS_PER_MESSAGE]
        messages.append(message)
    return messages


def _totals(message: Any, found: Activity, span: tuple[float, float]) -> Any:  # noqa: ANN401
    """Fill what a lap and a session have in common."""
    message.timestamp, message.start_time = _ms(span[1]), _ms(span[0])
    message.event, message.event_type = Event.LAP, EventType.STOP
    message.total_elapsed_time = message.total_timer_time = span[1] - span[0]
    distance, energy = found.gained("distance_m", span), found.gained("energy_kcal", span)
    if not math.isnan(distance):
        message.total_distance = distance
    if not math.isnan(energy):
        message.total_calories = round(energy)
    heart = found.inside("heart_rate_bpm", span)
    if len(heart):
        message.avg_heart_rate, message.max_heart_rate = round(float(heart.mean())), round(float(heart.max()))
    speed = found.inside("speed_mps", span)
    if len(speed):
        message.enhanced_max_speed = float(speed.max())
    return message


def _lap(found: Activity, index: int, lap: tuple[str, float, float]) -> Any:  # noqa: ANN401
    message = _totals(LapMessage(), found, lap[1:])
    message.message_index = index
    return message


def _session(found: Activity) -> Any:  # noqa: ANN401
    message = _totals(SessionMessage(), found, (found.start_t, found.end_t))
    message.event = Event.SESSION
    message.sport = Sport.GENERIC
    message.first_lap_index, message.num_laps = 0, len(found.laps)
    return message


def _activity(found: Activity) -> Any:  # noqa: ANN401
    message = ActivityMessage()
    message.timestamp = _ms(found.end_t)
    offset = datetime.fromtimestamp(found.end_t).astimezone().utcoffset()
    message.local_timestamp = round(found.end_t + (offset.total_seconds() if offset else 0.0) - 631_065_600)
    message.num_sessions = 1
    message.total_timer_time = found.end_t - found.start_t
    message.event, message.event_type = Event.ACTIVITY, EventType.STOP
    return message
