"""Who there is: institutes, groups, people and the roles granted to them."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from scheduler.domain.access import GRANTED, Role
from scheduler.domain.errors import InvalidTransition, InvalidValue, SecondPersonRequired
from scheduler.domain.events import Happening
from scheduler.domain.names import line, slug


@dataclass(frozen=True, slots=True, kw_only=True)
class Institute:
    """A university or institute."""

    id: str
    name: str
    version: int = 1

    def __post_init__(self) -> None:
        slug(self.id, field="/id")
        line(self.name, field="/name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A research group; weight, floor and cap in thousandths (of GPU-hours)."""

    id: str
    name: str
    institute: str | None = None
    weight: int = 1000
    floor_gpu_hours: int = 0
    cap_gpu_hours: int | None = None
    version: int = 1

    def __post_init__(self) -> None:
        slug(self.id, field="/id")
        line(self.name, field="/name")
        if self.cap_gpu_hours is not None and self.floor_gpu_hours > self.cap_gpu_hours:
            raise InvalidValue(
                field="/floor_gpu_hours", value=self.floor_gpu_hours, rule="at most the cap"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person; one with a group is a fellow. Weight and cap in thousandths."""

    id: str
    name: str
    email: str | None = None
    group: str | None = None
    institute: str | None = None
    weight: int = 1000
    cap_gpu_hours: int | None = None
    active: bool = True
    version: int = 1

    def __post_init__(self) -> None:
        slug(self.id, field="/id")
        line(self.name, field="/name")
        if self.email is not None and "@" not in line(self.email, field="/email"):
            raise InvalidValue(field="/email", value=self.email, rule="an address with @")

    @property
    def is_fellow(self) -> bool:
        """Whether the person belongs to a group and may ask for GPU-hours."""
        return self.group is not None


class GrantState(StrEnum):
    """How far a role grant is."""

    PROPOSED = "proposed"
    """Waits for a second person."""
    EFFECTIVE = "effective"
    """Counts."""
    REJECTED = "rejected"
    """Was refused."""
    REVOKED = "revoked"
    """Counts no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleGrant:
    """A role given to a person, within a group, institute or cluster where the role needs one."""

    id: str
    person: str
    role: Role
    group: str | None
    institute: str | None
    state: GrantState
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    cluster: str | None = None
    version: int = 1

    def __post_init__(self) -> None:
        if self.role not in GRANTED:
            raise InvalidValue(field="/role", value=self.role, rule="a role that is granted")
        if (self.role is Role.GROUP_LEAD) != (self.group is not None):
            raise InvalidValue(field="/group", value=self.group, rule="for group leads alone")
        if (self.role is Role.COORDINATOR) != (self.institute is not None):
            raise InvalidValue(field="/institute", value=self.institute, rule="for coordinators")
        if self.cluster is not None:
            line(self.cluster, field="/cluster")
            if self.role is not Role.AGENT:
                raise InvalidValue(field="/cluster", value=self.cluster, rule="for agents alone")

    def approve(self, by: str, at: datetime) -> tuple["RoleGrant", Happening]:
        """Make the role count.

        Raises:
            SecondPersonRequired: If the one who proposed it, or gains by it, approves it.
        """
        self._refuse_unless(GrantState.PROPOSED, "approve")
        if by in {self.proposed_by, self.person}:
            part = "proposer" if by == self.proposed_by else "one who gains by it"
            raise SecondPersonRequired(action="role.grant", person=by, part=part)
        return self._decided(GrantState.EFFECTIVE, by, at), self._told("role.granted")

    def reject(self, by: str, at: datetime) -> tuple["RoleGrant", Happening]:
        """Refuse the proposal."""
        self._refuse_unless(GrantState.PROPOSED, "reject")
        return self._decided(GrantState.REJECTED, by, at), self._told("role.rejected")

    def revoke(self, by: str, at: datetime) -> tuple["RoleGrant", Happening]:
        """Let the role count no more."""
        self._refuse_unless(GrantState.EFFECTIVE, "revoke")
        return self._decided(GrantState.REVOKED, by, at), self._told("role.revoked")

    def _decided(self, state: GrantState, by: str, at: datetime) -> "RoleGrant":
        return replace(self, state=state, decided_by=by, decided_at=at, version=self.version + 1)

    def _told(self, kind: str) -> Happening:
        within = {"group": self.group, "institute": self.institute, "cluster": self.cluster}
        return Happening(
            kind=kind,
            subject=self.id,
            body={"person": self.person, "role": str(self.role), **within},
        )

    def _refuse_unless(self, state: GrantState, action: str) -> None:
        if self.state is not state:
            allowed = {
                GrantState.PROPOSED: ["approve", "reject"],
                GrantState.EFFECTIVE: ["revoke"],
            }.get(self.state, [])
            raise InvalidTransition(
                kind="role grant", id=self.id, state=self.state, action=action, allowed=allowed
            )
