"""How the C library gives memory back."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from typing import Final

_M_MMAP_THRESHOLD: Final = -3
"""The parameter's number in glibc's ``malloc.h``."""
_LARGE_BYTES: Final = 256 * 1024


def return_large_blocks() -> None:
    """Let blocks of 256 KiB and more go back to the system as soon as they are freed; nothing happens without glibc.

    glibc raises this bound by itself to what was freed last, and then keeps such blocks forever: the tables of a
    thousand joined models, replaced as more are loaded, left 180 MB of unused memory (``benchmarks/models.py --live``).
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


def return_free_memory() -> None:
    """Give freed memory back to the system now, wherever it lies; nothing happens without glibc."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
