"""The examples in the docstrings give what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import athlete_monitor.physiology

MODULES = [
    f"athlete_monitor.physiology.{module.name}" for module in pkgutil.iter_modules(athlete_monitor.physiology.__path__)
]


@pytest.mark.parametrize("name", [*MODULES, "athlete_monitor.athletes"])
def test_the_examples_of_a_module_are_true(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
