"""Who and what there is: institutes, groups, people, roles, tokens, pools, policies."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from scheduler.domain.access import Scope
from scheduler.domain.directory import GrantState, Group, Institute, Person, RoleGrant
from scheduler.domain.moves import PersonMove
from scheduler.domain.policies import Policy, PolicyVersion
from scheduler.domain.pools import CapacityChange, ChangeState, Pool
from scheduler.domain.tokens import Token
from scheduler.ports.paging import FIRST, Page, Slice


class Institutes(Protocol):
    """Institutes by slug."""

    def find(self, id_: str) -> Institute | None:
        """Return the institute, if there is one."""
        ...

    def add(self, institute: Institute) -> None:
        """Keep a new institute."""
        ...

    def save(self, institute: Institute) -> None:
        """Keep the next version."""
        ...

    def list(self, scope: Scope, slice_: Slice = FIRST) -> Page[Institute]:
        """List institutes; all are visible to whoever sees anyone."""
        ...


class Groups(Protocol):
    """Groups by slug."""

    def find(self, id_: str) -> Group | None:
        """Return the group, if there is one."""
        ...

    def add(self, group: Group) -> None:
        """Keep a new group."""
        ...

    def save(self, group: Group) -> None:
        """Keep the next version."""
        ...

    def list(
        self, scope: Scope, slice_: Slice = FIRST, *, institute: str | None = None
    ) -> Page[Group]:
        """List groups."""
        ...

    def of(self, ids: Iterable[str]) -> Sequence[Group]:
        """Return the groups of these ids, in order of id."""
        ...


class People(Protocol):
    """People by slug."""

    def find(self, id_: str) -> Person | None:
        """Return the person, whoever asks."""
        ...

    def get(self, scope: Scope, id_: str) -> Person:
        """Return the person, if visible."""
        ...

    def add(self, person: Person) -> None:
        """Keep a new person."""
        ...

    def save(self, person: Person) -> None:
        """Keep the next version."""
        ...

    def list(
        self,
        scope: Scope,
        slice_: Slice = FIRST,
        *,
        group: str | None = None,
        institute: str | None = None,
    ) -> Page[Person]:
        """List visible people."""
        ...

    def of(self, ids: Iterable[str]) -> Sequence[Person]:
        """Return the people of these ids, in order of id."""
        ...

    def add_move(self, move: PersonMove) -> None:
        """Keep a move, for good."""
        ...

    def moves(self, people: Iterable[str]) -> Sequence[PersonMove]:
        """Return the moves of some people, oldest first, whoever asks."""
        ...


class RoleGrants(Protocol):
    """Role grants by id."""

    def get(self, scope: Scope, id_: str) -> RoleGrant:
        """Return the grant, if visible."""
        ...

    def add(self, grant: RoleGrant) -> None:
        """Keep a new grant."""
        ...

    def save(self, grant: RoleGrant) -> None:
        """Keep the next version."""
        ...

    def of(self, person: str) -> Sequence[RoleGrant]:
        """Return the effective grants of a person."""
        ...

    def any(self) -> bool:
        """Return whether any role was ever granted."""
        ...

    def list(
        self,
        scope: Scope,
        slice_: Slice = FIRST,
        *,
        person: str | None = None,
        state: GrantState | None = None,
    ) -> Page[RoleGrant]:
        """List visible grants."""
        ...


class Tokens(Protocol):
    """Tokens by id and by hash."""

    def by_hash(self, hash_: str) -> Token | None:
        """Return the token with this hash."""
        ...

    def get(self, scope: Scope, id_: str) -> Token:
        """Return the token, if visible."""
        ...

    def add(self, token: Token) -> None:
        """Keep a new token."""
        ...

    def save(self, token: Token) -> None:
        """Keep a changed token."""
        ...

    def list(self, scope: Scope, slice_: Slice = FIRST) -> Page[Token]:
        """List visible tokens."""
        ...


class Pools(Protocol):
    """Pools by slug."""

    def find(self, id_: str) -> Pool | None:
        """Return the pool, if there is one."""
        ...

    def add(self, pool: Pool) -> None:
        """Keep a new pool."""
        ...

    def save(self, pool: Pool) -> None:
        """Keep the next version."""
        ...

    def of(self, ids: Iterable[str]) -> Sequence[Pool]:
        """Return the pools of these ids, in order of id."""
        ...

    def list(self, slice_: Slice = FIRST) -> Page[Pool]:
        """List pools."""
        ...


class CapacityChanges(Protocol):
    """Capacity changes by id."""

    def find(self, id_: str) -> CapacityChange | None:
        """Return the change, if there is one."""
        ...

    def add(self, change: CapacityChange) -> None:
        """Keep a new change."""
        ...

    def save(self, change: CapacityChange) -> None:
        """Keep the next version."""
        ...

    def of(self, pools: Iterable[str]) -> Sequence[CapacityChange]:
        """Return the approved changes of some pools, in order of id."""
        ...

    def list(
        self,
        slice_: Slice = FIRST,
        *,
        pool: str | None = None,
        state: ChangeState | None = None,
    ) -> Page[CapacityChange]:
        """List changes."""
        ...


class Policies(Protocol):
    """Policies by name, and their versions by number."""

    def find(self, name: str) -> Policy | None:
        """Return the policy, if there is one."""
        ...

    def add(self, policy: Policy) -> None:
        """Keep a new policy."""
        ...

    def save(self, policy: Policy) -> None:
        """Keep the next version of the record."""
        ...

    def list(self, slice_: Slice = FIRST) -> Page[Policy]:
        """List policies."""
        ...

    def version(self, name: str, number: int) -> PolicyVersion | None:
        """Return one content, if there is one."""
        ...

    def versions(self, name: str) -> Sequence[PolicyVersion]:
        """Return all contents, oldest first."""
        ...

    def add_version(self, version: PolicyVersion) -> None:
        """Keep a new content."""
        ...

    def save_version(self, version: PolicyVersion) -> None:
        """Keep a locked content."""
        ...
