"""Limits of training on the machine: processes, memory, heat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import joblib

from athlete_monitor.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from athlete_monitor.config import Config, Performance
    from athlete_monitor.training.sessions import Candidates

T = TypeVar("T")

PARENT_MB: Final = 420
"""The process that exports models: torch, Hummingbird and ONNX, measured."""

WORKER_MB: Final = 230
"""A process that reads sessions and fits forests, without the sessions themselves, measured."""

TRACK_SHARE: Final = 0.6
"""Memory of a session during its replay, as a multiple of its file size; ten times that for a compressed one."""

LEAST_GROUP_MB: Final = 64
MOST_TRACKS: Final = 30
"""More sessions in parallel gain little speed and cost memory."""

COOL_DOWN_S: Final = 5.0
WARN_EVERY_S: Final = 60.0
LONGEST_PAUSE_S: Final = 1800.0
"""A board that is still too hot after this time will not cool down by waiting."""


class TemperatureProbe(Protocol):
    """Reads the temperature of the board."""

    def __call__(self) -> float | None:
        """Return the highest temperature, °C; None if it is unknown."""


@dataclass(frozen=True)
class Shares:
    """The division of training: processes, and MB of sessions that each may hold."""

    workers: int
    group_mb: float


def shares(config: Config, cores: int | None = None, asked: int | None = None) -> Shares:
    """Fewer workers if ``jetson.memory_limit_mb`` is low; never less than one, and as many as are ``asked`` for."""
    limit = config.jetson.memory_limit_mb
    workers = asked or min(config.training.n_jobs, cores or joblib.cpu_count(), fitting(config))
    return Shares(workers, max(LEAST_GROUP_MB, (limit - PARENT_MB) / workers - WORKER_MB))


def fitting(config: Config) -> int:
    """Processes that ``jetson.memory_limit_mb`` allows; at least one."""
    return max(1, (config.jetson.memory_limit_mb - PARENT_MB) // (WORKER_MB + LEAST_GROUP_MB))


def groups(athletes: Sequence[Candidates], plan: Shares) -> list[list[Candidates]]:
    """Divide athletes into groups that are replayed together: even over the workers, each within its memory."""
    tracks = sum(len(athlete.files) for athlete in athletes)
    rounds = max(1, -(-tracks // (plan.workers * MOST_TRACKS)))
    most_tracks = max(1, -(-tracks // (plan.workers * rounds)))
    divided: list[list[Candidates]] = []
    room_mb, room_tracks = 0.0, 0
    for athlete in athletes:
        need_mb, need_tracks = _megabytes(athlete), len(athlete.files)
        if not divided or need_mb > room_mb or need_tracks > room_tracks:
            divided.append([])
            room_mb, room_tracks = plan.group_mb, most_tracks
        divided[-1].append(athlete)
        room_mb -= need_mb
        room_tracks -= need_tracks
    return divided


def _megabytes(athlete: Candidates) -> float:
    sizes = [file.path.stat().st_size * (10 if file.path.suffix == ".gz" else 1) for file in athlete.files]
    return sum(sizes) * TRACK_SHARE / 1e6


@dataclass(frozen=True)
class Thermostat:
    """Delays work while the board is too hot."""

    settings: Performance
    probe: TemperatureProbe
    sleep: Callable[[float], None]
    warn: Callable[[str], None]

    def paced(self, tasks: Iterable[T]) -> Iterator[T]:
        """Yield the tasks, each once the board is below ``temperature_critical_threshold``."""
        for task in tasks:
            self.wait()
            yield task

    def wait(self) -> None:
        """Return when the board is cool enough.

        Raises:
            MonitorError: it is still too hot after ``LONGEST_PAUSE_S``.
        """
        if not self.settings.enable_temperature_monitoring:
            return
        critical = self.settings.temperature_critical_threshold
        temperature, waited_s = self.probe(), 0.0
        if temperature is not None and self.settings.temperature_warning_threshold <= temperature < critical:
            self.warn(f"the board is at {temperature:.0f} °C, training continues up to {critical:g} °C")
        while temperature is not None and temperature >= critical:
            if waited_s >= LONGEST_PAUSE_S:
                raise MonitorError(_too_hot(temperature, critical))
            if waited_s % WARN_EVERY_S == 0.0:
                self.warn(f"the board is at {temperature:.0f} °C, training pauses until it is below {critical:g} °C")
            self.sleep(COOL_DOWN_S)
            waited_s += COOL_DOWN_S
            temperature = self.probe()


def _too_hot(temperature_c: float, critical_c: float) -> str:
    return (
        f"the board is still at {temperature_c:.0f} °C after {LONGEST_PAUSE_S / 60:.0f} minutes; training needs less "
        f"than {critical_c:g} °C (performance.temperature_critical_threshold): see docs/migration.md, Cooling"
    )
