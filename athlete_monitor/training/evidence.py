"""What models of an athlete said about sessions that they had not seen, kept from one training to the next.

Fitting is a function: the same rows, weights and settings give the same model, and the same answers. So an answer is
kept under a hash of everything that it depends on: every row that the model learned from and every row that it was
asked about, the settings, the kind of model, the program text and the versions of the libraries. What is found is what
would be computed again, to the last bit; a session that was removed or changed, another setting or program is simply
not found. The first trees of the newest model are kept too: they judge the next session, which they have not seen.

A file holds one athlete's answers, preceded by its SHA-256: a damaged one counts as none. It lies in the folder of the
cached rows, which ``athletes erase`` removes and backups leave out.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from athlete_monitor.models.kinds import kind_of
from athlete_monitor.models.parts import arrays_of, parts_in
from athlete_monitor.models.store import ROWS_FOLDER_END
from athlete_monitor.system.files import replace_file
from athlete_monitor.training.fitting import JUDGING_TREES, judging

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from athlete_monitor.arrays import Float32Array, FloatArray
    from athlete_monitor.config import Training
    from athlete_monitor.models.kind import Task

NAME: Final = "held_out.evidence"
_PACKAGE: Final = Path(__file__).resolve().parents[1]
_PROGRAM_TEXT: Final = (
    "models/binned.py", "models/export.py", "models/growing.py", "models/kind.py", "models/kinds/*.py",
    "models/line.py", "models/parts.py", "training/evidence.py", "training/fitting.py",
)  # fmt: skip
_LIBRARIES: Final = ("numpy", "scipy", "scikit-learn")
_DIGEST_BYTES: Final = hashlib.sha256().digest_size


class Evidence:
    """Answers of models by their keys, for one athlete.

    Args:
        kept: what an earlier training kept, arrays by name.

    ``used`` is what this training asked for, and what is kept for the next one; ``fits`` counts models that had to be
    fitted.
    """

    def __init__(self, kept: Mapping[str, Any] | None = None) -> None:
        self._kept = dict(kept or {})
        self.used: dict[str, Any] = {}
        self.fits = 0

    def predictions(self, task: Task, kind: str, asked: Sequence[Float32Array]) -> list[FloatArray]:
        """What a model of the task says about the rows of each of ``asked`` [n, F], bpm [n]."""
        key = _key(task, kind)
        names = [_name(key, X) for X in asked]
        found = [self._answer(name, len(X)) for name, X in zip(names, asked, strict=True)]
        known = [answer for answer in found if answer is not None]
        if len(known) < len(asked):
            model = self._fitted(task, kind)
            known = [model.predict(X) for X in asked]
        self.used.update(zip(names, known, strict=True))
        return known

    def judged(self, task: Task, kind: str, asked: Float32Array) -> FloatArray:
        """What the first ``JUDGING_TREES`` trees of the task's model say about the rows [n, F], bpm [n]."""
        key = _key_of_first(task, kind)
        name = _name(key, asked)
        answer = self._answer(name, len(asked))
        if answer is None:
            parts = parts_in(self._kept, key, asked.shape[1])
            answer = (parts or self._fitted(_of_few_trees(task), kind)).predict(asked)
        self.used[name] = answer
        return answer

    def remember(self, task: Task, kind: str, model: Any) -> None:  # noqa: ANN401 - scikit-learn's
        """Keep the first trees of the newest model, which will judge the next session."""
        taken = kind_of(kind).parts
        if taken is not None:
            self.used.update(arrays_of(taken(model).first(JUDGING_TREES), _key_of_first(task, kind)))

    def _answer(self, name: str, rows: int) -> FloatArray | None:
        found: FloatArray | None = self.used.get(name, self._kept.get(name))
        return found if found is not None and found.shape == (rows,) and found.dtype == np.float64 else None

    def _fitted(self, task: Task, kind: str) -> Any:  # noqa: ANN401
        self.fits += 1
        return kind_of(kind).fit(task)


@dataclass(frozen=True)
class EvidenceFiles:
    """Evidence below ``root``, the folder of the pickled models, in the folder of each athlete's cached rows.

    Args:
        root: the folder.
        reads: whether what is kept there is used; without, everything is computed again.
        writes: whether files are written.
    """

    root: Path
    reads: bool = True
    writes: bool = True

    def load(self, athlete_id: int) -> Evidence:
        """Return what an earlier training kept; nothing where there is no valid file."""
        try:
            content = self._path(athlete_id).read_bytes() if self.reads else b""
            if content[:_DIGEST_BYTES] != hashlib.sha256(content[_DIGEST_BYTES:]).digest():
                return Evidence()
            with np.load(io.BytesIO(content[_DIGEST_BYTES:]), allow_pickle=False) as entry:
                return Evidence({name: entry[name] for name in entry.files})
        except Exception:  # noqa: BLE001 - whatever is wrong with a file, the sessions themselves are there
            return Evidence()

    def save(self, athlete_id: int, evidence: Evidence) -> None:
        """Store what a training used; if the disk refuses it, the next training only takes longer."""
        if not self.writes:
            return
        stream = io.BytesIO()
        np.savez(stream, **evidence.used)
        content = stream.getvalue()
        try:
            path = self._path(athlete_id)
            replace_file(path, hashlib.sha256(content).digest() + content, sync=False, below=self.root)
        except OSError:
            return

    def _path(self, athlete_id: int) -> Path:
        return self.root / f"Player{athlete_id}{ROWS_FOLDER_END}" / NAME


def _of_few_trees(task: Task) -> Task:
    return replace(task, shape=judging(cast("Training", task.shape)))


def _key_of_first(task: Task, kind: str) -> str:
    return f"first_{_key(task, kind)}"


def _name(key: str, X: Float32Array) -> str:
    return f"{key}_{_digest((X,))}"


def _key(task: Task, kind: str) -> str:
    """A hash of everything that a fitted model depends on."""
    shape = task.shape
    settings = (
        kind, task.exact, shape.n_estimators, shape.max_depth, shape.min_samples_split, shape.min_samples_leaf,
        shape.max_features, shape.random_state, _program(),
    )  # fmt: skip
    return _digest((task.X, task.y, task.weight, task.session, task.rises), json.dumps(settings))


def _digest(arrays: Iterable[Any], text: str = "") -> str:
    digest = hashlib.blake2b(text.encode(), digest_size=20)
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


@cache
def _program() -> str:
    """Identifies the program that fits models: its text, and the libraries."""
    versions = [platform.machine(), platform.python_version(), *(version(name) for name in _LIBRARIES)]
    digest = hashlib.sha256(json.dumps(versions).encode())
    for pattern in _PROGRAM_TEXT:
        for path in sorted(_PACKAGE.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()
