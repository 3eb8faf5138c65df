"""Values that readers may not expect: numbers, dates and texts, written as files of strangers write them."""

from __future__ import annotations

from typing import Any

NUMBERS: tuple[str, ...] = (
    *("", "nan", "NaN", "inf", "-inf", "-1", "0", "-0", "1e308", "-1e308", "1e400", "1e-320", "1e30", "9" * 20),
    *(
        "0" * 30 + "1",
        "1,234.5",
        "1.234,5",
        "12,5",
        "1 234,5",
        "1'234.5",
        "1_000",
        "+7",
        ".5",
        "5.",
        "0x1F",
        "1e",
        "--",
    ),
    *("255", "65535", "2147483647", "4294967295", "18446744073709551615", "=1+1", "#DIV/0!", "N/A", "true", "12 %"),
    *("\u0661\u0662", "\u2212\u00b2", "\u00bd", "1\u00a0000", "1\u202f000,5", "12.5 km/h", '"7"', "1..2", "1-2", "1/2"),
)
DATES: tuple[str, ...] = (
    *("0000-00-00T00:00:00Z", "0000-01-01 00:00:00", "0001-01-01T00:00:00+23:59", "9999-12-31 23:59:59"),
    *(
        "9999-12-31T23:59:60.999999999-23:59",
        "2026-13-32T25:61:61Z",
        "2026-02-30",
        "2024-02-29T23:59:60Z",
        "1969-12-31",
    ),
    *(
        "31/12/9999",
        "00/00/0000",
        "29.02.2023 10:00",
        "2026-10-25T02:30:00",
        "2026-03-29 02:30:00",
        "1900-01-00",
        "25:00",
    ),
    *(
        "-1",
        "0",
        "1e10",
        "1777881600",
        "1777881600000",
        "1777881600000000",
        "1777881600000000000",
        "99999999999999999999",
    ),
    *(
        "46146.41666",
        "10:00:60",
        "99:59",
        "24:00:00",
        "1 days 00:00:00",
        "May 4, 2026, 10:00 AM",
        "4 mai 2026 10:00:00",
    ),
    *(
        "2026-05-04T10:00:00+99:99",
        "2026-05-04T10:00:00.123456789012Z",
        "2026-W19-1",
        "20260504T100000Z",
        "12:00:00 XM",
    ),
    "2026-05-04T10:00:00[Europe/Berlin]",
)
TEXTS: tuple[str, ...] = (
    *("", " ", "x", "\0", "\ufeff", "\u202e", "\u2028", "\x85", "\x0b", "\x0c", "\x1c", "\x1a", "\u0130", "a" * 300),
    *("=cmd|' /C calc'!A0", "../../etc/passwd", "{}", "%s%n", 'O\'Neill; "Ann"', "\U0001f3c3", "\ud800", "nul", "-"),
)
NAMES: tuple[str, ...] = (
    *(
        "timestamp",
        "time",
        "Date",
        "Datum",
        "elapsed",
        "Seconds",
        "hr",
        "Heart Rate (bpm)",
        "heart_rate",
        "Speed (km/h)",
    ),
    *(
        "speed_mps",
        "Velocity [mph]",
        "Geschwindigkeit",
        "pace (min/km)",
        "distance_m",
        "Distance (km)",
        "Odometer",
        "lat",
    ),
    *(
        "longitude",
        "x",
        "y",
        "z",
        "acc_x (g)",
        "acc_x [mg]",
        "Gyro Yro X",
        "mag_x (nT)",
        "rr_intervals",
        "RR",
        "cadence",
    ),
    *("strides", "Altitude (ft)", "Athlete", "Player Name", "First Name", "Last Name", "Number", "Device", "Period"),
    *("mode", "hdop", "sats", "age", "gender", "", "hr (furlongs)", "Speed ()", "speed [", "#time", '"hr"', "t (ms)"),
    *("heart rate, bpm", "position", "phase", "weight", "utc", "ts", "cs", "epoch (ns)"),
)
OBJECTS: tuple[Any, ...] = (
    *(None, True, False, "", "x", "1e400", -1, 0, 0.5, 255, 10**30, -(10**30), 2**63, 2**64, 1e308, -1e308, 5e-324),
    *(
        float("nan"),
        float("inf"),
        -float("inf"),
        [],
        {},
        [[]],
        [{}],
        [1, "a"],
        [None],
        {"a": {}},
        {"": None},
        [0] * 300,
    ),
    *("\ud800", ["x"] * 3, {"value": 1}, [[1, 2], [3]]),
)
