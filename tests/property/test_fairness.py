"""Fairness indices on shares by chance."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.fairness import atkinson, gini, jain_index, theil

SHARES = st.lists(st.floats(0, 100, allow_subnormal=False), min_size=1, max_size=12)


@settings(deadline=None)
@given(shares=SHARES)
def test_every_index_keeps_to_its_range(shares: list[float]) -> None:
    """Jain lies in [1/n, 1], Gini, Atkinson in [0, 1), Theil in [0, ln n]."""
    values, heads = np.array(shares), len(shares)
    slack = 1e-9
    assert 1 / heads - slack <= jain_index(values) <= 1 + slack
    assert -slack <= gini(values) < 1
    assert -slack <= atkinson(values) < 1
    parts = theil(values, np.arange(heads) % 3)
    assert min(parts) >= 0
    assert sum(parts) <= np.log(heads) + slack


@settings(deadline=None)
@given(shares=SHARES, scale=st.sampled_from([0.5, 4.0, 1024.0]))
def test_no_index_depends_on_the_unit(shares: list[float], scale: float) -> None:
    """Counting in other units changes nothing."""
    values = np.array(shares)
    for index in (jain_index, gini, atkinson):
        assert index(values) == pytest.approx(index(values * scale))


@settings(deadline=None)
@given(shares=SHARES, seed=st.integers(0, 99))
def test_no_index_depends_on_who_is_who(shares: list[float], seed: int) -> None:
    """Relabelling fellows changes nothing."""
    values = np.array(shares)
    others = np.random.default_rng(seed).permutation(values)
    for index in (jain_index, gini, atkinson):
        assert index(values) == pytest.approx(index(others))


@settings(deadline=None)
@given(low=st.floats(1, 10), high=st.floats(20, 100), part=st.floats(0.01, 0.49))
def test_giving_from_rich_to_poor_lowers_inequality(low: float, high: float, part: float) -> None:
    """A transfer that does not swap their places helps every index."""
    moved = (high - low) * part
    before, after = np.array([low, high, 50.0]), np.array([low + moved, high - moved, 50.0])
    group = np.zeros(3, dtype=np.int64)
    assert jain_index(before) < jain_index(after)
    assert atkinson(after) < atkinson(before)
    assert sum(theil(after, group)) < sum(theil(before, group))
    assert gini(after) <= gini(before) + 1e-12
