"""The examples in the importers' documentation are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

from athlete_monitor import recordings

MODULES = [info.name for info in pkgutil.walk_packages(recordings.__path__, f"{recordings.__name__}.")]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_hold(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
