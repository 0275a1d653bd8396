"""The ledger: accounts and transfers."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from scheduler.domain.access import Scope
from scheduler.domain.flows import Flows, Standing
from scheduler.domain.ledger import Account, Transfer
from scheduler.ports.paging import ALL_ACCOUNTS, FIRST, AccountFilter, Page, Slice


class Ledger(Protocol):
    """Accounts by id, and transfers, that nobody changes."""

    def find(self, id_: str) -> Account | None:
        """Return the account, whoever asks."""
        ...

    def get(self, scope: Scope, id_: str) -> Account:
        """Return the account, if visible."""
        ...

    def of_owner(self, owner: str) -> Sequence[Account]:
        """Return the accounts of a call, group or award, whoever asks."""
        ...

    def of_owners(self, owners: Iterable[str]) -> Sequence[Account]:
        """Return the accounts of some owners, by id, whoever asks."""
        ...

    def enter(self, transfers: Iterable[Transfer], accounts: Iterable[Account]) -> None:
        """Keep new transfers and what they make of the accounts they touch."""
        ...

    def credited(self, account: str) -> Sequence[Transfer]:
        """Return the transfers that credit an account, whoever asks."""
        ...

    def settled(self, transfers: Iterable[str]) -> frozenset[str]:
        """Return which of these pending transfers are posted or voided."""
        ...

    def accounts(
        self, scope: Scope, slice_: Slice = FIRST, *, where: AccountFilter = ALL_ACCOUNTS
    ) -> Page[Account]:
        """List visible accounts."""
        ...

    def transfers(
        self, scope: Scope, slice_: Slice = FIRST, *, account: str | None = None
    ) -> Page[Transfer]:
        """List the transfers of visible accounts, or of one of them."""
        ...

    def flows(self, after: int = 0, *, before: datetime | None = None) -> Flows:
        """Return the sums of all transfers that events later than a position caused.

        If an instant is named, only of those that were entered before it.
        """
        ...

    def kept(self) -> Mapping[str, Standing]:
        """Return what every account is kept to hold."""
        ...
