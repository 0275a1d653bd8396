"""Checks a plan against its round, with nothing but the standard library.

Knows neither the solver nor any of its data: round, plan and certificate are read anew from the
documents, and everything a plan must keep is looked at in plain integers.
"""

from collections.abc import Callable
from typing import TypeAlias

from solver import feasible, figures, limits
from solver.canonical import digest
from solver.case import Case, broken
from solver.claims import StatedPlan, names, read_plan
from solver.reading import read_round
from solver.rows import Unreadable
from solver.verdict import Checks, Tally, Verdict

Rule: TypeAlias = Callable[[Case], Checks]


def verify(round_document: object, plan_document: object) -> Verdict:
    """Return what holds and what does not, with witnesses.

    Args:
        round_document: a `dure-round/1` document, numbers as `int` and `Decimal`.
        plan_document: a `dure-plan/1` document.
    """
    tally = Tally()
    try:
        round_ = read_round(round_document)
        plan = read_plan(plan_document)
        case = Case(round=round_, plan=plan)
        _check(tally, case, round_document)
    except Unreadable as error:
        tally.add("formats", _meaning(formats), iter((broken("formats", str(error)),)))
    return tally.verdict()


def formats(case: Case) -> Checks:
    """Forbids documents that break their format."""
    yield from (None for _ in (case.round, case.plan))


def _check(tally: Tally, case: Case, round_document: object) -> None:
    """Run the rules; those that later ones rest on end the check when they fail."""
    _run(tally, case, formats)
    tally.add("names", _meaning(names), names(case.round, case.plan))
    tally.add("digests", _meaning(digests), digests(round_document, case.plan))
    if any(rule.broken for rule in tally.rules if rule.rule == "names"):
        return
    if not case.plan.is_plan:
        _run(tally, case, nothing_proposed)
        return
    if not _run(tally, case, feasible.cells):
        return
    for rule in (*feasible.RULES, *limits.RULES, *figures.RULES):
        _run(tally, case, rule)


def _run(tally: Tally, case: Case, rule: Rule) -> bool:
    """Run one rule and return whether it holds."""
    return tally.add(rule.__name__, _meaning(rule), rule(case))


def _meaning(rule: Callable[..., Checks]) -> str:
    """Return what a rule forbids: the first line of its docstring."""
    return (rule.__doc__ or "").strip().splitlines()[0]


def digests(round_document: object, plan: StatedPlan) -> Checks:
    """Forbids a plan made for another round."""
    truth = digest(round_document)
    yield (
        None
        if truth == plan.round_digest
        else broken(
            "digests",
            f"The round's digest is {truth[:9]}…; the plan was made for {plan.round_digest[:9]}….",
        )
    )


def nothing_proposed(case: Case) -> Checks:
    """Forbids awards in an answer that says there is no plan."""
    for award in case.plan.awards:
        yield broken(
            "nothing_proposed",
            f"The answer is {case.plan.status} and awards request {award.request}.",
            award.request,
        )
    yield None
