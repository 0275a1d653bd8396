"""What-ifs: a question to a frozen round; its answer is read and becomes no scenario."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from scheduler.document import Document, InvalidRound, parse_document
from scheduler.domain.access import Permit
from scheduler.domain.errors import InvalidRoundFile, InvalidValue, NotFound
from scheduler.domain.events import Json
from scheduler.domain.jobs import Job
from scheduler.domain.rounds import Round
from scheduler.operations import jobs
from scheduler.operations.solves import (
    SolveOrder,
    choose_policy,
    identity_of,
    payload_of,
    refuse_unless_solvable,
)
from scheduler.ports.acts import Act
from scheduler.ports.store import Transaction
from scheduler.round_file import read_round
from solver.canonical import canonical, digest

WHAT_IF: Final = "what_if"
"""The kind of a job that answers one."""
PREFIX: Final = "wif"
CHANGEABLE: Final = frozenset(
    {
        "gpu_hours",
        "minimum_gpu_hours",
        "gang_gpus",
        "max_gpus",
        "window",
        "speeds",
        "score",
        "pinned",
        "vetoed",
    }
)
"""Keys of a request in the round file that a question may change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One request of the snapshot, otherwise than it is.

    Attributes:
        request: id or label.
        values: keys of the round file with their other values; null takes a key away.
    """

    request: str
    values: Mapping[str, Any]


def ask_what_if(
    tx: Transaction, act: Act, round_id: str, order: SolveOrder, changes: Sequence[Change] = ()
) -> Job:
    """Queue a question to a frozen round; the same question that still waits is not asked twice.

    Raises:
        InvalidTransition: If the round is not frozen, or decided already.
        InvalidValue: If a change names an unknown request or key.
        InvalidRoundFile: If the changed round breaks a rule of the format.
        NotFound: If there is no such policy.
    """
    round_ = tx.rounds.get(act.scope, round_id)
    refuse_unless_solvable(round_)
    asked = replace(round_, snapshot=_changed(tx, round_, changes))
    chosen = choose_policy(tx, act.permit, order)
    identity = identity_of(asked, chosen, order)
    same = tx.jobs.live(WHAT_IF, identity)
    if same is not None:
        return same
    tx.documents.put(chosen.digest, chosen.text)
    work = jobs.Work(
        prefix=PREFIX,
        kind=WHAT_IF,
        subject=round_id,
        identity=identity,
        payload=payload_of(asked, chosen, order),
    )
    return jobs.enqueue(tx, act, work)


def get_what_if(tx: Transaction, permit: Permit, id_: str) -> Job:
    """Return a question to a visible round, with its answer once there is one.

    Raises:
        NotFound: If there is none.
    """
    job = tx.jobs.get(id_)
    if job.kind != WHAT_IF:
        raise NotFound(kind="what-if", id=id_)
    tx.rounds.get(permit.scope, job.subject)
    return job


def keep_answer(
    tx: Transaction, hand: jobs.Hand, job: Job, made: Mapping[str, Any]
) -> dict[str, Json]:
    """Return what a question keeps of its plan: figures and amounts, no documents."""
    del tx, hand, job
    plan = json.loads(made["plan"])
    return {
        "status": plan["status"],
        "gap": max((stage["gap"] for stage in plan["stages"]), default=None),
        "stages": plan["stages"],
        "measures": plan["measures"],
        "awards": {row["request"]: row["gpu_hours"] for row in plan["awards"]},
        "seconds": made["seconds"],
    }


def _changed(tx: Transaction, round_: Round, changes: Sequence[Change]) -> str:
    """Keep the changed snapshot and return its digest."""
    assert round_.snapshot is not None, "a solvable round has a snapshot"
    if not changes:
        return round_.snapshot
    document = parse_document(tx.documents.text(round_.snapshot).encode())
    rows = {row["id"]: row for row in document["requests"]}
    for index, change in enumerate(changes):
        _apply(_row(tx, rows, change, index), change, index)
    text = canonical(document).decode()
    try:
        read_round(parse_document(text.encode()))
    except InvalidRound as refusal:
        raise InvalidRoundFile(rule=str(refusal)) from refusal
    name = digest(parse_document(text.encode()))
    tx.documents.put(name, text)
    return name


def _row(tx: Transaction, rows: Mapping[str, Document], change: Change, index: int) -> Document:
    known = tx.requests.find(change.request)
    row = rows.get(change.request if known is None else known.label)
    if row is None:
        raise InvalidValue(
            field=f"/changes/{index}/request", value=change.request, rule="a request of the round"
        )
    return row


def _apply(row: Document, change: Change, index: int) -> None:
    for key, value in change.values.items():
        if key not in CHANGEABLE:
            raise InvalidValue(
                field=f"/changes/{index}/{key}", value=key, rule=", ".join(sorted(CHANGEABLE))
            )
        if value is None:
            row.pop(key, None)
        else:
            row[key] = value
