"""Training data: the rows of a session, and those of an athlete."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from athlete_monitor.arrays import BoolArray, Float32Array, FloatArray, IntArray
    from athlete_monitor.wire.sample import WireProfile


@dataclass(frozen=True)
class SessionRows:
    """The training data of a session. Axis 0 is time.

    Attributes:
        file: name of the session file.
        sha256: of its bytes.
        t: epoch s, [n].
        X: features, float32 [n, len(columns)].
        columns: the columns of the specification in X: those of the channels that the session measured.
        available: which groups were available, bool [n, len(GROUPS)].
        y: clean heart rate, bpm, [n].
        prints: a number for each row's raw measurement, int64 [n]; equal measurements have equal numbers.
        rate_hz: usual sample rate.
        profile: the body from the file.
        notes: what a user should know.
        false_beginning: rows that models are judged on but do not learn from, bool [n] (``beginnings.py``); None: no
            such row.
    """

    file: str
    sha256: str
    t: FloatArray
    X: Float32Array
    columns: IntArray
    available: BoolArray
    y: FloatArray
    prints: IntArray
    rate_hz: float
    profile: WireProfile
    notes: tuple[str, ...] = ()
    false_beginning: BoolArray | None = None

    def __len__(self) -> int:
        return len(self.t)

    @property
    def trusted(self) -> BoolArray:
        """Which rows models learn from, bool [n]."""
        return np.ones(len(self), dtype=bool) if self.false_beginning is None else ~self.false_beginning

    @property
    def learned(self) -> SessionRows:
        """The rows that models learn from."""
        return self if self.false_beginning is None else self.keep(self.trusted, self.columns)

    def keep(self, rows: BoolArray, columns: IntArray) -> SessionRows:
        """Only these rows, and only these columns of the specification."""
        places = np.searchsorted(self.columns, columns)
        return replace(
            self,
            t=self.t[rows],
            X=self.X[np.ix_(rows, places)],
            columns=columns,
            available=self.available[rows],
            y=self.y[rows],
            prints=self.prints[rows],
            false_beginning=None if self.false_beginning is None else self.false_beginning[rows],
        )


@dataclass(frozen=True)
class Unusable:
    """A session without usable rows, and why; ``trace`` is the traceback of an unexpected failure."""

    file: str
    sha256: str
    reason: str
    trace: str = ""


@dataclass(frozen=True)
class AthleteData:
    """All usable sessions of an athlete, oldest first, with the columns of ``groups``."""

    athlete_id: int
    groups: tuple[str, ...]
    sessions: tuple[SessionRows, ...]
    unusable: tuple[Unusable, ...]

    @property
    def rows(self) -> int:
        """Rows of all sessions together."""
        return sum(len(session) for session in self.sessions)

    @property
    def facts(self) -> AthleteFacts:
        """What is said of the data, without rows."""
        return AthleteFacts(
            self.athlete_id,
            self.groups,
            tuple(SessionFacts(s.file, s.sha256, len(s), s.rate_hz, s.notes) for s in self.sessions),
            self.unusable,
            self.sessions[-1].profile,
            float(self.sessions[-1].t[-1]),
        )


@dataclass(frozen=True)
class SessionFacts:
    """A session without its rows; ``rows`` is their number."""

    file: str
    sha256: str
    rows: int
    rate_hz: float
    notes: tuple[str, ...]


@dataclass(frozen=True)
class AthleteFacts:
    """An athlete's sessions without their rows; ``profile`` is the body from the latest one, ``until_t`` its end."""

    athlete_id: int
    groups: tuple[str, ...]
    sessions: tuple[SessionFacts, ...]
    unusable: tuple[Unusable, ...]
    profile: WireProfile
    until_t: float

    @property
    def rows(self) -> int:
        """Rows of all sessions together."""
        return sum(session.rows for session in self.sessions)
