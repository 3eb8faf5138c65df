"""The inputs of a model: the squad's streaming feature bank.

Heart rate follows effort with a lag of half a minute to several minutes, so features carry a memory: short-window
statistics of the newest second, and exponentially weighted averages (EWMA) of effort over time constants from
seconds to minutes. Each costs the same whatever its time constant and needs no buffer. The optional spectrum
(``spectrum``) keeps the last seconds of the acceleration.

One row is one athlete. Everything a row remembers is one row of one float64 array, and every operation on it is an
elementwise IEEE addition, multiplication, division, comparison or square root. A feature therefore does not depend, to
the last bit, on which other athletes are in the call, on how the samples were cut into calls, or on the machine:
training and live prediction see the same numbers.
"""

from __future__ import annotations

from athlete_monitor.features.bank import FRESH_S, HOLD_S, FeatureBank
from athlete_monitor.features.profile import PROFILE_FEATURES, PROFILE_UNKNOWN, profile_row
from athlete_monitor.features.spec import GROUPS, SCHEMA_VERSION, FeatureSpec

__all__ = [
    "FRESH_S",
    "GROUPS",
    "HOLD_S",
    "PROFILE_FEATURES",
    "PROFILE_UNKNOWN",
    "SCHEMA_VERSION",
    "FeatureBank",
    "FeatureSpec",
    "profile_row",
]
