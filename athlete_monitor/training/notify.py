"""Notifies the live engine of new models, if a broker answers."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import BrokerError
from athlete_monitor.wire.mqtt import MqttLink
from athlete_monitor.wire.topics import model_updated

if TYPE_CHECKING:
    from collections.abc import Callable

    from athlete_monitor.config import Mqtt
    from athlete_monitor.models.manifest import Manifest

CONNECT_S: Final = 1.5
FLUSH_S: Final = 3.0


class UpdateNotifier:
    """Sends ``models/{id}/updated``, retained. The engine finds new models without it too, some seconds later."""

    def __init__(self, settings: Mqtt, note: Callable[[str], None]) -> None:
        self._settings, self._note = settings, note
        self._link: MqttLink | None = None
        self._silent = False
        self._until_s = 0.0

    def published(self, manifest: Manifest) -> None:
        """Announce a model that is now in service, or keep that for the broker; connects beside the training."""
        link = self._started()
        if link is not None:
            message = {"athlete_id": manifest.athlete_id, "model_id": manifest.model_id, "created": manifest.created}
            link.publish(model_updated(manifest.athlete_id), json.dumps(message).encode(), qos=1, retain=True)

    def close(self) -> None:
        """Wait until everything is sent, and disconnect; give up where no broker has answered by then."""
        link, self._link = self._link, None
        if link is None:
            return
        try:
            link.wait(max(0.0, self._until_s - time.monotonic()))
        except BrokerError as error:
            self._give_up(error)
            return
        link.flush(FLUSH_S)
        link.stop()

    def _started(self) -> MqttLink | None:
        """The link; None where it cannot be set up."""
        if self._link is None and not self._silent:
            try:
                link = MqttLink(self._settings, f"athlete-trainer-{os.getpid()}")
                link.start()
            except BrokerError as error:
                self._give_up(error)
            else:
                self._link, self._until_s = link, time.monotonic() + CONNECT_S
        return self._link

    def _give_up(self, error: BrokerError) -> None:
        self._silent = True
        self._note(f"event=not_announced reason={str(error)!r}")
