"""Cached rows of replayed sessions, stored beside the pickled models: a session is replayed only once.

The key of an entry contains everything that its rows depend on: the bytes of the session file, its athlete's folder,
the features, the rows kept for each second, the time zone of this machine (files may hold local time), and the program
text that computes rows. So an entry is never stale; it is just not found any more and then removed. A damaged entry
counts as missing. An entry holds as much personal data as the session: it is in a folder that ``athletes erase``
removes.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from athlete_monitor.models.store import ROWS_FOLDER_END
from athlete_monitor.system.files import TEMPORARY_PREFIX, clear_abandoned, replace_file
from athlete_monitor.training.rows import SessionRows
from athlete_monitor.wire.sample import WireProfile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from athlete_monitor.features import FeatureSpec
    from athlete_monitor.training.sessions import SessionFile

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_PROGRAM_TEXT: Final = (
    "arrays.py", "channels.py", "decay.py", "features/*.py", "fusion.py", "physiology/clock.py",
    "physiology/heart_rate.py", "physiology/limits.py", "physiology/squad_state.py", "physiology/strap_readings.py",
    "training/dataset.py", "training/replaying.py", "training/row_cache.py", "training/rows.py", "wire/*.py",
)  # fmt: skip
_LOCAL_TIME: Final = Path("/etc/localtime")
_ARRAYS: Final = ("t", "X", "columns", "available", "y", "prints")


class _Facts(msgspec.Struct, forbid_unknown_fields=True):
    """The data of an entry other than its arrays."""

    rate_hz: float
    profile: WireProfile
    notes: tuple[str, ...]


@dataclass(frozen=True)
class RowCache:
    """Entries below ``root``, in a folder for each athlete.

    Args:
        root: the folder of the pickled models.
        spec: the features.
        rows_per_second: rows kept for each second.
        writes: whether entries are written and removed, or only read.
        reads: whether entries are used; without, every session is replayed again.
    """

    root: Path
    spec: FeatureSpec
    rows_per_second: float
    writes: bool = True
    reads: bool = True

    def load(self, athlete_id: int, file: SessionFile) -> SessionRows | None:
        """Return the rows of a session that was replayed before; None if there is no valid entry."""
        if not self.reads:
            return None
        try:
            content = io.BytesIO(self._path(athlete_id, file).read_bytes())
            with np.load(content, allow_pickle=False) as entry:
                arrays = {name: entry[name] for name in _ARRAYS}
                facts = msgspec.json.decode(entry["facts"].tobytes(), type=_Facts)
        except FileNotFoundError:
            return None
        except Exception:  # noqa: BLE001 - whatever is wrong with an entry, the session itself is there
            return None
        if len({len(arrays[name]) for name in _ARRAYS if name != "columns"}) != 1:
            return None
        return SessionRows(file.name, file.sha256, **arrays, **{n: getattr(facts, n) for n in _Facts.__struct_fields__})

    def save(self, athlete_id: int, file: SessionFile, rows: SessionRows) -> None:
        """Store the rows of a session; if the disk refuses them, the next training only takes longer."""
        if not self.writes:
            return
        facts = msgspec.json.encode(_Facts(rows.rate_hz, rows.profile, rows.notes))
        content = io.BytesIO()
        arrays: dict[str, Any] = {name: getattr(rows, name) for name in _ARRAYS}
        np.savez(content, facts=np.frombuffer(facts, dtype=np.uint8), **arrays)
        try:
            replace_file(self._path(athlete_id, file), content.getvalue(), sync=False, below=self.root)
        except OSError:
            return

    def holds(self, athlete_id: int, file: SessionFile) -> bool:
        """Whether there is an entry for a session."""
        return self._path(athlete_id, file).is_file()

    def prune(self, athlete_id: int, files: Iterable[SessionFile]) -> None:
        """Remove the athlete's entries of other sessions than these, of other features and of earlier programs."""
        if not self.writes:
            return
        wanted = {self._path(athlete_id, file).name for file in files}
        folder = self._folder(athlete_id)
        try:
            clear_abandoned(folder)
            found = [path for path in folder.iterdir() if path.name not in wanted]
            for path in found:
                if path.suffix == ".npz" and not path.name.startswith(TEMPORARY_PREFIX):
                    path.unlink(missing_ok=True)
        except OSError:
            return

    def _folder(self, athlete_id: int) -> Path:
        return self.root / f"Player{athlete_id}{ROWS_FOLDER_END}"

    def _path(self, athlete_id: int, file: SessionFile) -> Path:
        meaning = json.dumps(
            [file.sha256, athlete_id, self.spec.to_dict(), self.rows_per_second, _program(), _time_zone()],
            sort_keys=True,
        )
        return self._folder(athlete_id) / f"{hashlib.sha256(meaning.encode()).hexdigest()}.npz"


@cache
def _program() -> str:
    """Identifies the program that computes rows by its text, so that no version number has to be maintained."""
    digest = hashlib.sha256(np.__version__.encode())
    for pattern in _PROGRAM_TEXT:
        for path in sorted(_PACKAGE.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _time_zone() -> str:
    """Identifies the local time zone."""
    try:
        rules = hashlib.sha256(_LOCAL_TIME.read_bytes()).hexdigest()
    except OSError:
        rules = ""
    return f"{os.environ.get('TZ', '')} {rules}"
