"""A module that knows which process imported it; as a program, it asks two workers for which it was preloaded.

Prints the process that imported it for each worker, and the worker: as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

IMPORTED_BY = os.getpid()


def who(_task: int) -> tuple[int, int]:
    """The process that imported this module, and this process."""
    return IMPORTED_BY, os.getpid()


def main() -> None:
    """Ask two workers."""
    from athlete_monitor.batch.calls import each_at
    from athlete_monitor.batch.places import Processes
    from tests.batch import preloading

    place = Processes(2, ("tests.batch.preloading",))
    sys.stdout.write(json.dumps(list(each_at(place, preloading.who, range(4), lambda _task, reason: (0, 0)))))


if __name__ == "__main__":
    main()
