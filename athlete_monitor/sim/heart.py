"""The heart of a squad, second by second: from metabolic power to heart rate.

Oxygen uptake follows power with a short lag (muscle stores pay first), its share of the reserve is the share of the
heart-rate reserve (Swain & Leutholtz 1997), the heart approaches the demanded rate exponentially, faster up than down
(Bunc 1988, Hettinga 2014), and drifts upward in long hard work and heat (Coyle & González-Alonso 2001).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.sim.energetics import aerobic_power

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.sim.traits import Traits

STORES_TAU_S: Final = 8.0
"""Muscle stores (phosphocreatine, bound oxygen) smooth the power that the circulation has to answer."""
DRIFT_TAU_S: Final = 1500.0
STANDING_BPM: Final = 9.0
"""Standing ready lies so far above lying at rest."""
SATURATION: Final = 5.0


@dataclass(frozen=True)
class HeartTraits:
    """What the heart model needs of each athlete, arrays [athletes]; bpm, seconds and W/kg."""

    rest_bpm: FloatArray
    max_bpm: FloatArray
    aerobic_w_kg: FloatArray
    tau_up_s: FloatArray
    tau_down_s: FloatArray
    drift_bpm: FloatArray

    @classmethod
    def of(cls, squad: Sequence[Traits], offset_bpm: FloatArray) -> HeartTraits:
        """Collect the traits; ``offset_bpm`` is how far the athlete's day lies above or below the usual."""
        return cls(
            rest_bpm=np.array([t.hr_rest_bpm for t in squad]) + STANDING_BPM + offset_bpm,
            max_bpm=np.array([t.hr_max_bpm for t in squad]),
            aerobic_w_kg=np.array([aerobic_power(t.vo2max) for t in squad]),
            tau_up_s=np.array([t.tau_up_s for t in squad]),
            tau_down_s=np.array([t.tau_down_s for t in squad]),
            drift_bpm=np.array([t.drift_bpm for t in squad]),
        )


@dataclass
class HeartState:
    """Where each heart is, arrays [athletes]: power in the stores (share of aerobic), rate and drift (bpm)."""

    share: FloatArray
    rate_bpm: FloatArray
    drift_bpm: FloatArray


def settled(traits: HeartTraits, share: float) -> HeartState:
    """Return the state of a squad that has worked for long at this share of aerobic power; 0: stands and waits."""
    shares = np.full_like(traits.rest_bpm, share)
    return HeartState(shares, demanded_bpm(traits, shares), np.zeros_like(shares))


def saturated(share: FloatArray) -> FloatArray:
    """Bend a share of aerobic power, 0 or more, so that it never passes 1."""
    return share / (1.0 + share**SATURATION) ** (1.0 / SATURATION)


def demanded_bpm(traits: HeartTraits, share: FloatArray) -> FloatArray:
    """Heart rate, bpm, that steady work at this share of aerobic power settles at, without drift."""
    return traits.rest_bpm + (traits.max_bpm - traits.rest_bpm) * saturated(share)


def advance(traits: HeartTraits, state: HeartState, power_w_kg: FloatArray, arousal_bpm: FloatArray) -> FloatArray:
    """Advance the state by one second for each column; return the heart rate at the start of each, bpm.

    ``power_w_kg`` is the mean power above rest of each second, ``arousal_bpm`` what excitement adds to the demand; both
    [athletes, seconds].
    """
    up = -np.expm1(-1.0 / traits.tau_up_s)
    down = -np.expm1(-1.0 / traits.tau_down_s)
    rates = np.empty_like(power_w_kg)
    for second in range(power_w_kg.shape[1]):
        rates[:, second] = state.rate_bpm
        _one_second(traits, state, power_w_kg[:, second], arousal_bpm[:, second], (up, down))
    return rates


def _one_second(
    traits: HeartTraits,
    state: HeartState,
    power_w_kg: FloatArray,
    arousal_bpm: FloatArray,
    approach: tuple[FloatArray, FloatArray],
) -> None:
    state.share = state.share + (power_w_kg / traits.aerobic_w_kg - state.share) * -np.expm1(-1.0 / STORES_TAU_S)
    demand = demanded_bpm(traits, state.share) + state.drift_bpm + arousal_bpm
    step = np.where(demand > state.rate_bpm, approach[0], approach[1])
    state.rate_bpm = np.minimum(state.rate_bpm + step * (demand - state.rate_bpm), traits.max_bpm)
    wanted = traits.drift_bpm * np.minimum(state.share, 1.0) / 0.6
    state.drift_bpm = state.drift_bpm + (wanted - state.drift_bpm) / DRIFT_TAU_S
