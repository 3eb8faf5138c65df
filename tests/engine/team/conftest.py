from __future__ import annotations

import pytest

from tests.engine.kit import START
from tests.engine.team.box import Box


@pytest.fixture
def box(tmp_path):
    opened = []

    def make(now_t=START):
        opened.append(Box(tmp_path / "journal.sqlite3", now_t))
        return opened[-1]

    yield make
    for each in opened:
        each.journal.stop()
