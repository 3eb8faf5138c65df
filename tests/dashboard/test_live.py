from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.athletes import Athlete, Roster
from athlete_monitor.catalogue import FIGURES
from athlete_monitor.dashboard.columns import COLUMNS, DECIMALS, PLACES
from athlete_monitor.dashboard.live import LONGEST_NAME, Live
from tests.dashboard.kit import figures, packed

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=6),
    max_leaves=12,
)
DEVICE_TOPICS = [f"player/007/{kind}" for kind in ("metrics", "events", "status", "session", "metrics/more")]
OTHER_TOPICS = ["team/state", "engine/stats", "engine/status", "player/../metrics", "player//metrics", "nonsense"]
TOPICS = st.sampled_from([*DEVICE_TOPICS, *OTHER_TOPICS])


def value(live: Live, device: str, key: str) -> object:
    rows = {row[0]: row for row in live.present(0.0)["rows"]}
    return rows[device][4 + PLACES[key]]


def test_a_metrics_message_appears_in_the_frame_under_its_column():
    live = Live()
    assert live.take("player/007/metrics", packed(figures(7)), 10.0) == "metrics"
    assert (value(live, "007", "heart_rate_bpm"), value(live, "007", "heart_rate_source")) == (107, "sensor")
    assert (value(live, "007", "speed_mps"), value(live, "007", "distance_m")) == (2.5, 813)


def test_age_is_measured_by_the_clock_of_the_box_not_of_the_device():
    live = Live()
    live.take("player/007/metrics", packed(figures(7, t_s=5.0)), 100.0)
    (row,) = live.present(103.25)["rows"]
    assert (row[1], row[2]) == (3.2, 5.0)


def test_athletes_of_the_roster_are_there_before_they_send():
    live = Live(Roster((Athlete(id=3, device="D3", name="Ada"),)))
    assert [(one["key"], one["name"]) for one in live.squad()["athletes"]] == [("D3", "Ada")]


def test_the_name_of_the_roster_wins_and_a_long_name_is_cut():
    live = Live(Roster((Athlete(id=7, device="007", name="Ada", birth_date=date(2000, 1, 1)),)))
    live.take("player/007/metrics", packed(figures(7, name="somebody else")), 0.0)
    live.take("player/008/metrics", packed(figures(8, name="x" * 500)), 0.0)
    assert [one["name"] for one in live.squad()["athletes"]] == ["Ada", "x" * LONGEST_NAME]


def test_a_new_name_raises_the_revision_and_new_figures_do_not():
    live = Live()
    live.take("player/007/metrics", packed(figures(7)), 0.0)
    before = live.revision
    live.take("player/007/metrics", packed(figures(7, heart_rate_bpm=99)), 1.0)
    assert live.revision == before
    live.take("player/007/metrics", packed(figures(7, name="new")), 2.0)
    assert live.revision == before + 1


@given(st.lists(st.tuples(TOPICS, JSON | st.binary(max_size=20)), max_size=12))
def test_no_message_breaks_it_and_every_frame_stays_whole(messages):
    live = Live()
    for topic, document in messages:
        payload = document if isinstance(document, bytes) else packed({"t_s": 1, "name": document, "status": document})
        live.take(topic, payload, 1.0)
        if not isinstance(document, bytes):
            live.take(
                topic, packed(document) if isinstance(document, dict) else packed({"heart_rate_bpm": document}), 1.0
            )
    for row in live.frame(2.0)["rows"]:
        assert len(row) == 4 + len(COLUMNS)
    live.squad()
    live.history(0, (0, 1))


def test_history_returns_what_came_after_a_frame():
    live = Live()
    for second in range(3):
        live.take("player/007/metrics", packed(figures(7, t_s=1000.0 + second, heart_rate_bpm=100 + second)), second)
        live.frame(float(second))
    column = (PLACES["heart_rate_bpm"],)
    assert live.history(0, column)["devices"]["007"] == {"t": [1000, 1001, 1002], "values": [[100, 101, 102]]}
    assert live.history(2, column)["devices"]["007"] == {"t": [1002], "values": [[102]]}


def test_a_link_is_read_leniently_and_a_weak_battery_is_told_once():
    live = Live()
    live.take("player/007/metrics", packed(figures(7)), 0.0)
    before = live.revision
    live.take("player/007/link", packed({"battery_percent": 80, "rssi_dbm": -70, "contact": True, "new_key": {}}), 1.0)
    assert live.revision == before
    link = live.links["007"]
    assert (link.battery_percent, link.signal_dbm, link.contact) == (80, -70, True)
    for battery in (12, 12, "full", 900, None):
        live.take("player/007/link", packed({"battery_percent": battery}), 2.0)
        (athlete,) = live.squad()["athletes"]
        assert athlete["weak_battery"] == (12 if battery == 12 else None)
    assert live.revision == before + 2


def test_history_keeps_the_decimals_of_every_figure_and_a_curve_has_one_more():
    live = Live()
    numbers = [column for column in COLUMNS if column.decimals is not None]
    exact = {column.key: 1.23456 for column in numbers}
    live.take("player/007/metrics", packed(figures(7, t_s=1000.0, **exact)), 1.0)
    live.present(1.0)
    found = live.history(0, tuple(PLACES[column.key] for column in numbers))["devices"]["007"]["values"]
    for column, values in zip(numbers, found, strict=True):
        assert values == [round(1.23456, column.decimals)], column.key
    for key in ("heart_rate_bpm", "speed_mps"):
        assert DECIMALS[key] == FIGURES[key].decimals + 1
    assert max(DECIMALS.values()) == 3
