"""Who may do what to whose things: one table, read once, asked everywhere."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from io import StringIO
from typing import Final, TypeAlias

from scheduler.domain.errors import Forbidden


class Role(StrEnum):
    """What a person is in the center."""

    FELLOW = "fellow"
    """Asks for GPU-hours; implied by belonging to a group."""
    GROUP_LEAD = "group_lead"
    """Speaks for a group."""
    COORDINATOR = "coordinator"
    """Speaks for an institute."""
    REVIEWER = "reviewer"
    """Scores requests."""
    OPERATOR = "operator"
    """Runs calls and rounds."""
    APPROVER = "approver"
    """Signs what operators propose."""
    AUDITOR = "auditor"
    """Reads and re-checks."""
    SCRAPER = "scraper"
    """Reads metrics."""
    COLLECTOR = "collector"
    """Brings the usage of a cluster."""
    AGENT = "agent"
    """Pulls the plans of its clusters and reports what it enforced."""
    ADMIN = "admin"
    """Keeps people, roles and the machine."""


GRANTED: Final = frozenset(Role) - {Role.FELLOW}
"""Roles that are granted by a row; a fellow is one by belonging to a group."""


class Code(StrEnum):
    """A cell of the permission matrix."""

    ALL = "A"
    """Everything."""
    OWN = "O"
    """What is the person's own."""
    GROUP = "G"
    """What belongs to the group the person leads."""
    INSTITUTE = "I"
    """What belongs to the institute the person coordinates."""
    CLUSTER = "C"
    """What belongs to the clusters the person is the agent of."""
    ASSIGNED = "S"
    """What the person reviews, free of conflict."""
    PSEUDONYMOUS = "N"
    """Everything, without names."""
    PUBLISHED = "P"
    """What is published."""
    SECOND = "4"
    """Everything, effective only with a second person."""
    DENIED = "."
    """Nothing."""


Matrix: TypeAlias = Mapping[str, Mapping[Role, Code]]
"""Action → role → code."""


def read_matrix(text: str) -> Matrix:
    """Return the permission matrix of a CSV text.

    Raises:
        ValueError: If a role or code is unknown, or an action stands twice.
    """
    matrix: dict[str, dict[Role, Code]] = {}
    for row in csv.DictReader(StringIO(text)):
        action = row.pop("action")
        if action in matrix:
            raise ValueError(f"Action {action} stands twice in the permission matrix.")
        matrix[action] = {Role(role): Code(code) for role, code in row.items()}
    return matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Somebody who is known by a token.

    Attributes:
        person: id of the person.
        roles: what the person is now.
        group: the group the person belongs to.
        institute: the institute the person belongs to.
        groups: groups the person leads.
        institutes: institutes the person coordinates.
        clusters: clusters the person is the agent of.
        scopes: what the token may be used for: actions, `area.*`, or `*`.
    """

    person: str
    roles: frozenset[Role] = frozenset()
    group: str | None = None
    institute: str | None = None
    groups: frozenset[str] = frozenset()
    institutes: frozenset[str] = frozenset()
    clusters: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset({"*"})

    def token_covers(self, action: str) -> bool:
        """Return whether the token may be used for the action."""
        area = action.split(".", 1)[0]
        return not self.scopes.isdisjoint({"*", f"{area}.*", action})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose things an action reaches; the parts add up.

    Attributes:
        everything: all, with names.
        pseudonymous: all, without names.
        own: id of the person whose own things are reached.
        groups: groups whose things are reached.
        institutes: institutes whose things are reached.
        clusters: clusters whose things are reached.
        reviewer: id of the reviewer whose assigned things are reached, without names.
        published: what is published.
        second_person: the act takes effect only with a second person.
    """

    everything: bool = False
    pseudonymous: bool = False
    own: str | None = None
    groups: frozenset[str] = frozenset()
    institutes: frozenset[str] = frozenset()
    clusters: frozenset[str] = frozenset()
    reviewer: str | None = None
    published: bool = False
    second_person: bool = False

    @property
    def sees_all(self) -> bool:
        """Whether nothing is filtered away, with or without names."""
        return self.everything or self.pseudonymous

    def names(self, *, person: str, group: str | None, institute: str | None) -> bool:
        """Return whether the person behind a thing may be named."""
        return (
            self.everything
            or person == self.own
            or (group is not None and group in self.groups)
            or (institute is not None and institute in self.institutes)
        )


EVERYTHING: Final = Scope(everything=True)


def scope_of(action: str, principal: Principal, matrix: Matrix) -> Scope | None:
    """Return whose things the action reaches, or nothing if it is refused.

    Raises:
        ValueError: If the matrix does not know the action.
    """
    if action not in matrix:
        raise ValueError(f"The permission matrix does not know {action}.")
    if not principal.token_covers(action):
        return None
    reached: Scope | None = None
    for role, code in matrix[action].items():
        if role in principal.roles and code is not Code.DENIED:
            reached = _widened(reached or Scope(), code, principal)
    return reached


def _widened(scope: Scope, code: Code, principal: Principal) -> Scope:
    person = principal.person
    wider: Mapping[Code, Mapping[str, object]] = {
        Code.ALL: {"everything": True},
        Code.SECOND: {"everything": True, "second_person": True},
        Code.PSEUDONYMOUS: {"pseudonymous": True},
        Code.OWN: {"own": person},
        Code.GROUP: {"groups": scope.groups | principal.groups},
        Code.INSTITUTE: {"institutes": scope.institutes | principal.institutes},
        Code.CLUSTER: {"clusters": scope.clusters | principal.clusters},
        Code.ASSIGNED: {"reviewer": person},
        Code.PUBLISHED: {"published": True, "own": person},
    }
    return replace(scope, **wider[code])  # type: ignore[arg-type]  # keys are fields of Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """An action that the matrix allows a person, and whose things it reaches.

    Operations take it as their second argument: they act as `person` and see within `scope`.
    """

    action: str
    person: str
    scope: Scope = field(default=EVERYTHING)


def permit(action: str, principal: Principal, matrix: Matrix) -> Permit:
    """Return the permission to act.

    Raises:
        Forbidden: If no role of the person, or not the token, allows the action.
    """
    scope = scope_of(action, principal, matrix)
    if scope is None:
        raise Forbidden(action=action)
    return Permit(action=action, person=principal.person, scope=scope)
