"""The table of channels, and that everything which handles channels reads it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from athlete_monitor.arrays import ACC, CHANNELS, GYRO, MAG
from athlete_monitor.channels import (
    ALIASES,
    BY_NAME,
    FEATURE_GROUPS,
    LOOSE_NAMES,
    NAMES,
    RR_PLACE,
    TABLE,
    factor,
    of_group,
    resolve,
    session_columns,
    vector,
)
from tests.helpers import ROOT

ADDED = """
    Channel(
        "skin_temperature_c",
        "°C",
        (-20.0, 60.0),
        "temperature of the skin",
        place=99,
        units={"K": 1.0},
        aliases=("skin_temp_c",),
    ),
)  # fmt: skip
RR_KEY"""
PROGRAM = """
import sys
from pathlib import Path
import numpy as np
from athlete_monitor.arrays import CHANNEL_INDEX, CHANNELS
from athlete_monitor.channels import session_columns
from athlete_monitor.recordings.format import Options
from athlete_monitor.recordings.formats.generic import read
from athlete_monitor.recordings.source import from_path
from athlete_monitor.recordings.writing import write_session
from athlete_monitor.sim.squad import _SCALE
from athlete_monitor.wire.codec import Decoder, encode_sample
from athlete_monitor.wire.session_files import SessionWriter, extras_of
from athlete_monitor.wire.session_reader import read_session

root, at = Path(sys.argv[1]), CHANNEL_INDEX["skin_temperature_c"]
payload = b'{"device_id": "1", "timestamp": 1767261600, "acc_x": 1.0, "skin_temperature_c": 33.5}'
[sample] = Decoder().decode(payload, "1")
[again] = Decoder().decode(encode_sample(sample), "1")
print("wire", again.values[at])
extra = tuple(extras_of(np.array([sample.values]), [sample]))
with SessionWriter(root, "training", 1, "1", sample.t, extra=extra) as writer:
    writer.write([sample])
print("file", read_session(writer.path).values[0, at])
table = root / "table.csv"
table.write_text("timestamp,skin_temp_c [K]\\n2026-01-01 10:00:00,31.5\\n2026-01-01 10:00:01,32.5\\n")
print("csv", read_session(write_session(read(from_path(table), Options())[0], root, 2, "2")).values[1, at])
print("simulator", len(_SCALE) == len(CHANNELS))
try:
    Decoder().decode(payload.replace(b"33.5", b"66.5"), "1")
except ValueError as error:
    print("limit", "skin_temperature_c" in str(error))
"""


def test_a_channel_added_to_the_table_is_missing_nowhere(tmp_path):
    shutil.copytree(ROOT / "athlete_monitor", tmp_path / "athlete_monitor", ignore=shutil.ignore_patterns("*.pyc"))
    table = tmp_path / "athlete_monitor" / "channels.py"
    text = table.read_text(encoding="utf-8")
    table.write_text(text.replace("\n)  # fmt: skip\nRR_KEY", ADDED), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.split("\n") == ["wire 33.5", "file 33.5", "csv 32.5", "simulator True", "limit True", ""]


def test_names_aliases_and_columns_never_mean_two_channels():
    assert len(set(NAMES)) == len(TABLE) == len({channel.column for channel in TABLE})
    assert not set(ALIASES) & set(NAMES)
    spelt = [alias for channel in TABLE for alias in {*channel.aliases, *channel.loose}]
    assert len(spelt) == len(set(spelt))
    assert all(resolve(name) == name == resolve(name, loose=True) for name in NAMES)
    assert all(resolve(alias) == name for alias, name in ALIASES.items())
    assert all(resolve(alias, loose=True) == name for alias, name in LOOSE_NAMES.items())


def test_a_name_without_its_unit_counts_only_where_a_unit_may_be_given():
    assert resolve("speed") is None
    assert resolve("speed", loose=True) == "speed_mps"
    assert resolve("banana", loose=True) is None


def test_every_place_among_the_optional_columns_is_taken_once():
    places = [channel.place for channel in TABLE if channel.place]
    assert len(set(places)) == len(places)
    assert RR_PLACE not in places
    assert set(session_columns(optional=True)) | set(session_columns(optional=False)) == set(NAMES)


def test_vectors_are_three_columns_side_by_side_in_the_order_of_their_axes():
    for name, place in (("acc", ACC), ("gyro", GYRO), ("mag", MAG)):
        assert vector(name) == place
        assert CHANNELS[place] == (f"{name}_x", f"{name}_y", f"{name}_z")


def test_every_feature_group_has_channels_and_every_named_group_exists():
    assert all(of_group(group) for group in FEATURE_GROUPS)
    assert {group for channel in TABLE for group in channel.groups} == set(FEATURE_GROUPS)


@pytest.mark.parametrize("name", NAMES)
def test_a_channels_own_unit_has_the_factor_1_and_its_limits_are_in_order(name):
    channel = BY_NAME[name]
    assert factor(name, channel.unit) == 1.0
    assert channel.limits[0] < channel.limits[1]
    assert channel.meaning
