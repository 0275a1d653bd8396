"""Policies: draft, version, lock by a second person, compare."""

from collections.abc import Mapping
from dataclasses import replace

from scheduler.document import parse_document
from scheduler.domain.access import Permit
from scheduler.domain.errors import AlreadyExists, InvalidPolicy, NotFound
from scheduler.domain.events import Happening, Json
from scheduler.domain.names import paragraphs
from scheduler.domain.policies import Difference, Policy, PolicyVersion, differences
from scheduler.operations.record import record
from scheduler.policy import InvalidPolicy as PolicyRefused
from scheduler.policy import read_policy
from scheduler.ports.acts import Act
from scheduler.ports.paging import FIRST, Page, Slice
from scheduler.ports.store import Transaction
from solver.canonical import canonical, digest
from solver.problem import Method


def draft_policy(
    tx: Transaction, act: Act, name: str, title: str, content: Mapping[str, Json]
) -> tuple[Policy, PolicyVersion]:
    """Begin a policy with its first version.

    Raises:
        AlreadyExists: If the name is taken.
        InvalidPolicy: If the content is no policy.
    """
    if tx.policies.find(name) is not None:
        raise AlreadyExists(kind="policy", id=name)
    policy = Policy(id=name, title=title, created_by=act.person, created_at=act.now)
    tx.policies.add(policy)
    return _next_version(tx, act, policy, content, "")


def add_policy_version(
    tx: Transaction, act: Act, name: str, content: Mapping[str, Json], note: str = ""
) -> tuple[Policy, PolicyVersion]:
    """Write the next version of a policy; earlier ones stay as they are.

    Raises:
        InvalidPolicy: If the content is no policy.
    """
    policy = get_policy(tx, act.permit, name)
    act.expect("policy", name, policy.version)
    return _next_version(tx, act, policy, content, paragraphs(note, field="/note"))


def lock_policy_version(tx: Transaction, act: Act, name: str, number: int) -> PolicyVersion:
    """Make a version binding; its author may not.

    Raises:
        SecondPersonRequired: If its author locks it.
    """
    version = get_policy_version(tx, act.permit, name, number)
    act.expect("policy version", f"{name}/{number}", version.version)
    locked, told = version.lock(act.person, act.now)
    tx.policies.save_version(locked)
    record(tx, act, told)
    return locked


def get_policy(tx: Transaction, permit: Permit, name: str) -> Policy:
    """Return a policy."""
    del permit
    policy = tx.policies.find(name)
    if policy is None:
        raise NotFound(kind="policy", id=name)
    return policy


def list_policies(tx: Transaction, permit: Permit, slice_: Slice = FIRST) -> Page[Policy]:
    """List policies."""
    del permit
    return tx.policies.list(slice_)


def get_policy_version(tx: Transaction, permit: Permit, name: str, number: int) -> PolicyVersion:
    """Return one version of a policy."""
    del permit
    version = tx.policies.version(name, number)
    if version is None:
        raise NotFound(kind="policy version", id=f"{name}/{number}")
    return version


def list_policy_versions(tx: Transaction, permit: Permit, name: str) -> tuple[PolicyVersion, ...]:
    """Return all versions of a policy, oldest first."""
    get_policy(tx, permit, name)
    return tuple(tx.policies.versions(name))


def diff_policy_versions(
    tx: Transaction, permit: Permit, name: str, numbers: tuple[int, int]
) -> tuple[Difference, ...]:
    """Return what changed from one version to another, key by key."""
    before, after = (get_policy_version(tx, permit, name, number) for number in numbers)
    return differences(before.content, after.content)


def draws_lots(content: Mapping[str, Json]) -> bool:
    """Say whether a policy draws lots, so that its seed must be fixed before."""
    return read_policy(parse_document(canonical(content))).rules.method is Method.LOTTERY


def _next_version(
    tx: Transaction, act: Act, policy: Policy, content: Mapping[str, Json], note: str
) -> tuple[Policy, PolicyVersion]:
    named = {**content, "name": policy.id}
    try:
        read_policy(parse_document(canonical(named)))
    except (PolicyRefused, ValueError) as refusal:
        raise InvalidPolicy(policy=policy.id, rule=str(refusal)) from refusal
    version = PolicyVersion(
        policy=policy.id,
        number=policy.latest + 1,
        content=named,
        digest=digest(named),
        author=act.person,
        created_at=act.now,
        note=note,
    )
    grown = replace(policy, latest=version.number, version=policy.version + 1)
    tx.policies.save(grown)
    tx.policies.add_version(version)
    body: dict[str, Json] = {"number": version.number, "digest": version.digest}
    record(tx, act, Happening(kind="policy.drafted", subject=policy.id, body=body))
    return grown, version
