"""Draw docs/images/live.svg: the live table as a terminal shows it in the middle of the demonstration.

python docs/images/make_screenshots.py
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import sys
import tempfile
import termios
from io import StringIO
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

PROJECT: Final = Path(__file__).resolve().parents[2]
COLUMNS, LINES = 128, 24
FRAME: Final = re.compile(rb"(?:\r?\x1b\[1A\x1b\[2K|\x1b\[H)+")
"""How rich goes back to the top of a live picture."""


def run_in_terminal(command: list[str]) -> bytes:
    """Run a command in a terminal of its own and return everything that it wrote there."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ |= {"TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(LINES)}
        os.execvp(command[0], command)  # noqa: S606 - no shell is wanted
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    written = bytearray()
    try:
        while block := os.read(terminal, 65536):
            written += block
    except OSError:  # the terminal closes with its last process
        pass
    os.waitpid(child, 0)
    return bytes(written)


def late_picture(written: bytes) -> str:
    """Return one of the later pictures of the live table, of those that were drawn one over the other."""
    pictures = [picture.decode(errors="replace") for picture in FRAME.split(written)]
    busy = [picture for picture in pictures if "strap" in picture and "model" in picture and "TRIMP" in picture]
    return busy[len(busy) * 3 // 4]


def main() -> int:
    """Run the demonstration and draw it."""
    with tempfile.TemporaryDirectory() as folder:
        demo = [sys.executable, str(PROJECT / "jetson_deploy.py"), "demo", "--root", folder]
        picture = late_picture(run_in_terminal(demo))
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True)
    console.print(Text.from_ansi(picture.replace("\r", "")))
    console.save_svg(str(PROJECT / "docs" / "images" / "live.svg"), title="python3 main.py")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
