"""Every key that leaves the engine is described, and every described key leaves it."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from athlete_monitor.catalogue import FORMULAS
from athlete_monitor.config import load_config
from athlete_monitor.engine.intake.inbox import Inbox
from athlete_monitor.engine.live.stats import Stats
from tests.engine.kit import feed, monitor_of, sample, stream
from tests.helpers import ROOT

CONFIG = load_config(ROOT / "jetson_nano_4gb_config.yaml", environ={})
TEXT = (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")


def section(title):
    return TEXT.partition(f"## {title}\n")[2].partition("\n## ")[0]


def keys(title):
    cells = re.findall(r"^\| (`[^|]+`) \|", section(title), re.MULTILINE)
    return {key for cell in cells for key in re.findall(r"`([a-z_0-9]+)`", cell)}


@pytest.fixture(scope="module")
def told():
    monitor, told = monitor_of(CONFIG)
    hit = [sample(20 + i / 10, seq=200 + i, acc_x=0, acc_y=0, acc_z=88.0 if i == 5 else 9.8) for i in range(20)]
    feed(monitor, [*stream(seconds=20), *hit])
    monitor.end_all("test")
    return told


def test_figures(told):
    assert keys("Figures") == set(told.figures[-1])
    described = re.findall(r"`([a-z_]+)`", section("Figures").partition("`quality`, of this session")[2])
    assert set(told.figures[-1]["quality"]) <= {*described, "seq"}
    assert set(FORMULAS) <= keys("Figures") | keys("Summary of a session")


def test_summary(told):
    momentary = set(re.findall(r"`([a-z_0-9]+)`", section("Summary of a session").partition("), and:")[0]))
    assert set(told.summaries[0]) == (keys("Figures") - momentary) | keys("Summary of a session")


def test_event(told):
    assert keys("Events") == set(told.events[0])


def test_engine():
    monitor, _ = monitor_of(CONFIG)
    surroundings = (
        "broker_connected",
        "unsent",
        "files_failing",
        "realtime_file_every_s",
        "journal_failing",
        "journal_lost",
        "not_understood",
        "acknowledged",
        "prediction_rate_hz",
        "box",
    )
    stats = Stats(Inbox(1, 1, "sensor/data"), monitor, None, 0.0).take(1.0, **dict.fromkeys(surroundings))
    assert keys("Engine") == set(stats)


def test_the_tables_of_figures_are_up_to_date():
    command = [sys.executable, "docs/make_outputs.py", "--check"]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
