"""Who the simulated athletes are: bodies that follow from id and squad seed, the same in every session."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.sim.randomness import generator

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.athletes import Profile, Sex

POSITIONS: Final = ("Goalkeeper", "Defender", "Midfielder", "Forward")
STYLES: Final = ("Aggressive", "Moderate", "Conservative")

_NORMAL: Final = NormalDist()
_HEIGHT_CM: Final = {"male": (181.0, 6.0), "female": (168.5, 5.5)}
_BMI: Final = {"male": (23.4, 1.2), "female": (21.9, 1.2)}
_VO2MAX: Final = {"male": (57.0, 4.5), "female": (51.0, 4.0)}
_TOP_SPEED_MPS: Final = {"male": (8.7, 0.45), "female": (7.7, 0.4)}
_POSITION_LIMITS: Final = (0.10, 0.45, 0.80)
_STYLE_LIMITS: Final = (0.3, 0.75)


@dataclass(frozen=True)
class Traits:
    """One athlete's body and habits.

    ``vo2max`` is in ml/(kg·min), the time constants of the heart in seconds, ``drift_bpm`` the upward drift of the
    heart rate after long hard work, ``cadence_factor`` and ``bounce_factor`` what is personal in the gait (1 =
    average), ``fitness_level`` 0.7 to 1.0, ``fatigue_rate`` 0.8 to 1.2.
    """

    athlete_id: int
    device_id: str
    sex: Sex
    age_years: float
    weight_kg: float
    height_cm: float
    hr_max_bpm: float
    hr_rest_bpm: float
    vo2max: float
    tau_up_s: float
    tau_down_s: float
    drift_bpm: float
    cadence_factor: float
    bounce_factor: float
    top_speed_mps: float
    position: str
    playing_style: str
    fitness_level: float
    fatigue_rate: float

    @property
    def aerobic_speed_mps(self) -> float:
        """Speed at which oxygen uptake reaches its maximum: VO2max/3.5 km/h (Léger & Mercier 1984)."""
        return self.vo2max / 3.5 / 3.6


def device_name(athlete_id: int) -> str:
    """Return the device that an athlete without a roster entry wears: ``"007"``."""
    return f"{athlete_id:03d}"


def traits_of(athlete_id: int, squad_seed: int = 0, known: Profile | None = None, device: str | None = None) -> Traits:
    """Return the body of one athlete; what ``known`` holds (the roster's entry) wins over what is drawn.

    Every quantity has its own random number, so that knowing one of them leaves the others as they are. HRmax follows
    211 − 0.64·age (Nes 2013) with a spread of 6 bpm; HRrest is the one that the Uth 2004 ratio joins to HRmax and
    VO2max. Heart-rate kinetics quicken with fitness: 20–40 s up, 40–90 s down (Bunc 1988; Hettinga 2014 for trained
    against untrained).
    """
    u = generator(squad_seed, athlete_id, "body").random(14)
    z = np.array([_NORMAL.inv_cdf(min(max(float(each), 0.014), 0.986)) for each in u])
    sex = _given(known, "sex") or ("male" if u[0] < 0.5 else "female")
    fitness = _NORMAL.cdf(float(z[4]))
    vo2max = _spread(_VO2MAX[sex], z[4])
    age = _number(known, "age_years", float(18 + int(u[1] * 17)))
    height = _number(known, "height_cm", round(_spread(_HEIGHT_CM[sex], z[2]), 1))
    hr_max = _number(known, "hr_max_bpm", float(round(211 - 0.64 * age + 6 * z[5])))
    hr_rest = _number(known, "hr_rest_bpm", float(np.clip(round(15.3 * hr_max / vo2max + 2.5 * z[6]), 38, 75)))
    return Traits(
        athlete_id=athlete_id,
        device_id=device or device_name(athlete_id),
        sex=sex,
        age_years=age,
        weight_kg=_number(known, "weight_kg", round(_spread(_BMI[sex], z[3]) * (height / 100) ** 2, 1)),
        height_cm=height,
        hr_max_bpm=hr_max,
        hr_rest_bpm=hr_rest,
        vo2max=vo2max,
        drift_bpm=5.0 + 3.0 * float(u[8]),
        fitness_level=round(0.7 + 0.3 * fitness, 2),
        fatigue_rate=round(1.2 - 0.3 * fitness - 0.1 * float(u[9]), 2),
        top_speed_mps=_spread(_TOP_SPEED_MPS[sex], z[10]),
        position=POSITIONS[int(np.searchsorted(_POSITION_LIMITS, u[12], side="right"))],
        playing_style=STYLES[int(np.searchsorted(_STYLE_LIMITS, u[13], side="right"))],
        **_kinetics(fitness, u),
        **_gait(height, z),
    )


def _kinetics(fitness: float, u: FloatArray) -> dict[str, float]:
    return {
        "tau_up_s": 39.0 - 16.0 * fitness - 2.0 * float(u[7]),
        "tau_down_s": 87.0 - 42.0 * fitness - 4.0 * float(u[7]),
    }


def _gait(height_cm: float, z: FloatArray) -> dict[str, float]:
    """Longer legs swing slower: step rate goes with the root of leg length."""
    return {
        "cadence_factor": float((178.0 / height_cm) ** 0.5 * (1 + 0.02 * z[11])),
        "bounce_factor": float(1 + 0.06 * z[10]),
    }


def _spread(mean_and_sd: tuple[float, float], z: float) -> float:
    mean, sd = mean_and_sd
    return float(mean + sd * z)


def _given(known: Profile | None, name: str) -> Sex | None:
    return getattr(known, name, None)


def _number(known: Profile | None, name: str, drawn: float) -> float:
    value = getattr(known, name, None)
    return drawn if value is None else float(value)
