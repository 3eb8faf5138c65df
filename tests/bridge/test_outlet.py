"""The outlet of the bridges: what is not sent is counted and mentioned."""

from __future__ import annotations

import logging

from athlete_monitor.bridge.outlet import WARN_EVERY_S, Outlet


class Away:
    """A broker that takes nothing while ``is_away``."""

    is_away = True

    def publish(self, _topic, _payload, _qos=0, *, retain=False):
        return not self.is_away


def test_samples_that_the_broker_does_not_take_are_mentioned_from_time_to_time_with_their_total(caplog):
    broker, now = Away(), [0.0]
    outlet = Outlet(broker, clock=lambda: now[0])
    with caplog.at_level(logging.WARNING):
        for _ in range(50):
            outlet.samples("001", [{"t": 0}] * 3)
            now[0] += WARN_EVERY_S / 20
        broker.is_away = False
        outlet.samples("001", [{"t": 0}])
    totals = [record.args[0] for record in caplog.records]
    assert totals == [3, 63, 123]
