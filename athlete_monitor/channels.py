"""The table of channels: everything that is known about each measured quantity, one row per channel.

The wire format, the session files, the importers, the features, the data set for training, the simulator and
``docs/inputs.md`` read this table. To add a channel, append a row to ``TABLE``: the order of the rows is the order of
the columns in every ``values`` array, so rows are only ever appended.

>>> BY_NAME["speed_mps"].unit, BY_NAME["speed_mps"].limits
('m/s', (0.0, 60.0))
>>> round(factor("acc_x", "g"), 5)
9.80665
>>> resolve("heart_rate"), resolve("heartRateBpm")
('heart_rate_bpm', 'heart_rate_bpm')
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

GRAVITY_MPS2: Final = 9.80665
FEATURE_GROUPS: Final = ("acceleration", "rotation", "speed", "cadence", "grade")
"""Groups of channels that a model may use. A group is available when all of its channels are."""

_METRES: Final = {"m": 1.0, "km": 1000.0, "ft": 0.3048, "mi": 1609.344, "yd": 0.9144}
_RATE: Final = {"bpm": 1.0, "1/min": 1.0, "/min": 1.0, "Hz": 60.0, "1/s": 60.0}


@dataclass(frozen=True)
class Channel:
    """One channel.

    Attributes:
        name: its name everywhere in the program, and its key on the wire.
        unit: SI unit of ``values`` arrays and session files; on the wire too, but for acceleration and rotation, whose
            unit on the wire is a setting.
        limits: smallest and largest physical value, in that unit; values outside are refused.
        meaning: one line for the documents.
        column: its column in session files.
        place: position of that column: 0 for the columns that every file has, else the order of the optional ones.
        units: units that foreign files may use, each with its factor to ``unit``; the first one is ``unit``.
        aliases: other keys that can mean nothing else, accepted on the wire and as a column.
        loose: short names that are accepted as a column, where a unit may be given, but not on the wire.
        vector: the vector that the channel is an axis of.
        axis: which axis of that vector.
        groups: feature groups that need it.
        decimals: decimal places that a simulated sensor sends.
        health: whether it describes the sensor and not the athlete; a batch may give it once for all its samples.
        flag: whether ``true`` and ``false`` are accepted on the wire too.
    """

    name: str
    unit: str
    limits: tuple[float, float]
    meaning: str
    column: str = ""
    place: int = 0
    units: Mapping[str, float] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    loose: tuple[str, ...] = ()
    vector: str | None = None
    axis: str | None = None
    groups: tuple[str, ...] = ()
    decimals: int = 4
    health: bool = False
    flag: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "column", self.column or self.name)
        object.__setattr__(self, "units", MappingProxyType({self.unit: 1.0, **self.units}))


def _acceleration(axis: str) -> Channel:
    return Channel(
        f"acc_{axis}",
        "m/s²",
        (-200 * GRAVITY_MPS2, 200 * GRAVITY_MPS2),
        "specific force: a sensor at rest shows gravity",
        units={"m/s2": 1.0, "m/s^2": 1.0, "g": GRAVITY_MPS2, "mg": GRAVITY_MPS2 / 1000},
        aliases=(f"accel_{axis}", f"acceleration_{axis}", f"accelerometer_{axis}"),
        vector="acc",
        axis=axis,
        groups=("acceleration",),
    )


def _rotation(axis: str) -> Channel:
    return Channel(
        f"gyro_{axis}",
        "rad/s",
        (-100.0, 100.0),
        "rate of rotation",
        units={"deg/s": math.pi / 180, "°/s": math.pi / 180, "dps": math.pi / 180},
        aliases=(f"gyr_{axis}", f"gyroscope_{axis}"),
        vector="gyro",
        axis=axis,
        groups=("rotation",),
    )


def _field(axis: str, place: int) -> Channel:
    return Channel(
        f"mag_{axis}",
        "µT",
        (-10_000.0, 10_000.0),
        "magnetic field",
        place=place,
        units={"uT": 1.0, "G": 100.0, "mG": 0.1, "nT": 0.001},
        aliases=(f"magnetometer_{axis}",),
        vector="mag",
        axis=axis,
        decimals=2,
    )


TABLE: Final = (
    *map(_acceleration, "xyz"),
    *map(_rotation, "xyz"),
    _field("x", 7),
    _field("y", 8),
    _field("z", 9),
    Channel(
        "heart_rate_bpm",
        "bpm",
        (0.0, 300.0),
        "the strap's reading; values outside 30 to 220 are ignored",
        column="heart_rate",
        units=_RATE,
        aliases=("heartrate", "heartrate_bpm", "hr", "hr_bpm", "pulse_bpm"),
        decimals=0,
    ),
    Channel(
        "speed_mps",
        "m/s",
        (0.0, 60.0),
        "speed over ground",
        place=1,
        units={"km/h": 1 / 3.6, "kmh": 1 / 3.6, "kph": 1 / 3.6, "mph": 0.44704, "mi/h": 0.44704, "kn": 1852 / 3600},
        aliases=("speed_ms", "speed_m_s", "velocity_mps", "velocity_m_s"),
        loose=("speed", "velocity"),
        groups=("speed", "grade"),
        decimals=3,
    ),
    Channel(
        "x_m",
        "m",
        (-100_000.0, 100_000.0),
        "position along the pitch",
        place=4,
        units=_METRES,
        aliases=("pos_x_m", "position_x_m"),
        loose=("x",),
        decimals=2,
    ),
    Channel(
        "y_m",
        "m",
        (-100_000.0, 100_000.0),
        "position across the pitch",
        place=5,
        units=_METRES,
        aliases=("pos_y_m", "position_y_m"),
        loose=("y",),
        decimals=2,
    ),
    Channel(
        "altitude_m",
        "m",
        (-1000.0, 10_000.0),
        "height above the sea",
        place=2,
        units=_METRES,
        aliases=("elevation_m", "alt_m"),
        loose=("altitude", "elevation"),
        groups=("grade",),
    ),
    Channel(
        "cadence_spm",
        "spm",
        (0.0, 500.0),
        "steps a minute, of both feet",
        place=3,
        units={"1/min": 1.0, "steps/min": 1.0, "strides/min": 2.0},
        aliases=("step_rate_spm", "steps_per_minute"),
        loose=("cadence",),
        groups=("cadence",),
    ),
    Channel(
        "latitude",
        "°",
        (-90.0, 90.0),
        "geographic latitude, WGS 84, north is positive",
        place=10,
        units={"deg": 1.0, "degrees": 1.0, "rad": 180 / math.pi, "semicircles": 180 / 2**31},
        aliases=("lat", "latitude_deg", "lat_deg", "position_lat"),
        decimals=7,
    ),
    Channel(
        "longitude",
        "°",
        (-180.0, 180.0),
        "geographic longitude, WGS 84, east is positive",
        place=11,
        units={"deg": 1.0, "degrees": 1.0, "rad": 180 / math.pi, "semicircles": 180 / 2**31},
        aliases=("lon", "lng", "long", "longitude_deg", "lon_deg", "position_long"),
        decimals=7,
    ),
    Channel(
        "horizontal_accuracy_m",
        "m",
        (0.0, 100_000.0),
        "error of the position, as estimated by the receiver",
        place=12,
        units=_METRES,
        aliases=("h_accuracy_m", "hacc_m", "gps_accuracy_m"),
        loose=("horizontal_accuracy", "hacc"),
        decimals=2,
    ),
    Channel(
        "distance_m",
        "m",
        (0.0, 1e9),
        "the device's own odometer: metres since it was started or reset, never a difference",
        place=13,
        units=_METRES,
        aliases=("odometer_m", "total_distance_m", "cumulative_distance_m"),
        loose=("distance", "odometer"),
        decimals=2,
    ),
    Channel(
        "battery_percent",
        "%",
        (0.0, 100.0),
        "charge of the sensor's battery",
        place=14,
        aliases=("battery_pct", "battery_level_percent"),
        loose=("battery",),
        decimals=0,
        health=True,
    ),
    Channel(
        "rssi_dbm",
        "dBm",
        (-200.0, 50.0),
        "strength of the sensor's signal at its receiver",
        place=15,
        aliases=("rssi",),
        decimals=0,
        health=True,
    ),
    Channel(
        "contact",
        "",
        (0.0, 1.0),
        "whether the strap touches the skin: 1 or true, 0 or false",
        place=16,
        aliases=("skin_contact", "sensor_contact"),
        decimals=0,
        health=True,
        flag=True,
    ),
)  # fmt: skip
RR_KEY: Final = "rr_intervals_ms"
RR_PLACE: Final = 6
RR_LIMITS_MS: Final = (100.0, 10_000.0)
RR_ALIASES: Final = ("rr_intervals", "rr_ms", "rr_interval_ms")
"""Beat intervals are a series, not a channel; these constants are their row of the table."""


def _spellings(channel: Channel) -> tuple[str, ...]:
    return (channel.column, *channel.aliases, *map(_camel_case, dict.fromkeys((channel.name, channel.column))))


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


NAMES: Final = tuple(channel.name for channel in TABLE)
BY_NAME: Final[Mapping[str, Channel]] = MappingProxyType({channel.name: channel for channel in TABLE})
ALIASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{other: channel.name for channel in TABLE for other in _spellings(channel) if other != channel.name},
        **dict.fromkeys(RR_ALIASES, RR_KEY),
    }
)
"""Other keys that can mean only one channel, with its name."""
LOOSE_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {**ALIASES, **{alias: channel.name for channel in TABLE for alias in channel.loose}}
)


def resolve(key: str, *, loose: bool = False) -> str | None:
    """Return the channel that a key or column means, None if it means none of ours.

    Args:
        key: as a sender or a file writes it.
        loose: also accept short names without a unit, as columns have them (``speed``).

    >>> resolve("acceleration_y"), resolve("speed"), resolve("speed", loose=True)
    ('acc_y', None, 'speed_mps')
    """
    if key in BY_NAME or key == RR_KEY:
        return key
    return (LOOSE_NAMES if loose else ALIASES).get(key)


def factor(name: str, unit: str) -> float:
    """Return the factor from ``unit`` to the channel's own unit.

    Raises:
        KeyError: the channel has no such unit; ``BY_NAME[name].units`` holds those that are known.
    """
    return BY_NAME[name].units[unit]


def of_group(group: str) -> tuple[int, ...]:
    """Return the columns of ``values`` arrays that a feature group needs.

    >>> of_group("acceleration"), [NAMES[i] for i in of_group("grade")]
    ((0, 1, 2), ['speed_mps', 'altitude_m'])
    """
    return tuple(i for i, channel in enumerate(TABLE) if group in channel.groups)


def vector(name: str) -> slice:
    """Return the columns of a vector's axes in ``values`` arrays.

    >>> vector("gyro")
    slice(3, 6, None)
    """
    places = [i for i, channel in enumerate(TABLE) if channel.vector == name]
    return slice(places[0], places[-1] + 1)


def session_columns(*, optional: bool) -> tuple[str, ...]:
    """Return the channels that session files always hold (or the ``optional`` ones), in the order of the columns.

    >>> session_columns(optional=True)[:3]
    ('speed_mps', 'altitude_m', 'cadence_spm')
    """
    chosen = [channel for channel in TABLE if bool(channel.place) == optional]
    return tuple(channel.name for channel in sorted(chosen, key=lambda channel: channel.place))
