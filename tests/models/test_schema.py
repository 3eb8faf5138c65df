from __future__ import annotations

import json
from typing import Any

import pytest

from athlete_monitor.errors import ModelError
from athlete_monitor.features import PROFILE_FEATURES, FeatureSpec
from athlete_monitor.models.schema import features_check, own_features
from tests.models.kit import draft

GROUPS = ("acceleration",)
WITHOUT = FeatureSpec()
WITH = FeatureSpec(spectrum=True)
NEITHER = FeatureSpec(step_rate=False)


def made_for(spec, athlete_id: Any = 7):
    profile = PROFILE_FEATURES if athlete_id == "default" else ()
    names = (*spec.names(GROUPS), *profile)
    return draft(athlete_id, groups=GROUPS, feature_names=names, schema_hash=spec.schema_hash(GROUPS))


@pytest.mark.parametrize("athlete_id", [7, "default"])
@pytest.mark.parametrize("trained_for", [WITH, WITHOUT, NEITHER])
def test_a_model_keeps_working_when_the_spectrum_is_added(trained_for, athlete_id):
    features_check(WITH)(made_for(trained_for, athlete_id))


@pytest.mark.parametrize(("trained_for", "running"), [(WITH, WITHOUT), (WITHOUT, NEITHER), (NEITHER, WITHOUT)])
def test_a_model_of_features_that_are_not_computed_is_refused(trained_for, running):
    with pytest.raises(ModelError, match="train the model again"):
        features_check(running)(made_for(trained_for))


def test_a_models_columns_are_found_among_those_of_the_spectrum():
    columns = WITH.columns_named(own_features(made_for(WITHOUT, "default")))
    assert [WITH.names()[column] for column in columns] == list(WITHOUT.names(GROUPS))


def test_manifests_from_before_the_spectrum_keep_their_hash():
    names = WITHOUT.names(GROUPS)
    assert json.loads(json.dumps(WITHOUT.to_dict())) == {
        "schema_version": 1,
        "window_s": 0.8,
        "time_constants_s": [2.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0],
        "resultant": True,
        "rolling_stats": True,
        "jerk": True,
        "fft_features": True,
        "acc_components": [],
    }
    assert not any("frequency" in name for name in names)
    assert WITHOUT.schema_hash(GROUPS) == "4aae98b5adb99c3582f34e8b734071aa1f12d1ddd20cbbb0ba0028af9fa58b01"
