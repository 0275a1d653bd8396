"""The checker's story told over arrays: everything holds, or the plain checker has the word.

Only a verdict without a fault is given here. Whatever is unusual, in doubt or broken is handed to
`solver.verify`, whose word it is: so both give the same report, and witnesses come from one place.
"""

import gc
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from solver.bulk.case import BulkCase
from solver.bulk.documents import Doubt, Written, read
from solver.bulk.duality import levels as bulk_levels
from solver.bulk.levels import division
from solver.bulk.rules import BULK, names
from solver.bulk.tables import plan_table, round_table
from solver.checking import claims, levels
from solver.checking.feasible import CELL_RULES, cells
from solver.checking.figures import FIGURE_RULES
from solver.checking.goals import stages
from solver.checking.indices import indices
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
    read_certificate,
)
from solver.checking.report import parse, verdict_text
from solver.checking.verdict import Checked, Checks, Tally, Verdict
from solver.verify import STANDARD, digests, formats, meaning, verify
from solver.verify import main as plain_main

FAULTS = (Doubt, ArithmeticError, LookupError, TypeError, ValueError)
"""Whatever goes wrong over arrays: the plain checker says what it is."""


def verify_files(round_: bytes, plan: bytes, certificate: bytes | None = None) -> Verdict:
    """Return what `solver.verify.verify` returns for three files, sooner where all is well.

    Raises:
        ValueError: If a file is no JSON object.
    """
    found = verified_in_bulk(round_, plan, certificate)
    if found is not None:
        return found
    return verify(parse(round_), parse(plan), None if certificate is None else parse(certificate))


def verified_in_bulk(
    round_: bytes, plan: bytes, certificate: bytes | None = None
) -> Verdict | None:
    """Return the verdict if everything holds and is written canonically, else nothing."""
    story = told(round_, plan, certificate)
    return None if story is None else story.verdict


def told(round_: bytes, plan: bytes, certificate: bytes | None = None) -> "Story | None":
    """Return the whole story if everything holds and is written canonically, else nothing."""
    collects = gc.isenabled()
    gc.disable()  # nothing that is made here goes round in circles
    try:
        documents = read(round_), read(plan), None if certificate is None else read(certificate)
        return Story(*documents)
    except FAULTS:
        return None
    finally:
        if collects:
            gc.enable()


class Story:
    """One check over arrays, in which everything holds.

    Attributes:
        verdict: what the checker says.

    Raises:
        Doubt: If something is not plainly right; other errors where it is plainly wrong.
    """

    def __init__(self, round_: Written, plan: Written, certificate: Written | None) -> None:
        self.round, self.plan, self.written = round_, plan, certificate
        self.tally = Tally()
        self.rows: object = None
        self.certificate = None if certificate is None else self._read(certificate.value)
        self.case = self._case()
        self.verdict = self._told()

    def _read(self, document: Mapping[str, Any]) -> StatedCertificate:
        """Read a certificate, but for the rows of its division, which are many."""
        evidence = document.get("evidence") or {}
        entitle = evidence.get("entitle")
        if not isinstance(entitle, dict) or "division" not in entitle:
            return read_certificate(document)
        self.rows = entitle["division"]
        bare = {**document, "evidence": {**evidence, "entitle": {**entitle, "division": []}}}
        return read_certificate(bare)

    def _case(self) -> BulkCase:
        """Return the round and the plan beside each other."""
        table = round_table(self.round.value)
        answer = plan_table(self.plan.value, table)
        policy = None if self.certificate is None else self.certificate.policy
        if not answer.plain.is_plan or (policy is not None and (policy.may_cut or policy.carry)):
            raise Doubt("The plain checker knows more of such plans.")
        return BulkCase(
            round=table.plain, plan=answer.plain, policy=policy, table=table, answer=answer
        )

    def _told(self) -> Verdict:
        """Go through the rules in the order of the plain checker."""
        case, certificate = self.case, self.certificate
        self.run(formats, self.round, self.plan, certificate)
        self.run(digests, case, self.round.digest)
        self.note(claims.names, names(case))
        rules: tuple[Callable[..., Checks], ...] = (cells, *CELL_RULES, *HOLDER_RULES)
        for rule in (*rules, *FIGURE_RULES, indices, stages):
            if rule in BULK:
                self.note(rule, BULK[rule](case))
            else:
                self.run(rule, case)
        if certificate is None:
            return self.tally.verdict()
        return self._proved(certificate)

    def _proved(self, certificate: StatedCertificate) -> Verdict:
        """Go through the rules of the certificate."""
        case, entitlement = self.case, certificate.entitlement
        self.run(binding, case, certificate, self.plan.digest, self.round.digest)
        self.run(places, case, certificate)
        self.note(levels.levels, bulk_levels(case, entitlement))
        checks = 0 if self.rows is None else division(case, self.rows)
        self.note(levels.division, checks)
        self.run(proportional, case, entitlement)
        self.run(bounds, case, certificate)
        for rule in LOTTERY_RULES if by_lot(case) else ():
            self.run(rule, case)
        for rule in LINE_RULES if in_line(case) else ():
            self.run(rule, case)
        return self.tally.verdict(proved(case, certificate) + proved_market(case, entitlement))

    def run(self, rule: Callable[..., Checks], *about: object) -> None:
        """Run a plain rule, which has to hold."""
        if not self.tally.add(rule.__name__, meaning(rule), rule(*about)):
            raise Doubt(f"{rule.__name__} is broken.")

    def note(self, rule: Callable[..., Checks], checks: int) -> None:
        """Note a rule that was counted over arrays and holds."""
        self.tally.rules.append(
            Checked(rule=rule.__name__, meaning=meaning(rule), checks=checks, broken=0)
        )


def main(program: str, arguments: Sequence[str]) -> int:
    """Check files as `solver.verify.main` does, sooner where all is well.

    Beside `dure verify --fast` it spares what a command line of many commands has to load.
    """
    found = None
    if STANDARD not in arguments and len(arguments) in {2, 3}:
        with suppress(OSError):
            found = verified_in_bulk(*(Path(path).read_bytes() for path in arguments))
    if found is None:
        return plain_main(program, arguments)
    sys.stdout.write(verdict_text(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[0], sys.argv[1:]))
