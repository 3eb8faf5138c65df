"""Notices for the operator: logged, and kept for the screen with the summaries of ended sessions."""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from athlete_monitor.engine.sinks.sink import Sink

if TYPE_CHECKING:
    from athlete_monitor.engine.sessions.session import Session

_log = logging.getLogger(__name__)


class Notices(Sink):
    """Logs sentences, and keeps the last ones."""

    KEPT = 50
    SUMMARIES_KEPT = 2000

    def __init__(self) -> None:
        self._recent: deque[tuple[float, str]] = deque(maxlen=self.KEPT)
        self.summaries: deque[dict[str, Any]] = deque(maxlen=self.SUMMARIES_KEPT)

    def notice(self, text: str, *, bad: bool) -> None:
        """Log and keep a sentence."""
        _log.log(logging.WARNING if bad else logging.INFO, "event=notice %s", text)
        self._recent.append((time.monotonic(), text))

    def since(self, seconds: float) -> list[str]:
        """The sentences of the last seconds, oldest first."""
        limit = time.monotonic() - seconds
        return [text for noticed_s, text in list(self._recent) if noticed_s >= limit]

    def started(self, session: Session) -> None:
        """Log the beginning of a session."""
        _log.info("event=session_started session=%s", session.session_id)

    def ended(self, session: Session, summary: dict[str, Any]) -> None:
        """Log the end of a session, and keep its summary."""
        names = ("end_reason", "duration_s", "heart_rate_mean_bpm", "trimp", "energy_kcal")
        text = " ".join(f"{name}={summary[name]}" for name in names)
        _log.info("event=session_ended session=%s %s", session.session_id, text)
        self.summaries.append(summary)
