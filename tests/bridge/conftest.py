"""A room with a D-Bus of its own."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.bridge.bluez import private_bus


@pytest.fixture
def bus(tmp_path_factory, monkeypatch):
    """Return the address of a private D-Bus, which bleak takes for the system's."""
    if shutil.which("dbus-daemon") is None:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail("dbus-daemon is not installed, and CI must run what needs it")
        pytest.skip("dbus-daemon is not installed")
    with private_bus(tmp_path_factory.mktemp("dbus")) as address:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        yield address
