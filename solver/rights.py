"""What each holds by right, by the rule that the policy names."""

from solver.budget import Budget
from solver.entitle import entitle
from solver.nash import equilibrium
from solver.plan import Entitlement
from solver.problem import Fairness, Problem


def rights(problem: Problem, budget: Budget | None = None) -> Entitlement:
    """Return the entitlements of groups and fellows: their leximin, or those of a market.

    Args:
        problem: the round.
        budget: what the whole solve may still spend; None without a limit.

    Raises:
        BudgetSpentError: If a limit comes first.
    """
    market = problem.rules.fairness is Fairness.NASH and problem.rules.is_fair
    return equilibrium(problem, budget) if market else entitle(problem, budget)
