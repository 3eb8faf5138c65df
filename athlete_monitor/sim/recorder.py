"""The squad's session files, written as the session happens."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import RecordingError
from athlete_monitor.sim.moments import CHANNELS_MADE, Clock, Tagger, profile_of
from athlete_monitor.wire.session_files import RR_COLUMN, SOURCE_COLUMN, SessionWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from athlete_monitor.sim.session import SimulatedSession
    from athlete_monitor.sim.squad import Block
    from athlete_monitor.sim.traits import Traits
    from athlete_monitor.wire.sample import Sample, Tags

FLUSH_EVERY_S: Final = 1.0


class SessionRecorder:
    """One file for each athlete.

    Args:
        root: folder of all sessions of this mode.
        squad: the athletes.
        session: what is recorded.
        clock: times of the samples.

    Raises:
        RecordingError: a file cannot be made; here and in every method, a file cannot be written, with the rows that
            are safe.
    """

    def __init__(self, root: Path, squad: Sequence[Traits], session: SimulatedSession, clock: Clock) -> None:
        self._clock, self._tagger = clock, Tagger(session)
        self._flushed_s = 0.0
        self._safe: dict[str, int] = {}
        self.failure: RecordingError | None = None
        """Why nothing is recorded any more; None while all is well."""
        self.writers: dict[str, SessionWriter] = {}
        extra = (*CHANNELS_MADE, SOURCE_COLUMN, *((RR_COLUMN,) if session.rr else ()))
        for traits in squad:
            self.writers[traits.device_id] = self._open(root, traits, session, extra)

    def write(self, session_s: float, samples: Iterable[Sample]) -> None:
        """Append the samples of one moment; once a second all rows are handed to the operating system."""
        for sample in samples:
            writer = self.writers[sample.device_id]
            with self._reported(writer):
                writer.write((sample,))
        if session_s - self._flushed_s >= FLUSH_EVERY_S:
            self._flushed_s = session_s
            self.flush()

    def write_block(self, block: Block) -> None:
        """Append a whole block: the same rows as its samples one by one give, several times faster."""
        times = self._clock.times(block.first, block.samples)
        for row, traits in enumerate(block.athletes):
            writer = self.writers[traits.device_id]
            with self._reported(writer):
                writer.write_arrays(times, block.values[row], self._tags(block, row), block.rr[row])
        self.flush()

    def flush(self) -> None:
        """Hand all rows to the operating system."""
        for device, writer in self.writers.items():
            with self._reported(writer):
                writer.flush()
            self._safe[device] = writer.rows

    def close(self) -> None:
        """Write what is left and close all files."""
        self.flush()
        for writer in self.writers.values():
            with self._reported(writer):
                writer.close()

    def abandon(self) -> None:
        """Close all files as far as they can be; for use after an error."""
        for writer in self.writers.values():
            with suppress(OSError):
                writer.close()

    def safe_rows(self, device: str) -> int:
        """Return how many rows of a device the operating system has."""
        return self._safe.get(device, 0)

    def _open(self, root: Path, traits: Traits, session: SimulatedSession, extra: Sequence[str]) -> SessionWriter:
        start_t, device = self._clock.at(0), traits.device_id
        try:
            return SessionWriter(root, session.mode, traits.athlete_id, device, start_t, profile_of(traits), extra)
        except OSError as error:
            self.abandon()
            raise RecordingError(f"{root}: cannot make a session file ({error.strerror})") from error

    def _tags(self, block: Block, row: int) -> list[Tags]:
        traits = block.athletes[row]
        pairs = zip(block.phase.tolist(), block.intensity[row].tolist(), strict=True)
        return [self._tagger.tags(traits, phase, intensity) for phase, intensity in pairs]

    @contextmanager
    def _reported(self, writer: SessionWriter) -> Iterator[None]:
        """An error of the operating system becomes one line with the number of rows that are safe."""
        try:
            yield
        except OSError as error:
            device = next(name for name, known in self.writers.items() if known is writer)
            safe = self.safe_rows(device)
            reason = f"cannot be written ({error.strerror}); {safe} rows are safe"
            self.failure = RecordingError(f"{writer.path}: {reason}")
            raise self.failure from error
