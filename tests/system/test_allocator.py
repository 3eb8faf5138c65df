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


REUSED = """
import ctypes, resource
from athlete_monitor.system.allocator import return_large_blocks
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
return_large_blocks()
def faults_of_steps(count):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(count):
        blocks = [libc.malloc(1 << 20) for _ in range(4)]
        for block in blocks:
            ctypes.memset(block, 1, 1 << 20)
        for block in blocks:
            libc.free(block)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults_of_steps(2)
print(faults_of_steps(20) < 1024)          # the pages of one step; each of its own would be 20,480
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc only")
def test_the_arrays_of_a_step_use_the_memory_of_the_last_one():
    command = [sys.executable, "-c", REUSED]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.strip() == "True", done.stderr


FREED = """
import ctypes, sys
from pathlib import Path
from athlete_monitor.system.allocator import return_free_memory
def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
blocks = [libc.malloc(64 << 10) for _ in range(1000)]
for block in blocks:
    ctypes.memset(block, 1, 64 << 10)
for block in blocks[:-1]:                  # the last one holds the heap where it is
    libc.free(block)
before = resident_mb()
return_free_memory()
print(before - resident_mb() > 40.0)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc only")
def test_freed_blocks_below_a_used_one_go_back_when_asked():
    command = [sys.executable, "-c", FREED]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.strip() == "True", done.stderr
