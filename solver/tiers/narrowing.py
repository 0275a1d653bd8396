"""The least largest shortfall of a group, closed in on from both sides."""

from dataclasses import dataclass

import numpy as np

from solver.problem import FloatArray
from solver.tiers.engines import Engine
from solver.tiers.fairness_rows import FairRows

TRIALS = 12
"""Searches for a plan in which no group lacks more than a trial value."""
UNDECIDED = 2
"""Of these as many as may end at their limit with neither a plan nor a proof that there is none: of
694 constants each took a minute, and twelve decided no more than two.
"""
SLACK = 2e-6
"""Share of the scale by which a tier kept may be left: ten times a code's tolerance."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Narrowed:
    """Between which values the least largest shortfall lies.

    Attributes:
        values: a plan that reaches `high`.
        low: no plan of whole gang-hours has less; high: what this one has, or will have at least.
    """

    values: FloatArray
    low: float
    high: float
    work: int


def narrow(engine: Engine, fair: FairRows, values: FloatArray, gap: float) -> Narrowed:
    """Close in on the least largest shortfall.

    With a trial value goes what each group lacks at most if it can only hold certain amounts. The
    linear program alone excludes most trial values; what it leaves is searched for a plan.

    Args:
        engine: its caps on the groups' shortfalls are changed.
        fair: the groups.
        values: a plan.
        gap: how near the two sides have to come.
    """
    high = fair.group_shortfalls(values)[0]
    low, work = _excluded(engine, fair, high, gap)
    trial, undecided = low, 0
    for _ in range(TRIALS):
        if high - trial <= gap / 4 or undecided == UNDECIDED:
            break
        _cap(engine, fair, trial)
        settled = engine.settle(fair.total_goal(), gap)
        work += settled.work
        worst, found = np.inf, settled.values
        if found is not None:
            worst = fair.group_shortfalls(fair.restated(found))[0]
        if found is not None and worst <= trial + 2 * SLACK:
            values, high, least = found, min(worst, high), low
        elif settled.infeasible:
            low = least = min(max(fair.next_worst(trial), trial), high)
        else:
            least, undecided = trial, undecided + 1
        trial = (least + high) / 2
    _cap(engine, fair, high)
    # Fluid hours may give a group more than whole gang-hours can: no plan has what they have.
    least = fair.least_worst()
    return Narrowed(values=values, low=max(low, least), high=max(high, least), work=work)


def _excluded(engine: Engine, fair: FairRows, high: float, gap: float) -> tuple[float, int]:
    """Return below which value the linear program alone has no solution, and programs solved."""
    low, work = 0.0, 0
    while high - low > gap / 4:
        trial = (low + high) / 2
        work += 1
        if _cap(engine, fair, trial) and engine.possible():
            high = trial
        else:
            low = min(max(fair.next_worst(trial), trial), high)
    return low, work


def _cap(engine: Engine, fair: FairRows, worst: float) -> bool:
    """Cap what groups lack; say whether every group can hold so much at all."""
    most = fair.most_short(worst)
    if (most < 0).any():
        return False
    engine.cap(fair.shortfall, most + SLACK)
    return True
