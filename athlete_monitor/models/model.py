"""A model ready for use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from athlete_monitor.models.manifest import DEFAULT

if TYPE_CHECKING:
    from athlete_monitor.arrays import Float32Array
    from athlete_monitor.models.manifest import Manifest
    from athlete_monitor.models.runtimes import Predictor
    from athlete_monitor.models.store import Stamp


@dataclass(frozen=True)
class Model:
    """A loaded model.

    ``held_bytes`` is the memory it holds, as measured; ``is_default`` marks the squad-wide model, ``is_fallback`` an
    earlier version that is used because the one in the store was refused; ``stamp`` is the state of the manifest file
    that it was loaded from, None for an earlier version.
    """

    manifest: Manifest
    predictor: Predictor
    held_bytes: int
    load_s: float
    stamp: Stamp | None
    is_fallback: bool = False
    model_id: str = field(init=False)
    is_default: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "model_id", self.manifest.model_id)
        object.__setattr__(self, "is_default", self.manifest.athlete_id == DEFAULT)

    def predict(self, X: Float32Array) -> Float32Array:
        """Predict heart rates in bpm, float32 [n], of rows float32 [n, F] with the columns ``manifest.feature_names``.

        A row with a missing (not finite) value gives NaN.

        Raises:
            ModelError: X has another shape.
        """
        return self.predictor.predict(X)
