"""A path into a JSON document: names with dots, places of lists in brackets, ``$.`` for the whole message.

>>> path = JsonPath("data.accel[0]")
>>> path.of({"data": {"accel": [0.5, 0, 1]}})
0.5
>>> JsonPath("").of(7), JsonPath('["odd name"].x').of({"odd name": {"x": 3}}), JsonPath("a.b").of({"a": 1}) is None
(7, 3, True)
"""

from __future__ import annotations

import re
from typing import Any, Final

_STEP: Final = re.compile(r"""\.?([^.\[\]"]+)|\[(-?\d{1,6})\]|\["([^"]+)"\]""")
WORDS: Final = 'a path such as data.accel[0], ["odd name"].x, or $.id for the whole message'


class JsonPath:
    """One path.

    Args:
        text: as a mapping writes it; empty means the value itself.

    Raises:
        ValueError: it is none.
    """

    def __init__(self, text: str) -> None:
        self.of_message = text == "$" or text.startswith(("$.", "$["))
        bare = text[1:] if self.of_message else text
        steps = list(_STEP.finditer(bare))
        if "".join(step[0] for step in steps) != bare or bare.startswith(".") != (self.of_message and bare[:1] == "."):
            raise ValueError(f"{text!r} is not allowed; allowed: {WORDS}")
        self._steps: tuple[str | int, ...] = tuple(
            int(step[2]) if step[2] is not None else step[1] or step[3] for step in steps
        )

    def of(self, document: Any) -> Any:  # noqa: ANN401 - of a foreign message
        """Return what is there; None where there is nothing."""
        try:
            for step in self._steps:
                document = document[step]
        except (KeyError, IndexError, TypeError):
            return None
        return document
