"""What each holds by right, by the rule that the policy names."""

from solver.entitle import entitle
from solver.nash import equilibrium
from solver.plan import Entitlement
from solver.problem import Fairness, Problem


def rights(problem: Problem) -> Entitlement:
    """Return the entitlements of groups and fellows: their leximin, or those of a market."""
    market = problem.rules.fairness is Fairness.NASH and problem.rules.is_fair
    return equilibrium(problem) if market else entitle(problem)
