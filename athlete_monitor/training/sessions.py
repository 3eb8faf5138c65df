"""Which session files there are, and which athletes have something new.

What is new is known by content (SHA-256), not by file times: a copied or touched file is still the same session.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from athlete_monitor.wire.session_files import athletes_with_sessions, list_sessions

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from athlete_monitor.config import Config

_READ_BYTES = 1 << 20


@dataclass(frozen=True)
class SessionFile:
    """A session file and the SHA-256 of its bytes."""

    path: Path
    sha256: str


@dataclass(frozen=True)
class Candidates:
    """The session files of an athlete that a model would be trained on; unread ones stand in ``problems``."""

    athlete_id: int
    files: tuple[SessionFile, ...]
    problems: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> frozenset[str]:
        """Content of the sessions, whatever their order and names."""
        return frozenset(file.sha256 for file in self.files)


def athlete_ids(config: Config) -> list[int]:
    """Athletes with a session folder, up to ``athletes.max_players``."""
    roots = [config.paths.data_root, *([config.paths.game_data_root] if config.training.use_games else [])]
    found = {athlete_id for root in roots if root.is_dir() for athlete_id in athletes_with_sessions(root)}
    return sorted(athlete_id for athlete_id in found if 1 <= athlete_id <= config.athletes.max_players)


def session_paths(config: Config, athlete_id: int) -> list[Path]:
    """The latest ``training.sessions_to_use`` files of each kind, training sessions first, oldest first."""
    newest = config.training.sessions_to_use
    pattern = config.paths.data_file_pattern
    paths = list_sessions(config.paths.data_root, athlete_id, "training", pattern)[-newest:]
    if config.training.use_games:
        paths += list_sessions(config.paths.game_data_root, athlete_id, "game", pattern)[-newest:]
    return paths


def candidates(config: Config, athlete_id: int) -> Candidates:
    """Find and hash an athlete's sessions; a copy of a session under another name is left out."""
    files: dict[str, SessionFile] = {}
    problems = []
    for path in session_paths(config, athlete_id):
        try:
            file = SessionFile(path, _sha256(path))
        except OSError as error:
            problems.append(f"{path.name} cannot be read ({error.strerror})")
            continue
        first = files.setdefault(file.sha256, file)
        if first is not file:
            problems.append(f"{path.name} is a copy of {first.path.name} and left out")
    return Candidates(athlete_id, tuple(files.values()), tuple(problems))


def quiet_since(paths: Iterable[Path]) -> float:
    """Latest modification time of the files (epoch s); 0 where there is none."""
    return max((path.stat().st_mtime for path in paths if path.exists()), default=0.0)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()
