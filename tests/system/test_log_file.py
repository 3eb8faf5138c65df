"""The log goes on in a file of its name, whatever others do with the file."""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING

import pytest

from athlete_monitor.system.log_file import LogFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def log(tmp_path: Path) -> Iterator[logging.Logger]:
    folder = tmp_path / "logs"
    folder.mkdir()
    handler = LogFile(folder / "engine.log", maxBytes=1000, backupCount=2, encoding="utf-8")
    log = logging.Logger("tested")  # noqa: LOG001 - one that nobody else has
    log.addHandler(handler)
    yield log
    handler.close()


@pytest.mark.parametrize("act", ["move", "delete", "replace", "delete the folder"])
def test_a_line_is_written_where_the_name_points(log: logging.Logger, tmp_path: Path, act: str) -> None:
    path = tmp_path / "logs" / "engine.log"
    log.warning("one")
    if act == "move":
        path.rename(path.with_suffix(".1"))
    elif act == "delete":
        path.unlink()
    elif act == "replace":
        (tmp_path / "other").write_text("other\n")
        (tmp_path / "other").replace(path)
    else:
        shutil.rmtree(path.parent)
    log.warning("two")
    log.warning("three")
    assert path.read_text() == ("other\n" if act == "replace" else "") + "two\nthree\n"


def test_a_folder_that_cannot_be_made_costs_lines_until_it_can(
    log: logging.Logger, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    folder = tmp_path / "logs"
    shutil.rmtree(folder)
    folder.write_text("a file in its place")
    log.warning("lost")
    folder.unlink()
    log.warning("written")
    assert (folder / "engine.log").read_text() == "written\n"


def test_it_still_rotates_by_its_size(log: logging.Logger, tmp_path: Path) -> None:
    for number in range(40):
        log.warning("line %d %s", number, "x" * 80)
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == ["engine.log", "engine.log.1", "engine.log.2"]
