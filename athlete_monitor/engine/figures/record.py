"""The figures of one athlete at one moment, as they are published: a typed record, made from the table of figures."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from athlete_monitor.catalogue import FIGURES, FORMULAS
from athlete_monitor.engine.figures.cells import Cells
from athlete_monitor.engine.figures.outputs import Outputs
from athlete_monitor.engine.figures.reasons import null_reasons
from athlete_monitor.engine.figures.variability import variability_figures
from athlete_monitor.physiology.chronic import CHRONIC
from athlete_monitor.physiology.hrv import HeartRateVariability
from athlete_monitor.physiology.load_zone import load_zone
from athlete_monitor.squad.heart_rate_source import SOURCE_NAMES
from athlete_monitor.squad.tables import PRESENT_FIGURES
from athlete_monitor.wire.timestamps import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.engine.intake.ordering import Quality
    from athlete_monitor.engine.sessions.session import Session
    from athlete_monitor.physiology.load_zone import LoadLimits
    from athlete_monitor.squad.kernel import Squad
    from athlete_monitor.squad.present import Present

SCHEMA_VERSION: Final = 1
REASONS_KEPT_OUTPUTS: Final = 10

IDENTITY: Final[tuple[tuple[str, Any], ...]] = (
    ("schema_version", int), ("device_id", str), ("athlete_id", int), ("name", str), ("session_id", str),
    ("mode", str | None), ("box", str),
)  # fmt: skip
"""Whose figures these are: the first keys of every document."""
_IDENTITY_KEYS: Final = tuple(name for name, _ in IDENTITY)
_MOMENT: Final[tuple[tuple[str, Any], ...]] = (
    ("timestamp", str), ("t_s", float), ("elapsed_s", float), ("session_phase", str | None),
    ("intensity_level", str | float | None),
)  # fmt: skip
PUBLISHED: Final = tuple(figure for figure in FIGURES.values() if figure.scope != "summary")
"""The figures of a record, in order."""
_Periods = dict[str, msgspec.Raw] | msgspec.UnsetType
_OnPitch = msgspec.Raw | msgspec.UnsetType
_BEHIND: Final[tuple[Any, ...]] = (
    ("quality", dict[str, Any]), ("formulas", msgspec.Raw), ("reasons", msgspec.Raw),
    ("period", _Periods, msgspec.UNSET), ("on_pitch", _OnPitch, msgspec.UNSET),
)  # fmt: skip

AthleteFigures = msgspec.defstruct(
    "AthleteFigures",
    [*IDENTITY, *_MOMENT, *((figure.key, figure.type | None) for figure in PUBLISHED), *_BEHIND],
    namespace={
        "__doc__": "Figures of one athlete at one moment; one field for each key of the JSON. ``formulas`` and "
        "``reasons``, which seldom change, and the figures of parts are JSON already."
    },
    module=__name__,
)
encode: Final = msgspec.json.Encoder().encode

_FORMULAS: Final = msgspec.Raw(encode(FORMULAS))
_CELLS: Final = Cells(PRESENT_FIGURES)
_BEATS: Final = tuple(figure.key for figure in HeartRateVariability.BEATS)
_CHRONIC: Final = tuple(figure.key for figure in CHRONIC)
_ARRIVING: Final = (*_CELLS.keys, "hr_max_source", "model_id", "training_load_zone", *_BEATS, *_CHRONIC)
_IN_ORDER: Final = itemgetter(*(_ARRIVING.index(figure.key) for figure in PUBLISHED))
_EXPLAINED: Final = len(_ARRIVING) - len(_BEATS) - len(_CHRONIC)
"""This many of the leading figures get their reasons here; the others bring their own."""
_TRIMP: Final = _ARRIVING.index("trimp")
_SOURCE: Final = _ARRIVING.index("heart_rate_source")


class Records:
    """Makes the records of a squad's athletes.

    Args:
        squad: holds their rows.
        limits: thresholds of the training load.
    """

    def __init__(self, squad: Squad, limits: LoadLimits) -> None:
        self._squad, self._limits = squad, limits

    def of(self, sessions: Sequence[Session], present: Present) -> Outputs:
        """Return the records of ``sessions``, whose rows are those of ``present``."""
        values = _CELLS.rounded(self._squad.present_values(present))
        rejected = self._squad.strap.rejected(present.rows).tolist()
        missing = np.packbits(np.isnan(values), axis=0).T
        maxima = self._squad.hr_max.sources(present.rows)
        each = zip(sessions, _CELLS.lists(values), maxima, rejected, map(bytes, missing), strict=True)
        return Outputs(sessions, [self._record(*one) for one in each], values)

    def _record(
        self, session: Session, cells: list[Any], hr_max_source: str | None, rejected: float, missing: bytes
    ) -> msgspec.Struct:
        """The record of an athlete; ``missing`` is equal where the same figures are unknown."""
        squad, row, tags = self._squad, session.row, session.tags
        cells[_SOURCE] = SOURCE_NAMES[int(cells[_SOURCE])]
        cells += (hr_max_source, squad.models.model_id(row), load_zone(cells[_TRIMP], self._limits))
        reasons = self._reasons(session, cells, missing)
        variability, hrv_reasons = variability_figures(squad, row, has_beats=session.has_beats)
        cells += variability
        cells += session.chronic
        device_t = session.device_t
        return AthleteFigures(
            *_whose(session),
            format_timestamp(device_t),
            round(device_t, 6),
            round(session.last_t - session.start_t, 3),
            tags.session_phase,
            tags.intensity_level,
            *_IN_ORDER(cells),
            quality(session.stream.quality_at(session.received), rejected),
            _FORMULAS,
            _reasons_json(session, reasons, hrv_reasons),
        )

    def _reasons(self, session: Session, cells: list[Any], missing: bytes) -> dict[str, str]:
        """Return the reasons of the nulls, kept while the same figures are missing."""
        mode = session.mode_code
        *_, maximum, model, zone = cells
        key = (mode, missing, cells[_SOURCE] is None, maximum is None, model is None, zone is None)
        if key != session.reasons_key or session.outputs % REASONS_KEPT_OUTPUTS == 0:
            known = dict(zip(_ARRIVING[:_EXPLAINED], cells, strict=True))
            session.reasons = null_reasons(self._squad, session.row, mode, known)
            session.reasons_key = key
        return session.reasons


def _reasons_json(session: Session, reasons: dict[str, str], hrv_reasons: dict[str, str]) -> msgspec.Raw:
    """Return all reasons as JSON, which is kept while they are the same."""
    parts = (reasons, hrv_reasons, session.chronic_reasons)
    if parts != session.reasons_parts:
        session.reasons_json = msgspec.Raw(encode({**reasons, **hrv_reasons, **session.chronic_reasons}))
    session.reasons_parts = parts  # the newest dictionaries: the same ones are compared by identity
    return session.reasons_json


def identity(session: Session) -> dict[str, Any]:
    """Whose figures these are."""
    return dict(zip(_IDENTITY_KEYS, _whose(session), strict=True))


def _whose(session: Session) -> tuple[Any, ...]:
    """The values of ``IDENTITY``, in order."""
    wearer = session.wearer
    return (
        SCHEMA_VERSION, wearer.device_id, wearer.athlete_id, wearer.name, session.session_id, session.mode, session.box
    )  # fmt: skip


def quality(counts: Quality, rejected: float) -> dict[str, Any]:
    """Counts of the session's samples; ``rejected`` are strap readings refused as impossible."""
    percent = counts.percent
    known: dict[str, Any] = {"expected": counts.expected, **vars(counts)}
    known["heart_rate_rejected"] = int(rejected)
    known["percent"] = None if percent is None else round(percent, 2)
    return known
