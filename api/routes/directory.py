"""Institutes, groups and people."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.body import StrictRoute
from api.door import Asking, Caller
from api.pagination import STANDARD, Cursor, Limit
from api.permissions import declared
from api.replies import Reply, reply
from api.schemas.common import Listing
from api.schemas.directory import (
    GroupIn,
    GroupOut,
    InstituteIn,
    InstituteOut,
    PersonIn,
    PersonOut,
)
from api.schemas.fields import Slug, milli, milli_or_none
from scheduler.domain.access import Scope
from scheduler.domain.amounts import MILLI
from scheduler.domain.directory import Group, Institute, Person
from scheduler.operations import directory
from scheduler.ports.store import Transaction

READ: Final = "directory.person.read"
WRITE: Final = "directory.person.write"
Name = Annotated[str, Path(max_length=64)]
router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["directory"])


@router.get("/institutes", **declared(READ, Listing[InstituteOut], flags="L"))
def list_institutes(caller: Asking, cursor: Cursor = None, limit: Limit = STANDARD) -> Response:
    """List institutes."""
    part = caller.slice(cursor, limit)
    return caller.show(
        lambda tx: caller.listing(
            directory.list_institutes(tx, caller.permit, part), InstituteOut.model_validate
        )
    )


@router.get("/institutes/{institute_id}", **declared(READ, InstituteOut))
def read_institute(caller: Asking, institute_id: Name) -> Response:
    """Read one institute."""
    return caller.show(
        lambda tx: _institute(directory.get_institute(tx, caller.permit, institute_id))
    )


@router.put("/institutes/{institute_id}", **declared(WRITE, InstituteOut, flags="M", made=True))
def put_institute(caller: Asking, institute_id: Name, body: InstituteIn) -> Response:
    """Store an institute under its name."""

    def command(tx: Transaction) -> Reply:
        caller.refuse_blind(tx.institutes.find(institute_id))
        asked = Institute(id=institute_id, name=body.name)
        kept, new = directory.put_institute(tx, caller.acting, asked)
        return _institute(kept, 201 if new else 200)

    return caller.act(command)


@router.get("/groups", **declared(READ, Listing[GroupOut], flags="L"))
def list_groups(
    caller: Asking,
    cursor: Cursor = None,
    limit: Limit = STANDARD,
    institute: Annotated[Slug | None, Query()] = None,
) -> Response:
    """List groups, of one institute if asked."""
    part = caller.slice(cursor, limit)
    return caller.show(
        lambda tx: caller.listing(
            directory.list_groups(tx, caller.permit, part, institute=institute),
            GroupOut.model_validate,
        )
    )


@router.get("/groups/{group_id}", **declared(READ, GroupOut))
def read_group(caller: Asking, group_id: Name) -> Response:
    """Read one group."""
    return caller.show(lambda tx: _group(directory.get_group(tx, caller.permit, group_id)))


@router.put("/groups/{group_id}", **declared(WRITE, GroupOut, flags="M", made=True))
def put_group(caller: Asking, group_id: Name, body: GroupIn) -> Response:
    """Store a group under its name."""

    def command(tx: Transaction) -> Reply:
        caller.refuse_blind(tx.groups.find(group_id))
        asked = Group(
            id=group_id,
            name=body.name,
            institute=body.institute,
            weight=milli_or_none(body.weight) or MILLI,
            floor_gpu_hours=milli(body.floor_gpu_hours),
            cap_gpu_hours=milli_or_none(body.cap_gpu_hours),
        )
        kept, new = directory.put_group(tx, caller.acting, asked)
        return _group(kept, 201 if new else 200)

    return caller.act(command)


@router.get("/people", **declared(READ, Listing[PersonOut], flags="L"))
def list_people(
    caller: Asking,
    cursor: Cursor = None,
    limit: Limit = STANDARD,
    group: Annotated[Slug | None, Query()] = None,
    institute: Annotated[Slug | None, Query()] = None,
) -> Response:
    """List people the caller may see, of one group or institute if asked."""
    part = caller.slice(cursor, limit)
    return caller.show(
        lambda tx: caller.listing(
            directory.list_people(tx, caller.permit, part, group=group, institute=institute),
            lambda person: shown_person(caller.permit.scope, person),
        )
    )


@router.get("/people/{person_id}", **declared(READ, PersonOut))
def read_person(caller: Asking, person_id: Name) -> Response:
    """Read one person."""
    return caller.show(
        lambda tx: _person(caller, directory.get_person(tx, caller.permit, person_id))
    )


@router.put("/people/{person_id}", **declared(WRITE, PersonOut, flags="M", made=True))
def put_person(caller: Asking, person_id: Name, body: PersonIn) -> Response:
    """Store a person under their name; one with a group is a fellow."""

    def command(tx: Transaction) -> Reply:
        caller.refuse_blind(tx.people.find(person_id))
        asked = Person(
            id=person_id,
            name=body.name,
            email=body.email,
            group=body.group,
            institute=body.institute,
            weight=milli_or_none(body.weight) or MILLI,
            cap_gpu_hours=milli_or_none(body.cap_gpu_hours),
        )
        kept, new = directory.put_person(tx, caller.acting, asked)
        return _person(caller, kept, 201 if new else 200)

    return caller.act(command)


@router.post(
    "/people/{person_id}/deactivations",
    **declared("user.deactivate", PersonOut, ok=201, flags="I"),
)
def deactivate_person(caller: Asking, person_id: Name) -> Response:
    """Let a person's tokens and roles count no more, from the next request on."""
    return caller.act(
        lambda tx: _person(caller, directory.deactivate_person(tx, caller.acting, person_id), 201)
    )


def shown_person(scope: Scope, person: Person) -> PersonOut:
    """Show a person; without name and address where the scope gives no names."""
    shown = PersonOut.model_validate(person)
    if scope.names(person=person.id, group=person.group, institute=person.institute):
        return shown
    return shown.model_copy(update={"name": None, "email": None})


def _institute(found: Institute, status: int = 200) -> Reply:
    return reply(InstituteOut.model_validate(found), status, version=found.version)


def _group(found: Group, status: int = 200) -> Reply:
    return reply(GroupOut.model_validate(found), status, version=found.version)


def _person(caller: Caller, found: Person, status: int = 200) -> Reply:
    return reply(shown_person(caller.permit.scope, found), status, version=found.version)
