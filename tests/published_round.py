"""A published round of 400 fellows, solved by a formula, every award accepted."""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from api.checking import broken_rules
from api.solving import Question, answer, explanations, written
from scheduler.document import parse_document
from scheduler.domain.access import EVERYTHING
from scheduler.domain.awards import Award
from scheduler.domain.jobs import SOLVE
from scheduler.formulate import formulate
from scheduler.operations import jobs
from scheduler.operations.awards import accept_award
from scheduler.operations.decisions import approve_round, publish_round, select_scenario
from scheduler.operations.evidence import approved_documents, check_documents
from scheduler.operations.round_files import import_round
from scheduler.operations.solves import SolveOrder, keep_scenario, start_solve
from scheduler.policy import find_policy
from scheduler.ports.paging import everything
from scheduler.ports.store import Transaction
from scheduler.round_file import read_round
from scheduler.storage.store import SqlStore
from solver.pipeline import Limits
from tests.unit.operations.center import IDS, act

FILE: Final = Path(__file__).parents[1] / "benchmarks" / "rounds" / "innocore-400.json.gz"
NOW: Final = datetime(2026, 3, 20, tzinfo=UTC)
POLICY: Final = "rac_scaling"


def publish_innocore(store: SqlStore) -> tuple[Award, ...]:
    """Import, solve, select, approve, check, publish; let every fellow accept."""
    raw = FILE.read_bytes()
    round_ = store.write(lambda tx: import_round(tx, act("operator", NOW), raw)[0])
    _solve(store, round_.id, gzip.decompress(raw))
    with store.read() as tx:
        (scenario,) = everything(lambda part: tx.scenarios.list(EVERYTHING, part))
    store.write(
        lambda tx: select_scenario(tx, act("operator", NOW), round_.id, scenario.id, "Fairest.")
    )
    store.write(
        lambda tx: approve_round(tx, act("approver", NOW), round_.id, scenario.digest, "Agreed.")
    )
    with store.read() as tx:
        kept = approved_documents(tx, round_.id)
    checked = check_documents(kept, verify=broken_rules, verifier="print('checked')\n")
    store.write(
        lambda tx: publish_round(
            tx, act("second", NOW), round_.id, scenario.digest, checked=checked
        )
    )
    return store.write(_accept_all)


def _solve(store: SqlStore, round_: str, raw: bytes) -> None:
    """Let a worker solve the round in this process."""
    order = SolveOrder(policy=POLICY, seed=0)
    store.write(lambda tx: start_solve(tx, act("operator", NOW), round_, order))
    hand = jobs.Hand(worker="test", now=NOW, ids=IDS, lease=timedelta(hours=1))
    job = store.write(lambda tx: jobs.claim(tx, hand, [SOLVE]))
    formulation = formulate(read_round(parse_document(raw)), find_policy(POLICY))
    question = Question(formulation=formulation, seed=0, gap=0.001, limits=Limits())
    solution = answer(question, lambda _: None)
    made = {
        "plan": written(solution.document).decode(),
        "certificate": written(solution.certificate).decode(),
        "explanations": explanations(solution),
        "seconds": 0.0,
    }
    store.write(lambda tx: jobs.finish(tx, hand, job.lease, keep_scenario(tx, hand, job, made)))


def _accept_all(tx: Transaction) -> tuple[Award, ...]:
    offered = list(everything(lambda part: tx.awards.list(EVERYTHING, part)))
    return tuple(accept_award(tx, act(each.fellow, NOW), each.id)[0] for each in offered)
