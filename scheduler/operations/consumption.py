"""Use in the ledger: from what the award holds to what is consumed, and back by corrections."""

from collections.abc import Mapping

from scheduler.domain.events import Event
from scheduler.domain.ledger import CENTER, AccountKind, TransferCode, account_id
from scheduler.operations.entering import Entry
from scheduler.ports.acts import Act
from scheduler.ports.store import Transaction


def enter_use(
    tx: Transaction,
    act: Act,
    amounts: Mapping[tuple[str | None, str], int],
    event: Event,
) -> None:
    """Count use, or take it off again where the amount is negative.

    Use of an award whose time is over comes out of what lapsed, as if it had been known in time;
    use outside any award comes out of the center's supply.

    Args:
        tx: the transaction of the import or correction.
        act: of the same.
        amounts: GPU-seconds by award, if any, and GPU type.
        event: that caused it.
    """
    entry = Entry(tx, act)
    for (award, gpu_type), amount in sorted(
        amounts.items(), key=lambda item: (item[0][0] or "", item[0][1])
    ):
        owner = CENTER if award is None else award
        used = entry.open(AccountKind.CONSUMED, owner, gpu_type)
        late = 0
        if award is not None and tx.ledger.find(account_id(AccountKind.LAPSED, award, gpu_type)):
            lapsed = entry.open(AccountKind.LAPSED, award, gpu_type)
            held = entry.book.accounts[lapsed].available
            late = min(amount, held) if amount > 0 else amount
            _count(entry, lapsed, used, late, event.seq)
        kind = AccountKind.SUPPLY if award is None else AccountKind.AWARD
        _count(entry, entry.open(kind, owner, gpu_type), used, amount - late, event.seq)
    entry.keep()


def _count(entry: Entry, source: str, used: str, amount: int, event: int) -> None:
    if amount > 0:
        entry.move(TransferCode.USE, source, used, amount, event=event)
    elif amount < 0:
        entry.move(TransferCode.REFUND, used, source, -amount, event=event)
