"""A configuration that trains in seconds, and a squad to train."""

from __future__ import annotations

import pytest

from athlete_monitor.config import load_config


@pytest.fixture
def quick(make_config, free_port, tmp_path):
    """``quick(training={...})``: the default configuration with small forests, below the test's folder."""

    def make(**sections):
        training = {"n_estimators": 12, "n_jobs": 1, **sections.pop("training", {})}
        mqtt = {"port": free_port, **sections.pop("mqtt", {})}
        path = make_config(training=training, mqtt=mqtt, **sections)
        return load_config(path, tmp_path, {})

    return make
