"""What a source gives to the publisher: moments, each with the samples that are taken in it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from msgspec import structs

from athlete_monitor.arrays import BATTERY, CHANNELS, CONTACT, MAG, RSSI, SPEED, X, Y
from athlete_monitor.sim.plan import INTENSITIES
from athlete_monitor.wire.sample import SIMULATED, Sample, Tags, WireProfile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.sim.session import SimulatedSession
    from athlete_monitor.sim.squad import Block, SimulatedSquad
    from athlete_monitor.sim.traits import Traits

CHANNELS_MADE = (*CHANNELS[MAG], *(CHANNELS[each] for each in (SPEED, X, Y, BATTERY, RSSI, CONTACT)))
"""What simulated sessions hold beyond acceleration, rotation and heart rate."""


def ending(last: Sample) -> Sample:
    """Return the message that ends the session whose last sample this is."""
    return Sample(last.device_id, last.t, athlete_id=last.athlete_id, profile=last.profile, tags=last.tags, end=True)


class Moment(NamedTuple):
    """Samples taken at the same time, seconds after the session's start."""

    session_s: float
    samples: list[Sample]


@dataclass(frozen=True)
class Clock:
    """Sample numbers to epoch seconds, in whole milliseconds as files hold them."""

    start_ms: int
    rate_hz: int

    @classmethod
    def starting(cls, start_t: float, rate_hz: int) -> Clock:
        """Return the clock of a session that starts at ``start_t``, epoch seconds."""
        return cls(round(start_t * 1000.0), rate_hz)

    def at(self, number: int) -> float:
        """Epoch seconds of a sample."""
        return (self.start_ms + (1000 * number + self.rate_hz // 2) // self.rate_hz) / 1000.0

    def times(self, first: int, samples: int) -> FloatArray:
        """Epoch seconds of consecutive samples [samples]."""
        numbers = np.arange(first, first + samples, dtype=np.int64)
        milliseconds = self.start_ms + (1000 * numbers + self.rate_hz // 2) // self.rate_hz
        return np.asarray(milliseconds / 1000.0)


def profile_of(traits: Traits) -> WireProfile:
    """Return the body as the device sends it."""
    return WireProfile(round(traits.age_years, 1), traits.weight_kg, traits.height_cm, traits.sex)


class Tagger:
    """Makes each tag record of an athlete once."""

    def __init__(self, session: SimulatedSession) -> None:
        self._session = session
        self._known: dict[tuple[int, int, int], Tags] = {}

    def tags(self, traits: Traits, phase: int, intensity: int) -> Tags:
        """Return the tags of a sample in this phase and intensity."""
        key = (traits.athlete_id, phase, intensity)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._make(traits, phase, intensity)
        return found

    def _make(self, traits: Traits, phase: int, intensity: int) -> Tags:
        session = Tags(self._session.phases[phase], INTENSITIES[intensity], self._session.mode, source=SIMULATED)
        if self._session.mode == "training":
            return session
        return structs.replace(
            session,
            position=traits.position,
            playing_style=traits.playing_style,
            fitness_level=traits.fitness_level,
            fatigue_rate=traits.fatigue_rate,
        )


def samples_of(block: Block, row: int, clock: Clock, tagger: Tagger) -> Iterator[Sample]:
    """Yield the samples of one athlete's row of a block."""
    traits, rr = block.athletes[row], block.rr[row]
    profile, phases = profile_of(traits), block.phase.tolist()
    for index, (values, intensity) in enumerate(
        zip(block.values[row].tolist(), block.intensity[row].tolist(), strict=True)
    ):
        yield Sample(
            traits.device_id,
            clock.at(block.first + index),
            tuple(values),
            traits.athlete_id,
            block.first + index,
            profile,
            tagger.tags(traits, phases[index], intensity),
            rr.get(index, ()),
        )


def simulated(squad: SimulatedSquad, clock: Clock) -> Iterator[Moment]:
    """Yield the squad's samples moment by moment, and at last the end of each athlete's session.

    The next blocks are made group by group between the moments of the present ones, so that no moment waits for all.
    """
    tagger, groups = Tagger(squad.session), len(squad.groups)
    blocks = squad.blocks()
    window = list(islice(blocks, groups))
    while window:
        ahead: list[Block] = []
        for moment in _moments(window, clock, tagger):
            yield moment
            last = moment
            if len(ahead) < groups:
                ahead += islice(blocks, 1)
        window = ahead + list(islice(blocks, groups - len(ahead)))
    yield Moment(last.session_s, [ending(sample) for sample in last.samples])


def _moments(window: list[Block], clock: Clock, tagger: Tagger) -> Iterator[Moment]:
    rows = [samples_of(block, row, clock, tagger) for block in window for row in range(len(block.athletes))]
    first = window[0].first
    for index, samples in enumerate(zip(*rows, strict=True)):
        yield Moment((first + index) / clock.rate_hz, list(samples))
