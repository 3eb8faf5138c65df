"""Check that a model uses the features that this program computes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athlete_monitor.errors import ModelError
from athlete_monitor.features import PROFILE_FEATURES
from athlete_monitor.models.manifest import DEFAULT, manifest_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from athlete_monitor.features import FeatureSpec
    from athlete_monitor.models.manifest import Manifest


def features_check(spec: FeatureSpec) -> Callable[[Manifest], None]:
    """Return a check that raises ModelError for a model whose columns are not exactly those of ``spec``."""

    def check(manifest: Manifest) -> None:
        name = manifest_name(manifest.athlete_id)
        try:
            expected, schema_hash = spec.names(manifest.groups), spec.schema_hash(manifest.groups)
        except ValueError as error:
            raise ModelError(f"{name}: {error}") from None
        if manifest.athlete_id == DEFAULT:
            expected += PROFILE_FEATURES
        if manifest.schema_hash != schema_hash or manifest.feature_names != expected:
            raise ModelError(
                f"{name}: was trained on other features than those of feature_engineering; train the model again"
            )

    return check
