"""Athletes as devices of Home Assistant: announced when it is switched on, removed when it is switched off.

What has been announced is kept in a file beside the journal, so that the next start can remove what is not wanted any
more: Home Assistant keeps a device until its message is taken back.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from athlete_monitor.athletes import Roster
from athlete_monitor.club.home_assistant import Announced, chosen_figures, discovery_message, discovery_topic
from athlete_monitor.engine.sinks.sink import Sink
from athlete_monitor.system.files import replace_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from athlete_monitor.config import Config
    from athlete_monitor.engine.sessions.session import Session
    from athlete_monitor.engine.sinks.registry import SinkContext
    from athlete_monitor.figures import Figure

FILE: Final = "home_assistant.json"
_log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode


class DiscoveryLink(Protocol):
    """The sender: an ``MqttLink``; Home Assistant's topics have no prefix."""

    def publish(
        self, topic: str, payload: bytes, qos: int = 0, *, retain: bool = False, has_prefix: bool = True
    ) -> bool:
        """Queue a message; never blocks."""


def make(context: SinkContext) -> Discovery | None:
    """Return the sink of the live engine, where athletes are announced; take back what is not wanted any more."""
    config, link = context.config, context.link
    if link is None:
        return None
    shelf = AnnouncedTopics(config.paths.journal.with_name(FILE))
    if not config.home_assistant.enabled:
        shelf.clear(link)
        return None
    figures = chosen_figures(config.home_assistant.figures)
    return Discovery(config, Roster.load(config.athletes.roster), figures, link, shelf)


class AnnouncedTopics:
    """The topics of what has been announced, in a file.

    Args:
        file: where they are kept.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.topics = _read(file)

    def keep(self, topic: str) -> None:
        """Remember a topic before it is used."""
        if topic not in self.topics:
            self._write(self.topics | {topic})

    def clear(self, link: DiscoveryLink, but: frozenset[str] = frozenset()) -> None:
        """Take back what was announced, except some."""
        for topic in sorted(self.topics - but):
            link.publish(topic, b"", 1, retain=True, has_prefix=False)
        if self.topics - but:
            self._write(self.topics & but)

    def _write(self, topics: frozenset[str]) -> None:
        self.topics = topics
        try:
            replace_file(self._file, _encode(sorted(topics)))
        except OSError as error:
            _log.warning("event=not_kept file=%s error=%s", self._file, error.strerror)


class Discovery(Sink):
    """Announces the athletes of the roster at the start, and everybody else when their session begins.

    Athletes without consent are not announced, and taken back where they were.

    Args:
        config: the configuration.
        roster: who the athletes are.
        figures: what becomes a sensor.
        link: the connection to the broker.
        shelf: what earlier engines have announced.
    """

    def __init__(
        self, config: Config, roster: Roster, figures: Sequence[Figure], link: DiscoveryLink, shelf: AnnouncedTopics
    ) -> None:
        self._prefix, self._topic_prefix = config.home_assistant.discovery_prefix, config.mqtt.topic_prefix
        self._box, self._figures, self._link, self._shelf = config.box.label, figures, link, shelf
        self._hidden = frozenset(athlete.id for athlete in roster if not athlete.consent)
        self._said: dict[str, bytes] = {}
        listed = [
            Announced(athlete.id, athlete.device, athlete.name or f"Athlete {athlete.id}", self._box)
            for athlete in roster
            if athlete.consent
        ]
        shelf.clear(link, frozenset(self._topic(each) for each in listed))
        for each in listed:
            self._announce(each)

    def started(self, session: Session) -> None:
        """Announce the athlete, or the device that they wear by now."""
        if session.athlete_id not in self._hidden:
            self._announce(Announced(session.athlete_id, session.device_id, session.wearer.name, self._box))

    def _announce(self, whose: Announced) -> None:
        topic = self._topic(whose)
        payload = _encode(discovery_message(whose, self._figures, self._topic_prefix))
        if self._said.get(topic) == payload:
            return
        self._said[topic] = payload
        self._shelf.keep(topic)
        self._link.publish(topic, payload, 1, retain=True, has_prefix=False)

    def _topic(self, whose: Announced) -> str:
        return discovery_topic(self._prefix, whose.object_id)


def _read(file: Path) -> frozenset[str]:
    try:
        return frozenset(msgspec.json.decode(file.read_bytes(), type=list[str]))
    except (OSError, msgspec.DecodeError):
        return frozenset()
