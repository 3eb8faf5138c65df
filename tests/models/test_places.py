from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from athlete_monitor.models.places import Places


class PlacesAgainstOneQueue(RuleBasedStateMachine):
    """The places are the first ones of one queue in order of arrival."""

    athletes = st.integers(1, 9)

    def __init__(self):
        super().__init__()
        self.places, self.queue, self.most = Places(), [], 3

    @rule(athlete_id=athletes, most=st.integers(0, 4))
    def ask(self, athlete_id, most):
        self.most = most
        if athlete_id not in self.queue:
            self.queue.append(athlete_id)
        assert self.places.ask(athlete_id, most) == (athlete_id in self.queue[:most])

    @rule(athlete_id=athletes)
    def leave(self, athlete_id):
        self.places.leave(athlete_id)
        self.queue = [each for each in self.queue if each != athlete_id]

    @rule(athlete_id=athletes)
    def give_back(self, athlete_id):
        self.places.give_back(athlete_id)
        self.queue = [*(each for each in self.queue if each != athlete_id), athlete_id]

    @invariant()
    def nobody_is_lost(self):
        assert self.places.taken + self.places.waiting == len(self.queue)
        assert self.places.taken <= 4


def test_places_go_to_those_who_came_first():
    PlacesAgainstOneQueue.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
    PlacesAgainstOneQueue.TestCase().runTest()
