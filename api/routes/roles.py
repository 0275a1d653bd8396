"""Roles: proposed by one administrator, approved by another."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.acts import Possible, acts
from api.body import StrictRoute
from api.door import Asking, Caller
from api.pagination import STANDARD, Cursor, Limit
from api.permissions import declared
from api.replies import Reply, reply
from api.schemas.common import Listing
from api.schemas.directory import GrantIn, GrantOut
from api.schemas.fields import Slug
from scheduler.domain.access import Role
from scheduler.domain.directory import GrantState, RoleGrant
from scheduler.operations import roles
from scheduler.ports.store import Transaction

READ: Final = "role.read"
GRANT: Final = "role.grant"
GrantId = Annotated[str, Path(max_length=64)]
ADDRESS: Final = "/api/v1/role-grants"
POSSIBLE: Final = (
    Possible("approvals", "approve", GRANT),
    Possible("rejections", "reject", GRANT),
    Possible("revoke", "revoke", GRANT, "DELETE"),
)
STEPS: Final = {GrantState.PROPOSED: ("approve", "reject"), GrantState.EFFECTIVE: ("revoke",)}
router = APIRouter(route_class=StrictRoute, prefix=ADDRESS, tags=["roles"])


@router.get("", **declared(READ, Listing[GrantOut], flags="L"))
def list_grants(
    caller: Asking,
    cursor: Cursor = None,
    limit: Limit = STANDARD,
    person: Annotated[Slug | None, Query()] = None,
    state: Annotated[GrantState | None, Query()] = None,
) -> Response:
    """List role grants the caller may see."""
    part = caller.slice(cursor, limit)
    return caller.show(
        lambda tx: caller.listing(
            roles.list_role_grants(tx, caller.permit, part, person=person, state=state),
            GrantOut.model_validate,
        )
    )


@router.post("", **declared(GRANT, GrantOut, ok=202, flags="I"))
def propose_grant(caller: Asking, body: GrantIn) -> Response:
    """Propose a role for a person; a second administrator approves it."""
    proposed = roles.ProposedRole(
        person=body.person,
        role=Role(body.role),
        group=body.group,
        institute=body.institute,
        cluster=body.cluster,
    )
    return caller.act(
        lambda tx: _shown(caller, roles.propose_role_grant(tx, caller.acting, proposed), 202)
    )


@router.get("/{grant_id}", **declared(READ, GrantOut))
def read_grant(caller: Asking, grant_id: GrantId) -> Response:
    """Read one role grant."""
    return caller.show(lambda tx: _shown(caller, roles.get_role_grant(tx, caller.permit, grant_id)))


@router.post("/{grant_id}/approvals", **declared(GRANT, GrantOut, ok=201, flags="IM"))
def approve_grant(caller: Asking, grant_id: GrantId) -> Response:
    """Make a proposed role count, as somebody who neither proposed it nor gains by it."""
    return caller.act(
        lambda tx: _shown(caller, roles.approve_role_grant(tx, caller.acting, grant_id), 201)
    )


@router.post("/{grant_id}/rejections", **declared(GRANT, GrantOut, ok=201, flags="IM"))
def reject_grant(caller: Asking, grant_id: GrantId) -> Response:
    """Refuse a proposed role."""
    return caller.act(
        lambda tx: _shown(caller, roles.reject_role_grant(tx, caller.acting, grant_id), 201)
    )


@router.delete("/{grant_id}", **declared(GRANT, GrantOut, flags="M"))
def revoke_grant(caller: Asking, grant_id: GrantId) -> Response:
    """Let a role count no more, at once; taking away needs no second person."""

    def command(tx: Transaction) -> Reply:
        return _shown(caller, roles.revoke_role_grant(tx, caller.acting, grant_id))

    return caller.act(command)


def _shown(caller: Caller, grant: RoleGrant, status: int = 200) -> Reply:
    address = f"{ADDRESS}/{grant.id}"
    possible = acts(
        caller,
        address,
        POSSIBLE,
        allowed=STEPS.get(grant.state, ()),
        earlier=(grant.proposed_by, grant.person) if grant.state is GrantState.PROPOSED else (),
    )
    shown = GrantOut.model_validate(grant).model_copy(update={"actions": possible})
    return reply(shown, status, version=grant.version, address=address)
