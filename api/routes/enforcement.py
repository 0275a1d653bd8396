"""Enforcement: what clusters are told, what they report, what has drifted."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.body import StrictRoute
from api.door import Asking, Caller
from api.pagination import STANDARD, Cursor, Limit
from api.permissions import declared
from api.receipts import receipt_of
from api.replies import Reply, reply
from api.schemas.common import Listing
from api.schemas.enforcement import DriftOut, PlanOut, ReportIn, SyncIn, TargetIn, TargetOut
from api.signing import cluster_key, signed
from scheduler.domain.enforcement import Difference, Form, Report, Target
from scheduler.domain.events import Event
from scheduler.operations import enforcement
from scheduler.ports.store import Transaction

READ: Final = "enforce.plan_read"
SYNC: Final = "enforce.sync"
REPORT: Final = "enforce.report"
Name = Annotated[str, Path(max_length=64)]
router = APIRouter(route_class=StrictRoute, prefix="/api/v1/enforcement", tags=["enforcement"])


@router.get("/targets", **declared(READ, Listing[TargetOut], flags="L"))
def list_targets(caller: Asking, cursor: Cursor = None, limit: Limit = STANDARD) -> Response:
    """List clusters that enforce."""
    part = caller.slice(cursor, limit)
    return caller.show(
        lambda tx: caller.listing(
            enforcement.list_targets(tx, caller.permit, part), lambda each: _shown(tx, each)
        )
    )


@router.get("/targets/{target_id}", **declared(READ, TargetOut))
def read_target(caller: Asking, target_id: Name) -> Response:
    """Read one cluster's standing."""
    return caller.show(lambda tx: _target(tx, enforcement.get_target(tx, caller.permit, target_id)))


@router.put("/targets/{target_id}", **declared(SYNC, TargetOut, flags="MW", made=True))
def put_target(caller: Asking, target_id: Name, body: TargetIn) -> Response:
    """Say how a cluster enforces; its name is the one its accounting uses."""

    def command(tx: Transaction) -> Reply:
        caller.refuse_blind(tx.enforcement.find(target_id))
        asked = Target(
            id=target_id,
            form=Form(body.form),
            gpu_types=body.gpu_types,
            automatic=body.automatic,
        )
        kept, new, event = enforcement.put_target(tx, caller.acting, asked)
        return _target(tx, kept, 201 if new else 200, event)

    return caller.act(command)


@router.get("/plans/{target_id}", **declared(READ, PlanOut))
def read_plan(caller: Asking, target_id: Name) -> Response:
    """Answer all that a cluster is to allow, signed for its agent, as it is at this instant."""

    def query(tx: Transaction) -> Reply:
        planned = enforcement.plan_enforcement(tx, caller.permit, target_id)
        envelope = signed(
            planned.plan,
            through=planned.through,
            apply=planned.apply,
            key=_key(caller, target_id),
        )
        return reply(PlanOut.model_validate(envelope), version=planned.target.version)

    return caller.show(query)


@router.get("/drift", **declared(READ, Listing[DriftOut], flags="L"))
def list_drift(
    caller: Asking,
    cursor: Cursor = None,
    limit: Limit = STANDARD,
    target: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """List what clusters have otherwise than they were told, by their latest reports."""
    part = caller.slice(cursor, limit)
    return caller.show(
        lambda tx: caller.listing(
            enforcement.list_drift(tx, caller.permit, part, target=target),
            DriftOut.model_validate,
        )
    )


@router.post("/syncs", **declared(SYNC, TargetOut, ok=202, flags="IW"))
def ask_sync(caller: Asking, body: SyncIn) -> Response:
    """Ask that a cluster be brought in line at its agent's next look."""

    def command(tx: Transaction) -> Reply:
        asked, event = enforcement.ask_sync(tx, caller.acting, body.target, body.reason)
        return _target(tx, asked, 202, event)

    return caller.act(command)


@router.post("/reports", **declared(REPORT, TargetOut, ok=201, flags="IW"))
def report(caller: Asking, body: ReportIn) -> Response:
    """Keep what an agent found on its cluster and did there."""
    said = Report(
        plan=body.plan,
        through=body.through,
        applied=body.applied,
        commands=body.commands,
        found=body.found,
        left=body.left,
        differences=tuple(
            Difference(name=each.name, expected=each.expected, found=each.found)
            for each in body.differences
        ),
    )

    def command(tx: Transaction) -> Reply:
        reported, event = enforcement.report(tx, caller.acting, body.target, said)
        return _target(tx, reported, 201, event)

    return caller.act(command)


def _key(caller: Caller, target: str) -> str:
    return cluster_key(caller.house.secret, target)


def _shown(tx: Transaction, target: Target) -> TargetOut:
    waiting, _ = tx.enforcement.waiting(target.applied)
    shown = TargetOut.model_validate(target)
    return shown.model_copy(update={"waiting": waiting})


def _target(
    tx: Transaction, target: Target, status: int = 200, event: Event | None = None
) -> Reply:
    shown = _shown(tx, target)
    if event is not None:
        shown = shown.model_copy(update={"receipt": receipt_of(event)})
    address = f"/api/v1/enforcement/targets/{target.id}"
    return reply(shown, status, version=target.version, address=address)
