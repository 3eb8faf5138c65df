from __future__ import annotations

from contextlib import suppress
from itertools import count, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.team.commands import Command
from athlete_monitor.team.records import Stint, TeamSession, Whose
from athlete_monitor.team.refusals import RefusedError
from athlete_monitor.team.state import TeamState

T = 1_750_000_000.0


def state_of(*commands, **rest):
    state = TeamState(TeamSession("T", T), **rest)
    for command in commands:
        state.apply(command)
    return state


NUMBERS = count()


def do(what, at=0.0, number=None, /, **values):
    return Command(number or f"c{next(NUMBERS)}", what, T + at, values)


def shown(state):
    return state.periods(), state.stints(), state.markers(), state.session, state.targets(), state.worn()


def accepted(state, commands):
    for command in commands:
        with suppress(RefusedError):
            state.apply(command)
    return shown(state)


def on(*athletes, at=0.0):
    return [do("pitch", at, athlete=athlete, state="on") for athlete in athletes]


def test_periods_begin_end_and_may_run_side_by_side():
    state = state_of(
        do("period_start", 0, name="1st half"),
        do("period_start", 10, name="rehab", kind="drill", whose={"athletes": [7]}),
        do("period_end", 100, period="1st HALF"),
    )
    half, rehab = state.periods()
    assert (half.kind, half.start_t, half.end_t) == ("half", T, T + 100)
    assert (rehab.kind, rehab.end_t, rehab.whose) == ("drill", None, Whose(athletes=(7,)))


def test_what_cannot_be_is_refused_in_words_and_changes_nothing():
    state = state_of(*on(7, 14), do("period_start", 10, "p", name="1st half"))
    before = shown(state)
    for command, words in [
        (do("period_end", 5, period="1st half"), "had not begun then"),
        (do("period_end", 10, period="p"), "end before it begins"),
        (do("period_end", 50, period="2nd half"), "periods so far: 1st half"),
        (do("period_edit", 60, period="p", start=T + 40, end=T + 30), "end before it begins"),
        (do("period_start", 50, name="1st half"), "is running already"),
        (do("pitch", 50, athlete=9, state="on", **{"for": 8}), "athlete 8 is not on the pitch"),
        (do("pitch", 50, athlete=14, state="on", **{"for": 7}), "athlete 14 is on the pitch already"),
        (do("pitch", 50, athlete=7, state="on", **{"for": 7}), "for the same athlete"),
        (do("marker_delete", 50, marker="m"), "not known"),
        (do("rpe", 50, athlete=7), "at least one rating"),
    ]:
        with pytest.raises(RefusedError, match=words):
            state.apply(command)
    assert shown(state) == before


def test_a_substitution_moves_both_and_stints_follow():
    state = state_of(
        *on(14), do("pitch", 60, athlete=7, state="on", **{"for": 14}), do("pitch", 90, athlete=7, state="off")
    )
    assert state.stints() == [
        Stint(14, "on", T, T + 60),
        Stint(7, "on", T + 60, T + 90),
        Stint(14, "off", T + 60),
        Stint(7, "off", T + 90),
    ]
    assert state.pitch() == {7: "off", 14: "off"}


def test_an_unknown_figure_of_a_target_is_refused_with_what_is_like_it():
    state = state_of(figures=["distance_m", "trimp"])
    with pytest.raises(RefusedError, match="did you mean distance_m"):
        state.apply(do("target", athlete=7, figure="distance_n", value=9000.0))
    state.apply(do("target", athlete=7, figure="distance_m", value=9000.0))
    assert state.targets() == {(7, "distance_m"): 9000.0}
    state.apply(do("target", 5, athlete=7, figure="distance_m", value=None))
    assert state.targets() == {}


EDITABLE = {
    "name": st.sampled_from(["1st half", "second half", "cup"]),
    "start": st.floats(0, 40).map(lambda s: T + s),
    "end": st.floats(50, 99).map(lambda s: T + s),
    "kind": st.sampled_from(["half", "drill"]),
}


@given(changes=st.fixed_dictionaries({}, optional=EDITABLE))
def test_an_edit_afterwards_equals_the_same_command_in_time(changes):
    start, end = changes.get("start", T), changes.get("end", T + 90)
    in_time = state_of(
        Command(
            "p", "period_start", start, {"name": changes.get("name", "half"), "kind": changes.get("kind", "other")}
        ),
        Command("e", "period_end", end, {"period": "p"}),
    )
    afterwards = state_of(
        Command("p", "period_start", T, {"name": "half", "kind": "other"}),
        Command("e", "period_end", T + 90, {"period": "p"}),
        Command("f", "period_edit", T + 500, {"period": "p", **changes}),
    )
    assert shown(in_time) == shown(afterwards)


ATHLETES = st.integers(1, 4)
STATES = st.sampled_from(["on", "off", "unavailable"])
MOMENT = {
    "pitch": st.fixed_dictionaries({"athlete": ATHLETES, "state": STATES}, optional={"for": ATHLETES}),
    "period_start": st.fixed_dictionaries({"name": st.sampled_from(["first", "x", "y"])}),
    "period_end": st.fixed_dictionaries({"period": st.sampled_from(["first", "x", "old", "a", "p"])}),
    "period_delete": st.fixed_dictionaries({"period": st.sampled_from(["first", "x", "q"])}),
    "period_edit": st.fixed_dictionaries(
        {"period": st.sampled_from(["p", "q", "first"])},
        optional={
            "name": st.sampled_from(["a", "b"]),
            "start": st.sampled_from([T + 10, T + 50]),
            "end": st.sampled_from([T + 30, T + 55, None]),
        },
    ),
    "marker": st.fixed_dictionaries({"text": st.sampled_from(["goal", "foul"])}),
    "session_edit": st.fixed_dictionaries({"name": st.sampled_from(["cup", "league"])}),
    "target": st.fixed_dictionaries({"athlete": ATHLETES, "figure": st.just("trimp"), "value": st.floats(1, 9)}),
    "assign": st.fixed_dictionaries({"device": st.just("001"), "athlete": ATHLETES}),
}
SIMULTANEOUS = st.lists(
    st.sampled_from(sorted(MOMENT)).flatmap(lambda kind: st.tuples(st.just(kind), MOMENT[kind])), min_size=2, max_size=4
)


@settings(max_examples=60)
@given(kinds=SIMULTANEOUS)
def test_the_order_of_commands_of_one_moment_does_not_matter(kinds):
    before = [
        *on(1, 2),
        do("period_start", 0, "p", name="first"),
        do("period_start", 0, "q", name="old"),
    ]
    commands = [do(kind, 60, f"n{index}", **values) for index, (kind, values) in enumerate(kinds)]
    outcomes = [accepted(state_of(*before), order) for order in permutations(commands)]
    assert all(outcome == outcomes[0] for outcome in outcomes)


def test_phases_become_periods_until_somebody_controls():
    state = state_of(do("phase", 0, name="warm up"), do("phase", 30, name="first half"), do("phase", 50, name=None))
    assert [(p.name, p.kind, p.start_t - T, p.end_t and p.end_t - T) for p in state.periods()] == [
        ("warm up", "warm-up", 0, 30), ("first half", "half", 30, 50),
    ]  # fmt: skip
    state.apply(do("phase", 60, name="second_half"))
    state.apply(do("period_start", 55, name="2nd"))
    state.apply(do("phase", 90, name="cooldown"))
    assert [(p.name, p.start_t - T) for p in state.periods()] == [("warm up", 0), ("first half", 30), ("2nd", 55)]


def test_whose_of_a_period_decides_who_takes_part():
    state = state_of(do("period_start", name="d", whose={"group": "backs"}))
    (period,) = state.periods()
    assert period.whose.includes(3, "backs")
    assert not period.whose.includes(3, "forwards")


def test_a_name_means_the_running_period_before_one_that_has_ended():
    state = state_of(
        do("period_start", 0, "a", name="rondo"),
        do("period_start", 20, "b", name="finishing"),
        do("period_end", 30, period="b"),
        do("period_edit", 40, period="b", name="rondo"),
        do("period_end", 50, period="rondo"),
    )
    assert [(each.id, each.end_t) for each in state.periods()] == [("a", T + 50), ("b", T + 30)]


def test_as_many_markers_as_allowed_are_kept_and_one_more_is_refused(monkeypatch):
    monkeypatch.setattr("athlete_monitor.team.state.MOST", 2)
    state = state_of(do("marker", 1, text="one"), do("marker", 2, text="two"))
    with pytest.raises(RefusedError):
        state.apply(do("marker", 3, text="three"))
    assert [each.text for each in state.markers()] == ["one", "two"]


@pytest.mark.parametrize(("automatic_only", "end"), [(False, T + 60), (True, None)])
def test_the_end_of_a_session_ends_its_open_periods(automatic_only, end):
    by_phase, by_hand = state_of(do("phase", 0, name="warmup")), state_of(do("period_start", 10, name="drill"))
    for each in (by_phase, by_hand):
        each.end_open(T + 60, automatic_only=automatic_only)
    assert [each.end_t for state in (by_phase, by_hand) for each in state.periods()] == [T + 60, end]


def test_of_two_states_at_one_moment_the_more_absent_one_is_used():
    both = [do("pitch", 10, athlete=7, state="on"), do("pitch", 10, athlete=7, state="unavailable")]
    for commands in (both, both[::-1]):
        assert state_of(*commands).pitch() == {7: "unavailable"}


def test_whoever_comes_on_at_a_moment_cannot_be_replaced_at_the_same_moment():
    state = state_of(*on(7, at=10))
    with pytest.raises(RefusedError):
        state.apply(do("pitch", 10, athlete=9, state="on", **{"for": 7}))
    state.apply(do("pitch", 10.5, athlete=9, state="on", **{"for": 7}))
    assert state.pitch() == {7: "off", 9: "on"}
