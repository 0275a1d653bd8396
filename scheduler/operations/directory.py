"""Institutes, groups and people: put, list, get, deactivate."""

from dataclasses import replace

from scheduler.domain.access import Permit
from scheduler.domain.directory import Group, Institute, Person
from scheduler.domain.errors import Forbidden, InvalidTransition, InvalidValue, NotFound
from scheduler.domain.events import Happening
from scheduler.operations.effects import cause_by_person
from scheduler.operations.record import record
from scheduler.ports.acts import Act
from scheduler.ports.paging import FIRST, Page, Slice
from scheduler.ports.store import Transaction


def put_institute(tx: Transaction, act: Act, institute: Institute) -> tuple[Institute, bool]:
    """Keep an institute under its slug; return it and whether it is new."""
    _refuse_outside(act, institute.id)
    before = tx.institutes.find(institute.id)
    if before is None:
        kept = replace(institute, version=1)
        tx.institutes.add(kept)
    else:
        act.expect("institute", before.id, before.version)
        kept = replace(institute, version=before.version + 1)
        tx.institutes.save(kept)
    record(tx, act, Happening(kind="institute.put", subject=kept.id))
    return kept, before is None


def get_institute(tx: Transaction, permit: Permit, id_: str) -> Institute:
    """Return an institute."""
    del permit
    institute = tx.institutes.find(id_)
    if institute is None:
        raise NotFound(kind="institute", id=id_)
    return institute


def list_institutes(tx: Transaction, permit: Permit, slice_: Slice = FIRST) -> Page[Institute]:
    """List institutes."""
    return tx.institutes.list(permit.scope, slice_)


def put_group(tx: Transaction, act: Act, group: Group) -> tuple[Group, bool]:
    """Keep a group under its slug; return it and whether it is new.

    Raises:
        InvalidValue: If its institute is unknown.
        Forbidden: If a coordinator reaches outside the institute.
    """
    _refuse_outside(act, group.institute)
    if group.institute is not None and tx.institutes.find(group.institute) is None:
        raise InvalidValue(field="/institute", value=group.institute, rule="a known institute")
    before = tx.groups.find(group.id)
    if before is None:
        kept = replace(group, version=1)
        tx.groups.add(kept)
    else:
        _refuse_outside(act, before.institute)
        act.expect("group", before.id, before.version)
        kept = replace(group, version=before.version + 1)
        tx.groups.save(kept)
    record(tx, act, Happening(kind="group.put", subject=kept.id))
    return kept, before is None


def get_group(tx: Transaction, permit: Permit, id_: str) -> Group:
    """Return a group."""
    del permit
    group = tx.groups.find(id_)
    if group is None:
        raise NotFound(kind="group", id=id_)
    return group


def list_groups(
    tx: Transaction, permit: Permit, slice_: Slice = FIRST, *, institute: str | None = None
) -> Page[Group]:
    """List groups, of one institute or of all."""
    return tx.groups.list(permit.scope, slice_, institute=institute)


def put_person(tx: Transaction, act: Act, person: Person) -> tuple[Person, bool]:
    """Keep a person under their slug; return them and whether they are new.

    Raises:
        InvalidValue: If the group or institute is unknown.
        Forbidden: If a coordinator reaches outside the institute.
    """
    _refuse_outside(act, _institute_of(tx, person))
    before = tx.people.find(person.id)
    if before is None:
        kept = replace(person, active=True, version=1)
        tx.people.add(kept)
    else:
        _refuse_outside(act, _institute_of(tx, before))
        act.expect("person", before.id, before.version)
        kept = replace(person, active=before.active, version=before.version + 1)
        tx.people.save(kept)
    event = record(tx, act, Happening(kind="person.put", subject=kept.id))
    if before is not None and (before.group, before.institute) != (kept.group, kept.institute):
        cause_by_person(tx, act, kept.id, event=event.seq)
    return kept, before is None


def get_person(tx: Transaction, permit: Permit, id_: str) -> Person:
    """Return a person, if visible."""
    return tx.people.get(permit.scope, id_)


def list_people(
    tx: Transaction,
    permit: Permit,
    slice_: Slice = FIRST,
    *,
    group: str | None = None,
    institute: str | None = None,
) -> Page[Person]:
    """List visible people."""
    return tx.people.list(permit.scope, slice_, group=group, institute=institute)


def deactivate_person(tx: Transaction, act: Act, id_: str) -> Person:
    """Let a person's tokens and roles count no more, from the next request on."""
    person = tx.people.get(act.scope, id_)
    act.expect("person", person.id, person.version)
    if not person.active:
        raise InvalidTransition(
            kind="person", id=id_, state="inactive", action="deactivate", allowed=[]
        )
    inactive = replace(person, active=False, version=person.version + 1)
    tx.people.save(inactive)
    record(tx, act, Happening(kind="person.deactivated", subject=id_))
    return inactive


def _institute_of(tx: Transaction, person: Person) -> str | None:
    """Return the institute that speaks for a person: their own, else their group's."""
    if person.institute is not None and tx.institutes.find(person.institute) is None:
        raise InvalidValue(field="/institute", value=person.institute, rule="a known institute")
    if person.group is None:
        return person.institute
    group = tx.groups.find(person.group)
    if group is None:
        raise InvalidValue(field="/group", value=person.group, rule="a known group")
    return person.institute or group.institute


def _refuse_outside(act: Act, institute: str | None) -> None:
    if not act.scope.everything and institute not in act.scope.institutes:
        raise Forbidden(action=act.permit.action)
