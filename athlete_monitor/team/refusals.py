"""Why a command is refused: a stable code for programs and screens in other languages, and the sentence in English.

The answer to a refused command has the sentence as ``error``, its code as ``code`` and the values of the sentence as
``values``. A code keeps its meaning and the names of its values; new codes may be added.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Mapping

_WRONG: Final = "{field}: {value} is not allowed; allowed: "

REFUSALS: Final[Mapping[str, str]] = {
    "alarm_not_open": "alarm {alarm!r} is not open",
    "command_unknown": "do: {value} is not known; allowed: {allowed}",
    "command_unreadable": "a command is a JSON object with id, do and at",
    "field_athlete": f"{_WRONG}an athlete id from 1 to {{largest}}",
    "field_choice": f"{_WRONG}one of {{allowed}}",
    "field_day_code": f"{_WRONG}MD, MD-3 or MD+1",
    "field_device": f"{_WRONG}a device id of 1 to 32 letters, digits, _ and -",
    "field_identifier": f"{_WRONG}1 to 64 letters, digits, . _ : and -",
    "field_missing": "{do}: {field} is missing",
    "field_number": f"{_WRONG}a number from {{low:g}} to {{high:g}}",
    "field_text": f"{_WRONG}a text of 1 to {{longest}} characters",
    "field_time": f"{_WRONG}{{reason}}",
    "field_unknown": "{do}: {value} is not known; allowed: {allowed}",
    "field_whose": f'{_WRONG}"all", {{{{"group": name}}}} or {{{{"athletes": [ids]}}}}',
    "figure_unknown": "figure: {figure!r} is not known",
    "figure_unknown_like": "figure: {figure!r} is not known; did you mean {like}?",
    "marker_unknown": "marker {marker!r} is not known",
    "no_rating": "{do}: at least one rating is needed",
    "no_session": "{do}: no team session at that time; a period or a device begins one",
    "on_pitch_already": "{athlete} is on the pitch already",
    "on_pitch_not": "{athlete} is not on the pitch",
    "period_begins_later": "{period!r} had not begun then",
    "period_ended": "{period!r} has ended already; period_edit changes its end",
    "period_ends_before_begin": "{period!r} would end before it begins",
    "period_exists": "period {period!r} exists already: {name}",
    "period_not_begun": "{period!r} had not begun then: it would end before it begins",
    "period_running": "{period!r} is running already; period_end ends it",
    "period_unknown": "{period!r} is not known; periods so far: {known}",
    "period_unknown_none": "{period!r} is not known; no period has begun",
    "rule_unknown": "rule {rule!r} is not known; allowed: {allowed}",
    "session_unknown": "team session {session!r} is not known",
    "substitution_of_oneself": "{athlete} cannot come on for the same athlete",
    "substitution_state": "a substitution brings an athlete on: state must be on",
    "time_in_future": "at: lies {ahead_s} s in the future; a command is for now or the past",
    "time_too_long_ago": "at: more than {hours} h ago, and no team session is known of that time; "
    "a session of that day must be imported first",
    "too_many": "this team session has {most} {what} already",
    "unavailable": "{athlete} is unavailable; pitch off makes the athlete available again",
}  # fmt: skip
"""The sentence of each code; names in braces are the values that an answer has with it."""


class RefusedError(MonitorError, ValueError):
    """A command that cannot be executed; its text gives the reason, for the person who sent it.

    >>> str(RefusedError("on_pitch_not", athlete="Weber (7)"))
    'Weber (7) is not on the pitch'
    """

    def __init__(self, code: str, **values: str | float) -> None:
        super().__init__(REFUSALS[code].format(**values))
        self.code, self.values = code, values

    def answer(self) -> dict[str, Any]:
        """The part of the answer to the command that gives the reason."""
        return {"error": str(self), "code": self.code, "values": self.values}
