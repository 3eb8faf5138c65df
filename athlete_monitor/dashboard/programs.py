"""The system's other programs, started with the configuration that this one has."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import MonitorError
from athlete_monitor.project import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

REPORT_S: Final = 120.0
"""Longest time that a report or an export may take."""
WAIT_S: Final = 60.0
"""Longest time that one waits for another one before it."""
_POLITE: Final = ("nice", "-n", "10")
"""The engine comes first: a report may take what processor time is left."""


@dataclass(frozen=True)
class _Said:
    """How a program ended, and the last line that it said."""

    failed: bool
    line: str


class BusyError(MonitorError):
    """Another report is being made."""


@dataclass(frozen=True)
class Programs:
    """Where the configuration is, and where its relative paths land; None for the defaults.

    Reports and exports are processes of their own, one at a time: a box has little memory.
    """

    config_file: Path | None = None
    root: Path | None = None
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def command(self, script: str, *options: str) -> list[str]:
        """Return the command line of one of our programs."""
        places = [f"--config={self.config_file}"] if self.config_file else []
        places += [f"--root={self.root}"] if self.root else []
        return [sys.executable, str(PROJECT / script), *options, *places]

    def made_file(self, script: str, options: Sequence[str], name: str) -> bytes:
        """Run a program that writes the file ``name`` where ``--out`` says; return what it wrote.

        Raises:
            BusyError: another one has not finished in time.
            MonitorError: it fails or takes too long; its own words say why.
        """
        with self._folder() as folder:
            file = folder / name
            said = self._run(script, options, file)
            if said.failed or not file.is_file():
                raise MonitorError(said.line)
            return file.read_bytes()

    def made_files(self, script: str, options: Sequence[str]) -> bytes:
        """Run a program that writes into the folder of ``--out``; return its files as a ZIP archive.

        Where some of several files could not be written, the others are returned.

        Raises:
            BusyError: another one has not finished in time.
            MonitorError: it takes too long or writes nothing; its own words say why.
        """
        with self._folder() as folder:
            said = self._run(script, options, folder)
            files = sorted(file for file in folder.rglob("*") if file.is_file())
            if not files:
                raise MonitorError(said.line)
            return _packed(folder, files)

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        """A folder for what one program makes, when it is its turn."""
        if not self._turn.acquire(timeout=WAIT_S):
            raise BusyError("another report is being made; try again in a minute")
        try:
            with tempfile.TemporaryDirectory(prefix="screen-") as folder:
                yield Path(folder)
        finally:
            self._turn.release()

    def _run(self, script: str, options: Sequence[str], out: Path) -> _Said:
        command = [*_politely(), *self.command(script, *options, "--out", str(out))]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=REPORT_S, check=False)  # noqa: S603 - our own program; what a request chooses was checked
        except subprocess.TimeoutExpired:
            raise MonitorError(f"{script}: not finished within {REPORT_S:g} s") from None
        lines = (done.stderr or done.stdout).strip().splitlines()
        return _Said(done.returncode != 0, lines[-1] if lines else f"{script} wrote nothing")


def _politely() -> tuple[str, ...]:
    return _POLITE if shutil.which(_POLITE[0]) else ()


def _packed(folder: Path, files: Sequence[Path]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.relative_to(folder).as_posix())
    return packed.getvalue()
