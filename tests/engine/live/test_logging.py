"""The log of the engine on a disk that takes nothing."""

from __future__ import annotations

import errno
import logging
import os

import pytest

from athlete_monitor.config import DEFAULT_CONFIG, load_config
from athlete_monitor.engine import run
from athlete_monitor.errors import MonitorError


@pytest.fixture(autouse=True)
def _handlers(monkeypatch):
    """Leave pytest's own handlers as they are."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])


def failing_with(number):
    def refuse(*_args, **_options):
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_full_or_read_only_disk_costs_the_log_file_only(tmp_path, monkeypatch, capsys, number):
    monkeypatch.setattr(run, "LogFile", failing_with(number))
    run.set_up_logging(load_config(DEFAULT_CONFIG, tmp_path, environ={}), console=False)
    assert capsys.readouterr().err == f"{tmp_path / 'logs' / 'engine.log'}: no log file ({os.strerror(number)})\n"


def test_a_folder_of_logs_that_is_a_mistake_is_one_line(tmp_path):
    (tmp_path / "logs").write_text("")
    with pytest.raises(MonitorError, match=r"cannot be written: .* \(logging.logs_dir\)"):
        run.set_up_logging(load_config(DEFAULT_CONFIG, tmp_path, environ={}), console=False)
