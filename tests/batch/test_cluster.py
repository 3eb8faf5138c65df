"""A real Ray cluster of two nodes."""

from __future__ import annotations

import hashlib

import pytest

from athlete_monitor.batch.places import Here
from tests.batch.ray_kit import driven
from tests.replay.kit import context, items_of, season


@pytest.mark.league
@pytest.mark.campaign
@pytest.mark.timeout(700)
def test_a_cluster_of_two_nodes_gives_the_same_results_also_where_workers_are_killed(tmp_path, request):
    found = driven(request, "tests/batch/cluster_driver.py", tmp_path, limit_s=200)
    outcomes = list(Here().run(context(tmp_path), [items_of(season(tmp_path / "again"))]))
    expected = [hashlib.sha256(each.content or b"").hexdigest() for each in outcomes]
    assert found["workers"] == 2
    assert found["retries"] >= 1
    assert sorted(found["hashes"].values()) == sorted(expected)
