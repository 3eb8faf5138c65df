"""What is wrong with a text that is not YAML, and on which line: where a mistake begins, not where it is noticed."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, Final

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.tokens import ScalarToken

from athlete_monitor.config.bounded import bounded_yaml

_OPENED: Final = {
    "while parsing a flow sequence": "[",
    "while parsing a flow mapping": "{",
    "while scanning a quoted scalar": "quote",
}
"""What the parser was reading, and what was opened for it."""
_SIMPLE_KEY: Final = "while scanning a simple key"
_NO_BLANK: Final = re.compile(r"\s*[A-Za-z_]\w*:[^\s:/]")
_MANY_DIGITS: Final = re.compile(r"[0-9_]{4000,}")
_DATE: Final = re.compile(r":\s+([0-9]{4}-[0-9]{1,2}-[0-9]{1,2})\b")
_ODD_BLANKS: Final = "\u00a0\u2002\u2003\u2007\u2009\u202f\u3000"


def problem_in(text: str, error: YAMLError) -> str:
    r"""Return the rest of a message: ``:LINE: not valid YAML (WHY)``, without a line where none is known.

    Example:
        >>> try:
        ...     bounded_yaml().load("a: [1, 2\nb: 3\n")
        ... except YAMLError as error:
        ...     print(problem_in("a: [1, 2\nb: 3\n", error))
        :1: not valid YAML (the [ of this line is not closed: expected ',' or ']', but got ':' on line 2)
    """
    if isinstance(error, ReaderError):
        return _unreadable(text, error)
    line = _line(getattr(error, "problem_mark", None))
    why = " ".join(str(getattr(error, "problem", None) or "not readable").split())
    if line is None or not isinstance(error, MarkedYAMLError):
        return f": not valid YAML ({why})"
    opened = _OPENED.get(str(error.context))
    begun = _line(error.context_mark) if opened else _quote_before(text, line)
    if begun is not None and (begun < line or opened == "quote"):
        return f":{begun}: not valid YAML (the {opened or 'quote'} of this line is not closed: {why} on line {line})"
    if error.context == _SIMPLE_KEY:  # noticed on the line after it
        line = _line(error.context_mark) or line
    lines = text.split("\n")
    for number in (line - 1, line):
        if 0 < number <= len(lines) and (found := _blank_in(lines[number - 1])):
            return f":{number}: not valid YAML ({found})"
    return f":{line}: not valid YAML ({why})"


def problem_of_value(text: str, error: Exception) -> str:
    """Return the same for a value that looks like a date or a number and is none."""
    is_number = "integer string" in str(error)
    why = "a number has too many digits" if is_number else str(error)
    shape = _MANY_DIGITS if is_number else _DATE
    lines = [number for number, line in enumerate(text.split("\n"), 1) if any(map(_is_wrong, shape.findall(line)))]
    return f"{f':{lines[0]}' if lines else ''}: not valid YAML ({why})"


def _is_wrong(value: str) -> bool:
    """Whether a date is none; a number of this length always is."""
    try:
        date(*map(int, value.split("-")))
    except (TypeError, ValueError):
        return True
    return False


def _unreadable(text: str, error: ReaderError) -> str:
    """A character that no YAML file may hold; files of 16-bit text are full of NULs."""
    if text.count("\0") > len(text) // 4:
        return ": is not UTF-8 text"
    character = error.character
    number = character if isinstance(character, int) else ord(str(character)[:1] or "\0")
    line = text.count("\n", 0, text.find(chr(number))) + 1
    return f":{line}: not valid YAML (the character U+{number:04X} is not allowed)"


def _line(mark: Any) -> int | None:  # noqa: ANN401 - ruamel has no types
    return None if mark is None else int(mark.line) + 1


def _quote_before(text: str, line: int) -> int | None:
    """Return the line of a quote that runs over several lines into this one, which is why it is not understood."""
    begun = None
    try:
        for token in bounded_yaml().scan(text):
            if isinstance(token, ScalarToken) and token.style in {"'", '"'}:
                first, last = int(token.start_mark.line) + 1, int(token.end_mark.line) + 1
                if first < last == line:
                    begun = first
            if int(token.start_mark.line) + 1 > line:
                break
    except YAMLError:  # what comes behind it is not understood either
        pass
    return begun


def _blank_in(line: str) -> str:
    """Say what is wrong with the blank of a line that was not understood, or before one."""
    found = next((each for each in _ODD_BLANKS if each in line), None)
    if found:
        return f"the blank U+{ord(found):04X} stands in place of a plain one"
    return "no blank after the ':'" if _NO_BLANK.match(line) else ""
