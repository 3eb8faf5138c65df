"""Messages as Sensor Logger sends them, made after its documentation (PUSHING.md, UNITS.md, COORDINATES.md)."""

from __future__ import annotations

import json
import math

UUID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def readings(start_s, end_s, *, ios=False, still=False, rate_hz=100.0, heart=True):
    """The readings of a phone that is carried, or lies on a table with its screen up, from one second to another.

    On iOS all three axes of acceleration have the other sign, and there is no total.
    """
    sign = -1.0 if ios else 1.0
    found = []
    for number in range(round(start_s * rate_hz), round(end_s * rate_hz)):
        t = number / rate_hz
        swing = 0.0 if still else 3.0 * math.sin(2 * math.pi * 2.5 * t)
        gravity = (0.0, 0.0, 9.80665) if still else (0.0, 9.80665, 0.0)
        linear = (0.1 * swing, swing, 0.2 * swing)
        found.append(("accelerometer", t, {axis: sign * value for axis, value in zip("xyz", linear, strict=True)}))
        found.append(("gravity", t + 0.001, {axis: sign * value for axis, value in zip("xyz", gravity, strict=True)}))
        if not ios:
            total = [a + b for a, b in zip(linear, gravity, strict=True)]
            found.append(("totalacceleration", t + 0.002, dict(zip("xyz", total, strict=True))))
        found.append(("gyroscope", t + 0.003, {"x": 0.1 * swing, "y": 0.0, "z": 0.3}))
    for second in range(math.ceil(start_s), math.ceil(end_s)):
        place = {"latitude": 47.0 + second * 2.7e-5, "longitude": 8.0, "altitude": 400.0, "horizontalAccuracy": 3.0,
                 "verticalAccuracy": 4.0, "speed": 3.0, "speedAccuracy": 0.5, "bearingAccuracy": -1}  # fmt: skip
        found.append(("location", second + 0.2, place))
        if heart:
            found.append(("heart rate", second + 0.5, {"bpm": 140 + second % 5}))
    return sorted(found, key=lambda each: each[1])


def message(number, found, *, origin_s=0.0, device=UUID, session="one", flat=False):
    """One message: ``flat`` puts the values beside name and time, as older versions did."""
    rows = []
    for name, t, values in found:
        head = {"name": name, "time": round((origin_s + t) * 1e9), "accuracy": 3}
        rows.append({**head, **values} if flat else {**head, "values": values})
    return json.dumps({"messageId": number, "sessionId": session, "deviceId": device, "payload": rows}).encode()


def recording(seconds, *, each_s=0.5, origin_s=0.0, device=UUID, session="one", **options):
    """The messages of a recording, one for each ``each_s``."""
    found = readings(0.0, seconds, **options)
    steps = round(seconds / each_s)
    return [message(number, [one for one in found if number * each_s <= one[1] < (number + 1) * each_s],
                    origin_s=origin_s, device=device, session=session) for number in range(steps)]  # fmt: skip
