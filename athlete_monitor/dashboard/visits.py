"""Who is at which browser: log-ins, their cookies, and a limit on guessing."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from athlete_monitor.dashboard.accounts import ROLES, Role

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LASTS_S: Final = 12 * 3600.0
"""A log-in lasts a match day."""
TRIES: Final = 5
"""Wrong attempts before one must wait."""
FIRST_WAIT_S: Final = 30.0
LONGEST_WAIT_S: Final = 900.0
_MOST_VISITS: Final = 1000
_MOST_GUESSERS: Final = 10_000


@dataclass(frozen=True)
class Visit:
    """A logged-in browser. ``csrf`` must come with every change that it asks for."""

    name: str
    role: Role
    csrf: str
    ends_s: float


class Visits:
    """The log-ins of one server; they survive its restart in a file that holds hashes of the cookies only.

    Args:
        now_s: wall clock, epoch seconds.
        path: where they are kept; None keeps them in memory.
    """

    def __init__(self, now_s: Callable[[], float], path: Path | None = None) -> None:
        self._now_s = now_s
        self._path = path
        self._visits: dict[str, Visit] = _read(path) if path else {}

    def begin(self, name: str, role: Role) -> tuple[str, Visit]:
        """Log somebody in; return the cookie's value and the visit."""
        token = secrets.token_urlsafe(32)
        visit = Visit(name, role, secrets.token_urlsafe(24), self._now_s() + LASTS_S)
        self._visits = {key: one for key, one in self._visits.items() if one.ends_s > self._now_s()}
        while len(self._visits) >= _MOST_VISITS:
            self._visits.pop(next(iter(self._visits)))
        self._visits[_digest(token)] = visit
        self._write()
        return token, visit

    def find(self, token: str | None) -> Visit | None:
        """Return the visit of a cookie; None for a cookie that is missing, forged or too old."""
        visit = self._visits.get(_digest(token)) if token else None
        return visit if visit is not None and visit.ends_s > self._now_s() else None

    def end(self, token: str | None) -> None:
        """Log out."""
        if token and self._visits.pop(_digest(token), None) is not None:
            self._write()

    def _write(self) -> None:
        if self._path is None:
            return
        draft = self._path.with_name(self._path.name + ".new")
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump({key: asdict(one) for key, one in self._visits.items()}, file)
            draft.replace(self._path)
        except OSError:  # a full disk logs nobody out before the next restart
            return


class Brake:
    """Slows guessing: after some wrong attempts, each further one must wait twice as long.

    Args:
        now_s: a clock, s.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._failures: dict[str, tuple[int, float]] = {}

    def wait_s(self, who: str) -> float:
        """Return how long this one must wait before another attempt, s."""
        _, until_s = self._failures.get(who, (0, 0.0))
        return max(0.0, until_s - self._now_s())

    def failed(self, who: str) -> None:
        """Count a wrong attempt."""
        count = self._failures.pop(who, (0, 0.0))[0] + 1
        while len(self._failures) >= _MOST_GUESSERS:
            self._failures.pop(next(iter(self._failures)))
        wait_s = 0.0 if count < TRIES else min(FIRST_WAIT_S * 2.0 ** (count - TRIES), LONGEST_WAIT_S)
        self._failures[who] = (count, self._now_s() + wait_s)

    def succeeded(self, who: str) -> None:
        """Forget the wrong attempts."""
        self._failures.pop(who, None)


def same(one: str, other: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _read(path: Path) -> dict[str, Visit]:
    """Return what an earlier server kept; a damaged file means that people log in again."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        found = {str(key): Visit(**one) for key, one in document.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
    return {key: one for key, one in found.items() if one.role in ROLES}
