"""Conversion between payloads and samples: the only place that knows the JSON keys.

Decoding checks types and physical ranges in one pass of msgspec's typed decoder; an invalid payload raises
``PayloadError`` with a reason from a small vocabulary, so that reasons can be counted.

>>> [sample] = Decoder().decode(b'{"device_id": "007", "timestamp": 1767261600.5, "heart_rate": 121}')
>>> sample.device_id, sample.t, sample.values[CHANNEL_INDEX["heart_rate_bpm"]]
('007', 1767261600.5, 121.0)
"""

from __future__ import annotations

import codecs
import difflib
import math
import struct
from contextlib import suppress
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

from athlete_monitor.arrays import ACC, CHANNEL_INDEX, CHANNELS, GYRO
from athlete_monitor.channels import ALIASES, RR_LIMITS_MS, TABLE, Channel, factor, resolve
from athlete_monitor.errors import PayloadError
from athlete_monitor.wire import keys
from athlete_monitor.wire.reasons import not_json, reason
from athlete_monitor.wire.sample import NO_PROFILE, NO_TAGS, NOT_MEASURED, Sample, Tags, WireProfile
from athlete_monitor.wire.timestamps import EARLIEST, LATEST, parse_timestamp
from athlete_monitor.wire.topics import plain_device

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

R = TypeVar("R")
AccUnit = Literal["m/s2", "g"]
GyroUnit = Literal["rad/s", "deg/s"]
_Field = tuple[str, Any, Any]

MAX_PAYLOAD_BYTES: Final = 64 * 1024
_REMEMBERED: Final = 4096
_SEXES: Final[dict[Any, Literal["male", "female"] | None]] = {
    1: "male",
    0: "female",
    "Male": "male",
    "Female": "female",
    "male": "male",
    "female": "female",
    "M": "male",
    "F": "female",
    "m": "male",
    "f": "female",
    None: None,
}
_KEYS: Final = {key.name: key for key in keys.KEYS}
_KEY_ALIASES: Final = {alias: key.name for key in keys.KEYS for alias in key.aliases}
_FLAGS: Final = [CHANNEL_INDEX[channel.name] for channel in TABLE if channel.flag]
_HEALTH: Final = [CHANNEL_INDEX[channel.name] for channel in TABLE if channel.health]

_channels_of: Final = attrgetter(*CHANNELS)
_health_of: Final = attrgetter(*(CHANNELS[channel] for channel in _HEALTH))
_tags_of: Final = attrgetter(*(key.name for key in keys.of("tag")))
_profile_of: Final = attrgetter(*(key.name for key in keys.of("profile")))
_NO_TAG_VALUES: Final = (None,) * len(keys.of("tag"))
_NO_PROFILE_VALUES: Final = (None,) * len(keys.of("profile"))
_pack: Final = struct.Struct(f"{len(CHANNELS)}d").pack
_NO_HEALTH: Final = (math.nan,) * len(_HEALTH)


def _channel_kinds(factors: Mapping[str, float]) -> dict[str, Any]:
    """Return the type of each channel; ``factors`` are to SI, of the vectors whose unit on the wire is a setting."""
    return {channel.name: _range_of(channel, factors.get(channel.vector or "", 1.0)) for channel in TABLE}


def _range_of(channel: Channel, to_si: float) -> Any:  # noqa: ANN401 - a type made at run time
    low, high = channel.limits
    number = Annotated[float, Meta(ge=low / to_si, le=high / to_si)]
    return number | bool | None if channel.flag else number | None


def _fields(kinds: Iterable[keys.Key]) -> list[_Field]:
    return [(key.name, key.kind | None, None) for key in kinds]


def _payload_type(channels: Mapping[str, Any], *, strict: bool, raw_items: bool = False) -> tuple[Any, Any]:
    """Return the types of a whole payload and of its ``samples``: items of the same keys without the device's.

    Args:
        channels: type of each channel.
        strict: refuse keys that are not ours, rather than ignore them; else aliases are keys too.
        raw_items: leave the items undecoded, so that each can be decoded by itself.
    """
    measured: list[_Field] = [(name, kind, math.nan) for name, kind in channels.items()]
    moment = [*_fields(keys.of("sample")), *measured, *_fields(keys.of("tag"))]
    device = _fields(keys.of("message", "profile"))
    if not strict:
        moment += _alias_fields(channels, {field[0] for field in moment})
        device += _alias_fields(channels, {field[0] for field in device})
    item = msgspec.defstruct("Item", moment, gc=False, forbid_unknown_fields=strict)
    kind = msgspec.Raw if raw_items else item
    samples: _Field = ("samples", list[kind] | None, None)  # type: ignore[valid-type]
    payload = msgspec.defstruct("Payload", [*moment, *device, samples], gc=False, forbid_unknown_fields=strict)
    return payload, item


def _alias_fields(channels: Mapping[str, Any], names: set[str]) -> list[_Field]:
    """Return a field for each alias of these names."""
    kinds = {**channels, **{name: key.kind | None for name, key in _KEYS.items()}}
    return [(alias, kinds[name], None) for alias, name in {**ALIASES, **_KEY_ALIASES}.items() if name in names]


class Decoder:
    """Turns payloads into samples in SI units.

    A payload is read with our own keys first; only one with other keys is read again, with their aliases.

    Args:
        acc_unit: unit of ``acc_x/y/z`` on the wire.
        gyro_unit: unit of ``gyro_x/y/z`` on the wire.
    """

    def __init__(self, acc_unit: AccUnit = "m/s2", gyro_unit: GyroUnit = "rad/s") -> None:
        self._factors = (factor("acc_x", acc_unit), factor("gyro_x", gyro_unit))
        channels = _channel_kinds(dict(zip(("acc", "gyro"), self._factors, strict=True)))
        self._json: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_payload_type(channels, strict=True)[0])
        loose, item = _payload_type(channels, strict=False)
        self._loose: msgspec.json.Decoder[Any] = msgspec.json.Decoder(loose)
        self._item: msgspec.json.Decoder[Any] = msgspec.json.Decoder(item)
        frame, _ = _payload_type(channels, strict=False, raw_items=True)
        self._frame: msgspec.json.Decoder[Any] = msgspec.json.Decoder(frame)
        self._is_si = self._factors == (1.0, 1.0)
        self._looked_at: set[str] = set()
        self.on_unused: Callable[[str, dict[str, str | None]], None] | None = None
        """Called once for a device whose message has unused keys, with the result of ``unused_keys``."""
        self.on_left_out: Callable[[str, str, int], None] | None = None
        """Called with the device, the reason of the first one, and how many samples of a batch are not valid."""
        self._tags: dict[tuple[Any, ...], Tags] = {_NO_TAG_VALUES: NO_TAGS}
        self._profiles: dict[tuple[Any, ...], WireProfile] = {_NO_PROFILE_VALUES: NO_PROFILE}

    def decode(
        self, payload: bytes, topic_device: str | None = None, allow: Callable[[str, int], int] | None = None
    ) -> list[Sample]:
        """Return the samples of a payload in their order.

        Args:
            payload: JSON as received.
            topic_device: the device that the topic names; None if it names none.
            allow: asked with the device and the number of its samples, before they are made, how many to return.

        Samples of a batch that are not valid are left out and reported to ``on_left_out``; the others are used.

        Raises:
            PayloadError: the payload is not valid, or no sample of its batch is; nothing of it is used.
        """
        bare = payload if payload[:1] == b"{" and payload[-1:] == b"}" else _bare(payload)
        message = self._parse(bare, topic_device)
        device_id = _device(message.device_id, topic_device)
        if allow is not None:
            wanted = 1 if message.samples is None else len(message.samples)
            allowed = allow(device_id, wanted)
            if allowed < wanted:
                message.samples = (message.samples or [])[:allowed]
        profile = self._profile(_profile_of(message))
        if message.samples is None:
            return [self._sample(message, device_id, message.athlete_id, profile, message.event == "end", message.seq)]
        if message.event == "end" and message.samples:
            raise PayloadError("an end message holds no samples")
        return self._batch(message, device_id, profile)

    def _parse(self, payload: bytes, topic_device: str | None) -> Any:  # noqa: ANN401 - a type made at run time
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise PayloadError("larger than 64 KiB")
        try:
            return self._json.decode(payload)
        except msgspec.ValidationError:
            return self._parse_loosely(payload, topic_device)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise PayloadError(not_json(payload, error)) from None

    def _parse_loosely(self, payload: bytes, topic_device: str | None) -> Any:  # noqa: ANN401 - a type made at run time
        """Read a payload that has other keys than ours, or is invalid."""
        try:
            message = self._loose.decode(payload)
        except msgspec.ValidationError as error:
            message = self._parse_each(payload, topic_device, reason(str(error)))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise PayloadError(not_json(payload, error)) from None
        for record in (message, *(message.samples or ())):
            _resolve_aliases(record)
        self._look_for_unused(str(message.device_id), payload)
        return message

    def _parse_each(self, payload: bytes, topic_device: str | None, why: str) -> Any:  # noqa: ANN401 - a type made at run time
        """Read a payload that is invalid, each sample of its batch by itself; ``why`` is the first reason."""
        try:
            message = self._frame.decode(payload)
        except msgspec.ValidationError as error:
            raise PayloadError(reason(str(error))) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise PayloadError(not_json(payload, error)) from None
        items = [self._item_of(raw) for raw in message.samples or ()]
        used = [(index, item) for index, item in enumerate(items) if item is not None]
        if not used:
            raise PayloadError(why)
        for index, item in used:
            if item.seq is None and message.seq is not None:
                item.seq = message.seq + index
        message.samples = [item for _, item in used]
        self._left_out(_device(message.device_id, topic_device), why, len(items) - len(used))
        return message

    def _item_of(self, raw: msgspec.Raw) -> Any:  # noqa: ANN401 - a type made at run time
        try:
            return self._item.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None

    def _left_out(self, device_id: str, why: str, count: int) -> None:
        if self.on_left_out is not None:
            self.on_left_out(device_id, why, count)

    def _look_for_unused(self, device_id: str, payload: bytes) -> None:
        if self.on_unused is None or device_id in self._looked_at or len(self._looked_at) >= _REMEMBERED:
            return
        self._looked_at.add(device_id)
        unused = unused_keys(payload)
        if unused:
            self.on_unused(device_id, unused)

    def _batch(self, message: Any, device_id: str, profile: WireProfile) -> list[Sample]:  # noqa: ANN401
        shared = self._known_tags(_tags_of(message))
        first = message.seq
        if _health_of(message) != _NO_HEALTH:
            _share_health(message)
        rest = (device_id, message.athlete_id, profile, False)  # a batch never ends a session
        numbers = [
            item.seq if item.seq is not None or first is None else first + index
            for index, item in enumerate(message.samples)
        ]
        try:
            return [self._sample(item, *rest, seq, shared) for item, seq in zip(message.samples, numbers, strict=True)]
        except PayloadError as error:
            return self._batch_of_some(message, rest, numbers, shared, str(error))

    def _batch_of_some(
        self,
        message: Any,  # noqa: ANN401 - a type made at run time
        rest: tuple[str, int | None, WireProfile, bool],
        numbers: Sequence[int | None],
        shared: Tags,
        why: str,
    ) -> list[Sample]:
        """Return the samples of a batch, in which at least one has no valid time: that is the reason ``why``."""
        found: list[Sample] = []
        for item, seq in zip(message.samples, numbers, strict=True):
            with suppress(PayloadError):
                found.append(self._sample(item, *rest, seq, shared))
        if not found:
            raise PayloadError(why)
        self._left_out(rest[0], why, len(numbers) - len(found))
        return found

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
        t = item.timestamp
        if t is None:
            raise PayloadError("`timestamp` is missing")
        if type(t) is not float or not EARLIEST <= t < LATEST:
            t = parse_timestamp(t)
        own = _tags_of(item)
        return Sample(
            device_id,
            t,
            NOT_MEASURED if end else self._values(_channels_of(item)),
            athlete_id,
            seq,
            profile,
            shared if own == _NO_TAG_VALUES else self._known_tags(own),
            _beats(item.rr_intervals_ms) if item.rr_intervals_ms else (),
            end,
        )

    def _values(self, values: tuple[float | bool | None, ...]) -> tuple[float, ...]:
        for flag in _FLAGS:
            value = values[flag]
            if isinstance(value, bool):
                values = (*values[:flag], float(value), *values[flag + 1 :])
        try:
            _pack(*values)  # a search for None would compare every number with it, at six times the cost
            measured = values
        except struct.error:
            measured = tuple(math.nan if v is None else v for v in values)
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


def _bare(payload: bytes) -> bytes:
    """Return a payload without what C strings and text files of Windows put around it."""
    return payload.removeprefix(codecs.BOM_UTF8).rstrip(b"\0 \t\r\n")


def _resolve_aliases(record: Any) -> None:  # noqa: ANN401 - a type made at run time
    """Copy values from aliases to our own keys; if a record has both, our own key is used."""
    for alias, name in _ALIASES_OF[type(record).__name__]:
        found = getattr(record, alias)
        if found is not None and _is_missing(getattr(record, name)):
            setattr(record, name, found)


def _is_missing(value: Any) -> bool:  # noqa: ANN401 - of any key
    return value is None or value != value  # noqa: PLR0124 - NaN is unlike itself


def _aliases_of(*levels: keys.Level) -> list[tuple[str, str]]:
    names = {*CHANNELS, *(key.name for key in keys.of(*levels))}
    return [(alias, name) for alias, name in {**ALIASES, **_KEY_ALIASES}.items() if name in names]


_ALIASES_OF: Final = {
    "Item": _aliases_of("sample", "tag"),
    "Payload": _aliases_of("sample", "tag", "message", "profile"),
}


def _share_health(message: Any) -> None:  # noqa: ANN401 - a type made at run time
    """Copy the sensor health of a message to every sample of its batch."""
    known = [(CHANNELS[channel], value) for channel, value in zip(_HEALTH, _health_of(message), strict=True)]
    for item in message.samples:
        for name, value in known:
            if not _is_missing(value) and _is_missing(getattr(item, name)):
                setattr(item, name, value)


def _beats(intervals: tuple[float | None, ...]) -> tuple[float, ...]:
    """Return the intervals that can be heartbeats; others are ignored without affecting the rest of the message."""
    low, high = RR_LIMITS_MS
    return tuple(each for each in intervals if each is not None and low <= each <= high)


def _remember(known: dict[tuple[Any, ...], R], values: tuple[Any, ...], make: Callable[..., R]) -> R:
    """Return the cached record of these values; devices repeat theirs with each sample. A full cache is cleared."""
    found = known.get(values)
    if found is None:
        if len(known) >= _REMEMBERED:
            known.clear()
        found = known[values] = make(*values)
    return found


def _make_profile(age: float | None, weight: float | None, height: float | None, gender: object) -> WireProfile:
    if gender not in _SEXES:
        raise PayloadError("`gender` is not 1, 0, Male or Female")
    return WireProfile(age, weight, height, _SEXES[gender])


def _device(named: str | None, topic_device: str | None) -> str:
    if named is None:
        raise PayloadError("`device_id` is missing")
    device_id = plain_device(named)
    if topic_device is not None and device_id != topic_device and device_id != plain_device(topic_device):
        raise PayloadError("device_id does not match the topic")
    return device_id


def unused_keys(payload: bytes) -> dict[str, str | None]:
    """Return the keys of a valid payload that are ignored, each with the key of ours that it resembles.

    It is slow, so it is meant for one message of a device, not for all.

    >>> unused_keys(b'{"device_id": "7", "timestamp": 1767261600, "heart_rte_bpm": 120, "firmware": 3}')
    {'heart_rte_bpm': 'heart_rate_bpm', 'firmware': None}
    """
    known = {*CHANNELS, *ALIASES, *_KEYS, *_KEY_ALIASES, "samples"}
    message = msgspec.json.decode(payload, type=dict[str, Any])
    first: dict[str, Any] = next(iter(message.get("samples") or ({},)))
    unused = [key[: keys.LONGEST_TEXT] for key in {**message, **first} if key not in known]
    return {key: _resembled(key) for key in unused}


def _resembled(key: str) -> str | None:
    close = difflib.get_close_matches(key, [*CHANNELS, *_KEYS], 1, 0.75)
    return resolve(key, loose=True) or next(iter(close), None)


def encode_sample(sample: Sample) -> bytes:
    """Return the payload of one sample, in SI units; ``Decoder().decode`` gives the sample back."""
    return msgspec.json.encode({**_device_keys(sample), **_moment_keys(sample), **_tag_keys(sample)})


def encode_batch(samples: list[Sample]) -> bytes:
    """Return one payload for several samples of one device.

    Raises:
        PayloadError: there is no sample, they are of several devices, one ends the session, or the payload is too
            large.
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
    keys.update([(name, v) for name, v in zip(CHANNELS, sample.values, strict=True) if v == v])  # noqa: PLR0124 - no NaN
    if sample.rr_intervals_ms:
        keys["rr_intervals_ms"] = sample.rr_intervals_ms
    return keys


def _tag_keys(sample: Sample) -> dict[str, Any]:
    if sample.tags is NO_TAGS:
        return {}
    return {name: value for name, value in msgspec.structs.asdict(sample.tags).items() if value is not None}
