"""The task: recordings in, results out. The same function runs in this process, in a worker and on a cluster."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.batch.storage import UrlStore, read_url, short
from athlete_monitor.batch.work import ItemOutcome
from athlete_monitor.engine.gathering import Gathering
from athlete_monitor.engine.sessions.wearers import Wearers
from athlete_monitor.engine.side_by_side import SideBySide
from athlete_monitor.errors import MonitorError, RecordingError
from athlete_monitor.replay.results import Result, encode
from athlete_monitor.wire.session_reader import read_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from athlete_monitor.athletes import Roster
    from athlete_monitor.config import Config
    from athlete_monitor.wire.sample import Sample
    from athlete_monitor.wire.session_reader import Recording


_MODELS: Final = "hb_*"


@dataclass(frozen=True)
class ReplayItem:
    """One file to compute.

    Attributes:
        key: name of its result: a hash of the content, of what the code computes and of the settings.
        label: what the user calls it.
        name: file name, which says the device where the rows do not.
        content: a session file's bytes.
        url: where a session file lies that the task reads itself.
        recordings: what is in a file of another format.
    """

    key: str
    label: str
    name: str
    content: bytes = b""
    url: str | None = None
    recordings: tuple[Recording, ...] = ()

    @property
    def megabytes(self) -> float:
        """About how much memory it takes while it is computed."""
        packed = 10 if self.content[:2] == b"\x1f\x8b" else 1
        rows = sum(recording.values.nbytes for recording in self.recordings)
        return (len(self.content) * packed + rows) / 2**20


@dataclass(frozen=True, eq=False)
class Context:
    """What all tasks share.

    Attributes:
        key: a hash of it.
        config: the configuration.
        roster: the athletes.
        store_url: where tasks put results themselves; None where they come back.
        models: files of the models in service, for machines that do not have them; None where their folder is at hand.
    """

    key: str
    config: Config
    roster: Roster
    store_url: str | None = None
    models: Mapping[str, bytes] | None = None

    def compute(
        self, items: Sequence[ReplayItem], on_round: Callable[[int], None] = lambda _left: None
    ) -> list[ItemOutcome]:
        """See ``compute``."""
        return compute(self, items, on_round)

    def portable(self) -> Context:
        """Return the context with the files of the models in service, for machines that do not have them."""
        folder = self.config.paths.hb_tensors_updated
        models = {path.name: path.read_bytes() for path in sorted(folder.glob(_MODELS)) if path.is_file()}
        return replace(self, models=models)


def compute(
    context: Context, items: Sequence[ReplayItem], on_round: Callable[[int], None] = lambda _left: None
) -> list[ItemOutcome]:
    """Run recordings side by side and return an outcome for each, in order.

    What comes out for a recording does not depend on the others beside it. One that cannot be read costs nothing but
    itself.
    """
    began_s = time.process_time()
    loaded = [(item, _loaded(item)) for item in items]
    good = [(item, found) for item, found in loaded if isinstance(found, list)]
    outcomes = {item.key: ItemOutcome(item.key, failure=found) for item, found in loaded if isinstance(found, str)}
    outcomes |= dict(_computed(context, good, on_round))
    spent_s = (time.process_time() - began_s) / max(1, len(items))
    return [
        ItemOutcome(each.item_key, each.content, each.failure, spent_s)
        for each in (outcomes[item.key] for item in items)
    ]


def _computed(
    context: Context, good: Sequence[tuple[ReplayItem, list[Recording]]], on_round: Callable[[int], None]
) -> Iterator[tuple[str, ItemOutcome]]:
    recordings = [recording for _, found in good for recording in found]
    gathering = Gathering()
    streams: list[Iterator[Sample]] = [recording.samples() for recording in recordings]
    phases = _engine(context).run(streams, gathering, gathering.begin, on_round) if streams else []
    place = 0
    for item, found in good:
        places = range(place, place + len(found))
        place += len(found)
        sessions = tuple(chain.from_iterable(map(gathering.of, places)))
        result = Result(sessions, tuple(chain.from_iterable(phases[each] for each in places)))
        yield item.key, _stored(context, item, encode(result))


def _stored(context: Context, item: ReplayItem, content: bytes) -> ItemOutcome:
    if context.store_url is None:
        return ItemOutcome(item.key, content)
    try:
        _remote(context.store_url).put(item.key, content)
    except MonitorError as error:
        return ItemOutcome(item.key, failure=f"{item.label}: {error}")
    return ItemOutcome(item.key)


def _loaded(item: ReplayItem) -> list[Recording] | str:
    """Return what is in a file, or why it cannot be read."""
    if item.recordings:
        return list(item.recordings)
    try:
        content = item.content if item.url is None else read_url(item.url)
        with _on_disk(item.name, content) as path:
            try:
                return [read_session(path)]
            except RecordingError as error:
                return str(error).replace(str(path), item.label)
    except MonitorError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - foreign data: one line, and the others go on
        return f"{item.label}: cannot be read: {short(error)}"


@contextmanager
def _on_disk(name: str, content: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="athlete-monitor-") as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        yield path


_ENGINES: dict[str, SideBySide] = {}
"""One for each context that this process has met: models are loaded once."""


def _engine(context: Context) -> SideBySide:
    if context.key not in _ENGINES:
        _ENGINES.clear()
        config = context.config if context.models is None else _with_models(context)
        _ENGINES[context.key] = SideBySide(config, Wearers(context.roster, "all"))
    return _ENGINES[context.key]


def _with_models(context: Context) -> Any:  # noqa: ANN401 - a Config
    """Unpack the models on a machine that does not have them; the folder stays as long as the worker."""
    folder = Path(tempfile.gettempdir()) / f"athlete-monitor-models-{context.key[:32]}"
    if not folder.exists():
        unfinished = Path(tempfile.mkdtemp(prefix="athlete-monitor-models-"))
        for name, content in (context.models or {}).items():
            (unfinished / name).write_bytes(content)
        try:
            unfinished.rename(folder)
        except OSError:  # another worker was faster
            shutil.rmtree(unfinished, ignore_errors=True)
    paths = context.config.paths.model_copy(update={"hb_tensors_updated": folder})
    return context.config.model_copy(update={"paths": paths})


@lru_cache(maxsize=1)
def _remote(url: str) -> UrlStore:
    return UrlStore(url)
