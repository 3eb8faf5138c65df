"""The squad simulated: blocks of ten seconds, all athletes of a group and all samples of the block at once.

A block's numbers follow from the session's seed and the athlete only: generators belong to athletes, arithmetic is
elementwise or runs along time, and blocks begin at fixed times. So they do not depend on who else takes part or on
how many blocks are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.arrays import (
    ACC,
    BATTERY,
    CHANNELS,
    CONTACT,
    GRAVITY_MPS2,
    GYRO,
    HEART_RATE,
    MAG,
    RSSI,
    SPEED,
    X,
    Y,
)
from athlete_monitor.channels import TABLE
from athlete_monitor.sim import attitude, beats, gait, heart, imu, path, pulses, strap, wander
from athlete_monitor.sim.corners import ACCELERATION, PLACE, VELOCITY
from athlete_monitor.sim.energetics import metabolic_power
from athlete_monitor.sim.plan import PITCH_LENGTH_M, PITCH_WIDTH_M
from athlete_monitor.sim.sensor_health import Sensors
from athlete_monitor.sim.session import LEG, Entrant, SimulatedSession, legs_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from athlete_monitor.arrays import FloatArray, IntArray
    from athlete_monitor.sim.traits import Traits

BLOCK_S: Final = 10
MAX_GROUP_SAMPLES: Final = 40_000
"""A group is as large as fits: its arrays hold at most so many samples of one channel (some 40 MB in all)."""
DAY_BPM: Final = 1.0
"""Standard deviation of an athlete's heart rate at equal work from day to day."""
GAME_AROUSAL_BPM: Final = 6.0
KICK_OFF_SHARE: Final = 0.25
"""Players come warmed up to the kick-off: a quarter of their aerobic power."""

_SCALE: Final = 10.0 ** np.array([channel.decimals for channel in TABLE])


@dataclass(frozen=True)
class Truth:
    """What really happened in a block, before the sensors' errors; arrays [..., athletes, time] unless said otherwise.

    Attributes:
        path: movement of the body.
        perfect: readings without errors, and the attitude.
        before: attitude one sample before the block [4, athletes].
        power_w_kg: metabolic power above rest.
        heart_bpm: heart rate [athletes, seconds].
    """

    path: path.MovementPath
    perfect: imu.Ideal
    before: FloatArray
    power_w_kg: FloatArray
    heart_bpm: FloatArray


@dataclass(frozen=True)
class Block:
    """Ten seconds of a group.

    Attributes:
        first: number of the first sample since the session's start.
        athletes: whose rows these are.
        values: [athletes, samples, len(CHANNELS)], rounded as they go on the wire, NaN where not measured.
        phase: index into the session's phases [samples].
        intensity: index into ``plan.INTENSITIES`` [athletes, samples].
        rr: for each athlete, beat intervals in ms by the sample (in this block) that carries them.
        truth: what really happened.
    """

    first: int
    athletes: tuple[Traits, ...]
    values: FloatArray
    phase: IntArray
    intensity: IntArray
    rr: tuple[dict[int, tuple[float, ...]], ...]
    truth: Truth

    @property
    def samples(self) -> int:
        """Samples of each athlete."""
        return int(self.values.shape[1])

    def until(self, samples: int) -> Block:
        """Return the block's beginning, ``samples`` long; the truth stays whole."""
        kept = slice(None, samples)
        rr = tuple({n: gaps for n, gaps in each.items() if n < samples} for each in self.rr)
        return replace(
            self, values=self.values[:, kept], phase=self.phase[kept], intensity=self.intensity[:, kept], rr=rr
        )


@dataclass
class _State:
    """All that a group carries from block to block; arrays [..., athletes]."""

    path: path.PathState
    stride: FloatArray
    wander: FloatArray
    attitude: FloatArray
    heart: heart.HeartState
    strap: strap.StrapState
    beats: list[beats.BeatState] = field(default_factory=list)


class Group:
    """Some athletes in a session, advanced together."""

    def __init__(self, squad: Sequence[Traits], session: SimulatedSession) -> None:
        self.session = session
        self.entrants = [Entrant(traits, session) for traits in squad]
        self._athletes = tuple(squad)
        self._bounce = np.array([[t.bounce_factor] for t in squad])
        self._cadence = np.array([[t.cadence_factor] for t in squad])
        draws = np.stack([e.slow.standard_normal(14 + len(wander.CHANNELS)) for e in self.entrants])
        self._device = imu.SensorErrors.of(draws[:, :12])
        self._heart = heart.HeartTraits.of(squad, DAY_BPM * np.clip(draws[:, 12], -2.0, 2.0))
        self._state = self._begin(draws[:, 13], draws[:, 14:])
        self._sensors = Sensors.of(squad, session)
        self._block = 0

    def advance(self) -> Block:
        """Return the next ten seconds."""
        rate = self.session.rate_hz
        first = self._block * BLOCK_S * rate
        t_s = (first + np.arange(BLOCK_S * rate)) / rate
        self._block += 1
        legs, happening = self._plans(t_s)
        knots = self._wander()
        drift = wander.between(knots[:, :-1], rate)
        moved = self._move(legs, t_s)
        speed = _length(moved.velocity_mps)
        step = self._steps(speed)
        before = self._state.attitude
        perfect = self._sense(moved, step, happening, drift)
        power = metabolic_power(speed, _along(moved, speed)) + legs[LEG["effort_w_kg"]]
        seconds = power.reshape(len(self._athletes), BLOCK_S, rate).mean(axis=2)
        beating = heart.advance(self._heart, self._state.heart, seconds, self._arousal(knots))
        readings = self._strap_readings(beating, step, speed)
        return Block(
            first=first,
            athletes=self._athletes,
            values=self._values(perfect, speed, moved, drift, readings, float(t_s[0])),
            phase=self.session.phase_at(t_s),
            intensity=legs[LEG["intensity"]].astype(np.int64),
            rr=self._rr(first, beating),
            truth=Truth(moved, perfect, before, power, beating),
        )

    def _begin(self, stride: FloatArray, wandering: FloatArray) -> _State:
        starts = np.stack([e.plan.legs[0] for e in self.entrants], axis=1)
        position = starts[[LEG["x_m"], LEG["y_m"]]]
        wandered = wander.begin(wandering)
        state = _State(
            path=path.at_rest(position, starts[LEG["facing_rad"]]),
            stride=np.abs(stride) % 1.0,
            wander=wandered,
            attitude=np.empty((4, 0)),
            heart=heart.settled(self._heart, KICK_OFF_SHARE if self.session.mode == "game" else 0.0),
            strap=strap.worn(len(self.entrants)),
            beats=[beats.BeatState() for _ in self.entrants],
        )
        drift = [wandered[:, n] + wandered[:, n + 3] + self._device.mount_rad[n, :, 0] for n in range(3)]
        state.attitude = attitude.from_euler(drift[0], drift[1], drift[2] + starts[LEG["facing_rad"]])
        return state

    def _plans(self, t_s: FloatArray) -> tuple[FloatArray, pulses.Pulses]:
        """Return the legs [columns, athletes, time] and what happens on them."""
        legs = np.empty((len(LEG), len(self.entrants), len(t_s)))
        happening = pulses.Pulses.none(len(self.entrants), len(t_s))
        for row, entrant in enumerate(self.entrants):
            plan = entrant.plan_at(float(t_s[0]))
            legs[:, row] = legs_at(plan, t_s)
            pulses.put(happening, row, plan, t_s)
        return legs, happening

    def _wander(self) -> FloatArray:
        shape = (len(wander.CHANNELS), BLOCK_S)
        draws = np.stack([e.slow.standard_normal(shape) for e in self.entrants])
        knots = wander.wander(self._state.wander, draws)
        self._state.wander = knots[..., -1].copy()
        return knots

    def _move(self, legs: FloatArray, t_s: FloatArray) -> path.MovementPath:
        since = t_s - legs[LEG["start_s"]]
        place = 0.5 * legs[ACCELERATION]
        for term in (legs[VELOCITY], legs[PLACE]):
            place *= since
            place += term
        return path.follow(self._state.path, place, legs[LEG["facing_rad"]], 1.0 / self.session.rate_hz)

    def _steps(self, speed: FloatArray) -> gait.GaitSteps:
        rate_hz = gait.step_rate(speed, self._cadence)
        stride = gait.stride_phase(self._state.stride, rate_hz, 1.0 / self.session.rate_hz)
        self._state.stride = stride[:, -1] % 1.0
        return gait.steps(speed, rate_hz, stride, self._bounce)

    def _sense(
        self, moved: path.MovementPath, step: gait.GaitSteps, happening: pulses.Pulses, drift: FloatArray
    ) -> imu.Ideal:
        cos, sin = np.cos(moved.facing_rad), np.sin(moved.facing_rad)
        ax, ay = moved.acceleration_mps2
        extra = happening.acceleration_mps2
        forward = extra[0] + happening.grounded * step.forward_mps2
        left = extra[1] + happening.grounded * step.left_mps2
        up = extra[2] + happening.grounded * step.up_mps2 + GRAVITY_MPS2
        force = np.stack((ax + cos * forward - sin * left, ay + sin * forward + cos * left, up))
        lean = (ax * cos + ay * sin, ay * cos - ax * sin)
        angles = self._angles(moved.facing_rad, step, happening.turn_rad, drift, lean)
        perfect = imu.ideal(force, angles, self._state.attitude, 1.0 / self.session.rate_hz)
        self._state.attitude = perfect.attitude[..., -1].copy()
        return perfect

    def _angles(
        self,
        facing: FloatArray,
        step: gait.GaitSteps,
        turn: FloatArray,
        drift: FloatArray,
        acceleration: tuple[FloatArray, FloatArray],
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Roll, pitch and yaw: how the sensor sits, sway, gait, poses, and half the lean that balances acceleration."""
        mount = self._device.mount_rad
        forward, left = (np.arctan(a / GRAVITY_MPS2) / 2 for a in acceleration)
        roll = mount[0] + drift[:, 0] + drift[:, 3] + step.roll_rad + turn[0] - left
        pitch = mount[1] + drift[:, 1] + drift[:, 4] + step.pitch_rad + turn[1] + forward
        yaw = mount[2] + drift[:, 2] + drift[:, 5] + step.yaw_rad + turn[2] + facing
        return roll, pitch, yaw

    def _arousal(self, knots: FloatArray) -> FloatArray:
        return knots[:, -1, :-1] + (GAME_AROUSAL_BPM if self.session.mode == "game" else 0.0)

    def _strap_readings(self, beating: FloatArray, step: gait.GaitSteps, speed: FloatArray) -> strap.Readings:
        draws = np.empty((len(self.entrants), 3, BLOCK_S))
        for row, entrant in enumerate(self.entrants):
            draws[row, 0] = entrant.strap.standard_normal(BLOCK_S)
            draws[row, 1:] = entrant.strap.random((2, BLOCK_S))
        each = slice(None, None, self.session.rate_hz)
        cadence = np.where(speed[:, each] > gait.MOVING_FROM_MPS, 60.0 * step.rate_hz[:, each], 0.0)
        return strap.read(self._state.strap, beating, cadence, draws, self.session.dropout)

    def _values(
        self,
        perfect: imu.Ideal,
        speed: FloatArray,
        moved: path.MovementPath,
        drift: FloatArray,
        readings: strap.Readings,
        session_s: float,
    ) -> FloatArray:
        noise = self._noise(speed.shape[1])
        acc, gyro, mag = imu.measure(perfect, self._device, speed, noise)
        values = np.full((*speed.shape, len(CHANNELS)), np.nan)
        for channels, vector in ((ACC, acc), (GYRO, gyro), (MAG, mag)):
            values[..., channels] = np.moveaxis(vector, 0, -1)
        values[..., HEART_RATE] = np.repeat(readings.bpm, self.session.rate_hz, axis=1)
        values[..., SPEED] = np.maximum(speed + 0.04 * noise[9], 0.0)
        values[..., X] = np.clip(moved.position_m[0] + drift[:, 6], 0.0, PITCH_LENGTH_M)
        values[..., Y] = np.clip(moved.position_m[1] + drift[:, 7], 0.0, PITCH_WIDTH_M)
        self._add_health(values, readings, session_s)
        return _rounded(values)

    def _add_health(self, values: FloatArray, readings: strap.Readings, session_s: float) -> None:
        """Battery and signal once a block, contact once a second."""
        values[:, 0, BATTERY] = self._sensors.battery_percent(session_s)
        values[:, 0, RSSI] = self._sensors.rssi_dbm(values[:, 0, X], values[:, 0, Y])
        values[:, :: self.session.rate_hz, CONTACT] = readings.contact

    def _noise(self, samples: int) -> FloatArray:
        noise = np.empty((len(self.entrants), imu.NOISE_CHANNELS, samples), dtype=np.float32)
        for row, entrant in enumerate(self.entrants):
            entrant.noise.standard_normal(out=noise[row], dtype=np.float32)
        return noise.transpose(1, 0, 2)  # type: ignore[return-value]

    def _rr(self, first: int, beating: FloatArray) -> tuple[dict[int, tuple[float, ...]], ...]:
        if not self.session.rr:
            return tuple({} for _ in self.entrants)
        start_s = first / self.session.rate_hz
        share = (beating - self._heart.rest_bpm[:, None]) / (self._heart.max_bpm - self._heart.rest_bpm)[:, None]
        return tuple(self._beats_of(row, start_s, beating[row], share[row]) for row in range(len(self.entrants)))

    def _beats_of(
        self, row: int, start_s: float, beating: FloatArray, share: FloatArray
    ) -> dict[int, tuple[float, ...]]:
        """Beats are sent with the first sample of the second that follows them, as a strap does."""
        draws = self.entrants[row].strap.standard_normal(BLOCK_S * beats.STEPS_PER_S)
        times, gaps = beats.intervals(self._state.beats[row], start_s, beating, share, draws)
        sent: dict[int, tuple[float, ...]] = {}
        for time, gap in zip(times.tolist(), gaps.tolist(), strict=True):
            sample = int(time - start_s) * self.session.rate_hz
            sent[sample] = (*sent.get(sample, ()), gap)
        return sent


def _length(vector: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(vector[0] * vector[0] + vector[1] * vector[1]))


def _along(moved: path.MovementPath, speed: FloatArray) -> FloatArray:
    """Acceleration along the way, m/s²: how fast the speed grows."""
    v, a = moved.velocity_mps, moved.acceleration_mps2
    return np.asarray((v[0] * a[0] + v[1] * a[1]) / np.maximum(speed, 0.1))


def _rounded(values: FloatArray) -> FloatArray:
    """Round each channel to what the wire carries, without negative zeros."""
    return np.rint(values * _SCALE) / _SCALE + 0.0


class SimulatedSquad:
    """All athletes of a session, in groups small enough for the memory."""

    def __init__(self, squad: Sequence[Traits], session: SimulatedSession) -> None:
        size = max(1, MAX_GROUP_SAMPLES // (BLOCK_S * session.rate_hz))
        self.session = session
        self.groups = [Group(squad[at : at + size], session) for at in range(0, len(squad), size)]

    @property
    def events(self) -> dict[int, dict[str, int]]:
        """What was planned so far for each athlete, counted by name."""
        return {e.traits.athlete_id: e.events for group in self.groups for e in group.entrants}

    def blocks(self) -> Iterator[Block]:
        """Yield the session's blocks: ten seconds of each group in turn, the last ones cut to the session's end."""
        total, done = self.session.samples, 0
        size = BLOCK_S * self.session.rate_hz
        while total is None or done < total:
            for group in self.groups:
                block = group.advance()
                yield block if total is None or done + size <= total else block.until(total - done)
            done += size
