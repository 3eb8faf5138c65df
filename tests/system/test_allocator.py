"""Memory of the C library, measured in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.helpers import ROOT

MEASURED = """
import ctypes, sys
from athlete_monitor.system.allocator import return_large_blocks
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
return_large_blocks() if sys.argv[1] == "yes" else None
libc.free(libc.malloc(8 << 20))            # glibc raises its bound to what was freed
block = libc.malloc(4 << 20)
last = libc.malloc(1 << 10)                # above it on the heap, if it lies there
held = [line for line in open("/proc/self/maps") if "[heap]" in line]
low, high = (int(each, 16) for each in held[0].split()[0].split("-"))
print(low <= block < high)
"""


def on_heap(wanted: str) -> str:
    command = [sys.executable, "-c", MEASURED, wanted]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc only")
def test_a_large_block_lies_apart_so_that_it_goes_back_when_it_is_freed():
    assert on_heap("no") == "True"
    assert on_heap("yes") == "False"
