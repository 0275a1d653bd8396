"""Pools, what they supply, and capacity changes by two operators."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.acts import Possible, acts
from api.body import StrictRoute
from api.door import Asking, Caller
from api.pagination import STANDARD, Cursor, Limit
from api.permissions import declared
from api.replies import Reply, reply
from api.schemas.capacity import CapacityOut, ChangeIn, ChangeOut, PoolIn, PoolOut
from api.schemas.common import Listing
from api.schemas.fields import milli, milli_or_none
from scheduler.domain.amounts import MILLI
from scheduler.domain.pools import Calendar, CapacityChange, ChangeKind, ChangeState, Pool
from scheduler.operations import pools
from scheduler.ports.store import Transaction

READ: Final = "pool.capacity.read"
WRITE: Final = "pool.capacity.write"
Name = Annotated[str, Path(max_length=64)]
POSSIBLE: Final = (
    Possible("approvals", "approve", WRITE),
    Possible("rejections", "reject", WRITE),
)
router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["capacity"])


@router.get("/pools", **declared(READ, Listing[PoolOut], flags="L"))
def list_pools(caller: Asking, cursor: Cursor = None, limit: Limit = STANDARD) -> Response:
    """List pools."""
    part = caller.slice(cursor, limit)
    return caller.show(
        lambda tx: caller.listing(pools.list_pools(tx, caller.permit, part), PoolOut.model_validate)
    )


@router.get("/pools/{pool_id}", **declared(READ, PoolOut))
def read_pool(caller: Asking, pool_id: Name) -> Response:
    """Read one pool."""
    return caller.show(lambda tx: _pool(pools.get_pool(tx, caller.permit, pool_id)))


@router.put("/pools/{pool_id}", **declared(WRITE, PoolOut, flags="M", made=True))
def put_pool(caller: Asking, pool_id: Name, body: PoolIn) -> Response:
    """Store a pool under its name; the size of an existing one changes by capacity changes."""

    def command(tx: Transaction) -> Reply:
        caller.refuse_blind(tx.pools.find(pool_id))
        asked = Pool(
            id=pool_id,
            gpu_type=body.gpu_type,
            nodes=body.nodes,
            gpus_per_node=body.gpus_per_node,
            su_per_gpu_hour=milli_or_none(body.su_per_gpu_hour) or MILLI,
        )
        kept, new = pools.put_pool(tx, caller.acting, asked)
        return _pool(kept, 201 if new else 200)

    return caller.act(command)


@router.get("/pools/{pool_id}/capacity", **declared(READ, CapacityOut))
def read_capacity(
    caller: Asking,
    pool_id: Name,
    starts_on: Annotated[date | None, Query(description="First day of the calendar.")] = None,
    slot_hours: Annotated[Decimal, Query(gt=0, le=10_000, decimal_places=3)] = Decimal(168),
    slots: Annotated[int, Query(ge=1, le=10_000)] = 26,
) -> Response:
    """Tell what a pool supplies in each slot of a calendar, after the approved changes."""
    calendar = Calendar(starts_on=starts_on, slot_hours=milli(slot_hours), slots=slots)

    def query(tx: Transaction) -> Reply:
        supply = pools.pool_supply(tx, caller.permit, pool_id, calendar)
        shown = CapacityOut.model_validate(
            {
                "pool": PoolOut.model_validate(supply.pool),
                "calendar": calendar,
                "supply_gpu_hours": list(supply.gpu_hours),
                "changes": [
                    ChangeOut.model_validate(each) for each in tx.capacity_changes.of([pool_id])
                ],
            }
        )
        return reply(shown)

    return caller.show(query)


@router.post("/pools/{pool_id}/capacity-changes", **declared(WRITE, ChangeOut, ok=202, flags="I"))
def propose_change(caller: Asking, pool_id: Name, body: ChangeIn) -> Response:
    """Propose to take GPUs from a pool, or add some, for a while; a second operator approves."""
    proposed = pools.ProposedChange(
        pool=pool_id,
        kind=ChangeKind(body.kind),
        gpus=body.gpus,
        starts_at=body.starts_at,
        ends_at=body.ends_at,
        reason=body.reason,
    )
    return caller.act(
        lambda tx: _change(caller, pools.propose_capacity_change(tx, caller.acting, proposed), 202)
    )


@router.get("/capacity-changes", **declared(READ, Listing[ChangeOut], flags="L"))
def list_changes(
    caller: Asking,
    cursor: Cursor = None,
    limit: Limit = STANDARD,
    pool: Annotated[str | None, Query(max_length=64)] = None,
    state: Annotated[ChangeState | None, Query()] = None,
) -> Response:
    """List capacity changes."""
    part = caller.slice(cursor, limit)
    return caller.show(
        lambda tx: caller.listing(
            pools.list_capacity_changes(tx, caller.permit, part, pool=pool, state=state),
            ChangeOut.model_validate,
        )
    )


@router.get("/capacity-changes/{change_id}", **declared(READ, ChangeOut))
def read_change(caller: Asking, change_id: Name) -> Response:
    """Read one capacity change."""
    return caller.show(
        lambda tx: _change(caller, pools.get_capacity_change(tx, caller.permit, change_id))
    )


@router.post(
    "/capacity-changes/{change_id}/approvals", **declared(WRITE, ChangeOut, ok=201, flags="IM")
)
def approve_change(caller: Asking, change_id: Name) -> Response:
    """Let a proposed change count, as an operator who did not propose it."""
    return caller.act(
        lambda tx: _change(caller, pools.approve_capacity_change(tx, caller.acting, change_id), 201)
    )


@router.post(
    "/capacity-changes/{change_id}/rejections", **declared(WRITE, ChangeOut, ok=201, flags="IM")
)
def reject_change(caller: Asking, change_id: Name) -> Response:
    """Refuse a proposed change."""
    return caller.act(
        lambda tx: _change(caller, pools.reject_capacity_change(tx, caller.acting, change_id), 201)
    )


def _pool(found: Pool, status: int = 200) -> Reply:
    return reply(PoolOut.model_validate(found), status, version=found.version)


def _change(caller: Caller, change: CapacityChange, status: int = 200) -> Reply:
    address = f"/api/v1/capacity-changes/{change.id}"
    proposed = change.state is ChangeState.PROPOSED
    possible = acts(
        caller,
        address,
        POSSIBLE,
        allowed=("approve", "reject") if proposed else (),
        earlier=(change.proposed_by,),
    )
    shown = ChangeOut.model_validate(change).model_copy(update={"actions": possible})
    return reply(shown, status, version=change.version, address=address)
