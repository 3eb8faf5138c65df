"""The embedded broker's own process: ``python -m athlete_monitor.wire.embedded_broker HOST PORT [LISTENER]``.

It prints ``ready`` on its standard output once it accepts connections, or why it cannot, and ends on SIGTERM, when its
standard input closes, or when its parent has ended: it never outlives the process that started it. A line on its
standard input makes it end when its clients have disconnected. With the name of a listening client, others are accepted
only after that client has subscribed, so that no message is published before it is received.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from amqtt.broker import Broker
from amqtt.errors import BrokerError
from amqtt.plugins.base import BaseAuthPlugin

if TYPE_CHECKING:
    from amqtt.contexts import BrokerContext
    from amqtt.session import Session

READY: Final = "ready"
_PARENT_CHECK_S: Final = 0.5
_DRAIN_CHECK_S: Final = 0.1
_SHUTDOWN_S: Final = 2.0
_PATIENCE_S: Final = 10.0
"""Longest time that clients wait for the listener."""


class LoopbackAuth(BaseAuthPlugin):  # type: ignore[misc]  # amqtt is not typed
    """Accept every client, since only this machine can reach the broker, but the listening client first.

    amqtt's own plugin for that marks clients as anonymous, and keeps no session for those.
    """

    @dataclass
    class Config:
        """``listener`` is the client that the others wait for; empty for none."""

        listener: str = ""

    def __init__(self, context: BrokerContext) -> None:
        super().__init__(context)
        self._listens = asyncio.Event()

    async def authenticate(self, *, session: Session) -> bool | None:
        """Accept the client of this session."""
        if self.config.listener not in {"", session.client_id}:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._listens.wait(), _PATIENCE_S)
        return True

    async def on_broker_client_subscribed(self, *, client_id: str, topic: str, qos: int) -> None:  # noqa: ARG002
        """Accept the other clients once the listener has subscribed."""
        if client_id == self.config.listener:
            self._listens.set()


def main(host: str, port: int, listener: str = "") -> int:
    """Run a broker until it is asked to stop; return the exit code."""
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is for the parent, which then ends this process
    return asyncio.run(_serve(host, port, listener))


async def _serve(host: str, port: int, listener: str) -> int:
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"{host}:{port}"}},
            "plugins": {f"athlete_monitor.wire.embedded_broker.{LoopbackAuth.__name__}": {"listener": listener}},
        }
    )
    try:
        await broker.start()
    except BrokerError as error:
        _say(str(error.__cause__ or error))
        return 1
    _say(READY)
    await _stop_asked(broker)
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(broker.shutdown(), _SHUTDOWN_S)
    return 0


async def _stop_asked(broker: Broker) -> None:
    """Wait for SIGTERM, the end of standard input, another parent, or, if requested, the last client's disconnect."""
    stop, drain = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)

    def hear() -> None:
        (drain if os.read(sys.stdin.fileno(), 64) else stop).set()

    loop.add_reader(sys.stdin.fileno(), hear)
    parent = os.getppid()
    while not stop.is_set() and os.getppid() == parent and not (drain.is_set() and _is_deserted(broker)):
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(stop.wait(), _DRAIN_CHECK_S if drain.is_set() else _PARENT_CHECK_S)


def _is_deserted(broker: Broker) -> bool:
    sessions = [session for session, _ in broker._sessions.values()]  # noqa: SLF001 - amqtt has no other way to ask
    return not any(session.transitions.state == "connected" for session in sessions)


def _say(line: str) -> None:
    sys.stdout.write(line.replace("\n", " ") + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:]))
