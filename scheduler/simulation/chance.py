"""Chance by name: what one fellow does never depends on what another does, nor on the course."""

import zlib

import numpy as np


def chance(seed: int, *names: object) -> np.random.Generator:
    """Return the stream of chance of one thing, such as the habit of a fellow in a round.

    Args:
        seed: of the whole simulation.
        names: what the stream is for.
    """
    return np.random.default_rng([seed, *(zlib.crc32(str(name).encode()) for name in names)])
