"""A fitted model as it is published: its files, checked against scikit-learn, and what is said of it.

It is made where the model was fitted. The process that publishes then needs none of the libraries that fit and export.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from athlete_monitor.arrays import Float32Array, FloatArray
    from athlete_monitor.models.kind import Artifacts, ModelKind


@dataclass(frozen=True)
class Finished:
    """The files of a model, how far each export is from scikit-learn at most, bpm, and its description.

    ``importance`` belongs to the columns of X, [F].
    """

    artifacts: Artifacts
    agreement_bpm: dict[str, float]
    facts: dict[str, Any]
    importance: FloatArray


def finish(kind: ModelKind, model: Any, rows: Float32Array) -> Finished:  # noqa: ANN401 - scikit-learn's
    """Export a model and compare the exports on finite ``rows`` [n, F].

    Raises:
        ModelError: an export disagrees with scikit-learn.
    """
    from athlete_monitor.models.export import check_agreement

    artifacts = kind.export(model)
    return Finished(artifacts, check_agreement(model, artifacts, rows), kind.facts(model), kind.importance(model))
