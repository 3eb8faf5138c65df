"""``--cluster``: an address where nobody listens is one line at once, without a cluster and without a long wait."""

from __future__ import annotations

import pytest

from athlete_monitor.errors import MonitorError
from athlete_monitor.league import cluster


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("10.0.0.1", "is not an address; allowed: auto or HOST:PORT"),
        ("host:0", "is not an address"),
        ("host:port", "is not an address"),
        (":6379", "is not an address"),
        ("ray://host", "is not an address"),
    ],
)
def test_what_is_no_address_is_refused(monkeypatch, address, said):
    monkeypatch.setattr(cluster, "require_ray", lambda _who: None)
    with pytest.raises(MonitorError, match=said):
        cluster.connected(address)


def test_where_nobody_listens_the_line_says_so(monkeypatch, free_port):
    monkeypatch.setattr(cluster, "require_ray", lambda _who: None)
    with pytest.raises(MonitorError, match="no Ray cluster answers there"):
        cluster.connected(f"127.0.0.1:{free_port}")


def test_without_ray_there_is_one_line_on_how_to_get_it(monkeypatch):
    monkeypatch.setattr("athlete_monitor.batch.cluster.find_spec", lambda _name: None)
    with pytest.raises(MonitorError, match=r"pip install 'athlete-monitor\[league\]'"):
        cluster.connected("auto")
