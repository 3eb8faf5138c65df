"""The loop that takes moments from a source, in time, to the files and to the broker."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from athlete_monitor.errors import RecordingError
from athlete_monitor.sim.moments import Moment, ending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from athlete_monitor.sim.pacing import Pacer
    from athlete_monitor.sim.radio import SimulatedRadio
    from athlete_monitor.sim.recorder import SessionRecorder
    from athlete_monitor.sim.uplink import Uplink
    from athlete_monitor.wire.sample import Sample


@dataclass
class Tally:
    """What went through for one device: rows, and the clock (s since the start) at the first and the last of them."""

    athlete_id: int | None
    rows: int = 0
    first_s: float = 0.0
    last_s: float = 0.0
    session_s: float = 0.0

    @property
    def rate_hz(self) -> float:
        """Rows a second of the clock; 0 for fewer than two rows."""
        return (self.rows - 1) / (self.last_s - self.first_s) if self.last_s > self.first_s else 0.0


@dataclass
class Transmission:
    """One run of the publisher.

    Attributes:
        pacer: decides when.
        radio: what becomes of samples on their way.
        recorder: where they are written; None for recordings, which are files already.
        uplink: where they are sent; None without a broker.
        on_unrecorded: called once, with the reason, when they cannot be written any more and are only sent.
        tallies: what went through, by device.
    """

    pacer: Pacer
    radio: SimulatedRadio
    recorder: SessionRecorder | None
    uplink: Uplink | None
    on_unrecorded: Callable[[str], object] = lambda _reason: None
    tallies: dict[str, Tally] = field(default_factory=dict)
    _last: dict[str, Sample] = field(default_factory=dict)

    def run(self, moments: Iterable[Moment]) -> None:
        """Take all moments through, until there are no more or the end is wished; then end every session.

        Raises:
            RecordingError: a file cannot be written, and there is no uplink. What was written before is safe.
        """
        session_s = 0.0
        for number, moment in enumerate(moments):
            if number == 0:
                self.pacer.start()
            self._depart(moment.session_s)
            if not self.pacer.wait(moment.session_s):
                break
            session_s = moment.session_s
            self._take(moment)
            self._depart(session_s)
        self._take(Moment(session_s, [ending(sample) for sample in self._last.values()]))
        self._depart(math.inf)

    def _take(self, moment: Moment) -> None:
        measured = [sample for sample in moment.samples if not sample.end]
        self._record(moment.session_s, measured)
        self._count(moment.session_s, measured)
        for sample in moment.samples:
            if sample.end:
                self._last.pop(sample.device_id, None)
        if self.uplink is not None:
            self.radio.take(moment)
        elif measured:
            self.pacer.met(moment.session_s)

    def _record(self, session_s: float, measured: list[Sample]) -> None:
        if self.recorder is None or self.recorder.failure is not None:
            return
        try:
            self.recorder.write(session_s, measured)
        except RecordingError as error:
            if self.uplink is None:
                raise
            self.on_unrecorded(str(error))

    def _count(self, session_s: float, measured: list[Sample]) -> None:
        now = self.pacer.since_start_s
        for sample in measured:
            tally = self.tallies.get(sample.device_id)
            if tally is None:
                tally = self.tallies[sample.device_id] = Tally(sample.athlete_id, first_s=now)
            tally.rows += 1
            tally.last_s, tally.session_s = now, session_s
            self._last[sample.device_id] = sample

    def _depart(self, until_s: float) -> None:
        """Send what is due until then, each message at its own time."""
        if self.uplink is None:
            return
        for departure in self.radio.departures(until_s):
            self.pacer.wait(departure.due_s)
            self.pacer.pause(self.uplink.send(departure.samples))
            self.pacer.met(departure.due_s)
