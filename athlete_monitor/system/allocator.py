"""How the C library gives memory back."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from typing import Final

_M_MMAP_THRESHOLD: Final = -3
_M_TRIM_THRESHOLD: Final = -1
"""The parameters' numbers in glibc's ``malloc.h``."""
_LARGE_BYTES: Final = 4 << 20
"""More than the arrays of a step of some thousand athletes: the system hands out every block of its own as pages of
zeros, which took a tenth of the stepping thread's time."""
_SPARE_BYTES: Final = 16 << 20
"""Free memory at the end of the heap that stays for the next step."""


def return_large_blocks() -> None:
    """Let blocks of 4 MiB and more go back to the system as soon as they are freed; nothing happens without glibc.

    glibc raises this bound by itself to what was freed last, and then keeps such blocks forever: the tables of a
    thousand joined models, replaced as more are loaded, left 180 MB of unused memory (``benchmarks/models.py --live``).
    """
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        library.mallopt(_M_TRIM_THRESHOLD, _SPARE_BYTES)  # setting one bound ends glibc's own choice of the other


def return_free_memory() -> None:
    """Give freed memory back to the system now, wherever it lies; nothing happens without glibc."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
