from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.engine.journal.earlier import PastLoad
from athlete_monitor.engine.sessions.history import LoadHistory, _by_day, _missed, _without_overlaps, day_of

DAY_S = 86_400.0
START = 1_750_000_000.0
TRIMPS = st.none() | st.floats(0.0, 500.0)
PAST = st.lists(st.tuples(st.floats(-100.0, 1.0), st.floats(0.0, 0.3), TRIMPS), max_size=12)


def load(start_day: float, days: float, trimp: float | None) -> PastLoad:
    return PastLoad(START + start_day * DAY_S, START + (start_day + days) * DAY_S, trimp)


@given(PAST, TRIMPS)
def test_sessions_added_up_once_give_the_same_load_as_all_of_them_added_up_again(past, trimp):
    history, running = LoadHistory(), load(0.0, 0.05, trimp)
    for each in past:
        history.add(1, load(*each))
        history.figures(1, running)  # so that an addition has to be noticed
    kept = [one for one in (load(*each) for each in past) if one.trimp is not None or one.end_t - one.start_t >= 300.0]
    loads = _without_overlaps([*kept, running])
    today = day_of(running.start_t)
    by_day, missed = history._days(1, running, today)
    assert list(by_day.items()) == list(_by_day(loads).items())
    assert missed == sum(_missed(each, today) for each in loads)
