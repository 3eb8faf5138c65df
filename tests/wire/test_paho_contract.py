"""What ``QuickClient`` overrides or reads of paho's insides is still as it was when it was written.

After an update of paho one of these says which part changed: compare ``wire/mqtt_client.py`` with it, then put the new
value here.
"""

from __future__ import annotations

import hashlib
import inspect
import re

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from athlete_monitor.wire import mqtt_client

METHODS = {
    "_create_socket": "3043436f2eb2",
    "_handle_connack": "39267140212c",
    "_packet_queue": "e298fa9ab31e",
    "_packet_write": "d097b7b51bed",
    "loop_misc": "e9c8f0e45281",
    "loop_read": "4fa11ca2d451",
    "reconnect": "3ecdf1a8299e",
}
"""Each overridden method, and the hash of its source in the pinned paho."""

ATTRIBUTES = ("_in_packet", "_out_packet", "_sock", "_sockpairW", "_thread")


def source_hash(name: str) -> str:
    return hashlib.sha256(inspect.getsource(getattr(paho.Client, name)).encode()).hexdigest()[:12]


@pytest.mark.parametrize("name", METHODS)
def test_a_method_that_is_overridden_has_not_changed(name: str) -> None:
    assert hasattr(paho.Client, name), f"paho has no {name} any more: see wire/mqtt_client.py"
    assert source_hash(name) == METHODS[name], f"paho's {name} has changed: see wire/mqtt_client.py"


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_attribute_that_is_read_is_still_there(name: str) -> None:
    client = paho.Client(CallbackAPIVersion.VERSION2)
    assert hasattr(client, name), f"paho's client has no {name} any more: see wire/mqtt_client.py"


def test_every_overridden_or_private_name_is_listed_here() -> None:
    overridden = {
        name for name in vars(mqtt_client.QuickClient) if hasattr(paho.Client, name) and not name.startswith("__")
    }
    assert overridden == set(METHODS)
    client = paho.Client(CallbackAPIVersion.VERSION2)
    used = set(re.findall(r"(?:self|super\(\))\.(_[a-z]\w*)", inspect.getsource(mqtt_client.QuickClient)))
    assert {name for name in used if hasattr(client, name)} <= set(METHODS) | set(ATTRIBUTES)
