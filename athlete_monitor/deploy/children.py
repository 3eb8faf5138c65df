"""The processes of a demonstration: started together, their output stored, all ended."""

from __future__ import annotations

import signal
import subprocess
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final, NoReturn

from athlete_monitor.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path
    from types import FrameType, TracebackType

GRACE_S: Final = 30.0
LAST_LINES: Final = 5


class Children:
    """Processes that end no later than the ``with`` block, however it ends.

    Args:
        logs: folder of the output of each, in ``{name}.log``.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._files = ExitStack()

    def __enter__(self) -> Children:  # noqa: PYI034 - Self is not in the oldest supported typing module
        self._logs.mkdir(parents=True, exist_ok=True)
        self._before = signal.signal(signal.SIGTERM, _interrupt)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for process in reversed(self._processes.values()):
            _end(process)
        self._files.close()
        signal.signal(signal.SIGTERM, self._before)

    def start(self, name: str, command: Sequence[str], *, shown: bool = False) -> subprocess.Popen[bytes]:
        """Start a process; its output goes to the terminal if ``shown``, else to its log."""
        log = None if shown else self._files.enter_context((self._logs / f"{name}.log").open("wb"))
        stderr = None if log is None else subprocess.STDOUT
        with _undisturbed():
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=stderr)
            self._processes[name] = process
        return process

    def wait(self, name: str, timeout_s: float | None, accepted: Collection[int] = (0,)) -> None:
        """Wait until a process has ended successfully.

        Raises:
            MonitorError: it failed, or did not end in time.
        """
        try:
            code = self._processes[name].wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise MonitorError(f"{name}: did not end within {timeout_s:.0f} s") from None
        if code not in accepted:
            raise MonitorError(f"{name}: failed with code {code}{self._last_words(name)}")

    def stop(self, name: str) -> None:
        """End a process in order, and wait until it has.

        Raises:
            MonitorError: it failed.
        """
        process = self._processes[name]
        if process.poll() is None:
            process.terminate()
        self.wait(name, GRACE_S)

    def run(self, name: str, command: Sequence[str], accepted: Collection[int] = (0,)) -> None:
        """Start a process and wait until it has ended successfully.

        Raises:
            MonitorError: it failed.
        """
        self.start(name, command)
        self.wait(name, None, accepted)

    def _last_words(self, name: str) -> str:
        log = self._logs / f"{name}.log"
        if not log.exists():
            return ""
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
        return "\n".join([f"; from {log}:", *(f"  {line}" for line in lines)])


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Block interrupts inside the block: a process that is not registered yet would keep running."""
    came: list[int] = []
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = {kind: signal.signal(kind, lambda number, _frame: came.append(number)) for kind in kinds}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
    if came:
        raise KeyboardInterrupt


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
