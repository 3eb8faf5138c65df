"""Steps: how often they come and what they do to the trunk.

Running is the spring-mass picture: half a sine of force while a foot is down, weightless between, one weight on
average (Alexander 1989; Morin et al. 2005). Walking swings about one weight. A heel strike rings briefly at about 15
Hz (Derrick 2004).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.arrays import GRAVITY_MPS2
from athlete_monitor.sim.energetics import running_share

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray

STILL_BELOW_MPS: Final = 0.25
MOVING_FROM_MPS: Final = 0.8
RING_HZ: Final = 15.0
RING_DECAY_S: Final = 0.025
_TAU: Final = 2.0 * np.pi
_RING_S: Final = _TAU * RING_HZ * RING_DECAY_S**2 / (1.0 + (_TAU * RING_HZ * RING_DECAY_S) ** 2)
"""Time integral of a ring of height one: what a step has to give back, so that nothing is gained on average."""


@dataclass(frozen=True)
class GaitSteps:
    """What gait does, arrays [athletes, time].

    Acceleration of the trunk beside gravity (m/s²), its swing (rad), and steps a second.
    """

    forward_mps2: FloatArray
    left_mps2: FloatArray
    up_mps2: FloatArray
    roll_rad: FloatArray
    pitch_rad: FloatArray
    yaw_rad: FloatArray
    rate_hz: FloatArray


def moving_share(speed_mps: FloatArray) -> FloatArray:
    """How much of a gait there is: 0 standing, 1 from a slow walk on."""
    x = np.clip((speed_mps - STILL_BELOW_MPS) / (MOVING_FROM_MPS - STILL_BELOW_MPS), 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def step_rate(speed_mps: FloatArray, factor: FloatArray) -> FloatArray:
    """Steps a second at a speed, m/s: about 2.0 walking at 1.4, 2.7 running at 3, 4.2 sprinting at 8.5."""
    run = running_share(speed_mps)
    walking = 1.35 + 0.45 * speed_mps
    running = 2.42 + 0.04 * speed_mps + 0.02 * speed_mps * speed_mps
    return factor * (run * running + (1.0 - run) * walking)


def contact_share(speed_mps: FloatArray) -> FloatArray:
    """Share of a running step with a foot on the ground: 0.66 at 3 m/s, 0.5 at 7.5 m/s."""
    return np.clip(0.765 - 0.035 * speed_mps, 0.45, 0.75)


def stride_phase(before: FloatArray, rate_hz: FloatArray, dt_s: float) -> FloatArray:
    """Strides done, [athletes, time], going on from ``before`` [athletes]; two steps make a stride."""
    return before[:, None] + np.cumsum(0.5 * dt_s * rate_hz, axis=1)


def steps(speed_mps: FloatArray, rate_hz: FloatArray, stride: FloatArray, bounce: FloatArray) -> GaitSteps:
    """Return what gait does at these speeds and stride phases [athletes, time]; ``bounce`` [athletes, 1] scales it."""
    run = running_share(speed_mps)
    move = moving_share(speed_mps)
    gain = move * bounce
    phase = 2.0 * stride
    phase = phase - np.floor(phase)
    forward_run, up_run = _running(speed_mps, phase)
    forward_walk, up_walk = _walking(speed_mps, phase)
    ring = _heel_strike(speed_mps, phase, rate_hz)
    half, whole = np.sin(_TAU * stride), np.sin(_TAU * phase)
    swing = move * np.minimum(0.35 + 0.2 * speed_mps, 1.4)
    return GaitSteps(
        forward_mps2=gain * (run * forward_run + (1.0 - run) * forward_walk - 0.4 * ring),
        left_mps2=gain * (0.5 + 0.35 * speed_mps) * half,
        up_mps2=gain * (run * up_run + (1.0 - run) * up_walk + ring),
        roll_rad=0.05 * swing * half,
        pitch_rad=0.03 * swing * whole,
        yaw_rad=0.09 * swing * half,
        rate_hz=rate_hz,
    )


def _running(speed_mps: FloatArray, phase: FloatArray) -> tuple[FloatArray, FloatArray]:
    contact = contact_share(speed_mps)
    stance = np.minimum(phase / contact, 1.0)
    push = np.sin(np.pi * stance)
    up = GRAVITY_MPS2 * (np.pi / (2.0 * contact) * push - 1.0)
    forward = -0.9 * speed_mps * np.sin(_TAU * stance)
    return forward, up


def _walking(speed_mps: FloatArray, phase: FloatArray) -> tuple[FloatArray, FloatArray]:
    size = 0.4 + 1.3 * speed_mps
    up = size * (np.cos(_TAU * phase) + 0.3 * np.cos(2 * _TAU * phase))
    return 0.6 * size * np.sin(_TAU * phase), up


def _heel_strike(speed_mps: FloatArray, phase: FloatArray, rate_hz: FloatArray) -> FloatArray:
    since_s = phase / rate_hz
    ring = np.exp(-since_s / RING_DECAY_S) * np.sin(_TAU * RING_HZ * since_s)
    return 1.1 * speed_mps * (ring - _RING_S * rate_hz)
