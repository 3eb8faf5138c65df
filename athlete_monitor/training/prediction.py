"""Whether an engine predicts with these models now: training must not disturb a running match.

The lock of the engine decides. Other scripts take no lock; they count if their working folder and arguments show that
they use this system's folders.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from athlete_monitor.errors import LockedError
from athlete_monitor.locks import holder, running_scripts
from athlete_monitor.project import DEFAULT_CONFIG

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator, Sequence

    from athlete_monitor.config import Config

ENGINE: Final = DEFAULT_CONFIG.with_name("main.py")


def keep_out_of_the_way(config: Config, log: logging.Logger) -> None:
    """Return once no prediction runs; at once if forced, since publishing is atomic. It never asks.

    Raises:
        LockedError: it still runs after ``prediction_check.max_wait_time_secs``; the text says what to do.
    """
    check = config.prediction_check
    found = in_the_way(config) if config.prediction_check.enabled else ""
    if found and check.force_training:
        log.warning("%s is predicting: training anyway, as forced", found)
        return
    if found:
        log.warning(
            "%s is predicting: waiting up to %g s for its end (FORCE_TRAINING=true does not wait)",
            found,
            check.max_wait_time_secs,
        )
    deadline = time.monotonic() + check.max_wait_time_secs
    while found:
        left_s = deadline - time.monotonic()
        if left_s <= 0.0:
            raise LockedError(f"{found} is predicting: stop it, train later, or train anyway with FORCE_TRAINING=true")
        time.sleep(min(check.check_interval_secs, left_s))
        found = in_the_way(config)


def in_the_way(config: Config) -> str:
    """The process that predicts now and how that is known, as the subject of a sentence; empty if there is none."""
    lock = config.prediction_check.lockfile_path
    found = holder(lock)
    if found is not None:
        return f"{found}, which holds {lock},"
    folders = _folders(config)
    for other in running_scripts(config.prediction_check.prediction_script_names):
        common = folders.intersection(_works_in(other.pid))
        if common:
            return f"{other}, which holds no lock but works in {min(common)},"
    return ""


def _folders(config: Config) -> frozenset[Path]:
    """The folders that hold this system's lock, sessions and models: usually one, the root."""
    paths = config.paths
    inside = (config.prediction_check.lockfile_path, paths.data_root, paths.game_data_root, paths.hb_tensors_updated)
    return frozenset(path.parent.resolve() for path in inside)


def _works_in(pid: int) -> frozenset[Path]:
    """The folder of a Python script's relative paths; empty for this system's engine, which holds a lock.

    That is ``--root``, else the folder of ``--config``, else its working folder or the script's own. It is also empty
    if the process has ended or belongs to another user: then nothing is known about it.
    """
    try:
        process = psutil.Process(pid)
        command, folder = process.cmdline(), Path(process.cwd())
    except psutil.Error:
        return frozenset()
    script = next(((folder / part).resolve() for part in command[1:] if part.endswith(".py")), None)
    if script in {None, ENGINE}:
        return frozenset()
    for root in _values(command, "--root"):
        return frozenset({(folder / root).resolve()})
    for path in _values(command, "--config"):
        return frozenset({(folder / path).resolve().parent})
    return frozenset({folder.resolve(), script.parent})


def _values(command: Sequence[str], option: str) -> Iterator[str]:
    """The value of an option on a command line; like argparse, the last one is used."""
    for place in range(len(command) - 1, 0, -1):
        if command[place - 1] == option:
            yield command[place]
        elif command[place].startswith(f"{option}="):
            yield command[place].removeprefix(f"{option}=")
