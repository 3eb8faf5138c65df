"""Worker processes: the same results, and what a lost one costs."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys

import pytest

from athlete_monitor.batch.places import Here, Processes
from tests.helpers import ROOT, wait_until
from tests.replay.kit import context, deadly, items_of, season


def results(place, root, groups):
    return {outcome.item_key: outcome.content for outcome in place.run(context(root), groups)}


@pytest.mark.campaign
def test_a_killed_worker_costs_its_task_a_retry_and_changes_no_result(tmp_path):
    items = items_of(season(tmp_path / "season"))

    def groups():
        yield items[:3]
        [worker] = wait_until(multiprocessing.active_children)
        os.kill(worker.pid, signal.SIGKILL)
        yield items[3:]

    place = Processes(2)
    assert results(place, tmp_path, groups()) == results(Here(), tmp_path, [items])
    assert place.retries == 1
    assert not multiprocessing.active_children()


@pytest.mark.campaign
def test_a_recording_that_kills_its_worker_is_given_up_alone(tmp_path):
    items = items_of(season(tmp_path / "season"))
    outcomes = {each.item_key: each for each in Processes(2).run(context(tmp_path), [[*items, deadly()]])}
    assert outcomes.pop("deadly").failure == "deadly.csv: its worker was ended (signal 9), 3 times"
    assert len(outcomes) == len(items)
    assert all(each.content for each in outcomes.values())


@pytest.mark.campaign
def test_leaving_in_the_middle_leaves_no_worker_behind(tmp_path):
    items = items_of(season(tmp_path / "season"))
    running = Processes(2).run(context(tmp_path), [[item] for item in items])
    next(running)
    running.close()
    assert not multiprocessing.active_children()


def test_what_workers_need_is_imported_once_also_for_a_program_started_from_another_folder(tmp_path):
    program = [sys.executable, str(ROOT / "tests" / "batch" / "preloading.py")]
    done = subprocess.run(program, cwd=tmp_path, check=True, capture_output=True, text=True, timeout=120)
    found = json.loads(done.stdout)
    importers, workers = ({pair[place] for pair in found} for place in (0, 1))
    assert len(importers) == 1
    assert not importers & workers
