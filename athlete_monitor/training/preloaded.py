"""What every worker of the trainer needs, imported once: workers are forked from the process that has imported this.

Workers that load the libraries themselves take 3 s of processor time, and 300 MB, for each.
"""

from __future__ import annotations

import gc

from athlete_monitor.models.binned import is_possible
from athlete_monitor.models.kinds import NAMES, kind_of
from athlete_monitor.training import exporters, work
from athlete_monitor.wire import session_reader

LOADED = (work, session_reader, is_possible(), *(kind_of(name) for name in NAMES))
exporters.import_all()

gc.collect()
gc.freeze()  # the collector would write to every object, and so copy the shared memory
