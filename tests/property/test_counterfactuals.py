"""Whatever the round: each counterfactual's plan passes the checker in the changed round."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.solving import Question, answer
from scheduler.anew import FormulaAnew
from scheduler.export.otherwise import Otherwise
from scheduler.formulate import Formulation, formulate
from scheduler.policy import find_policy
from scheduler.round_file import read_round
from solver.audit import is_lawful
from solver.counterfactuals import Explorer
from solver.pipeline import Limits, solve
from solver.plan import Plan, SolveStatus
from solver.problem import Method, Problem, as_int
from solver.rights import rights
from solver.trials import left_open
from solver.verify import verify
from solver.whatif import NO_WORSE, Claim, Counterfactual, apply, changed, goals
from tests.plans import a_plan, as_parsed
from tests.property.test_pipeline import ruled_rounds
from tests.rounds import Document

EXACT = 1e-9
POLICIES = ("entitlement", "weighted", "nash", "merit", "rank_and_fund", "proportional")


def changed_round(round_: Document, name: str, keys: Document) -> Document:
    """Return a round document with some keys of one request otherwise."""
    requests = [each | keys if each["id"] == name else each for each in round_["requests"]]
    return round_ | {"requests": requests}


def broken(formulation: Formulation, found: Counterfactual, round_: Document, cells) -> list[str]:
    """Return the rules that a counterfactual's plan breaks in the changed round."""
    names = formulation.names
    told = Otherwise(names, formulation.problem).document(found, 0, delta=True)
    other = changed_round(round_, told_request(formulation, found), told["change"])
    rows: dict[str, list[tuple[str, int, int]]] = {}
    for request, pool, slot, hours in apply(cells, found.delta).tolist():
        rows.setdefault(names.requests[request], []).append((names.pools[pool], slot, hours))
    plan = a_plan(other, rows, unit=str(formulation.problem.rules.unit))
    verdict = verify(as_parsed(other), plan)
    rules = {"figures", "measures"}
    return [each.text for each in verdict.witnesses if each.rule not in rules]


def told_request(formulation: Formulation, found: Counterfactual) -> str:
    """Return the id of the request that is otherwise."""
    return formulation.names.requests[found.change.request]


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(round_=ruled_rounds(), policy=st.sampled_from(POLICIES))
def test_what_is_shown_holds(round_: Document, policy: str) -> None:
    """Rules by the checker, goals recomputed, the award as stated."""
    formulation = formulate(read_round(as_parsed(round_)), find_policy(policy))
    problem = formulation.problem
    plan = solve(problem)
    if not plan.cells.size:
        return
    explorer = Explorer(problem, plan, FormulaAnew(formulation, plan.seed))
    for request in range(problem.requests):
        for found in explorer.of(request):
            assert [] == broken(formulation, found, round_, plan.cells)
            other = changed(problem, found.change)
            cells = apply(plan.cells, found.delta)
            assert is_lawful(other, cells)
            if found.claim in NO_WORSE:
                due = rights(other) if plan.entitlement is not None else None
                before = goals(other, due, plan.cells)
                losses = goals(other, due, cells).losses(before)
                assert all(loss <= 0 for loss in losses.values())
            if found.claim is Claim.WITHIN_GAP:
                assert all(
                    loss <= found.open.get(name, Fraction(0)) for name, loss in found.losses.items()
                )


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(round_=ruled_rounds(), policy=st.sampled_from(POLICIES))
def test_the_whole_pipeline_gives_what_is_shown(round_: Document, policy: str) -> None:
    """The changed round, solved anew with the award that is said held fast, loses no more."""
    formulation = formulate(read_round(as_parsed(round_)), find_policy(policy))
    plan = solve(formulation.problem, gap=EXACT)
    if not plan.cells.size:
        return
    explorer = Explorer(formulation.problem, plan, FormulaAnew(formulation, plan.seed))
    for request in range(formulation.problem.requests):
        for found in explorer.of(request):
            again = solved_anew(formulation, round_, found)
            if explorer.by_formula:
                assert np.array_equal(apply(plan.cells, found.delta), again.cells)
            else:
                assert loses_no_more(changed(formulation.problem, found.change), again, found, plan)


def solved_anew(formulation: Formulation, round_: Document, found: Counterfactual) -> Plan:
    """Return the whole pipeline's plan of the changed round, in which the award is held fast.

    Its cells have the indices of the round as it stands.
    """
    told = Otherwise(formulation.names, formulation.problem).document(found, 0, delta=False)
    keys = told["change"]
    if formulation.problem.rules.method is Method.OPTIMIZE:
        keys = keys | {"minimum_gpu_hours": told["gpu_hours"], "pinned": told["gpu_hours"] > 0}
    other = changed_round(round_, told_request(formulation, found), keys)
    anew = formulate(read_round(as_parsed(other)), formulation.policy)
    again = solve(anew.problem, gap=EXACT)
    assert again.status in {SolveStatus.OPTIMAL, SolveStatus.FEASIBLE}
    before, names = formulation.names, anew.names
    requests = [before.requests.index(name) for name in names.requests]
    pools = [before.pools.index(name) for name in names.pools]
    rows = [(requests[r], pools[p], slot, hours) for r, p, slot, hours in again.cells.tolist()]
    return replace(again, cells=as_int(sorted(rows)).reshape(len(rows), 4))


def loses_no_more(other: Problem, again: Plan, found: Counterfactual, plan: Plan) -> bool:
    """Say whether a plan is as good as the one that was shown, goal after goal.

    Where it is not, it is by no more than its own proof leaves open; where it is better, the goals
    after that may be worse.
    """
    due = rights(other) if other.rules.is_fair else None
    shown = goals(other, due, apply(plan.cells, found.delta))
    lost = goals(other, due, again.cells).losses(shown)
    open_ = left_open(again, goals(other, due, again.cells))
    for name, loss in lost.items():
        if loss > open_.get(name, 0):
            return False
        if loss < 0:
            return True
    return True


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(round_=ruled_rounds(), policy=st.sampled_from(POLICIES))
def test_the_arrays_agree_with_the_checker(round_: Document, policy: str) -> None:
    """Every plan of the solver is lawful to the quick check too."""
    formulation = formulate(read_round(as_parsed(round_)), find_policy(policy))
    question = Question(formulation=formulation, seed=0, gap=0.001, limits=Limits())
    solution = answer(question, lambda _: None)
    if solution.is_plan:
        assert is_lawful(formulation.problem, solution.plan.cells)
