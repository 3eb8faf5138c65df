"""The choice of features: it gives the columns their names and their meaning."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.channels import FEATURE_GROUPS
from athlete_monitor.features.layout import layout_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from athlete_monitor.arrays import IntArray
    from athlete_monitor.config import FeatureEngineering

GROUPS: Final = FEATURE_GROUPS
"""Channel groups. ``grade`` needs speed and altitude; the others one channel (or vector) each."""

SCHEMA_VERSION: Final = 1


@dataclass(frozen=True)
class FeatureSpec:
    """The choice of features. Equal specs give equal columns; the hash is written to every model's manifest.

    ``window_s`` is the memory of the short-window statistics; ``time_constants_s`` are those of the effort averages.

    >>> [name for name in FeatureSpec(spectrum=True).names(["acceleration"]) if name not in FeatureSpec().names()][-2:]
    ['acc_dominant_frequency_hz', 'acc_spectral_energy_m2ps4']
    """

    window_s: float = 0.8
    time_constants_s: tuple[float, ...] = (2.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0)
    resultant: bool = True
    rolling_stats: bool = True
    jerk: bool = True
    step_rate: bool = True
    spectrum: bool = False
    acc_components: tuple[str, ...] = ()

    @classmethod
    def from_config(cls, feature_engineering: FeatureEngineering) -> FeatureSpec:
        """The specification that the ``feature_engineering`` section of a configuration asks for."""
        chosen = feature_engineering.features
        classic = feature_engineering.enabled
        return cls(
            window_s=feature_engineering.rolling_window / feature_engineering.sampling_frequency,
            time_constants_s=tuple(float(tau) for tau in feature_engineering.time_constants_s),
            resultant=classic and chosen.resultant,
            rolling_stats=classic and chosen.rolling_stats,
            jerk=classic and chosen.jerk,
            step_rate=classic and chosen.fft_features,
            spectrum=classic and chosen.fft_features,
            acc_components=tuple(chosen.acc_components) if classic else (),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a manifest, under the names of its format: there ``fft_features`` is the step rate.

        ``spectrum`` is left out where it is not used, so that models from before it keep their hash.
        """
        values = asdict(self)
        values["fft_features"] = values.pop("step_rate")
        if not self.spectrum:
            del values["spectrum"]
        lists = {key: list(values[key]) for key in ("time_constants_s", "acc_components")}
        return {"schema_version": SCHEMA_VERSION, **values, **lists}

    def names(self, groups: Iterable[str] = GROUPS) -> tuple[str, ...]:
        """Names of the features of ``groups``, in the order of ``columns``."""
        layout = layout_of(self)
        return tuple(layout.names[column] for column in self.columns(groups))

    def columns(self, groups: Iterable[str] = GROUPS) -> IntArray:
        """Columns of ``FeatureBank.update``'s result that belong to ``groups``, ascending."""
        wanted = set(groups)
        unknown = wanted - set(GROUPS)
        if unknown:
            raise ValueError(f"unknown feature group {min(unknown)!r}, allowed: {', '.join(GROUPS)}")
        layout = layout_of(self)
        return np.array([c for c, group in enumerate(layout.group) if GROUPS[group] in wanted], dtype=np.int64)

    def columns_named(self, names: Iterable[str]) -> IntArray:
        """Columns of ``FeatureBank.update``'s result with these names; raises ``KeyError`` for another name."""
        place = {name: column for column, name in enumerate(layout_of(self).names)}
        return np.array([place[name] for name in names], dtype=np.int64)

    def schema_hash(self, groups: Iterable[str] = GROUPS) -> str:
        """SHA-256 (hex) of everything that gives the columns of ``groups`` their meaning."""
        meaning = json.dumps([self.to_dict(), self.names(groups)], sort_keys=True)
        return hashlib.sha256(meaning.encode()).hexdigest()

    def contained(self) -> tuple[FeatureSpec, ...]:
        """This specification and those whose features it computes as well: models of all of them can be served."""
        without = replace(self, spectrum=False)
        return (self,) if without == self else (self, without, replace(without, step_rate=False))

    def rises(self, groups: Iterable[str] = GROUPS) -> IntArray:
        """1 for the features with which heart rate can only rise (averages and sums of effort), else 0; int [F]."""
        return np.array([int("_ewma_" in name or name.endswith("_total_s")) for name in self.names(groups)])
