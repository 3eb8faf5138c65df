"""The common frame of all programs: one line for a mistake or a broken machine, never a traceback."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from athlete_monitor.errors import ConfigError
from athlete_monitor.system.program import run_program
from tests.helpers import ROOT

OTHERS = (
    *(errno.EBUSY, errno.EEXIST, errno.EINVAL, errno.ENOENT, errno.ENOSYS, errno.ENOTEMPTY, errno.ENOTTY),
    *(errno.EREMOTEIO, errno.ETIMEDOUT, errno.EXDEV),
)
"""Errors that a mounted file, another program or a network disk gives where nobody expected them."""
FRAME = (
    "import sys\nfrom athlete_monitor.system.program import run_program\ndef main():\n{}\nsys.exit(run_program(main))"
)


def run(body: str, **options) -> subprocess.CompletedProcess[str]:
    code = FRAME.format("\n".join(f"    {line}" for line in body.splitlines()))
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, text=True, check=False, **options)


def fails_with(error: BaseException):
    def main() -> int:
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ConfigError("file.yaml:3: wrong"), 2, "file.yaml:3: wrong\n"),
        (KeyboardInterrupt(), 130, ""),
        (OSError(errno.ENOSPC, "No space left on device", "/data/x"), 1, "/data/x: No space left on device\n"),
        (OSError(errno.EROFS, "Read-only file system", "/a", None, "/b"), 1, "/a -> /b: Read-only file system\n"),
        (OSError(errno.EIO, "Input/output error"), 1, "Input/output error (while reading or writing a file)\n"),
        *((OSError(number, "no", "/a"), 1, "/a: no\n") for number in OTHERS),
        (TimeoutError(errno.ETIMEDOUT, "Connection timed out"), 1, "Connection timed out (on the network)\n"),
        (OSError(errno.EADDRINUSE, "Address already in use"), 1, "Address already in use (on the network)\n"),
    ],
)
def test_a_failure_is_its_line_and_its_code(error, code, said, capsys) -> None:
    assert run_program(fails_with(error)) == code
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("error", [ValueError("ours"), OSError(errno.EBADF, "Bad file descriptor"), KeyError("ours")])
def test_a_fault_of_ours_keeps_its_traceback(error) -> None:
    with pytest.raises(type(error)):
        run_program(fails_with(error))


def test_a_closed_pipe_ends_the_program_without_a_word() -> None:
    code = FRAME.format("    for _ in range(100000): print('line')\n    return 0")
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        assert program.stdout.readline() == "line\n"
        program.stdout.close()
        said = program.stderr.read()
    assert (program.returncode, said) == (141, "")


def test_a_terminal_that_cannot_show_a_name_gets_a_question_mark() -> None:
    done = run("print('Zoë \\udcff')\nreturn 0", capture_output=True, env={"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "Zo? ?\n", "")


def test_output_that_was_closed_before_the_start_does_no_harm() -> None:
    code = FRAME.format("    sys.stdout.write('x')\n    return 3")
    done = subprocess.run(
        ["sh", "-c", '"$0" -c "$1" >&-', sys.executable, code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (3, "")


def test_output_onto_a_full_disk_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = run("print('x')\nreturn 0", stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["No space left on device (while reading or writing a file)"]
