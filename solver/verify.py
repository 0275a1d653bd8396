"""Checks a plan against its round, with nothing but the standard library.

Knows neither the solver nor any of its data: round, plan and certificate are read anew from the
documents, and everything a plan must keep is looked at in plain integers.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from solver.checking.carry import with_past
from solver.checking.case import Case, broken
from solver.checking.claims import digest_of, names, read_plan
from solver.checking.feasible import CELL_RULES, cells
from solver.checking.figures import FIGURE_RULES
from solver.checking.goals import stages
from solver.checking.indices import indices
from solver.checking.levels import division, levels
from solver.checking.limits import HOLDER_RULES
from solver.checking.line import LINE_RULES, in_line
from solver.checking.lottery import LOTTERY_RULES, by_lot
from solver.checking.market import proportional, proved_market
from solver.checking.proofs import (
    StatedCertificate,
    binding,
    bounds,
    places,
    proved,
    proved_value,
    read_certificate,
)
from solver.checking.reading import read_round
from solver.checking.report import parse, verdict_text
from solver.checking.rows import Unreadable
from solver.checking.verdict import Checks, Tally, Verdict

STANDARD = "-"
"""Standard input, as a path."""


def verify(
    round_document: object, plan_document: object, certificate_document: object = None
) -> Verdict:
    """Return what holds and what does not, with witnesses.

    Args:
        round_document: a `dure-round/1` document, numbers as `int` and `Decimal`.
        plan_document: a `dure-plan/1` document.
        certificate_document: a `dure-certificate/1` document. Without it only those rules are
            checked that need neither the policy nor a proof.
    """
    tally = Tally()
    try:
        return _check(tally, round_document, plan_document, certificate_document)
    except Unreadable as error:
        tally.add("formats", meaning(formats), iter((broken("formats", str(error)),)))
    return tally.verdict()


def proved_value_bound(
    round_document: object, plan_document: object, certificate_document: object
) -> Fraction | None:
    """Return the bound that a certificate's prices prove, of value or the weighted goal."""
    certificate = read_certificate(certificate_document)
    case = Case(
        round=with_past(read_round(round_document), certificate.policy),
        plan=read_plan(plan_document),
        policy=certificate.policy,
    )
    return None if certificate.prices is None else proved_value(case, certificate)


def formats(*documents: object) -> Checks:
    """Forbids documents that break their format."""
    yield from (None for document in documents if document is not None)


def _check(
    tally: Tally, round_document: object, plan_document: object, certificate_document: object
) -> Verdict:
    """Run the rules; those that later ones rest on end the check when they fail."""
    case = Case(round=read_round(round_document), plan=read_plan(plan_document))
    certificate = None
    if certificate_document is not None:
        certificate = read_certificate(certificate_document)
        may_cut = certificate.policy.may_cut
        round_ = case.round.released() if may_cut else case.round
        round_ = with_past(round_, certificate.policy)
        case = replace(case, round=round_, policy=certificate.policy)
    _run(tally, formats, case.round, case.plan, certificate)
    found = digest_of(round_document, "round")
    _run(tally, digests, case, found)
    if not _run(tally, names, case.round, case.plan):
        return tally.verdict()
    if not case.plan.is_plan:
        _run(tally, nothing_proposed, case)
    elif _run(tally, cells, case):
        for rule in (*CELL_RULES, *HOLDER_RULES, *FIGURE_RULES, indices, stages):
            _run(tally, rule, case)
        if certificate is not None:
            plan_digest = digest_of(plan_document, "plan")
            return _prove(tally, case, certificate, binding(case, certificate, plan_digest, found))
    return tally.verdict()


def _prove(tally: Tally, case: Case, certificate: StatedCertificate, bindings: Checks) -> Verdict:
    """Check the certificate: whose it is, then what it proves."""
    bound = tally.add("binding", meaning(binding), bindings)
    if not bound or not _run(tally, places, case, certificate):
        return tally.verdict()
    _run(tally, levels, case, certificate.entitlement)
    _run(tally, division, case, certificate.entitlement)
    _run(tally, proportional, case, certificate.entitlement)
    _run(tally, bounds, case, certificate)
    for rule in LOTTERY_RULES if by_lot(case) else ():
        _run(tally, rule, case)
    for rule in LINE_RULES if in_line(case) else ():
        _run(tally, rule, case)
    return tally.verdict(proved(case, certificate) + proved_market(case, certificate.entitlement))


def _run(tally: Tally, rule: Callable[..., Checks], *about: object) -> bool:
    """Run one rule and return whether it holds."""
    return tally.add(rule.__name__, meaning(rule), rule(*about))


def meaning(rule: Callable[..., Checks]) -> str:
    """Return what a rule forbids: the first line of its docstring."""
    return (rule.__doc__ or "").strip().splitlines()[0]


def digests(case: Case, found: str) -> Checks:
    """Forbids a plan made for another round."""
    stated = case.plan.round_digest
    yield (
        None
        if found == stated
        else broken(
            "digests", f"The round's digest is {found[:9]}…; the plan was made for {stated[:9]}…."
        )
    )
    yield (
        None
        if case.plan.round_id == case.round.id
        else broken("digests", f"The plan is for {case.plan.round_id}, not {case.round.id}.")
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


def main(program: str, arguments: Sequence[str]) -> int:
    """Check files where nothing but Python is installed.

    Args:
        program: what the usage calls this program.
        arguments: paths of round, plan and certificate, gzipped or not; ``-`` is standard input.

    Returns:
        0 when every rule holds, 7 when one is broken, 2 when a file cannot be read.
    """
    if len(arguments) not in (2, 3) or arguments.count(STANDARD) > 1:
        sys.stderr.write(f"Usage: python {program} ROUND PLAN [CERTIFICATE]\n")
        return 2
    documents = []
    for path in arguments:
        try:
            documents.append(parse(_content(path)))
        except (OSError, ValueError) as error:
            sys.stderr.write(f"{path}: {error}\n")
            return 2
    verdict = verify(*documents)
    sys.stdout.write(verdict_text(verdict) + "\n")
    for witness in verdict.witnesses:
        sys.stderr.write(f"broken: {witness.rule}: {witness.text}\n")
    return 0 if verdict.holds else 7


def _content(path: str) -> bytes:
    """Return the bytes of a file, or of standard input."""
    return sys.stdin.buffer.read() if path == STANDARD else Path(path).read_bytes()


if __name__ == "__main__":
    sys.exit(main(sys.argv[0], sys.argv[1:]))
