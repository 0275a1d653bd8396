"""Filling up below given cuts, against the same by small steps."""

import numpy as np
import pytest

from solver.fluid.filling import fill, rows_of


def slow_fill(rows, weight, low, high):
    """Raise everyone in exact steps from event to event."""
    agents = weight.shape[0]
    free = (weight > 0) & (low < high)
    amount = low.astype(np.float64)
    level = 0.0
    while free.any():
        events = [(high[a] / weight[a], -1) for a in range(agents) if free[a]]
        for c, (who, lift, room) in enumerate(rows):
            if not free[who].any():
                continue
            below, above = level, 1e9
            for _ in range(200):
                middle = (below + above) / 2
                at = np.where(free, np.clip(weight * middle, low, high), amount)
                below, above = (
                    (middle, above) if (lift * at[who]).sum() <= room else (below, middle)
                )
            events.append((below, c))
        level, c = max((min(events)[0], level), (0.0, 0))[0], min(events)[1]
        at = np.where(free, np.clip(weight * level, low, high), amount)
        stopped = free & (at >= high * (1 - 1e-12))
        if c >= 0:
            stopped[rows[c][0]] |= free[rows[c][0]]
        amount[stopped] = at[stopped]
        free &= ~stopped
    return amount


def random_rows(seed):
    """Return rows, then weights and own limits."""
    rng = np.random.default_rng(seed)
    agents, cuts = int(rng.integers(1, 8)), int(rng.integers(0, 6))
    weight = rng.integers(0, 4, agents).astype(np.float64)
    low = rng.integers(0, 3, agents) * rng.integers(0, 2) * 1.0
    high = low + rng.integers(0, 30, agents)
    rows = []
    for _ in range(cuts):
        who = np.flatnonzero(rng.random(agents) < 0.6)
        lift = rng.integers(1, 4, who.shape[0]).astype(np.float64)
        room = float((lift * low[who]).sum() + rng.integers(0, 40))
        rows.append((who, lift, room))
    return rows, (weight, low, high)


def as_rows(rows):
    """Return rows put below each other."""
    return rows_of(*zip(*rows, strict=True)) if rows else rows_of([], [], [])


@pytest.mark.parametrize("seed", range(40))
def test_filling_up_equals_its_slow_twin(seed: int) -> None:
    """Amounts are those of raising everyone step by step, with unequal weights and own limits."""
    rows, limits = random_rows(seed)
    filled = fill(as_rows(rows), *limits)
    assert filled.amount == pytest.approx(slow_fill(rows, *limits), rel=1e-9, abs=1e-9)
    assert (np.diff(filled.level) >= 0).all()
    assert filled.ended


@pytest.mark.parametrize("seed", range(40))
def test_events_up_to_a_level_are_those_of_all_events(seed: int) -> None:
    """Looking no further than a level finds the same events up to it, and says if there are more.

    Nobody's amount differs up to that level.
    """
    rows, limits = random_rows(seed)
    whole = fill(as_rows(rows), *limits)
    for until in (0.5, 2.0, 5.0, 100.0):
        some = fill(as_rows(rows), *limits, until)
        events = int((whole.level <= until).sum())
        assert some.row.tolist() == whole.row[:events].tolist()
        assert some.level == pytest.approx(whole.level[:events])
        assert some.ended == (events == whole.level.shape[0])
        most = np.maximum(limits[1], limits[0] * until)
        assert np.minimum(some.amount, most) == pytest.approx(np.minimum(whole.amount, most))


def test_newton_does_not_go_to_and_fro() -> None:
    """A least amount bends a row inwards: steps from both its sides lead to the other one."""
    rows = [(np.array([0, 1]), np.array([0.3125, 1.0]), 3000.0)]
    weight, low, high = np.full(2, 500.0), np.array([0.0, 2000.0]), np.array([4000.0, 2500.0])
    filled = fill(rows_of(*map(list, zip(*rows, strict=True))), weight, low, high)
    assert filled.amount.tolist() == pytest.approx([3000 / 1.3125] * 2, rel=1e-12)
