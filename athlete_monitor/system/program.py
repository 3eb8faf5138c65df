"""The common frame of all programs: a user's mistake or a machine fault is reported in one line, without a traceback.

A bug of our own keeps its traceback, so that it is noticed.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import select
import signal
import socket
import sys
from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Callable

_OF_THE_NETWORK: Final = frozenset(
    {errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH}
)
INTERRUPTED: Final = 130
PIPE_CLOSED: Final = 128 + signal.SIGPIPE
FAILED: Final = 1

OF_OURS: Final = frozenset({None, errno.EBADF, errno.EFAULT, errno.ENOTSOCK})
"""Numbers of ``OSError`` that only a bug of ours has; all others come from files, devices and networks."""


def run_program(main: Callable[[], int], *, as_json: bool = False, quiet: bool = False) -> int:
    """Run a program and return its exit code.

    With ``as_json`` the lines of its standard output become one JSON object with the exit code at the end; with
    ``quiet`` they are shown only if it fails. A program that prints JSON by itself does not need ``as_json``.

    ``MonitorError`` prints its text on standard error and gives its own exit code; a full or broken disk, or another
    error of the machine, gives one line and 1, Ctrl+C gives 130, and a closed pipe after standard output gives 141
    without a message. A character that the terminal cannot show is printed as a question mark.
    """
    _prepare_streams()
    try:
        code = _collected(main, as_json=as_json) if as_json or quiet else main()
        sys.stdout.flush()
    except MonitorError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        if _pipe_is_closed(error):
            _discard_output()
            return PIPE_CLOSED
        if error.errno in OF_OURS:
            raise
        _drop_unwritable_output()
        return _fail(describe(error), FAILED)
    return code


def _collected(main: Callable[[], int], *, as_json: bool) -> int:
    """Run with standard output captured; show it as JSON, or unchanged if the program fails."""
    held, code = io.StringIO(), FAILED
    try:
        with contextlib.redirect_stdout(held):
            code = main()
    except MonitorError as error:
        code = error.exit_code
        raise
    finally:
        if as_json:
            sys.stdout.write(json.dumps({"exit_code": code, "lines": held.getvalue().splitlines()}, indent=1) + "\n")
        elif code != 0:
            sys.stdout.write(held.getvalue())
    return code


def describe(error: OSError) -> str:
    """Return an error of the operating system in one line: the place and the reason."""
    places = [str(place) for place in (error.filename, error.filename2) if place]
    reason = error.strerror or str(error)
    if places:
        return f"{' -> '.join(places)}: {reason}"
    is_network = isinstance(error, ConnectionError | TimeoutError | socket.gaierror) or error.errno in _OF_THE_NETWORK
    return f"{reason} ({'on the network' if is_network else 'while reading or writing a file'})"


def _prepare_streams() -> None:
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # the shell closed it: `program >&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - until the end
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _fail(text: str, code: int) -> int:
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - what a program says
    return code


def _pipe_is_closed(error: OSError) -> bool:
    return isinstance(error, BrokenPipeError) and any(_nobody_reads(stream) for stream in (sys.stdout, sys.stderr))


def _nobody_reads(stream: object) -> bool:
    try:
        handle = stream.fileno()  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        return False
    poll = select.poll()
    poll.register(handle, select.POLLOUT)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def _discard_output() -> None:
    """Discard buffered output: Python would try to write it at exit and report an error."""
    for stream in (sys.stdout, sys.stderr):
        if _nobody_reads(stream):
            _to_nowhere(stream.fileno())


def _drop_unwritable_output() -> None:
    try:
        sys.stdout.flush()
    except OSError:
        _to_nowhere(sys.stdout.fileno())


def _to_nowhere(handle: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, handle)
    os.close(nowhere)
