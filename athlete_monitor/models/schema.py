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
    """Return a check that raises ModelError for a model whose columns are not computed with ``spec``."""

    def check(manifest: Manifest) -> None:
        try:
            served = any(_matches(manifest, each) for each in spec.contained())
        except ValueError as error:
            raise ModelError(f"{manifest_name(manifest.athlete_id)}: {error}") from None
        if not served:
            raise ModelError(
                f"{manifest_name(manifest.athlete_id)}: was trained on other features than those of "
                "feature_engineering; train the model again"
            )

    return check


def own_features(manifest: Manifest) -> tuple[str, ...]:
    """The names of a model's features without those of the profile."""
    return tuple(name for name in manifest.feature_names if name not in PROFILE_FEATURES)


def _matches(manifest: Manifest, spec: FeatureSpec) -> bool:
    expected = spec.names(manifest.groups)
    if manifest.athlete_id == DEFAULT:
        expected += PROFILE_FEATURES
    return manifest.feature_names == expected and manifest.schema_hash == spec.schema_hash(manifest.groups)
