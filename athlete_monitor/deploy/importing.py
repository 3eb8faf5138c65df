"""``import``: recordings of other systems become training sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athlete_monitor.config import load_config
from athlete_monitor.deploy.doors import same_place
from athlete_monitor.recordings import import_recordings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def import_all(
    kind: str, sources: Sequence[Path], athlete_id: int, device: str | None, config: Path, root: Path | None
) -> int:
    """Import the recordings, say where each went and what to know about it.

    Raises:
        ConfigError: the configuration is not valid.
        RecordingError: a recording is not readable; nothing is written then.
    """
    tree = load_config(config, root)
    files = import_recordings(
        kind, sources, athlete_id, tree, device_id=device, on_note=lambda note: print(f"note: {note}")
    )
    for file in files:
        print(f"session: {file}")
    sessions = "1 session" if len(files) == 1 else f"{len(files)} sessions"
    print(f"{sessions} of athlete {athlete_id}; next: python3 jetson_deploy.py run{same_place(config, root)}")
    return 0
