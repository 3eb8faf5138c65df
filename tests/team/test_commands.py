from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.team.commands import COMMANDS, Command, read_command
from athlete_monitor.team.refusals import RefusedError

NOW = 1_750_000_000.0


def read(**message):
    return read_command({"id": "1", **message}, NOW, float)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"do": "fly"}, "do: 'fly' is not known; allowed: period_start"),
        ({"do": "marker"}, "marker: text is missing"),
        ({"do": "marker", "text": "x", "player": 3}, "'player' is not known; allowed: text, athlete"),
        ({"do": "marker", "text": "a\x07b"}, "a text of 1 to 200 characters"),
        ({"do": "marker", "text": "x" * 300}, "a text of 1 to 200 characters"),
        ({"do": "pitch", "athlete": True, "state": "on"}, "an athlete id from 1"),
        ({"do": "pitch", "athlete": 7, "state": "gone"}, "one of on, off, unavailable"),
        ({"do": "rpe", "athlete": 7, "rpe": 11}, "a number from 0 to 10"),
        ({"do": "rpe", "athlete": 7, "rpe": float("nan")}, "a number from 0 to 10"),
        ({"do": "period_start", "name": "x", "whose": {"group": 5}}, "whose: .* is not allowed"),
        ({"do": "session_edit", "day_code": "tuesday"}, "MD, MD-3 or MD[+]1"),
        ({"do": "marker", "text": "x", "at": NOW + 60}, "60 s in the future"),
        ({"do": "marker", "text": "x", "at": "teatime"}, "at: 'teatime' is not allowed"),
    ],
)
def test_a_message_that_is_no_command_is_refused_with_what_is_allowed(message, words):
    with pytest.raises(RefusedError, match=words):
        read(**message)


@pytest.mark.parametrize("message", [[], "x", None, {}, {"id": "a b", "do": "marker"}, {"id": 5, "do": "marker"}])
def test_what_is_no_object_with_an_id_is_refused(message):
    with pytest.raises(RefusedError):
        read_command(message, NOW, float)


def test_a_command_without_a_moment_is_for_now():
    assert read(do="marker", text=" own  goal ") == Command("1", "marker", NOW, {"text": "own goal"})


def answer(message):
    """The command, or why it is none."""
    try:
        return read_command(message, NOW, float)
    except RefusedError as error:
        return str(error)


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["on", "half", "all"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(do=st.sampled_from([*COMMANDS, "x"]), values=st.dictionaries(st.sampled_from(
    sorted({name for keys in COMMANDS.values() for name in keys} | {"at", "id"})), ANY, max_size=5))  # fmt: skip
def test_any_message_is_a_command_or_refused(do, values):
    message = {"id": "1", "do": do, **values}
    command = answer(message)
    if isinstance(command, Command):
        assert answer(command.to_dict()) == command
    else:
        assert "\n" not in command
