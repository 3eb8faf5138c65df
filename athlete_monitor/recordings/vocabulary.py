"""Names of columns in other systems: words for each channel, and units in brackets or at the end of a name."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from athlete_monitor.channels import BY_NAME, GRAVITY_MPS2

TIME: Final = "time"
DATE: Final = "date"
ELAPSED: Final = "elapsed"
_LENGTH: Final = {
    "m": 1.0,
    "km": 1000.0,
    "mi": 1609.344,
    "ft": 0.3048,
    "yd": 0.9144,
    "cm": 0.01,
    "mm": 0.001,
    **dict.fromkeys(("meter", "meters", "metre", "metres"), 1.0),
    **dict.fromkeys(("kilometer", "kilometers", "kilometre", "kilometres"), 1000.0),
    **dict.fromkeys(("mile", "miles"), 1609.344),
}
_ANGLE: Final = {"°": 1.0, "deg": 1.0, "degrees": 1.0, "semicircles": 180 / 2**31}
_ACCELERATION: Final = {
    "m/s²": 1.0, "m/s2": 1.0, "m/s^2": 1.0, "m/s/s": 1.0, "ms-2": 1.0, "mps2": 1.0, "g": GRAVITY_MPS2, "mg": GRAVITY_MPS2 / 1000, "gs": GRAVITY_MPS2
}  # fmt: skip
_ROTATION: Final = {
    "rad/s": 1.0,
    "rads": 1.0,
    "deg/s": math.pi / 180,
    "°/s": math.pi / 180,
    "dps": math.pi / 180,
    "degs": math.pi / 180,
}
_FIELD: Final = {"µt": 1.0, "ut": 1.0, "μt": 1.0, "g": 100.0, "gauss": 100.0, "mg": 0.1, "nt": 0.001}
_RATE: Final = {
    "bpm": 1.0,
    "1/min": 1.0,
    "/min": 1.0,
    "beats/min": 1.0,
    "min-1": 1.0,
    **dict.fromkeys(
        ("s/min", "ppm", "puls/min", "slag/min", "sl./min.", "bat/min", "batt/min", "slagen/min", "spm"), 1.0
    ),
    **dict.fromkeys(("bat./min", "lpm", "уд/мин", "уд./мин", "拍/分", "次/分"), 1.0),
    "hz": 60.0,
    "1/s": 60.0,
}
_SPEED: Final = {
    "m/s": 1.0, "mps": 1.0, "ms-1": 1.0, "m/sec": 1.0, "km/h": 1 / 3.6, "kmh": 1 / 3.6, "kph": 1 / 3.6, "kmph": 1 / 3.6, "km/hr": 1 / 3.6, "km/u": 1 / 3.6, "km/t": 1 / 3.6, "km/tim": 1 / 3.6,
    "mph": 0.44704, "mi/h": 0.44704, "kn": 1852 / 3600, "knots": 1852 / 3600, "kt": 1852 / 3600, "ft/s": 0.3048, "cm/s": 0.01, "m/min": 1 / 60,
}  # fmt: skip
_STEPS: Final = {
    **dict.fromkeys(("spm", "steps/min", "1/min", "rpm", "u/min", "tr/min", "ppm", "giri/min", "rev/min"), 1.0),
    "strides/min": 2.0,
}
_PACES: Final = re.compile(r"(min(:ss)?|mm:ss|')?\s*/\s*(km|mi|mile|mille|100\s*m|500\s*m)")
"""Units of a pace. It is no speed but its inverse, of people who stand infinite: the speed or the distance is read."""
_TIME: Final = dict.fromkeys(
    ("s", "sec", "secs", "seconds", "ms", "us", "µs", "ns", "min", "h", "hh:mm:ss", "cs", "utc", "local"), 1.0
)
_BEATS: Final = {"ms": 1.0, "s": 1000.0, "sec": 1000.0}
_PERCENT: Final = {"%": 1.0, "percent": 1.0}


@dataclass(frozen=True)
class Word:
    """A meaning that a column can have.

    Attributes:
        meaning: a channel, or a role such as ``time`` or ``athlete``.
        words: its names, in lower case, without spaces and signs.
        units: units and their factors to ours; the first one is the default.
        unit_in_name: units that are part of a word, such as ``kph``.
    """

    meaning: str
    words: str
    units: dict[str, float]
    unit_in_name: tuple[tuple[str, str], ...] = ()


def _axes(meaning: str, stems: str, units: dict[str, float], others: dict[str, str]) -> list[Word]:
    return [
        Word(
            f"{meaning}_{axis}",
            " ".join([*(f"{stem}{axis}" for stem in stems.split()), *(f"{axis}{stem}" for stem in stems.split() if len(stem) > 2), others.get(axis, "")]),
            units,
        )
        for axis in "xyz"
    ]  # fmt: skip


TABLE: Final = (
    *_axes(
        "acc",
        "acc accl accel acceleration accelerometer linearacceleration totalacceleration a",
        _ACCELERATION,
        {"x": "accelerationforward accforward", "y": "accelerationside accside", "z": "accelerationup accup"},
    ),
    *_axes(
        "gyro",
        "gyro gyr gyroscope rotation rotationrate angularvelocity angularrate w gyroyro",
        _ROTATION,
        {"x": "rotationroll gyroroll", "y": "rotationpitch gyropitch", "z": "rotationyaw gyroyaw"},
    ),
    *_axes("mag", "mag magnetometer magneticfield magn", _FIELD, {}),
    Word(
        "heart_rate_bpm",
        "heartrate heartratebpm hr hrbpm bpm pulse puls pulsebpm herzfrequenz herzfreq fc frequencecardiaque "
        "frecuenciacardiaca heartratevalue hrvalue heartbeat currentheartrate hf hrate hrm beatsperminute beatspermin pols frequenzacardiaca "
        "hartslag syke frequenciacardiaca frecuenciacardiacabpm hartslagbpm tetno sydamensyke pulz",
        _RATE,
    ),
    Word(
        "speed_mps",
        "speed enhancedspeed velocity velocitysmooth v geschwindigkeit vitesse velocidad gpsspeed groundspeed kph kmh mph "
        "smoothedvelocity instantspeed currentspeed spd speedmps speedms velocityms rawspeed tempo velocita velocidade "
        "snelheid hastighet hastighed nopeus predkosc rychlost",
        _SPEED,
        (("kph", "km/h"), ("kmh", "km/h"), ("mph", "mph")),
    ),
    Word("x_m", "x xm posx positionx xpos xposition", _LENGTH),
    Word("y_m", "y ym posy positiony ypos yposition", _LENGTH),
    Word(
        "altitude_m",
        "altitude enhancedaltitude alt elevation ele hohe hoehe altitud gpsaltitude altitudine hoogte hojd hjde hyde "
        "wysokosc korkeus",
        _LENGTH,
    ),
    Word(
        "cadence_spm",
        "cadence cad runcadence runningcadence steprate stepcadence stepsperminute stepsmin trittfrequenz schrittfrequenz kadenz "
        "kadens kadencja cadencia cadenza cadans kadenssi "
        "strides strideratestrides",
        _STEPS,
        (("strides", "strides/min"),),
    ),
    Word(
        "latitude",
        "latitude lat positionlat gpslatitude gpslat breitengrad breite latitud latitudine breedtegraad "
        "breddgrad breddegrad szerokosc",
        _ANGLE,
    ),
    Word(
        "longitude",
        "longitude lon long lng positionlong positionlon gpslongitude gpslon laengengrad langengrad lange longitud longitudine "
        "lengtegraad longitudgrad langdgrad lngdegrad lengdegrad dlugosc",
        _ANGLE,
    ),
    Word(
        "horizontal_accuracy_m",
        "horizontalaccuracy hacc accuracy gpsaccuracy positionaccuracy haccuracy",
        _LENGTH,
    ),
    Word(
        "distance_m",
        "distance dist odometer distances totaldistance cumulativedistance distanz strecke odo km distanzkm distancia "
        "distanza afstand distans distanse entfernung entfernungen dystans matka avstand odleglosc",
        _LENGTH,
        (("km", "km"), ("distanzkm", "km")),
    ),
    Word("hdop", "hdop gnsshdop", {"": 1.0}),
    Word(
        "satellites",
        "sats satellites noofsatellites numsat numsatfix numsats numsatellites numberofsatellites nsats gnssfix",
        {"": 1.0},
    ),
    Word("fractional_cadence", "fractionalcadence", _STEPS),
    Word("rr_intervals_ms", "rrintervalsms rrintervals rrinterval rr ibi rrms beatinterval", _BEATS),
    Word(
        TIME,
        "timestamp time datetime dateandtime dateundzeit zeit zeitstempel uhrzeit utctime gpstime localtime epoch unixtime "
        "unixtimestamp epochtime isotime ts timeutc timestamputc sampletime heure hora recordtime timems timestampms timelocal "
        "phonetimestamp timeofday systemtime loggingtime datetimeutc tijd tijdstip created createdat measuredat utc "
        "horodatage tid tidpunkt tidsstempel ora orario fechahora fechayhora dataora dataeora dataehora tidspunkt aika czas",
        _TIME,
    ),
    Word(DATE, "date datum fecha data dato jour giorno day dateutc", {"": 1.0}),
    Word(
        ELAPSED,
        "seconds secs sec s t elapsed elapsedtime secondselapsed timeelapsed elapsedseconds timesec relativetime runtime "
        "sessiontime tms timer duration ms milliseconds minutes mins",
        _TIME,
        (("ms", "ms"), ("milliseconds", "ms"), ("minutes", "min"), ("mins", "min")),
    ),
    Word(
        "athlete",
        "athlete player athletename playername playerdisplayname fullname name displayname spieler joueur person subject athleteid playerid participant",
        {"": 1.0},
    ),
    Word("first_name", "firstname athletefirstname playerfirstname vorname prenom", {"": 1.0}),
    Word("last_name", "lastname surname familyname athletelastname playerlastname nachname", {"": 1.0}),
    Word("number", "playernumber shirtnumber jersey jerseynumber shirt squadnumber ruckennummer", {"": 1.0}),
    Word("device", "deviceid device sensorid serial serialnumber unit", {"": 1.0}),
    Word("session_phase", "sessionphase phase period periodname drill drillname phasename", {"": 1.0}),
    Word("intensity_level", "intensitylevel", {"": 1.0}),
    Word("mode", "mode", {"": 1.0}),
    Word("age", "age", {"years": 1.0}),
    Word("weight", "weight weightkg", {"kg": 1.0}),
    Word("height", "height heightcm", {"cm": 1.0}),
    Word("gender", "gender sex", {"": 1.0}),
    Word("position", "position", {"": 1.0}),
    Word("playing_style", "playingstyle", {"": 1.0}),
    Word("fitness_level", "fitnesslevel", {"": 1.0}),
    Word("fatigue_rate", "fatiguerate", {"": 1.0}),
)
_OTHERS: Final = {word.meaning: word for word in TABLE}
_NAMES_ONLY: Final = tuple(word.meaning for word in TABLE[: TABLE.index(_OTHERS["hdop"])])


def _joined(name: str) -> Word:
    """Return a channel's words and units: those of the table of channels, then the foreign ones above."""
    channel, more = BY_NAME.get(name), _OTHERS.get(name)
    if channel is None:
        return _OTHERS[name]
    own = [key_of(word) for word in (channel.name, channel.column, *channel.aliases, *channel.loose)]
    units = {unit.casefold(): factor for unit, factor in channel.units.items()}
    words = " ".join(dict.fromkeys([*own, *(more.words.split() if more else ())]))
    return Word(name, words, {**units, **(more.units if more else {})}, more.unit_in_name if more else ())


def key_of(name: str) -> str:
    """Return a name without case, accents, spaces and signs.

    >>> key_of("Hérz-Frequenz"), key_of("ts in ms")
    ('herzfrequenz', 'tsinms')
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]", "", plain.lower())


CHANNELS: Final = tuple(dict.fromkeys((*BY_NAME, *_NAMES_ONLY)))
"""Meanings that are channels of a recording."""
BY_MEANING: Final = {**_OTHERS, **{name: _joined(name) for name in CHANNELS}}
_BY_WORD: Final = {word: row for row in reversed(tuple(BY_MEANING.values())) for word in row.words.split()}
_LONGEST_NAME: Final = 200
"""A longer name is none of ours: the patterns below would take minutes for one of a hundred thousand letters."""
_REFERENCE: Final = re.compile(r"\(/api/[a-z]+/\d+/\)$")
"""Behind each name in Hexoskin's tables."""
_BRACKETS: Final = re.compile(r"\s*[\[(]\s*(?P<unit>[^\])]*?)\s*[\])]\s*$")
_IN: Final = re.compile(r"(?P<name>.*\S)(?:\s+in|,)\s+(?P<unit>\S{1,9})$", re.IGNORECASE)
_TOKENS: Final = re.compile(r"[\s_,;:]+")


@dataclass(frozen=True)
class Meaning:
    """The meaning of a column.

    Attributes:
        meaning: a channel or a role.
        unit: as the column gives it, empty if it gives none.
        factor: from that unit to ours.
    """

    meaning: str
    unit: str
    factor: float


class UnknownUnitError(ValueError):
    """A column is known, its unit is not."""


def meaning_of(header: str, unit: str = "") -> Meaning | None:
    """Return the meaning of a column, None if it is none of ours.

    Args:
        header: its name in the file.
        unit: from a row of units.

    Raises:
        UnknownUnitError: the column is known, its unit is not; the text lists the known ones.

    >>> meaning_of("Speed (km/h)").factor * 36
    10.0
    >>> meaning_of("acc_x [g]").meaning, meaning_of("Gyro Yro X").meaning, meaning_of("Voltage")
    ('acc_x', 'gyro_x', None)
    """
    if len(header) > _LONGEST_NAME:
        return None
    name, spelled = _split_unit(header)
    if _PACES.fullmatch((spelled or unit.strip("[]() ")).casefold()):
        return None
    axis = _axis_by_unit(key_of(name), spelled or unit.strip("[]() "))
    if axis is not None:
        return axis
    for base, found in _spellings(name, spelled or unit.strip("[]() ")):
        word = _BY_WORD.get(key_of(base))
        if word is not None and (base == name or found.casefold() in word.units):
            return _with_unit(word, key_of(base), found)
    return None


def _axis_by_unit(key: str, unit: str) -> Meaning | None:
    """Return the sensor of an axis without a name: ``X [mg]`` can only be an acceleration."""
    if key not in {"x", "y", "z"} or not unit:
        return None
    spelled = unit.casefold().replace(" ", "")
    for meaning in ("acc", "gyro", "mag"):
        units = BY_MEANING[f"{meaning}_{key}"].units
        if spelled in units:
            return Meaning(f"{meaning}_{key}", spelled, units[spelled])
    return None


def _split_unit(header: str) -> tuple[str, str]:
    text = _REFERENCE.sub("", header.strip().strip('"'))
    match = _BRACKETS.search(text)
    if match and match.start():
        return text[: match.start()], match["unit"]
    inside = _IN.fullmatch(text)
    return (inside["name"], inside["unit"]) if inside else (text, "")


def _spellings(name: str, unit: str) -> list[tuple[str, str]]:
    """Return the name unchanged, and with a unit at its end split off."""
    tokens = [token for token in _TOKENS.split(name) if token]
    found = [(name, unit)]
    if not unit and len(tokens) > 1:
        found.insert(0, (" ".join(tokens[:-1]), tokens[-1]))
    if (
        not unit
        and len(tokens) > 2
        and tokens[-2:] in (["m", "s"], ["km", "h"], ["rad", "s"], ["deg", "s"], ["m", "s2"])
    ):
        found.insert(0, (" ".join(tokens[:-2]), "/".join(tokens[-2:])))
    return found


def _with_unit(word: Word, key: str, unit: str) -> Meaning | None:
    carried = dict(word.unit_in_name).get(key, "")
    spelled = (unit or carried).casefold().replace(" ", "")
    if not spelled:
        return Meaning(word.meaning, "", next(iter(word.units.values())))
    if spelled in word.units:
        return Meaning(word.meaning, spelled, word.units[spelled])
    if "" in word.units or word.meaning in (TIME, ELAPSED):
        return Meaning(word.meaning, spelled, 1.0)
    allowed = ", ".join(word.units)
    raise UnknownUnitError(f"unit {unit or carried!r} is not known; allowed: {allowed}")
