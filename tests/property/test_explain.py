"""Explanations under chance: nobody is left without a reason."""

from hypothesis import HealthCheck, given, settings

from scheduler.domain.messages import Language
from scheduler.export.wording import Wording
from scheduler.formulate import formulate
from scheduler.policy import find_policy
from scheduler.round_file import read_round
from solver.explain import explain
from solver.pipeline import solve
from solver.reasons import Explanation, Why
from tests.plans import as_parsed
from tests.rounds import Document, rounds


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(round_=rounds())
def test_everyone_gets_a_reason(round_: Document) -> None:
    """Every request has a reason in words, and who lacks what was asked one beside a full ask."""
    formulation = formulate(read_round(as_parsed(round_)), find_policy("entitlement"))
    problem = formulation.problem
    explanations = explain(problem, solve(problem))
    assert [each.request for each in explanations] == list(range(problem.requests))
    wording = Wording(names=formulation.names, unit=problem.rules.unit)
    by_fellow: dict[int, list[Explanation]] = {}
    for each in explanations:
        by_fellow.setdefault(each.fellow, []).append(each)
        for language in Language:
            assert len(wording.explanation_lines(each, language)) > len(each.reasons) > 0
    for own in by_fellow.values():
        missed = any(each.awarded < each.asked for each in own)
        if missed and own[0].fellow_received < own[0].fellow_entitlement:
            assert any(reason.why is not Why.ASK_REACHED for each in own for reason in each.reasons)
