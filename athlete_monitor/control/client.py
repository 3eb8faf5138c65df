"""Sends commands to a running engine over the broker and waits for the answers."""

from __future__ import annotations

import os
import threading
import uuid
from typing import TYPE_CHECKING, Any, Final

import msgspec

from athlete_monitor.errors import BrokerError, MonitorError
from athlete_monitor.wire import topics
from athlete_monitor.wire.mqtt import MqttLink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self

    from athlete_monitor.config import Mqtt

CONNECT_S: Final = 5.0
_ANSWERS: Final = ((topics.TEAM_CONTROL_RESULT, 1), (topics.TEAM_STATE, 1), (topics.ENGINE_STATUS, 1))


class NobodyAnswersError(MonitorError):
    """No broker answers, or no engine is connected to it."""

    exit_code = 3


class ControlClient:
    """A connection to the engine, open inside a ``with`` block.

    Args:
        settings: the ``mqtt`` section of the configuration.

    Raises:
        NobodyAnswersError: no broker answers.
    """

    def __init__(self, settings: Mqtt) -> None:
        self._heard = threading.Condition()
        self._results: dict[str, dict[str, Any]] = {}
        self._state: dict[str, Any] | None = None
        self._engine: str | None = None
        name = f"athlete-monitor-control-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self._link = MqttLink(settings, name, on_message=self._on_message, subscriptions=_ANSWERS)

    def __enter__(self) -> Self:
        try:
            self._link.start(CONNECT_S)
        except BrokerError as error:
            raise NobodyAnswersError(str(error)) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._link.stop()

    def send(self, commands: Sequence[dict[str, Any]], wait_s: float) -> list[dict[str, Any]]:
        """Send commands one after the other; return the answers, in order, up to the first refusal.

        Raises:
            NobodyAnswersError: no answer in time.
        """
        answers = []
        for command in commands:
            self._link.publish(topics.TEAM_CONTROL, msgspec.json.encode(command), 1)
            answers.append(self._wait(command["id"], wait_s))
            if not answers[-1]["ok"]:
                break
        return answers

    def state(self, wait_s: float) -> dict[str, Any]:
        """The state of the team's session.

        Raises:
            NobodyAnswersError: the broker has no state.
        """
        with self._heard:
            if not self._heard.wait_for(lambda: self._state is not None, wait_s) or self._state is None:
                raise NobodyAnswersError(self._silence(wait_s))
            return self._state

    def _wait(self, number: str, wait_s: float) -> dict[str, Any]:
        with self._heard:
            if not self._heard.wait_for(lambda: number in self._results, wait_s):
                raise NobodyAnswersError(self._silence(wait_s))
            return self._results[number]

    def _silence(self, wait_s: float) -> str:
        if self._engine == "offline":
            return f"the broker at {self._link.address} answers, but the engine (main.py) is not running"
        return f"the broker at {self._link.address} answers, but no engine (main.py) does within {wait_s:g} s"

    def _on_message(self, topic: str, payload: bytes) -> None:
        try:
            message = msgspec.json.decode(payload)
        except msgspec.DecodeError:
            return
        with self._heard:
            if topic == topics.TEAM_CONTROL_RESULT and isinstance(message.get("id"), str):
                self._results[message["id"]] = message
            elif topic == topics.TEAM_STATE:
                self._state = message
            elif topic == topics.ENGINE_STATUS:
                self._engine = message.get("status")
            self._heard.notify_all()
