"""Payloads to samples and back: the only place that knows the JSON keys.

Decoding checks types and physical ranges in one pass of msgspec's typed decoder; what is not valid raises
``PayloadError`` with a reason from a small vocabulary, so that reasons can be counted.
"""

from __future__ import annotations

import math
import re
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

from athlete_monitor.arrays import ACC, CHANNELS, GYRO
from athlete_monitor.channels import TABLE, Channel, factor
from athlete_monitor.errors import PayloadError
from athlete_monitor.wire.sample import NO_PROFILE, NO_TAGS, NOT_MEASURED, Sample, Tags, WireProfile
from athlete_monitor.wire.timestamps import parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

R = TypeVar("R")
AccUnit = Literal["m/s2", "g"]
GyroUnit = Literal["rad/s", "deg/s"]

MAX_PAYLOAD_BYTES: Final = 64 * 1024
_LIST_INDEX: Final = re.compile(r"\[\d+\]")
DEVICE_ID: Final = r"\A[A-Za-z0-9_-]{1,32}\Z"

_Text = Annotated[str, Meta(max_length=64)]
_Index = Annotated[int, Meta(ge=0, le=2**53)]
_Interval = Annotated[float, Meta(ge=100, le=10_000)]
_TAG_FIELDS: Final[list[tuple[str, Any, Any]]] = [
    ("session_phase", _Text | None, None),
    ("intensity_level", _Text | None, None),
    ("mode", Literal["training", "game"] | None, None),
    ("position", _Text | None, None),
    ("playing_style", _Text | None, None),
    ("fitness_level", float | None, None),
    ("fatigue_rate", float | None, None),
]
_PROFILE_FIELDS: Final[list[tuple[str, Any, Any]]] = [
    ("age", Annotated[float, Meta(ge=5, le=100)] | None, None),
    ("weight", Annotated[float, Meta(ge=20, le=250)] | None, None),
    ("height", Annotated[float, Meta(ge=90, le=250)] | None, None),
    ("gender", int | Literal["Male", "Female", "male", "female"] | None, None),
]
_SEXES: Final[dict[Any, Literal["male", "female"] | None]] = {
    1: "male",
    0: "female",
    "Male": "male",
    "Female": "female",
    "male": "male",
    "female": "female",
    None: None,
}

_channels_of: Final = attrgetter(*CHANNELS)
_tags_of: Final = attrgetter(*(name for name, _, _ in _TAG_FIELDS))
_profile_of: Final = attrgetter(*(name for name, _, _ in _PROFILE_FIELDS))
_NO_TAG_VALUES: Final = (None,) * len(_TAG_FIELDS)
_NO_PROFILE_VALUES: Final = (None,) * len(_PROFILE_FIELDS)


def _channel_fields(factors: Mapping[str, float]) -> list[tuple[str, Any, Any]]:
    """Return a field for each channel; ``factors`` are to SI, of the vectors whose unit on the wire is a setting."""
    return [(channel.name, _range_of(channel, factors.get(channel.vector or "", 1.0)), math.nan) for channel in TABLE]


def _range_of(channel: Channel, to_si: float) -> Any:  # noqa: ANN401 - a type made at run time
    low, high = channel.limits
    return Annotated[float, Meta(ge=low / to_si, le=high / to_si)] | None


def _payload_type(factors: Mapping[str, float]) -> type[msgspec.Struct]:
    """Return the type of a whole payload; its ``samples`` are items of the same keys without the device's."""
    moment = [
        ("timestamp", str | float | None, None),
        ("seq", _Index | None, None),
        ("rr_intervals_ms", tuple[_Interval, ...] | None, None),
        *_channel_fields(factors),
        *_TAG_FIELDS,
    ]
    item = msgspec.defstruct("Item", moment, gc=False)
    device = [
        ("device_id", Annotated[str, Meta(pattern=DEVICE_ID)] | None, None),
        ("athlete_id", Annotated[int, Meta(ge=1, le=1_000_000)] | None, None),
        ("event", _Text | None, None),
        ("samples", list[item] | None, None),  # type: ignore[valid-type]
        *_PROFILE_FIELDS,
    ]
    return msgspec.defstruct("Payload", [*moment, *device], gc=False)


class Decoder:
    """Turns payloads into samples in SI units.

    Args:
        acc_unit: unit of ``acc_x/y/z`` on the wire.
        gyro_unit: unit of ``gyro_x/y/z`` on the wire.
    """

    def __init__(self, acc_unit: AccUnit = "m/s2", gyro_unit: GyroUnit = "rad/s") -> None:
        self._factors = (factor("acc_x", acc_unit), factor("gyro_x", gyro_unit))
        acc, gyro = self._factors
        self._json: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_payload_type({"acc": acc, "gyro": gyro}))
        self._is_si = self._factors == (1.0, 1.0)
        self._tags: dict[tuple[Any, ...], Tags] = {_NO_TAG_VALUES: NO_TAGS}
        self._profiles: dict[tuple[Any, ...], WireProfile] = {_NO_PROFILE_VALUES: NO_PROFILE}

    def decode(self, payload: bytes, topic_device: str | None = None) -> list[Sample]:
        """Return the samples of a payload, in the order in which they stand.

        Args:
            payload: JSON as it came.
            topic_device: the device that the topic names; None where it names none.

        Raises:
            PayloadError: the payload is not valid; nothing of it is used.
        """
        message = self._parse(payload)
        device_id = _device(message.device_id, topic_device)
        profile = self._profile(_profile_of(message))
        if message.samples is None:
            return [self._sample(message, device_id, message.athlete_id, profile, message.event == "end", message.seq)]
        if message.event == "end":
            raise PayloadError("an end message holds no samples")
        return self._batch(message, device_id, profile)

    def _parse(self, payload: bytes) -> Any:  # noqa: ANN401 - a type made at run time
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise PayloadError("larger than 64 KiB")
        try:
            return self._json.decode(payload)
        except msgspec.ValidationError as error:
            raise PayloadError(_reason(str(error))) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise PayloadError("not JSON") from None

    def _batch(self, message: Any, device_id: str, profile: WireProfile) -> list[Sample]:  # noqa: ANN401
        shared = self._known_tags(_tags_of(message))
        first = message.seq
        return [
            self._sample(
                item,
                device_id,
                message.athlete_id,
                profile,
                False,  # noqa: FBT003 - a batch never ends a session
                item.seq if item.seq is not None or first is None else first + index,
                shared,
            )
            for index, item in enumerate(message.samples)
        ]

    def _sample(
        self,
        item: Any,  # noqa: ANN401
        device_id: str,
        athlete_id: int | None,
        profile: WireProfile,
        end: bool,  # noqa: FBT001 - private, called in two places
        seq: int | None,
        shared: Tags = NO_TAGS,
    ) -> Sample:
        if item.timestamp is None:
            raise PayloadError("timestamp is missing")
        own = _tags_of(item)
        return Sample(
            device_id,
            parse_timestamp(item.timestamp),
            NOT_MEASURED if end else self._values(_channels_of(item)),
            athlete_id,
            seq,
            profile,
            shared if own == _NO_TAG_VALUES else self._known_tags(own),
            item.rr_intervals_ms or (),
            end,
        )

    def _values(self, values: tuple[float | None, ...]) -> tuple[float, ...]:
        measured = tuple(math.nan if v is None else v for v in values) if None in values else values
        return measured if self._is_si else self._to_si(measured)  # type: ignore[arg-type,return-value]

    def _to_si(self, values: tuple[float, ...]) -> tuple[float, ...]:
        acc, gyro = self._factors
        return (
            *(v * acc for v in values[ACC]),
            *(v * gyro for v in values[GYRO]),
            *values[GYRO.stop :],
        )

    def _known_tags(self, values: tuple[Any, ...]) -> Tags:
        return _remember(self._tags, values, Tags)

    def _profile(self, values: tuple[Any, ...]) -> WireProfile:
        return _remember(self._profiles, values, _make_profile)


_REMEMBERED: Final = 4096


def _remember(known: dict[tuple[Any, ...], R], values: tuple[Any, ...], make: Callable[..., R]) -> R:
    """Return the record of these values; devices repeat theirs with each sample. Bounded: it starts over when full."""
    found = known.get(values)
    if found is None:
        if len(known) >= _REMEMBERED:
            known.clear()
        found = known[values] = make(*values)
    return found


def _make_profile(age: float | None, weight: float | None, height: float | None, gender: object) -> WireProfile:
    if gender not in _SEXES:
        raise PayloadError("gender is not 1, 0, Male or Female")
    return WireProfile(age, weight, height, _SEXES[gender])


def _reason(text: str) -> str:
    """Return msgspec's words without the sender's value or its place in a list: the different reasons stay few."""
    text = _LIST_INDEX.sub("[...]", text)
    if text.startswith("Invalid enum value"):
        return f"not an allowed value -{text.rpartition(' -')[2]}" if " - at " in text else "not an allowed value"
    return text


def _device(named: str | None, topic_device: str | None) -> str:
    if named is None:
        raise PayloadError("device_id is missing")
    if topic_device is not None and named != topic_device:
        raise PayloadError("device_id does not match the topic")
    return named


def encode_sample(sample: Sample) -> bytes:
    """Return the payload of one sample, in SI units; ``Decoder().decode`` gives the sample back."""
    return msgspec.json.encode({**_device_keys(sample), **_moment_keys(sample), **_tag_keys(sample)})


def encode_batch(samples: list[Sample]) -> bytes:
    """Return one payload for several samples of one device.

    Raises:
        PayloadError: there is none, they are of several devices, one ends the session, or the payload is too large.
    """
    if not samples or any(s.end or s.device_id != samples[0].device_id for s in samples):
        raise PayloadError("a batch holds measurements of one device")
    payload = msgspec.json.encode(
        {**_device_keys(samples[0]), "samples": [{**_moment_keys(s), **_tag_keys(s)} for s in samples]}
    )
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise PayloadError("larger than 64 KiB")
    return payload


def _device_keys(sample: Sample) -> dict[str, Any]:
    profile = sample.profile
    keys = {
        "device_id": sample.device_id,
        "athlete_id": sample.athlete_id,
        "age": profile.age_years,
        "weight": profile.weight_kg,
        "height": profile.height_cm,
        "gender": profile.sex.capitalize() if profile.sex else None,
        "event": "end" if sample.end else None,
    }
    return {key: value for key, value in keys.items() if value is not None}


def _moment_keys(sample: Sample) -> dict[str, Any]:
    keys: dict[str, Any] = {"timestamp": sample.t}
    if sample.seq is not None:
        keys["seq"] = sample.seq
    keys.update((name, v) for name, v in zip(CHANNELS, sample.values, strict=True) if not math.isnan(v))
    if sample.rr_intervals_ms:
        keys["rr_intervals_ms"] = sample.rr_intervals_ms
    return keys


def _tag_keys(sample: Sample) -> dict[str, Any]:
    if sample.tags is NO_TAGS:
        return {}
    return {name: value for name, value in msgspec.structs.asdict(sample.tags).items() if value is not None}
