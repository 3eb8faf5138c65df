"""Hexoskin smart shirts: a folder of WAV and CSV files for one recording.

``acceleration_{X,Y,Z}.wav``: 64 Hz, int16, 256 counts per g. ``heart_rate.wav`` and ``heart_rate_quality.wav``: 1 Hz,
int16; a quality of 0 is good. ``RR_interval.csv``: time of a beat in s since the start and the interval before it in
1/256 s; ``RR_interval_quality.csv``: 0 good, 1 noisy, 128 unreliable (bits). ``info.json``: the start, in UTC.
``subjects.csv`` beside the folder: the body of the person whose number is the folder's name.

Only beats of quality 0 are used: they agree with the shirt's good heart rate to 2 bpm in the median, but noisy ones,
the only ones in most recordings, only to 10 to 20 bpm, and unreliable ones to 45. The first readings, about nine, are
always 70 bpm, some of them flagged good: this is the shirt's start value before it has enough beats. They are left out.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import wave
from datetime import datetime, timezone
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from athlete_monitor.arrays import GRAVITY_MPS2, FloatArray, IntArray
from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.format import Format, Options
from athlete_monitor.recordings.imported import Imported, Whose, checked
from athlete_monitor.recordings.layout import layout_of
from athlete_monitor.recordings.source import Source, beside, from_path
from athlete_monitor.recordings.table import read_columns, rows_of
from athlete_monitor.wire.sample import NO_PROFILE, WireProfile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ACC_RATE_HZ: Final = 64
COUNTS_PER_G: Final = 256
RR_TICKS_PER_S: Final = 256
START_VALUE_BPM: Final = 70
_INT16_BYTES: Final = 2
_AXES: Final = ("acceleration_X.wav", "acceleration_Y.wav", "acceleration_Z.wav")
_INFO: Final = "info.json"
_SUBJECTS: Final = "subjects.csv"
_NAMES: Final = frozenset(
    {*_AXES, _INFO, "heart_rate.wav", "heart_rate_quality.wav", "RR_interval.csv", "RR_interval_quality.csv", _SUBJECTS}
)


def recognise(source: Source) -> bool:
    """Whether this is the description of a recording whose acceleration is in the same folder."""
    return source.name == _INFO and b"start_date" in source.head and _AXES[0] in source.siblings()


def read(source: Source, options: Options) -> list[Imported]:
    """Read the recording that a description belongs to.

    Raises:
        RecordingError: as ``read_hexoskin``.
    """
    files = dict(source.siblings())
    above = source.path.parent.parent / _SUBJECTS
    if not source.member and above.is_file() and _SUBJECTS not in files:
        files[_SUBJECTS] = from_path(above)
    folder = str(source).removesuffix(_INFO).rstrip("/ :")
    number = source.folders[-1] if source.folders else ""
    return [_read(source.path.parent if not source.member else source.path, folder, number, files, options.rate_hz)]


FORMAT: Final = Format(
    "hexoskin",
    "Hexoskin smart shirt (folder)",
    recognise,
    read,
    lambda _source: _NAMES - {_INFO},
    suffixes=("info.json",),
)


def read_hexoskin(folder: Path, rate_hz: float) -> Imported:
    """Read one recording, its acceleration resampled.

    The rate is changed by a zero-phase polyphase filter, whose low-pass ends at half the lower of both rates. Row ``k``
    is exactly ``k / rate_hz`` after the start. A heart rate is written to the first row at or after its second.

    Args:
        folder: the recording's folder.
        rate_hz: rows a second.

    Raises:
        RecordingError: a file is missing or damaged, or the recording is shorter than a second.
    """
    files = beside(folder)
    if _INFO not in files:
        raise RecordingError(_no_recording(folder))
    above = folder.resolve().parent / _SUBJECTS
    if above.is_file():
        files[_SUBJECTS] = from_path(above)
    return _read(folder, str(folder), folder.resolve().name, files, rate_hz)


def _read(path: Path, label: str, number: str, files: Mapping[str, Source], rate_hz: float) -> Imported:
    start_t = _start(label, files)
    axes = [_wav(label, name, files, ACC_RATE_HZ) for name in _AXES]
    heart_rate, quality = (_wav(label, name, files, 1) for name in ("heart_rate.wav", "heart_rate_quality.wav"))
    seconds = {name: len(axis) / ACC_RATE_HZ for name, axis in zip(_AXES, axes, strict=True)}
    seconds |= {"heart_rate.wav": float(len(heart_rate)), "heart_rate_quality.wav": float(len(quality))}
    span_s = min(seconds.values())
    if span_s < 1:
        raise RecordingError(f"{label}: is shorter than a second")
    counts = np.column_stack([axis[: round(span_s * ACC_RATE_HZ)] for axis in axes])
    acc = resampled(counts / COUNTS_PER_G * GRAVITY_MPS2, rate_hz)
    t = np.arange(len(acc)) / rate_hz
    channels = dict(zip(("acc_x", "acc_y", "acc_z"), acc.T, strict=True))
    rate, rate_notes = _heart_rate(heart_rate[: int(span_s)], quality[: int(span_s)], t, rate_hz)
    rr, rr_notes = _rr_intervals(files, len(t), rate_hz)
    profile, profile_notes = _profile(label, number.lstrip("0"), files)
    notes = (*_span_notes(seconds, span_s), *rate_notes, *rr_notes, *profile_notes)
    channels["heart_rate_bpm"] = rate
    return checked(
        Imported(path, start_t + t, channels, rr, profile, notes, label, "hexoskin", Whose(number=number or None))
    )


def resampled(signal: FloatArray, rate_hz: float) -> FloatArray:
    """Return a 64 Hz signal at another rate, without aliases and without a step at the edges.

    Args:
        signal: [n, channels], any unit; axis 0 is time.
        rate_hz: rows a second of the result.

    Returns:
        [ceil(n * rate_hz / 64), channels]; row 0 is the same moment as row 0 of the signal.
    """
    ratio = Fraction(rate_hz).limit_denominator(1000) / ACC_RATE_HZ
    if ratio == 1:
        return signal
    from scipy.signal import resample_poly

    return np.asarray(resample_poly(signal, ratio.numerator, ratio.denominator, axis=0, padtype="edge"))


def _start(label: str, files: Mapping[str, Source]) -> float:
    try:
        info: Any = json.loads(files[_INFO].read())
        start = datetime.fromisoformat(str(info["start_date"]).replace("Z", "+00:00"))
        return (start if start.tzinfo else start.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        if isinstance(error, RecordingError):
            raise
        raise RecordingError(f"{label}/{_INFO}: has no readable start_date") from None


def _no_recording(folder: Path) -> str:
    inside = sorted(path.parent.name for path in folder.glob(f"*/{_INFO}"))
    hint = f"; give one of its folders: {', '.join(inside[:8])}" if inside else ""
    return f"{folder}: is not a Hexoskin recording: {_INFO} is missing{hint}"


def _wav(label: str, name: str, files: Mapping[str, Source], rate_hz: int) -> IntArray:
    """Return the samples of a mono 16-bit WAV of this rate."""
    path = f"{label}/{name}"
    if name not in files:
        raise RecordingError(f"{path}: is missing")
    content = files[name].read()
    try:
        with wave.open(io.BytesIO(content), "rb") as file:
            found = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            declared, data = file.getnframes(), file.readframes(min(file.getnframes(), len(content)))
    except (wave.Error, EOFError, ValueError, RuntimeError, OverflowError) as error:
        raise RecordingError(f"{path}: is not a WAV file: {str(error) or 'it ends early'}") from None
    if found != (1, _INT16_BYTES, rate_hz):
        channels, width, rate = found
        wanted = f"1 channel of 16 bit at {rate_hz} Hz"
        raise RecordingError(f"{path}: has {channels} channels of {8 * width} bit at {rate} Hz; needed: {wanted}")
    if len(data) < declared * _INT16_BYTES or not declared:
        raise RecordingError(f"{path}: holds {len(data) // _INT16_BYTES} of {declared} samples")
    return np.frombuffer(data, dtype="<i2").astype(np.int64)


def _heart_rate(
    heart_rate: IntArray, quality: IntArray, t: FloatArray, rate_hz: float
) -> tuple[FloatArray, tuple[str, ...]]:
    """Return the good readings, each on the first row at or after its second, NaN elsewhere."""
    good = (quality == 0) & (heart_rate > 0)
    start_values = _start_values(heart_rate)
    left_out = int(good[:start_values].sum())
    good[:start_values] = False
    rows = np.ceil(np.flatnonzero(good) * rate_hz - 1e-9).astype(np.int64)
    column = np.full(len(t), np.nan)
    inside = rows < len(t)
    column[rows[inside]] = heart_rate[good][inside]
    notes = [f"heart rate is good in {good.sum()} of {len(good)} s"]
    if left_out:
        notes.append(
            f"good readings left out because they are the shirt's start value, {START_VALUE_BPM} bpm: {left_out}"
        )
    return column, tuple(notes)


def _start_values(heart_rate: IntArray) -> int:
    """Return how many readings at the start are still the shirt's start value."""
    other = np.flatnonzero(heart_rate != START_VALUE_BPM)
    return int(other[0]) if len(other) else len(heart_rate)


def _rr_intervals(
    files: Mapping[str, Source], rows: int, rate_hz: float
) -> tuple[dict[int, tuple[float, ...]], tuple[str, ...]]:
    """Return the good intervals in ms, on the first row at or after their beat."""
    if "RR_interval.csv" not in files or "RR_interval_quality.csv" not in files:
        return {}, ("there are no RR intervals",)
    beats, flags = (_beats(files[name]) for name in ("RR_interval.csv", "RR_interval_quality.csv"))
    found: dict[int, tuple[float, ...]] = {}
    for second, ticks in beats.items():
        row = math.ceil(second * rate_hz - 1e-9)
        if ticks > 0 and flags.get(second) == 0 and 0 <= row < rows:
            found[row] = (*found.get(row, ()), ticks * 1000 / RR_TICKS_PER_S)
    return found, (f"{sum(map(len, found.values()))} of {len(beats)} RR intervals are good",)


def _beats(source: Source) -> dict[float, float]:
    """Return the second column by the first one, the time in s since the start."""
    layout = layout_of(source)
    if len(layout.header) != 2:
        raise RecordingError(f"{source}: has {len(layout.header)} columns; needed: time and value")
    columns = read_columns(layout, [0, 1], may_be_empty=True)
    pairs = zip(columns.numbers[0].tolist(), columns.numbers[1].tolist(), strict=True)
    return {second: value for second, value in pairs if math.isfinite(second) and math.isfinite(value)}


def _profile(label: str, number: str, files: Mapping[str, Source]) -> tuple[WireProfile, tuple[str, ...]]:
    """Return the body of the person whose number is the folder's name, as far as ``subjects.csv`` gives it."""
    if _SUBJECTS not in files:
        return NO_PROFILE, (f"{_SUBJECTS} is not above {label}: the athlete's body is unknown",)
    layout = layout_of(files[_SUBJECTS])
    names = [name.lower() for name in layout.header]
    people = [dict(zip(names, cells, strict=False)) for _, cells in rows_of(layout)]
    row = next((person for person in people if person.get("id", "").strip().lstrip("0") == number), None)
    if row is None:
        return NO_PROFILE, (f"{files[_SUBJECTS]} has no row for {number}: the athlete's body is unknown",)
    return WireProfile(_float(row.get("age")), _float(row.get("weight")), _float(row.get("height")), _sex(row)), ()


def _float(cell: str | None) -> float | None:
    with contextlib.suppress(ValueError):
        return float(cell) if cell and math.isfinite(float(cell)) else None
    return None


def _sex(row: dict[str, str]) -> Literal["male", "female"] | None:
    sexes: dict[str, Literal["male", "female"]] = {"male": "male", "m": "male", "female": "female", "f": "female"}
    return sexes.get(row.get("sex", "").lower())


def _span_notes(seconds: dict[str, float], span_s: float) -> tuple[str, ...]:
    longer = [f"{name} {length:g} s" for name, length in seconds.items() if length >= span_s + 1]
    return (f"only the common {span_s:g} s are used; longer: {', '.join(longer)}",) if longer else ()
