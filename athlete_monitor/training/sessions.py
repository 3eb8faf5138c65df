"""The session files, and the athletes with new ones.

New files are recognised by content (SHA-256), not by file times: a copied or touched file is still the same session.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from athlete_monitor.athletes import Roster
from athlete_monitor.boundary import printable
from athlete_monitor.training.errors import brief
from athlete_monitor.wire.session_copies import has_real_sessions
from athlete_monitor.wire.session_files import PREFIX, athletes_with_sessions, is_simulated, list_sessions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from athlete_monitor.config import Config
    from athlete_monitor.wire.session_files import Mode

_READ_BYTES = 1 << 20


@dataclass(frozen=True)
class SessionFile:
    """A session file and the SHA-256 of its bytes; with the bytes where a machine without the file reads it."""

    path: Path
    sha256: str
    content: bytes | None = None

    @property
    def name(self) -> str:
        """Name of the file in printable characters."""
        return printable(self.path.name)

    def packed(self) -> SessionFile:
        """The file with its bytes; without them where it cannot be read any more, which its reader will say."""
        try:
            return replace(self, content=self.path.read_bytes())
        except OSError:
            return self

    @contextmanager
    def on_disk(self) -> Iterator[Path]:
        """Where the file can be read: its own path, or one with its bytes for as long as the block lasts."""
        if self.content is None:
            yield self.path
            return
        with TemporaryDirectory(prefix="athlete-monitor-") as folder:
            path = Path(folder) / self.path.name
            path.write_bytes(self.content)
            yield path


@dataclass(frozen=True)
class Candidates:
    """The session files of an athlete for training; unreadable ones are in ``problems``."""

    athlete_id: int
    files: tuple[SessionFile, ...]
    problems: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> frozenset[str]:
        """Content of the sessions, independent of their order and names."""
        return frozenset(file.sha256 for file in self.files)


def athlete_ids(config: Config) -> list[int]:
    """Athletes with a session folder."""
    roots = [root for root, _ in session_roots(config) if root.is_dir()]
    return sorted({athlete_id for root in roots for athlete_id in athletes_with_sessions(root) if athlete_id >= 1})


def session_paths(config: Config, athlete_id: int) -> list[Path]:
    """The latest ``training.sessions_to_use`` files of each kind, training sessions first, oldest first."""
    newest, pattern = config.training.sessions_to_use, config.paths.data_file_pattern
    return [
        path
        for root, mode in session_roots(config)
        for path in _wanted(config, athlete_id, list_sessions(root, athlete_id, mode, pattern))[-newest:]
    ]


def _wanted(config: Config, athlete_id: int, paths: list[Path]) -> list[Path]:
    """Leave out simulated sessions, unless ``training.use_simulated`` is true or the athlete has no real ones."""
    if config.training.use_simulated or not is_real(config, athlete_id):
        return paths
    return [path for path in paths if not is_simulated(path)]


def is_real(config: Config, athlete_id: int) -> bool:
    """Return whether this is a real athlete: one of the roster, or one with a real session."""
    if athlete_id in _roster_ids(config.athletes.roster, _stamp(config.athletes.roster)):
        return True
    roots: list[tuple[Path, Mode]] = [(config.paths.data_root, "training"), (config.paths.game_data_root, "game")]
    return has_real_sessions(roots, athlete_id)


@lru_cache(maxsize=1)
def _roster_ids(roster: Path, _stamp: tuple[int, int]) -> frozenset[int]:
    return frozenset(athlete.id for athlete in Roster.load(roster))


def _stamp(path: Path) -> tuple[int, int]:
    """Return a value that changes with the file."""
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return (status.st_mtime_ns, status.st_size)


def session_roots(config: Config) -> list[tuple[Path, Mode]]:
    """The folders of training sessions, and the mode of each."""
    games: list[tuple[Path, Mode]] = [(config.paths.game_data_root, "game")]
    return [(config.paths.data_root, "training"), *(games if config.training.use_games else [])]


def searched(config: Config, athlete_id: int) -> str:
    """The searched folders of an athlete's sessions, the searched names, and their content, in one line."""
    return "searched " + " and ".join(_searched(config, athlete_id, root, mode) for root, mode in session_roots(config))


def _searched(config: Config, athlete_id: int, root: Path, mode: Mode) -> str:
    folder, pattern = root / f"player_{athlete_id}", config.paths.data_file_pattern
    listed = list_sessions(root, athlete_id, mode, pattern)
    wanted = _wanted(config, athlete_id, listed)
    known, names = ({printable(path.name) for path in listed}, [printable(path.name) for path in wanted])
    state = _contents(folder, names, known, config.training.sessions_to_use)
    return f"{folder} for {PREFIX[mode]}<number>... that match {pattern} ({state})"


def _contents(folder: Path, sessions: list[str], known: set[str], most: int) -> str:
    """Return the content of a folder: the number of sessions, of ignored simulated ones, and other files."""
    try:
        others = sorted({printable(path.name) for path in folder.iterdir()} - known)
    except FileNotFoundError:
        return "no such folder"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    limit = f", the latest {most} used" if len(sessions) > most else ""
    parts = [f"{len(sessions)} found{limit}"] if sessions else []
    left_out = len(known) - len(sessions)
    parts += [f"{left_out} simulated, left out: training.use_simulated is false"] if left_out else []
    parts += [f"of other names: {brief(others, ', ')}"] if others else []
    return "; ".join(parts) or "empty"


def candidates(config: Config, athlete_id: int) -> Candidates:
    """Find and hash an athlete's sessions; a copy of a session under another name is left out."""
    files: dict[str, SessionFile] = {}
    problems = []
    for path in session_paths(config, athlete_id):
        try:
            file = SessionFile(path, _sha256(path))
        except OSError as error:
            problems.append(f"{printable(path.name)} cannot be read ({error.strerror})")
            continue
        first = files.setdefault(file.sha256, file)
        if first is not file:
            problems.append(f"{file.name} is a copy of {first.name} and left out")
    return Candidates(athlete_id, tuple(files.values()), tuple(problems))


def quiet_since(paths: Iterable[Path]) -> float:
    """Latest modification time of the files (epoch s); 0 if there is none."""
    return max((path.stat().st_mtime for path in paths if path.exists()), default=0.0)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()
