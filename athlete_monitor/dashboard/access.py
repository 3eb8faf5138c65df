"""Who asks: the dependencies that every address of the interface declares."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import Depends, Header, HTTPException, Request

from athlete_monitor.dashboard.accounts import Role, allows, load_accounts
from athlete_monitor.dashboard.visits import Brake, Visit, Visits, same

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import HTTPConnection

    from athlete_monitor.config import Config

COOKIE: Final = "athlete_screen"


class Access:
    """Decides who may see and do what.

    Without accounts, everybody who reaches the server is its administrator: it listens to this machine only then.
    """

    def __init__(self, config: Config) -> None:
        self.accounts_file = config.dashboard.accounts_file
        self.accounts = load_accounts(self.accounts_file) if self.accounts_file else ()
        self.hidden_from = frozenset(config.dashboard.heart_rate_hidden_from)
        kept = self.accounts_file.with_name("screen_visits.json") if self.accounts_file else None
        self.visits = Visits(time.time, kept if self.accounts else None)
        self.brake = Brake(time.monotonic)
        self._token_file = config.dashboard.metrics_token_file
        self._local = Visit("", "admin", secrets.token_urlsafe(24), float("inf"))

    @property
    def secured(self) -> bool:
        """Whether people log in."""
        return bool(self.accounts)

    def visit(self, connection: HTTPConnection) -> Visit | None:
        """Return who asks; None where a log-in is needed."""
        if not self.secured:
            return self._local
        found = self.visits.find(connection.cookies.get(COOKIE))
        known = found is not None and any(one.name == found.name and one.role == found.role for one in self.accounts)
        return found if known else None

    def is_reader(self, authorization: str) -> bool:
        """Return whether a program may read /metrics: it sends ``Bearer`` and the token of the file, read each time."""
        scheme, _, token = authorization.partition(" ")
        return scheme.lower() == "bearer" and bool(token) and same(_first_line(self._token_file), token)

    def sees_heart_rate(self, visit: Visit) -> bool:
        """Return whether heart-rate figures are shown to this role."""
        return visit.role not in self.hidden_from


def _first_line(file: Path | None) -> str:
    try:
        return "" if file is None else file.read_text(encoding="utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError):
        return ""


def access_of(connection: HTTPConnection) -> Access:
    """Return the access rules of the running application."""
    found: Access = connection.app.state.access
    return found


def _require(request: Request, role: Role) -> Visit:
    visit = access_of(request).visit(request)
    if visit is None:
        raise HTTPException(401, "log in first")
    if not allows(visit.role, role):
        raise HTTPException(403, f"this needs the role {role}")
    return visit


def viewer(request: Request) -> Visit:
    """Require somebody who may look."""
    return _require(request, "viewer")


def coach(request: Request) -> Visit:
    """Require somebody who may read what concerns the work of coaches."""
    return _require(request, "coach")


def metrics_reader(request: Request, authorization: Annotated[str, Header(max_length=500)] = "") -> bool:
    """Require somebody who may look, or a program with the token; return whether figures of the heart are shown."""
    access = access_of(request)
    if access.is_reader(authorization):
        return True
    return access.sees_heart_rate(_require(request, "viewer"))


def acting_coach(request: Request, x_csrf_token: Annotated[str, Header(max_length=100)] = "") -> Visit:
    """Require somebody who may act, and the token that only our own pages know."""
    visit = _require(request, "coach")
    if not same(visit.csrf, x_csrf_token):
        raise HTTPException(403, "the page is out of date; load it again")
    return visit


Viewer = Annotated[Visit, Depends(viewer)]
MetricsReader = Annotated[bool, Depends(metrics_reader)]
Coach = Annotated[Visit, Depends(coach)]
ActingCoach = Annotated[Visit, Depends(acting_coach)]
