"""The process from which a shard's engines are forked, with everything heavy loaded already.

    python -m athlete_monitor.league.template SOCKET RUNTIME

An engine that is forked starts in a fraction of a second, and shares the memory of the libraries with the others of its
shard (``benchmarks/league.py`` measures both). The process has one thread and opens nothing before it forks.

Each request on the socket is the engine's folder and notification socket, with three descriptors: the engine's standard
input, its output, and a pipe that gets its process id at once and its exit code at its end.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from athlete_monitor.errors import MonitorError
from athlete_monitor.project import PROJECT

if TYPE_CHECKING:
    from collections.abc import Sequence

END_S: Final = 9.0
"""Engines end in order when their shard is gone; the template kills those that still run so long after, s."""
_BYTES: Final = 16_384
_DESCRIPTORS: Final = 3
_COMM: Final = 15  # characters of a process name
_ONE_THREAD: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Template:
    """The shard's end: starts the process when it is needed, and again when it has ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    def fork(self, folder: Path, notify: str, descriptors: Sequence[int], runtime: str) -> None:
        """Let the process fork an engine.

        Args:
            folder: of the squad's state.
            notify: address of the socket for the engine's heartbeats.
            descriptors: standard input, output, and the pipe for process id and exit code.
            runtime: ``model_loading.runtime``, which the process loads at its start.

        Raises:
            MonitorError: the process cannot be started.
        """
        request = json.dumps({"folder": str(folder), "notify": notify}).encode()
        with self._lock:
            if not self._sent(request, descriptors, runtime) and not self._sent(request, descriptors, runtime):
                raise MonitorError(f"{folder}: the engine cannot be started: its template ended twice")

    def load(self, runtime: str) -> None:
        """Start the process before it is needed; it loads the runtime meanwhile."""
        with self._lock, suppress(OSError):  # an engine that cannot be forked says why
            self._connection(runtime)

    def close(self) -> None:
        """End the process, and with it the engines that do not end by themselves within ``END_S``."""
        with self._lock:
            self._forget()

    def _sent(self, request: bytes, descriptors: Sequence[int], runtime: str) -> bool:
        try:
            socket.send_fds(self._connection(runtime), [request], list(descriptors))
        except OSError:
            self._forget()
            return False
        return True

    def _connection(self, runtime: str) -> socket.socket:
        if self._socket is None or self._process is None or self._process.poll() is not None:
            self._forget()
            self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603 - our own module
                    [sys.executable, "-m", "athlete_monitor.league.template", str(theirs.fileno()), runtime],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    env=_environment(),
                    pass_fds=[theirs.fileno()],
                )
        return self._socket

    def _forget(self) -> None:
        if self._socket is not None:
            self._socket.close()
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(1.0)
        self._socket = self._process = None


def _environment() -> dict[str, str]:
    paths = [str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]
    added = {"PYTHONPATH": os.pathsep.join(paths)} | dict.fromkeys(_ONE_THREAD, "1")
    return {name: value for name, value in os.environ.items() if not name.startswith("RAY_")} | added


def main() -> None:
    """Serve requests until the shard closes the socket."""
    requests = socket.socket(fileno=int(sys.argv[1]))
    _load(sys.argv[2])
    gc.collect()
    gc.freeze()  # the collector would write into every shared page
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in the terminal of a cluster is for the cluster
    endings: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([requests.fileno(), woken], [], [])
        if woken in ready:
            os.read(woken, 512)
            _reap(endings)
        if requests.fileno() in ready:
            message, descriptors, _, _ = socket.recv_fds(requests, _BYTES, _DESCRIPTORS)
            if not message:
                _end(endings, woken)
                return
            _fork(json.loads(message), descriptors, endings, [requests.fileno(), woken, wake])


def _end(endings: dict[int, int], woken: int) -> None:
    """Wait for the end of the engines; kill those that hang: they hold the lock of their squad's state."""
    end_s = time.monotonic() + END_S
    _reap(endings)
    while endings and (left_s := end_s - time.monotonic()) > 0.0:
        if select.select([woken], [], [], left_s)[0]:
            os.read(woken, 512)
            _reap(endings)
    for pid in endings:
        os.kill(pid, signal.SIGKILL)  # not reaped yet, so the number is still its own


def _load(runtime: str) -> None:
    """Import all that an engine needs: an import after the fork would be made, and kept in memory, by each engine."""
    from athlete_monitor.engine import run, sinks  # noqa: F401
    from athlete_monitor.league import engine, settings  # noqa: F401

    for module in pkgutil.iter_modules(sinks.__path__):
        importlib.import_module(f"{sinks.__name__}.{module.name}")
    if runtime == "onnx":
        import onnxruntime  # noqa: F401
    else:
        import torch  # noqa: F401


def _fork(request: dict[str, str], descriptors: list[int], endings: dict[int, int], ours: list[int]) -> None:
    stdin, out, ending = descriptors
    pid = os.fork()
    if pid == 0:
        for each in (*ours, ending, *endings.values()):
            os.close(each)
        _become_engine(request, stdin, out)
    os.close(stdin)
    os.close(out)
    endings[pid] = ending
    _write(ending, f"{pid}\n")


def _become_engine(request: dict[str, str], stdin: int, out: int) -> NoReturn:
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(stdin, 0)
        os.dup2(out, 1)
        os.dup2(out, 2)
        sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, mode) for number, mode in ((0, "r"), (1, "w"), (2, "w")))
        os.chdir("/")  # the folder may be made again before the engine takes over; all paths are absolute
        os.environ["NOTIFY_SOCKET"] = request["notify"]
        _name(f"engine {Path(request['folder']).name}")
        from athlete_monitor.league.engine import run_engine

        code = run_engine(Path(request["folder"]))
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


def _name(text: str) -> None:
    """Set the name that ``ps`` shows."""
    with suppress(OSError):
        Path("/proc/self/comm").write_text(text[:_COMM], encoding="utf-8")


def _reap(endings: dict[int, int]) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        ending = endings.pop(pid, None)
        if ending is not None:
            _write(ending, f"{os.waitstatus_to_exitcode(status)}\n")
            os.close(ending)


def _write(descriptor: int, text: str) -> None:
    with suppress(OSError):  # the shard has gone
        os.write(descriptor, text.encode())


if __name__ == "__main__":
    main()
