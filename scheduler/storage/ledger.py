"""Accounts and transfers of the ledger in SQL."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, func, or_, select

from scheduler.domain.access import Scope
from scheduler.domain.flows import Flow, Flows, Standing
from scheduler.domain.ledger import Account, Transfer
from scheduler.ports.paging import ALL_ACCOUNTS, FIRST, AccountFilter, Page, Slice
from scheduler.storage import tables
from scheduler.storage.rows import Rows, equal
from scheduler.storage.visibility import visible_accounts, visible_transfers

OWNERS_AT_ONCE: Final = 5000
"""Owners named in one query."""


class SqlLedger:
    """The ledger over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._accounts = Rows(connection, tables.accounts, Account, "account")
        self._transfers = Rows(connection, tables.transfers, Transfer, "transfer")

    def find(self, id_: str) -> Account | None:
        """Return the account, whoever asks."""
        return self._accounts.with_id(id_)

    def get(self, scope: Scope, id_: str) -> Account:
        """Return the account, if visible."""
        return self._accounts.get(id_, visible_accounts(scope))

    def of_owner(self, owner: str) -> Sequence[Account]:
        """Return the accounts of a call, group or award, whoever asks."""
        return self._accounts.all(tables.accounts.c.owner == owner)

    def of_owners(self, owners: Iterable[str]) -> Sequence[Account]:
        """Return the accounts of some owners, by id, whoever asks."""
        wanted = sorted(set(owners))
        return [
            account
            for first in range(0, len(wanted), OWNERS_AT_ONCE)
            for account in self._accounts.all(
                tables.accounts.c.owner.in_(wanted[first : first + OWNERS_AT_ONCE])
            )
        ]

    def enter(self, transfers: Iterable[Transfer], accounts: Iterable[Account]) -> None:
        """Keep new transfers and what they make of the accounts they touch.

        An account of version 0 is new; the others are kept over the version they were read in.
        """
        self._transfers.insert(transfers)
        touched = [replace(each, version=each.version + 1) for each in accounts]
        self._accounts.insert(each for each in touched if each.version == 1)
        for account in touched:
            if account.version > 1:
                self._accounts.update(account)

    def credited(self, account: str) -> Sequence[Transfer]:
        """Return the transfers that credit an account, whoever asks."""
        return self._transfers.all(tables.transfers.c.credit == account)

    def settled(self, transfers: Iterable[str]) -> frozenset[str]:
        """Return which of these pending transfers are posted or voided."""
        column = tables.transfers.c.settles
        query = select(column).where(column.in_(list(transfers)))
        return frozenset(self._connection.execute(query).scalars())

    def accounts(
        self, scope: Scope, slice_: Slice = FIRST, *, where: AccountFilter = ALL_ACCOUNTS
    ) -> Page[Account]:
        """List visible accounts."""
        table = tables.accounts
        return self._accounts.page(
            slice_,
            visible_accounts(scope),
            equal(table.c.kind, where.kind),
            equal(table.c.owner, where.owner),
            equal(table.c.gpu_type, where.gpu_type),
        )

    def transfers(
        self, scope: Scope, slice_: Slice = FIRST, *, account: str | None = None
    ) -> Page[Transfer]:
        """List the transfers of visible accounts, or of one of them."""
        table = tables.transfers
        own = None if account is None else or_(table.c.debit == account, table.c.credit == account)
        return self._transfers.page(slice_, visible_transfers(scope), own)

    def flows(self, after: int = 0, *, before: datetime | None = None) -> Flows:
        """Return the sums of all transfers that events later than a position caused.

        If an instant is named, only of those that were entered before it.
        """
        table = tables.transfers
        way = (table.c.debit, table.c.credit, table.c.code, table.c.step)
        query = select(*way, func.sum(table.c.amount)).where(table.c.event > after).group_by(*way)
        if before is not None:
            query = query.where(table.c.at < before)
        return {Flow(*flow): int(amount) for *flow, amount in self._connection.execute(query)}

    def kept(self) -> Mapping[str, Standing]:
        """Return what every account is kept to hold."""
        columns = tables.accounts.c
        amounts = (columns[name] for name in Standing._fields)
        rows = self._connection.execute(select(columns.id, *amounts))
        return {account: Standing(*held) for account, *held in rows}
