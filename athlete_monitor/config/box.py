"""The identity of this box in a club, and its announcement on the local network."""

from __future__ import annotations

import socket
from typing import Annotated

from pydantic import Field

from athlete_monitor.config.fields import Allowed, Section

BoxName = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9 _.-]{0,62}[A-Za-z0-9])?$"),
    Allowed("1 to 64 letters, digits, blanks, _ . -; a letter or digit first and last"),
]
LocalName = Annotated[
    str,
    Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$"),
    Allowed("1 to 63 small letters, digits and -; a letter or digit first and last"),
]


class Box(Section):
    """This box."""

    name: BoxName | None = Field(description="Name of this box, in every message; null: the machine's host name.")

    local_name: LocalName | None = Field(
        description="Name of the screen in the local network, such as athletes for http://athletes.local:8080; "
        "announced by mDNS where the screen listens beyond this machine; null: not announced."
    )

    @property
    def label(self) -> str:
        """The name that messages carry."""
        return self.name or socket.gethostname()
