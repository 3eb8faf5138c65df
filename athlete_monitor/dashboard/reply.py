"""Answers as JSON, encoded by msgspec: several times faster than the standard library's."""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.responses import Response

encode: Final = msgspec.json.Encoder().encode


def reply(document: object, status: int = 200) -> Response:
    """Return a document as an answer."""
    return Response(encode(document), status, media_type="application/json")
