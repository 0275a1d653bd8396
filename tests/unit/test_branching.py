"""Which choice a search branches on."""

import numpy as np
import pytest

from solver.tiers.branching import Rises


def test_what_has_not_been_seen_is_judged_by_its_stakes():
    """Of two choices as open as each other the one that decides more comes first."""
    rises = Rises(np.array([1.0, 4.0]))
    assert rises.best(np.array([0, 1]), np.array([0.5, 0.5])) == 1


def test_a_choice_of_which_only_one_branch_matters_comes_later():
    """Both branches of the second choice raise the bound; of the first one only yes, by more."""
    rises = Rises(np.array([1.0, 1.0]))
    for choice, yes, rise in ((0, True, 9.0), (0, False, 0.0), (1, True, 2.0), (1, False, 2.0)):
        rises.note(choice, yes, rise)
    assert rises.best(np.array([0, 1]), np.array([0.5, 0.5])) == 1


@pytest.mark.parametrize(("yes", "whole"), [(True, 10.0), (False, 2.5)])
def test_a_rise_counts_as_if_all_of_a_choice_had_been_moved(yes, whole):
    """From a part of 0.8 on there is 0.2 to yes and 0.8 to no."""
    rises = Rises(np.array([1.0]))
    rises.best(np.array([0]), np.array([0.8]))
    rises.note(0, yes, 2.0)
    assert rises.sums[int(yes), 0] == pytest.approx(whole)
