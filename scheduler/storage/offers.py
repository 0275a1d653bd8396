"""Pools, capacity changes, policies and calls in SQL."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from scheduler.domain.calls import Call, CallState
from scheduler.domain.policies import Policy, PolicyVersion
from scheduler.domain.pools import CapacityChange, ChangeState, Pool
from scheduler.ports.paging import FIRST, Page, Slice
from scheduler.storage import tables
from scheduler.storage.rows import Rows, equal


class SqlPools:
    """Pools over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._rows = Rows(connection, tables.pools, Pool, "pool")

    def find(self, id_: str) -> Pool | None:
        """Return the pool, if there is one."""
        return self._rows.with_id(id_)

    def add(self, pool: Pool) -> None:
        """Keep a new pool."""
        self._rows.insert([pool])

    def save(self, pool: Pool) -> None:
        """Keep the next version."""
        self._rows.update(pool)

    def of(self, ids: Iterable[str]) -> Sequence[Pool]:
        """Return the pools of these ids, in order of id."""
        return self._rows.all(tables.pools.c.id.in_(set(ids)))

    def list(self, slice_: Slice = FIRST) -> Page[Pool]:
        """List pools."""
        return self._rows.page(slice_)


class SqlCapacityChanges:
    """Capacity changes over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._rows = Rows(connection, tables.capacity_changes, CapacityChange, "capacity change")

    def find(self, id_: str) -> CapacityChange | None:
        """Return the change, if there is one."""
        return self._rows.with_id(id_)

    def add(self, change: CapacityChange) -> None:
        """Keep a new change."""
        self._rows.insert([change])

    def save(self, change: CapacityChange) -> None:
        """Keep the next version."""
        self._rows.update(change)

    def of(self, pools: Iterable[str]) -> Sequence[CapacityChange]:
        """Return the approved changes of some pools, in order of id."""
        table = tables.capacity_changes
        return self._rows.all(table.c.pool.in_(set(pools)), table.c.state == ChangeState.APPROVED)

    def list(
        self,
        slice_: Slice = FIRST,
        *,
        pool: str | None = None,
        state: ChangeState | None = None,
    ) -> Page[CapacityChange]:
        """List changes."""
        table = tables.capacity_changes
        return self._rows.page(slice_, equal(table.c.pool, pool), equal(table.c.state, state))


class SqlPolicies:
    """Policies over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._rows = Rows(connection, tables.policies, Policy, "policy")
        self._versions = Rows(connection, tables.policy_versions, PolicyVersion, "policy version")

    def find(self, name: str) -> Policy | None:
        """Return the policy, if there is one."""
        return self._rows.with_id(name)

    def add(self, policy: Policy) -> None:
        """Keep a new policy."""
        self._rows.insert([policy])

    def save(self, policy: Policy) -> None:
        """Keep the next version of the record."""
        self._rows.update(policy)

    def list(self, slice_: Slice = FIRST) -> Page[Policy]:
        """List policies."""
        return self._rows.page(slice_)

    def version(self, name: str, number: int) -> PolicyVersion | None:
        """Return one content, if there is one."""
        table = tables.policy_versions
        return self._versions.find(table.c.policy == name, table.c.number == number)

    def versions(self, name: str) -> Sequence[PolicyVersion]:
        """Return all contents, oldest first."""
        table = tables.policy_versions
        return self._versions.all(table.c.policy == name, by=table.c.number)

    def add_version(self, version: PolicyVersion) -> None:
        """Keep a new content."""
        self._versions.insert([version])

    def save_version(self, version: PolicyVersion) -> None:
        """Keep a locked content."""
        self._versions.update(version)


class SqlCalls:
    """Calls over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._rows = Rows(connection, tables.calls, Call, "call")

    def find(self, id_: str) -> Call | None:
        """Return the call, whoever asks."""
        return self._rows.with_id(id_)

    def add(self, call: Call) -> None:
        """Keep a new call."""
        self._rows.insert([call])

    def save(self, call: Call) -> None:
        """Keep the next version."""
        self._rows.update(call)

    def list(
        self, slice_: Slice = FIRST, *, drafts: bool = False, state: CallState | None = None
    ) -> Page[Call]:
        """List calls by stored state; drafts only when asked for."""
        table = tables.calls
        public = None if drafts else table.c.state != CallState.DRAFT
        return self._rows.page(slice_, public, equal(table.c.state, state))
