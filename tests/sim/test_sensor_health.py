import numpy as np

from athlete_monitor.sim.sensor_health import Sensors
from athlete_monitor.sim.session import SimulatedSession
from athlete_monitor.sim.traits import traits_of

SQUAD = [traits_of(athlete_id) for athlete_id in range(1, 9)]


def test_batteries_drain_steadily_and_never_below_one_percent():
    sensors = Sensors.of(SQUAD, SimulatedSession("game", 3))
    charges = np.array([sensors.battery_percent(hour * 3600.0) for hour in range(30)])
    assert (np.diff(charges, axis=0) <= 0).all()
    assert charges.min() == 1.0
    assert charges.max() <= 100.0
    assert len(set(charges[0].tolist())) == 8


def test_a_signal_is_weaker_far_from_the_receiver():
    sensors = Sensors.of(SQUAD, SimulatedSession("game", 3))
    near = np.mean([sensors.rssi_dbm(np.full(8, 52.5), np.full(8, 5.0)) for _ in range(50)])
    far = np.mean([sensors.rssi_dbm(np.zeros(8), np.full(8, 68.0)) for _ in range(50)])
    assert -75 < near < -55
    assert near - far > 10


def test_what_a_sensor_says_does_not_depend_on_the_others():
    alone, together = (
        Sensors.of(SQUAD[3:4], SimulatedSession("game", 3)),
        Sensors.of(SQUAD, SimulatedSession("game", 3)),
    )
    assert alone.battery_percent(60.0)[0] == together.battery_percent(60.0)[3]
    place = np.array([10.0])
    assert alone.rssi_dbm(place, place)[0] == together.rssi_dbm(np.full(8, 10.0), np.full(8, 10.0))[3]
