"""A real league in namespaces of its own: two nodes of Ray, a real Mosquitto, and everything that may happen to it."""

from __future__ import annotations

import pytest

from tests.batch.ray_kit import driven
from tests.helpers import MOSQUITTO

pytestmark = [pytest.mark.league, pytest.mark.campaign, pytest.mark.timeout(1000)]
RATE_HZ = 5
"""Of the driver's samples: a second may be lost."""
EXACT = ("distance_m", "player_load", "duration_s", "max_speed_mps", "trimp", "energy_kj", "heart_rate_mean_bpm")


def inside(request, tmp_path, scenario, limit_s):
    """Run a scenario of the driver in namespaces of its own; return what it prints."""
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed")
    return driven(request, "tests/league/league_driver.py", tmp_path, scenario, limit_s=limit_s)


def test_a_league_loses_no_sample_when_shards_and_nodes_are_killed_and_squads_moved(tmp_path, request):
    found = inside(request, tmp_path, "everything", 330)
    assert found["nodes_used"] == 2
    assert found["drained_has"] == []
    assert found["stopped"]
    summaries = found["summaries"]
    for device in ("001", "002"):
        plain = summaries.pop(f"plain {device}")
        assert plain["quality"]["received"] == found["sent"]
        for name in [name for name in summaries if name.endswith(device)]:
            summary = summaries.pop(name)
            lost = summary["quality"][
                "lost"
            ]  # seen once: one sample, of the engine that hung when its shard was killed
            assert summary["quality"]["received"] + lost == found["sent"], name
            assert lost <= (RATE_HZ if name.startswith("blues") else 0), name
            if not lost:
                assert {key: summary[key] for key in EXACT} == {key: plain[key] for key in EXACT}, name
    assert summaries == {}
    state = found["state"]
    assert state["totals"]["squads"] == len(state["squads"]) == 4
    assert {row["squad"]: row["shard"] for row in state["squads"]}["reds"] == "two"
    assert all(row["restarts"] is not None for row in state["squads"])


def test_a_squad_whose_state_lies_behind_a_url_goes_on_from_the_last_copy_on_another_node(tmp_path, request):
    found = inside(request, tmp_path, "url", 220)
    assert found["totals_before"] > 0.0
    assert found["totals_after"] > found["totals_before"]
    assert found["session"] == found["session_before"]
    assert "lost: archive after" in found["note"]
