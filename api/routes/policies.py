"""Policies: draft, version, lock by a second person, compare."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.acts import Possible, acts
from api.body import StrictRoute
from api.door import Asking, Caller, everyone
from api.pagination import STANDARD, Cursor, Limit
from api.permissions import declared
from api.replies import Reply, reply
from api.schemas.common import Listing
from api.schemas.policies import (
    DifferenceOut,
    PolicyDiff,
    PolicyIn,
    PolicyOut,
    PolicyVersionIn,
    PolicyVersionOut,
)
from scheduler.domain.policies import PolicyState, PolicyVersion
from scheduler.operations import policies
from scheduler.ports.store import Transaction

READ: Final = "policy.read"
DRAFT: Final = "policy.draft"
LOCK: Final = "policy.lock"
ADDRESS: Final = "/api/v1/policies"
Name = Annotated[str, Path(max_length=64)]
Number = Annotated[int, Path(ge=1, le=10**9)]
POSSIBLE: Final = (Possible("locks", "lock", LOCK),)
router = APIRouter(route_class=StrictRoute, prefix=ADDRESS, tags=["policies"])


@router.get("", **declared(READ, Listing[PolicyOut], flags="L"))
def list_policies(caller: Asking, cursor: Cursor = None, limit: Limit = STANDARD) -> Response:
    """List policies."""
    part = caller.slice(cursor, limit)
    return caller.show(
        lambda tx: caller.listing(
            policies.list_policies(tx, caller.permit, part), PolicyOut.model_validate
        )
    )


@router.post("", **declared(DRAFT, PolicyVersionOut, ok=201, flags="I"))
def draft_policy(caller: Asking, body: PolicyIn) -> Response:
    """Begin a policy with its first version."""

    def command(tx: Transaction) -> Reply:
        _, version = policies.draft_policy(tx, caller.acting, body.name, body.title, body.content)
        return _version(caller, version, 201)

    return caller.act(command)


@router.get("/{policy_id}", **declared(READ, PolicyOut))
def read_policy(caller: Asking, policy_id: Name) -> Response:
    """Read a policy's record; its contents are its versions."""

    def query(tx: Transaction) -> Reply:
        found = policies.get_policy(tx, caller.permit, policy_id)
        return reply(PolicyOut.model_validate(found), version=found.version)

    return caller.show(query)


@router.get("/{policy_id}/versions", **declared(READ, Listing[PolicyVersionOut], flags="L"))
def list_versions(caller: Asking, policy_id: Name) -> Response:
    """List all versions of a policy, oldest first."""
    return caller.show(
        lambda tx: caller.listing(
            everyone(policies.list_policy_versions(tx, caller.permit, policy_id)),
            PolicyVersionOut.model_validate,
        )
    )


@router.post("/{policy_id}/versions", **declared(DRAFT, PolicyVersionOut, ok=201, flags="IM"))
def add_version(caller: Asking, policy_id: Name, body: PolicyVersionIn) -> Response:
    """Write the next version; If-Match names the policy's record."""

    def command(tx: Transaction) -> Reply:
        _, version = policies.add_policy_version(
            tx, caller.acting, policy_id, body.content, body.note
        )
        return _version(caller, version, 201)

    return caller.act(command)


@router.get("/{policy_id}/versions/{number}", **declared(READ, PolicyVersionOut))
def read_version(caller: Asking, policy_id: Name, number: Number) -> Response:
    """Read one version."""
    return caller.show(
        lambda tx: _version(
            caller, policies.get_policy_version(tx, caller.permit, policy_id, number)
        )
    )


@router.get("/{policy_id}/versions/{number}/differences", **declared(READ, PolicyDiff))
def compare_versions(
    caller: Asking, policy_id: Name, number: Number, to: Annotated[int, Query(ge=1, le=10**9)]
) -> Response:
    """Tell what changed from one version to another, key by key."""

    def query(tx: Transaction) -> Reply:
        found = policies.diff_policy_versions(tx, caller.permit, policy_id, (number, to))
        shown: dict[str, Any] = {
            "policy": policy_id,
            "before": number,
            "after": to,
            "differences": [DifferenceOut.model_validate(each) for each in found],
        }
        return reply(PolicyDiff(**shown))

    return caller.show(query)


@router.post(
    "/{policy_id}/versions/{number}/locks",
    **declared(LOCK, PolicyVersionOut, ok=201, flags="IMW"),
)
def lock_version(caller: Asking, policy_id: Name, number: Number) -> Response:
    """Make a version binding, as somebody who did not write it."""
    return caller.act(
        lambda tx: _version(
            caller, policies.lock_policy_version(tx, caller.acting, policy_id, number), 201
        )
    )


def _version(caller: Caller, version: PolicyVersion, status: int = 200) -> Reply:
    address = f"{ADDRESS}/{version.policy}/versions/{version.number}"
    possible = acts(
        caller,
        address,
        POSSIBLE,
        allowed=("lock",) if version.state is PolicyState.DRAFT else (),
        earlier=(version.author,),
    )
    shown = PolicyVersionOut.model_validate(version).model_copy(update={"actions": possible})
    return reply(shown, status, version=version.version, address=address)
