"""Training in processes and on a cluster: the models of one process, whatever happens to workers."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading

import pytest

from athlete_monitor.batch.places import Here, Processes
from athlete_monitor.training.parallel import local_place
from athlete_monitor.training.sessions import SessionFile
from tests.batch.ray_kit import driven
from tests.helpers import wait_until
from tests.training.builders import write_session
from tests.training.kit import squad, trained


class Elsewhere(Here):
    """A machine that has none of the files: everything it works on was pickled."""

    remote = True

    def run(self, work, groups):
        def sent():
            for group in groups:
                yield pickle.loads(pickle.dumps(list(group)))

        return super().run(pickle.loads(pickle.dumps(work)), sent())


@pytest.mark.campaign
def test_a_machine_without_the_files_gives_the_same_models_and_knows_rows_the_next_time(tmp_path, monkeypatch):
    for name in ("here", "there"):
        squad(tmp_path / name)
    expected = trained(tmp_path / "here")
    assert len(expected) >= 6
    assert trained(tmp_path / "there", Elsewhere()) == expected
    packed = []

    def noted(file):
        packed.append(file.name)
        return file

    monkeypatch.setattr(SessionFile, "packed", noted)
    assert trained(tmp_path / "there", Elsewhere()) == expected
    assert packed == []


@pytest.mark.campaign
@pytest.mark.timeout(600)
def test_one_more_session_gives_the_models_of_a_training_from_scratch_also_in_workers(tmp_path):
    for name in ("warm", "cold"):
        squad(tmp_path / name)
    trained(tmp_path / "warm")
    for name in ("warm", "cold"):
        for athlete_id in (1, 2, 3):
            write_session(tmp_path / name, athlete_id, 3, seconds=400, rest_bpm=50.0 + 40.0 * (athlete_id % 2))
    assert trained(tmp_path / "warm", local_place(2)) == trained(tmp_path / "cold")


@pytest.mark.campaign
@pytest.mark.timeout(300)
def test_a_worker_that_is_killed_in_the_middle_changes_no_model(tmp_path):
    for name in ("here", "there"):
        squad(tmp_path / name)

    def kill():
        worker = wait_until(multiprocessing.active_children)[0]
        os.kill(worker.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    place = Processes(2)
    killer.start()
    found = trained(tmp_path / "there", place)
    killer.join()
    assert place.retries == 1
    assert found == trained(tmp_path / "here")


@pytest.mark.league
@pytest.mark.campaign
@pytest.mark.timeout(700)
def test_a_cluster_of_two_nodes_makes_the_same_models_also_where_a_worker_is_killed(tmp_path, request):
    found = driven(request, "tests/training/cluster_driver.py", tmp_path, limit_s=200)
    squad(tmp_path / "here")
    assert found["workers"] == 2
    assert found["retries"] >= 1
    assert found["hashes"] == trained(tmp_path / "here")
