"""Role grants by two people, and what a person may be called."""

from collections.abc import Sequence
from dataclasses import dataclass

from scheduler.domain.access import Permit, Principal, Role
from scheduler.domain.directory import GrantState, Person, RoleGrant
from scheduler.domain.errors import AlreadyFounded, InvalidValue
from scheduler.domain.events import Happening
from scheduler.operations.record import record
from scheduler.ports.acts import Act
from scheduler.ports.paging import FIRST, Page, Slice
from scheduler.ports.store import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedRole:
    """A role proposed for a person."""

    person: str
    role: Role
    group: str | None = None
    institute: str | None = None
    cluster: str | None = None


def found_center(tx: Transaction, act: Act, admins: Sequence[Person]) -> tuple[RoleGrant, ...]:
    """Make the first two administrators, who grant all further roles together.

    Raises:
        AlreadyFounded: If any role was ever granted.
        InvalidValue: If there are fewer than two.
    """
    if tx.role_grants.any():
        raise AlreadyFounded
    if len({person.id for person in admins}) < 2:  # noqa: PLR2004 - one alone could grant nothing
        raise InvalidValue(field="/admins", value=len(admins), rule="two people at least")
    for person in admins:
        if tx.people.find(person.id) is None:
            tx.people.add(person)
    return tuple(
        grant_directly(tx, act, ProposedRole(person=person.id, role=Role.ADMIN))
        for person in admins
    )


def grant_directly(tx: Transaction, act: Act, proposed: ProposedRole) -> RoleGrant:
    """Make a role effective at once, for whoever holds the machine itself."""
    grant = _grant(tx, act, proposed, GrantState.EFFECTIVE)
    record(tx, act, _told("role.granted", grant))
    return grant


def propose_role_grant(tx: Transaction, act: Act, proposed: ProposedRole) -> RoleGrant:
    """Propose a role; a second administrator approves it.

    Raises:
        InvalidValue: If the person, group or institute is unknown, or an agent has no cluster.
    """
    grant = _grant(tx, act, proposed, GrantState.PROPOSED)
    record(tx, act, _told("role.proposed", grant))
    return grant


def approve_role_grant(tx: Transaction, act: Act, id_: str) -> RoleGrant:
    """Make a proposed role effective.

    Raises:
        SecondPersonRequired: If the proposer, or who gains by it, approves.
    """
    grant = tx.role_grants.get(act.scope, id_)
    act.expect("role grant", id_, grant.version)
    approved, told = grant.approve(act.person, act.now)
    tx.role_grants.save(approved)
    record(tx, act, told)
    return approved


def reject_role_grant(tx: Transaction, act: Act, id_: str) -> RoleGrant:
    """Refuse a proposed role."""
    grant = tx.role_grants.get(act.scope, id_)
    act.expect("role grant", id_, grant.version)
    rejected, told = grant.reject(act.person, act.now)
    tx.role_grants.save(rejected)
    record(tx, act, told)
    return rejected


def revoke_role_grant(tx: Transaction, act: Act, id_: str) -> RoleGrant:
    """Let a role count no more, at once; taking away needs no second person."""
    grant = tx.role_grants.get(act.scope, id_)
    act.expect("role grant", id_, grant.version)
    revoked, told = grant.revoke(act.person, act.now)
    tx.role_grants.save(revoked)
    record(tx, act, told)
    return revoked


def get_role_grant(tx: Transaction, permit: Permit, id_: str) -> RoleGrant:
    """Return a grant, if visible."""
    return tx.role_grants.get(permit.scope, id_)


def list_role_grants(
    tx: Transaction,
    permit: Permit,
    slice_: Slice = FIRST,
    *,
    person: str | None = None,
    state: GrantState | None = None,
) -> Page[RoleGrant]:
    """List visible grants."""
    return tx.role_grants.list(permit.scope, slice_, person=person, state=state)


def principal_of(tx: Transaction, person: Person, scopes: Sequence[str] = ("*",)) -> Principal:
    """Return who a person is now: roles and relations as they stand in the store."""
    grants = tx.role_grants.of(person.id)
    roles = {grant.role for grant in grants}
    if person.is_fellow:
        roles.add(Role.FELLOW)
    group = tx.groups.find(person.group) if person.group is not None else None
    return Principal(
        person=person.id,
        roles=frozenset(roles),
        group=person.group,
        institute=person.institute or (group.institute if group is not None else None),
        groups=frozenset(grant.group for grant in grants if grant.group is not None),
        institutes=frozenset(grant.institute for grant in grants if grant.institute is not None),
        clusters=frozenset(grant.cluster for grant in grants if grant.cluster is not None),
        scopes=frozenset(scopes),
    )


def _grant(tx: Transaction, act: Act, proposed: ProposedRole, state: GrantState) -> RoleGrant:
    if tx.people.find(proposed.person) is None:
        raise InvalidValue(field="/person", value=proposed.person, rule="a known person")
    if proposed.group is not None and tx.groups.find(proposed.group) is None:
        raise InvalidValue(field="/group", value=proposed.group, rule="a known group")
    if proposed.institute is not None and tx.institutes.find(proposed.institute) is None:
        raise InvalidValue(field="/institute", value=proposed.institute, rule="a known institute")
    if proposed.role is Role.AGENT and proposed.cluster is None:
        raise InvalidValue(field="/cluster", value=None, rule="the cluster of the agent")
    grant = RoleGrant(
        id=act.new("grt"),
        person=proposed.person,
        role=proposed.role,
        group=proposed.group,
        institute=proposed.institute,
        state=state,
        proposed_by=act.person,
        proposed_at=act.now,
        cluster=proposed.cluster,
    )
    tx.role_grants.add(grant)
    return grant


def _told(kind: str, grant: RoleGrant) -> Happening:
    return Happening(
        kind=kind,
        subject=grant.id,
        body={
            "person": grant.person,
            "role": str(grant.role),
            "group": grant.group,
            "institute": grant.institute,
            "cluster": grant.cluster,
        },
    )
