"""Packing: blocks find starts that the supply carries."""

from itertools import product

import numpy as np
import pytest

from solver.placing.packing import MOVES, Blocks, annealed, lay, left, pack, shift, within
from solver.problem import MILLI, IntArray


def some_blocks(seed: int, *, count: int = 5, slots: int = 4) -> tuple[Blocks, IntArray]:
    """Return blocks in two pools, and a supply that is about as much as they take."""
    chance = np.random.default_rng(seed)
    length = chance.integers(1, 3, count)
    pool = chance.integers(0, 2, count)
    hours = chance.integers(1, 5, count)
    earliest = chance.integers(0, 2, count)
    latest = np.maximum(slots - length - chance.integers(0, 2, count), earliest)
    latest = np.minimum(latest, slots - length)
    blocks = Blocks(hours, length, pool, np.minimum(earliest, latest), latest)
    taken = [int((hours * length)[pool == each].sum()) for each in range(2)]
    supply = np.array([[-(-each // slots)] * slots for each in taken], dtype=np.int64)
    return blocks, supply


def beyond(blocks: Blocks, start: IntArray, supply: IntArray) -> int:
    """Return GPU-hours beyond the supply."""
    return int(np.maximum(-left(blocks, start, supply), 0).sum())


@pytest.mark.parametrize("seed", range(12))
def test_packing_goes_no_further_beyond_than_any_starts(seed):
    """On small cases nothing goes less beyond the supply than what is found."""
    blocks, supply = some_blocks(seed)
    ranges = [range(a, b + 1) for a, b in zip(blocks.earliest, blocks.latest, strict=True)]
    least = min(beyond(blocks, np.array(each), supply) for each in product(*ranges))
    start = pack(blocks, supply, slot_hours=MILLI, seed=0)
    assert ((blocks.earliest <= start) & (start <= blocks.latest)).all()
    assert beyond(blocks, start, supply) == least


def test_what_stays_is_within_the_supply():
    """Who goes beyond the supply leaves, and nobody else."""
    blocks, supply = some_blocks(3)
    supply = supply // 2
    start = pack(blocks, supply, slot_hours=MILLI, seed=0)
    stays = within(blocks, start, supply)
    kept = Blocks(*(each[stays] for each in blocks))
    assert beyond(kept, start[stays], supply) == 0
    assert not stays.all()
    assert within(blocks, start, supply + int(blocks.hours.sum())).all()


@pytest.mark.parametrize("seed", range(4))
def test_a_shift_says_how_much_further_beyond_it_leads(seed):
    """What a move says of the supply is what counting anew says."""
    blocks, supply = some_blocks(seed)
    start, free = blocks.earliest.copy(), left(blocks, blocks.earliest, supply)
    for block in range(start.size):
        before, to = beyond(blocks, start, supply), int(blocks.latest[block])
        change = shift(blocks, free, block, int(start[block]), to)
        start[block] = to
        assert change == beyond(blocks, start, supply) - before
        assert (free == left(blocks, start, supply)).all()


def test_kernels_say_what_plain_python_says():
    """Laying and moving are the same in machine code and in Python."""
    blocks, supply = some_blocks(5, count=12)
    order = np.arange(12)
    start = lay(blocks, order, supply.copy())
    assert (start == lay.py_func(blocks, order, supply.copy())).all()
    chance = np.random.default_rng(0).random((400, 4))
    free = left(blocks, start, supply)
    moved = annealed(blocks, start, free.copy(), chance, 2.0, 0.1)
    assert (moved == annealed.py_func(blocks, start, free.copy(), chance, 2.0, 0.1)).all()
    assert beyond(blocks, moved, supply) <= beyond(blocks, start, supply)
    assert MOVES > chance.shape[0]
