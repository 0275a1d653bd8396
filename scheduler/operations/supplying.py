"""What a call can still give: the supply of its calendar as it is known now, less what is promised.

Supply that is lost may have been promised, and used elsewhere in time. The books then hold less
than the calendar has free: what a call can give is what they hold, and no plan may propose more.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scheduler.domain.amounts import MILLI
from scheduler.domain.calls import Call
from scheduler.domain.ledger import (
    CENTER,
    SECONDS_PER_HOUR,
    AccountKind,
    TransferCode,
    account_id,
)
from scheduler.operations.entering import Entry
from scheduler.operations.pools import supplies
from scheduler.ports.acts import Act
from scheduler.ports.store import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Purse:
    """What a call and its director's reserve hold of one GPU type, in GPU-seconds.

    Attributes:
        available: of both, as the books say.
        missing: what the calendar supplies by now and the books do not know; below nothing where
            they count supply that is lost.
    """

    available: int
    missing: int

    @property
    def to_give(self) -> int:
        """What can be given, once what is missing is entered; nothing if it is overdrawn."""
        return max(self.available + self.missing, 0)


def purses(tx: Transaction, call: Call) -> dict[str, Purse]:
    """Return what a call can give, by GPU type."""
    return {
        gpu_type: Purse(
            available=sum(
                0 if account is None else account.available
                for account in map(tx.ledger.find, _funds(call, gpu_type))
            ),
            missing=amount - _funded(tx, call, gpu_type),
        )
        for gpu_type, amount in sorted(_supplied(tx, call).items())
    }


def enter_gained_supply(tx: Transaction, act: Act, call: Call, *, event: int) -> None:
    """Fund a call with what its calendar supplies by now beyond what the books know."""
    entry = Entry(tx, act)
    for gpu_type, purse in purses(tx, call).items():
        if purse.missing > 0:
            source = entry.open(AccountKind.SUPPLY, CENTER, gpu_type)
            fund = entry.open(AccountKind.CALL, call.id, gpu_type)
            entry.move(TransferCode.FUND, source, fund, purse.missing, event=event)
    entry.keep()


def enter_lost_supply(tx: Transaction, act: Act, call: Call, *, event: int) -> None:
    """Take off a call, then off its director's reserve, what its calendar supplies no longer.

    What is promised is not taken off anybody: it stays missing until something comes back.
    """
    entry = Entry(tx, act)
    for gpu_type, purse in purses(tx, call).items():
        left = max(-purse.missing, 0)
        source = entry.open(AccountKind.SUPPLY, CENTER, gpu_type)
        for kind in _FUNDS:
            account = entry.open(kind, call.id, gpu_type)
            gone = min(left, entry.book.accounts[account].available)
            if gone > 0:
                entry.move(TransferCode.LOSE, account, source, gone, event=event)
                left -= gone
    entry.keep()


def top_up(tx: Transaction, act: Act, call: Call, wanted: Mapping[str, int], *, event: int) -> None:
    """Bring a call up to what it gives, out of the director's reserve.

    Args:
        tx: the transaction of the gift.
        act: of the same.
        call: that gives.
        wanted: GPU-seconds by GPU type.
        event: position in the log of what caused it.

    Raises:
        BalanceTooSmall: If both together do not hold as much.
    """
    entry = Entry(tx, act)
    for gpu_type, amount in sorted(wanted.items()):
        fund = entry.open(AccountKind.CALL, call.id, gpu_type)
        short = amount - entry.book.accounts[fund].available
        if short > 0:
            reserve = entry.open(AccountKind.RESERVE, call.id, gpu_type)
            entry.move(TransferCode.MOVE, reserve, fund, short, event=event)
    entry.keep()


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """Slots to come of the pools of one GPU type, in thousandths of GPU-hours by slot and pool.

    Attributes:
        supply: what the pools supply.
        held: what awards hold.
    """

    supply: Mapping[tuple[int, str], int]
    held: Mapping[tuple[int, str], int]

    def given_at_most(self, gpu_seconds: int) -> dict[tuple[int, str], int]:
        """Return the supply with no more free than can be given; the latest slots lose first.

        Where more is held than supplied, as much is free besides: what moves there is no gift.
        """
        moving = sum(max(self.held.get(at, 0) - each, 0) for at, each in self.supply.items())
        free = {at: max(each - self.held.get(at, 0), 0) for at, each in self.supply.items()}
        over = sum(free.values()) - gpu_seconds * MILLI // SECONDS_PER_HOUR - moving
        kept = dict(self.supply)
        for at in sorted(free, reverse=True):
            off = max(min(over, free[at]), 0)
            kept[at] -= off
            over -= off
        return kept


_FUNDS = (AccountKind.CALL, AccountKind.RESERVE)


def _funds(call: Call, gpu_type: str) -> Iterable[str]:
    return (account_id(kind, call.id, gpu_type) for kind in _FUNDS)


def _supplied(tx: Transaction, call: Call) -> Counter[str]:
    """Return the GPU-seconds of a call's calendar as it is known now, by GPU type."""
    supplied: Counter[str] = Counter()
    for each in supplies(tx, call.terms.pools, call.terms.calendar).values():
        supplied[each.pool.gpu_type] += sum(each.gpu_hours) * SECONDS_PER_HOUR // MILLI
    return supplied


def _funded(tx: Transaction, call: Call, gpu_type: str) -> int:
    """Return the GPU-seconds that the supply gave to a call, less what was taken off since."""
    fund, reserve = _funds(call, gpu_type)
    source = account_id(AccountKind.SUPPLY, CENTER, gpu_type)
    given = sum(each.amount for each in tx.ledger.credited(fund) if each.debit == source)
    lost = sum(
        each.amount
        for each in tx.ledger.credited(source)
        if each.code is TransferCode.LOSE and each.debit in {fund, reserve}
    )
    return given - lost
