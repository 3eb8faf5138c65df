"""The process of one squad's engine: the live engine as ``main.py`` runs it, watched by the shard that started it.

The first line on standard input is the league, cut down to the squad; ``go`` on the second starts the engine. When the
pipe closes, the shard is gone, and the engine ends too: at once and in order, so that nothing is lost.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Final

from athlete_monitor.locks import holder
from athlete_monitor.system.program import run_program

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

GO: Final = "go"
END_S: Final = 8.0
"""An engine that has not ended so long after its shard is killed."""
LOCK_S: Final = 15.0
"""How long an engine waits for the end of the one that had the squad's state before, s."""
_LOOK_S: Final = 0.05
FAILED: Final = 1


def run_engine(folder: Path) -> int:
    """Run the engine of the squad that standard input names; return the exit code.

    Args:
        folder: of the squad's state.
    """
    try:
        return run_program(lambda: _run(folder))
    except Exception:  # noqa: BLE001 - the process ends here; its shard reads the last lines
        traceback.print_exc()
        return FAILED


def _run(folder: Path) -> int:
    from athlete_monitor.engine.run import run_live
    from athlete_monitor.league.settings import League, engine_settings

    pipe = sys.stdin
    league = League.model_validate(json.loads(pipe.readline()))
    (squad,) = league.squads
    config = engine_settings(league, squad, folder)
    if pipe.readline().strip() != GO:
        return 0
    threading.Thread(target=_end_with_the_shard, args=(pipe,), daemon=True, name="shard").start()
    _wait_for(config.prediction_check.lockfile_path)
    return run_live(config, quiet=True, name=league.client_id(squad))


def _wait_for(lock: Path) -> None:
    """Wait until the lock is free; whoever takes it says what is wrong where it is not."""
    end_s = time.monotonic() + LOCK_S
    while holder(lock) is not None and time.monotonic() < end_s:
        time.sleep(_LOOK_S)


def _end_with_the_shard(pipe: TextIO) -> None:
    pipe.read()
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(END_S)
    os.kill(os.getpid(), signal.SIGKILL)
