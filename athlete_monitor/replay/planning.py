"""From what a user names to items with names of their results."""

from __future__ import annotations

import hashlib
import json
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.batch.storage import found_at, is_url, short
from athlete_monitor.engine.side_by_side import SIDE_BY_SIDE
from athlete_monitor.errors import MonitorError, RecordingError
from athlete_monitor.recordings.opening import Opener
from athlete_monitor.replay.task import ReplayItem
from athlete_monitor.wire.session_files import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from athlete_monitor.athletes import Roster
    from athlete_monitor.config import Config
    from athlete_monitor.recordings.source import Source
    from athlete_monitor.wire.session_reader import Recording

PACKAGE: Final = Path(__file__).resolve().parents[1]
ELSEWHERE: Final = (
    "batch", "bridge", "club", "control", "dashboard", "deploy", "league", "replay", "report", "sim", "team",
    "training",
)  # fmt: skip
"""Packages that compute no figure of a session."""
GROUP_MB: Final = 256.0
"""Recordings that a worker holds at the same time."""
_SECTIONS: Final = ("sensors", "feature_engineering", "engine", "impacts", "outputs", "model_loading")


@cache
def formulas_version() -> str:
    """Return a hash of the code that computes figures, and of the arithmetic below it: another one, other results."""
    digest = hashlib.sha256(np.__version__.encode())
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).parts[0] not in ELSEWHERE:
            digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def settings_version(config: Config) -> str:
    """Return a hash of what figures depend on beside the recording: settings, roster and models in service.

    Folders do not count: the same results come out anywhere.
    """
    sections = {name: getattr(config, name) for name in _SECTIONS} | {"pitch": config.dashboard.pitch}
    kept = {name: _without_paths(section.model_dump()) for name, section in sections.items()}
    digest = hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode())
    for path in (config.athletes.roster, *sorted(config.paths.hb_tensors_updated.glob("hb_*"))):
        if path.is_file():
            digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _without_paths(values: dict[str, object]) -> dict[str, object]:
    return {
        name: _without_paths(value) if isinstance(value, dict) else value
        for name, value in values.items()
        if not isinstance(value, Path)
    }


def planned(
    paths: Iterable[str], roster: Roster, on_failure: Callable[[str], None]
) -> Iterator[Callable[[], list[ReplayItem]]]:
    """Yield what makes the items of each file, in order of the names; files are read when it is called.

    Args:
        paths: files, folders and archives, or URLs.
        roster: for the owners of recordings that name somebody; strangers get free numbers, in order.
        on_failure: called for everything that cannot be read, with one line.
    """
    opener = Opener(roster)
    for path in paths:
        if is_url(path):
            yield from _at_url(path, on_failure)
            continue
        for source in opener.search(Path(path), on_failure):
            yield partial(_items, opener, source, on_failure)


def _at_url(url: str, on_failure: Callable[[str], None]) -> Iterator[Callable[[], list[ReplayItem]]]:
    try:
        files = found_at(url)
    except MonitorError as error:
        on_failure(str(error))
        return
    for place, mark in files:
        name = place.rpartition("/")[2]
        if name.startswith(tuple(PREFIX.values())):
            item = ReplayItem(hash_of(place.encode(), mark.encode()), place, name, url=place)
            yield partial(list, [item])
        elif place.rstrip("/") == url.rstrip("/"):
            on_failure(
                f"{place}: only session files ({'…, '.join(PREFIX.values())}…) are read from a URL: copy it here"
            )


def _items(opener: Opener, source: Source, on_failure: Callable[[str], None]) -> list[ReplayItem]:
    """Return the items of a file; whatever goes wrong in it becomes one line."""
    try:
        if opener.is_session(source):
            opener.keep_number(source.path.name)
            content = source.path.read_bytes()
            return [ReplayItem(hash_of(source.path.name.encode(), content), str(source), source.path.name, content)]
        recordings = tuple(opener.recordings(source))
        key = hash_of(*_bytes_of(recordings))
        return [ReplayItem(key, str(source), source.name, recordings=recordings)] if recordings else []
    except (RecordingError, OSError) as error:
        on_failure(str(error) if isinstance(error, RecordingError) else f"{source}: cannot be read: {error.strerror}")
    except Exception as error:  # noqa: BLE001 - foreign data: one line, and the others go on
        on_failure(f"{source}: cannot be read: {short(error)}")
    return []


def _bytes_of(recordings: Sequence[Recording]) -> Iterator[bytes]:
    """Yield all that the figures of recordings depend on, as bytes."""
    for each in recordings:
        facts = (each.athlete_id, each.device_id, each.mode, each.profile, each.tags, sorted(each.rr.items()))
        yield repr(facts).encode()
        yield from (each.t.tobytes(), each.values.tobytes(), each.tag_index.tobytes())


def hash_of(*parts: bytes) -> str:
    """Return a hash of several byte strings; moving a byte from one to the next changes it."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def grouped(items: Iterable[ReplayItem], expected: int, workers: int) -> Iterator[list[ReplayItem]]:
    """Divide items into tasks: even over the workers, at most ``SIDE_BY_SIDE`` recordings and ``GROUP_MB`` each.

    Many recordings side by side share the steps of the squad: 96 cost a fortieth of one each.
    """
    most = max(1, min(SIDE_BY_SIDE, -(-expected // workers)))
    group: list[ReplayItem] = []
    room_mb = GROUP_MB
    for item in items:
        if group and (len(group) >= most or item.megabytes > room_mb):
            yield group
            group, room_mb = [], GROUP_MB
        group.append(item)
        room_mb -= item.megabytes
    if group:
        yield group
