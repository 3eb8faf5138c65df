"""The interface of sinks: files, MQTT, the journal, the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.engine.figures.outputs import Outputs
    from athlete_monitor.engine.sessions.session import Session
    from athlete_monitor.wire.sample import Sample


class Sink:
    """One sink. Every method returns at once, raises nothing, and does nothing unless overridden."""

    wants_samples = False

    def started(self, session: Session) -> None:
        """A session has begun, or is resumed after a restart."""

    def samples(self, session: Session, samples: Sequence[Sample]) -> None:
        """Samples in order; called only for sinks with ``wants_samples``."""

    def enrich(self, session: Session, figures: Any) -> None:  # noqa: ANN401 - a structure made from the figures
        """Add to an ``AthleteFigures`` before it is published: the figures of open periods."""

    def enrich_all(self, outputs: Outputs) -> None:
        """Add to the figures of several athletes: for sinks to which one call for all is cheaper."""
        for session, record in outputs:
            self.enrich(session, record)

    def metrics(self, session: Session, figures: msgspec.Struct, payload: bytes) -> None:
        """New figures of an athlete, as an ``AthleteFigures`` and as JSON."""

    def metrics_all(self, outputs: Outputs, payloads: Sequence[bytes]) -> None:
        """New figures of several athletes: for sinks to which one call for all is cheaper."""
        for session, record, payload in zip(outputs.sessions, outputs.records, payloads, strict=True):
            self.metrics(session, record, payload)

    def event(self, session: Session, event: dict[str, Any]) -> None:
        """An impact, an alert, or another event."""

    def status(self, device_id: str, status: str) -> None:
        """A device is now ``online``, ``stale`` or ``offline``."""

    def ended(self, session: Session, summary: dict[str, Any]) -> None:
        """A session has ended."""

    def paused(self, session: Session, summary: dict[str, Any]) -> None:
        """The engine stops while a session runs; the session is resumed if the engine restarts soon enough."""
        self.ended(session, summary)

    def notice(self, text: str, *, bad: bool) -> None:
        """A notice about the engine itself for its operator."""

    def health(self) -> dict[str, object]:
        """The state of the sink, for the engine's own statistics."""
        return {}

    def settle(self) -> None:
        """Send what has waited to be sent together; called in every round."""

    def stop(self) -> None:
        """Write waiting data; nothing follows."""


class Sinks(Sink):
    """Several sinks as one."""

    def __init__(self, sinks: Sequence[Sink] = ()) -> None:
        self._sinks: list[Sink] = []
        self._of_samples: list[Sink] = []
        self._enriching: list[Sink] = []
        self._publishing: list[Sink] = []
        self.add(*sinks)

    def add(self, *sinks: Sink) -> None:
        """Add sinks after those that are there."""
        self._sinks += sinks
        self._of_samples += [sink for sink in sinks if sink.wants_samples]
        self._enriching = [sink for sink in self._sinks if _overrides(sink, "enrich", "enrich_all")]
        self._publishing = [sink for sink in self._sinks if _overrides(sink, "metrics", "metrics_all")]
        self.wants_samples = bool(self._of_samples)

    def started(self, session: Session) -> None:
        """See ``Sink``."""
        for sink in self._sinks:
            sink.started(session)

    def samples(self, session: Session, samples: Sequence[Sample]) -> None:
        """See ``Sink``."""
        for sink in self._of_samples:
            sink.samples(session, samples)

    def enrich(self, session: Session, figures: Any) -> None:  # noqa: ANN401
        """See ``Sink``."""
        for sink in self._sinks:
            sink.enrich(session, figures)

    def enrich_all(self, outputs: Outputs) -> None:
        """See ``Sink``."""
        for sink in self._enriching:
            sink.enrich_all(outputs)

    def metrics(self, session: Session, figures: msgspec.Struct, payload: bytes) -> None:
        """See ``Sink``."""
        for sink in self._sinks:
            sink.metrics(session, figures, payload)

    def metrics_all(self, outputs: Outputs, payloads: Sequence[bytes]) -> None:
        """See ``Sink``."""
        for sink in self._publishing:
            sink.metrics_all(outputs, payloads)

    def event(self, session: Session, event: dict[str, Any]) -> None:
        """See ``Sink``."""
        for sink in self._sinks:
            sink.event(session, event)

    def status(self, device_id: str, status: str) -> None:
        """See ``Sink``."""
        for sink in self._sinks:
            sink.status(device_id, status)

    def ended(self, session: Session, summary: dict[str, Any]) -> None:
        """See ``Sink``."""
        for sink in self._sinks:
            sink.ended(session, summary)

    def paused(self, session: Session, summary: dict[str, Any]) -> None:
        """See ``Sink``."""
        for sink in self._sinks:
            sink.paused(session, summary)

    def notice(self, text: str, *, bad: bool) -> None:
        """See ``Sink``."""
        for sink in self._sinks:
            sink.notice(text, bad=bad)

    def health(self) -> dict[str, object]:
        """See ``Sink``."""
        return {name: value for sink in self._sinks for name, value in sink.health().items()}

    def settle(self) -> None:
        """See ``Sink``."""
        for sink in self._sinks:
            sink.settle()

    def stop(self) -> None:
        """Stop all, in order."""
        for sink in self._sinks:
            sink.stop()


def _overrides(sink: Sink, *names: str) -> bool:
    """Whether a sink does something with figures at all: a second brings thousands of them."""
    return any(getattr(type(sink), name) is not getattr(Sink, name) or name in vars(sink) for name in names)


class Collected(Sink):
    """Keeps everything in memory: for offline runs and tests."""

    def __init__(self) -> None:
        self.figures: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.statuses: list[tuple[str, str]] = []
        self.summaries: list[dict[str, Any]] = []
        self.notices: list[str] = []
        self.started_ids: list[str] = []

    def started(self, session: Session) -> None:
        """See ``Sink``."""
        self.started_ids.append(session.session_id)

    def metrics(self, session: Session, figures: msgspec.Struct, payload: bytes) -> None:  # noqa: ARG002
        """See ``Sink``."""
        self.figures.append(msgspec.json.decode(payload))

    def event(self, session: Session, event: dict[str, Any]) -> None:  # noqa: ARG002
        """See ``Sink``."""
        self.events.append(event)

    def status(self, device_id: str, status: str) -> None:
        """See ``Sink``."""
        self.statuses.append((device_id, status))

    def ended(self, session: Session, summary: dict[str, Any]) -> None:  # noqa: ARG002
        """See ``Sink``."""
        self.summaries.append(summary)

    def notice(self, text: str, *, bad: bool) -> None:  # noqa: ARG002
        """See ``Sink``."""
        self.notices.append(text)
