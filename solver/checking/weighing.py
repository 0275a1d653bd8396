"""The bound of the weighted goal by weak duality; standard library only.

What a group or fellow lacks costs at least any multiplier of theirs times what is due to them
less what they receive, as long as the multipliers are no more than what lacking a unit costs. So

    attained  ≤  constant + Σ price · ⌊supply⌋ − Σ multiplier · due + Σ_r best profit of r,

where a request's value counts as its share of all that is asked. It holds for every plan.
"""

from fractions import Fraction

from solver.checking.bounds import ValuePrices, value_bound
from solver.checking.case import Case, broken
from solver.checking.goals import asked_value, mean_one_weights, parts, weighed_due
from solver.checking.rows import MILLI
from solver.checking.verdict import Checks


def weighted_bound(case: Case, prices: ValuePrices) -> Fraction:
    """Return what the weighted goal of no plan exceeds, if `weighted_costs` finds no fault."""
    share, asked = parts(case), asked_value(case)
    value = share.get("value", Fraction(0))
    constant = 1 - value if asked else Fraction(1)
    return constant + value_bound(case, prices, value / asked if asked else Fraction(0))


def weighted_costs(case: Case, prices: ValuePrices) -> Checks:
    """Check that no multiplier is more than what lacking a unit costs.

    A fellow's lack costs its weight; a group's what a unit lacked by all groups costs, and beyond
    that the multipliers may share out what the worst group's lack costs.
    """
    share, weights = parts(case), mean_one_weights(case)
    entitled = Fraction(sum(case.plan.groups.values()), MILLI) or Fraction(1)
    per_fellow = share.get("fellows", Fraction(0)) / (weighed_due(case) or 1)
    half = share.get("groups", Fraction(0)) / 2
    beyond = Fraction(0)
    for (kind, name), (rate, least) in prices.holders.items():
        due = {"group": case.plan.groups, "fellow": case.plan.fellows}.get(kind, {})
        fine = least * MILLI <= due.get(name, 0)
        if kind == "fellow":
            fine = fine and rate <= per_fellow * weights[name]
        elif kind == "group":
            beyond += max(rate - half / entitled, Fraction(0)) * least
        else:
            fine = not rate
        text = f"The weighted bound charges {kind} {name} more than lacking a unit costs."
        yield None if fine else broken("bounds", text)
    text = "The weighted bound charges groups more than the worst one's lack costs."
    yield None if beyond <= half else broken("bounds", text)
