"""Seeded generators, one for each athlete and purpose: nobody's numbers depend on who else takes part."""

from __future__ import annotations

from zlib import crc32

import numpy as np


def generator(seed: int, *key: int | str) -> np.random.Generator:
    """Return the generator that belongs to ``seed`` (0 or more) and ``key`` (numbers of 0 or more, or words).

    Words enter by their CRC-32, which, unlike ``hash``, is the same in every process.
    """
    words = [part if isinstance(part, int) else crc32(part.encode()) for part in key]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *words])))
