"""What operations need of the world: a store, its transactions, a source of ids.

A `Transaction` is either the one writer's (inside a savepoint of a group commit) or a read
snapshot; its repositories are the same. `get` answers only what the scope may see and refuses
with `NotFound` otherwise; `find` looks inside the center, for rules, and answers nothing when
there is nothing. `save` refuses with `VersionMismatch` when the stored version is not the one
before. Lists are ordered by id and answer a page from after the cursor.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from scheduler.ports.asked import Calls, Requests, Scores
from scheduler.ports.changes import ChangeRequests
from scheduler.ports.decided import Awards, Decisions, Documents, Reserve, Rounds, Scenarios
from scheduler.ports.deliveries import Contacts, Deliveries, Watches
from scheduler.ports.directory import (
    CapacityChanges,
    Groups,
    Institutes,
    People,
    Policies,
    Pools,
    RoleGrants,
    Tokens,
)
from scheduler.ports.enforcement import Enforcement
from scheduler.ports.kept import Events, Idempotency, Jobs
from scheduler.ports.ledger import Ledger
from scheduler.ports.metering import Gauges, Reconciliations
from scheduler.ports.notifications import Notifications
from scheduler.ports.paging import T
from scheduler.ports.usage import Proposals, Usage


class Transaction(Protocol):
    """All repositories over one connection."""

    @property
    def institutes(self) -> Institutes:
        """Institutes."""
        ...

    @property
    def groups(self) -> Groups:
        """Groups."""
        ...

    @property
    def people(self) -> People:
        """People."""
        ...

    @property
    def role_grants(self) -> RoleGrants:
        """Role grants."""
        ...

    @property
    def tokens(self) -> Tokens:
        """Tokens."""
        ...

    @property
    def pools(self) -> Pools:
        """Pools."""
        ...

    @property
    def capacity_changes(self) -> CapacityChanges:
        """Capacity changes."""
        ...

    @property
    def policies(self) -> Policies:
        """Policies."""
        ...

    @property
    def calls(self) -> Calls:
        """Calls."""
        ...

    @property
    def requests(self) -> Requests:
        """Requests, submissions, endorsements."""
        ...

    @property
    def scores(self) -> Scores:
        """Review scores."""
        ...

    @property
    def documents(self) -> Documents:
        """Large JSON texts."""
        ...

    @property
    def rounds(self) -> Rounds:
        """Rounds."""
        ...

    @property
    def scenarios(self) -> Scenarios:
        """Scenarios."""
        ...

    @property
    def decisions(self) -> Decisions:
        """Decisions."""
        ...

    @property
    def awards(self) -> Awards:
        """Awards."""
        ...

    @property
    def change_requests(self) -> ChangeRequests:
        """Change requests."""
        ...

    @property
    def reserve(self) -> Reserve:
        """Reserve lists."""
        ...

    @property
    def ledger(self) -> Ledger:
        """Accounts and transfers."""
        ...

    @property
    def usage(self) -> Usage:
        """What jobs used."""
        ...

    @property
    def gauges(self) -> Gauges:
        """What controllers count."""
        ...

    @property
    def reconciliations(self) -> Reconciliations:
        """What comparisons found."""
        ...

    @property
    def proposals(self) -> Proposals:
        """Acts that wait for a second person."""
        ...

    @property
    def enforcement(self) -> Enforcement:
        """What clusters are told, and what they have."""
        ...

    @property
    def notifications(self) -> Notifications:
        """What people are told."""
        ...

    @property
    def deliveries(self) -> Deliveries:
        """What is to be told outside."""
        ...

    @property
    def contacts(self) -> Contacts:
        """How people want to be told."""
        ...

    @property
    def watches(self) -> Watches:
        """What was told last."""
        ...

    @property
    def jobs(self) -> Jobs:
        """Jobs and their progress."""
        ...

    @property
    def events(self) -> Events:
        """The log."""
        ...

    @property
    def idempotency(self) -> Idempotency:
        """Kept answers."""
        ...


class Store(Protocol):
    """Where the center lives."""

    def write(self, command: Callable[[Transaction], T]) -> T:
        """Run a command in the writer and return its answer after the commit."""
        ...

    def read(self) -> AbstractContextManager[Transaction]:
        """Open a read snapshot."""
        ...
