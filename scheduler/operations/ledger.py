"""The ledger: enter offers, acceptances and returns; list accounts and transfers; check it all."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from scheduler.domain.access import EVERYTHING, Permit
from scheduler.domain.awards import Award, AwardState, Cell
from scheduler.domain.events import Event
from scheduler.domain.ledger import (
    CENTER,
    SECONDS_PER_HOUR,
    Account,
    AccountKind,
    Transfer,
    TransferCode,
    TransferStep,
    TrialBalance,
    read_account_id,
    trial_balances,
)
from scheduler.operations.entering import Entry
from scheduler.ports.acts import Act
from scheduler.ports.paging import (
    ALL_ACCOUNTS,
    FIRST,
    AccountFilter,
    Page,
    Slice,
    everything,
)
from scheduler.ports.store import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """An award as the ledger needs it.

    Attributes:
        group: of the fellow, as the round froze it.
        event: position of the offer in the log.
        gpu_seconds: by GPU type.
    """

    award: str
    group: str
    event: int
    gpu_seconds: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What a published round means for the ledger.

    Attributes:
        supply: GPU-seconds of the round's calendar by GPU type.
        event: position of the publication in the log.
    """

    call: str
    supply: Mapping[str, int]
    offers: tuple[Offer, ...]
    event: int


def gpu_seconds(cells: Iterable[Cell], gpu_types: Mapping[str, str]) -> dict[str, int]:
    """Return what cells take, in GPU-seconds by GPU type.

    Args:
        cells: whole GPU-hours on pools.
        gpu_types: GPU type of each pool.
    """
    taken: Counter[str] = Counter()
    for cell in cells:
        taken[gpu_types[cell.pool]] += cell.gpu_hours * SECONDS_PER_HOUR
    return dict(taken)


def enter_publication(tx: Transaction, act: Act, publication: Publication) -> None:
    """Fund the call with the round's supply and set aside what is offered.

    Raises:
        BalanceTooSmall: If more is offered than the call holds.
    """
    entry, call, event = Entry(tx, act), publication.call, publication.event
    for gpu_type, amount in sorted(publication.supply.items()):
        source = entry.open(AccountKind.SUPPLY, CENTER, gpu_type)
        fund = entry.open(AccountKind.CALL, call, gpu_type)
        if amount:
            entry.move(TransferCode.FUND, source, fund, amount, event=event)
    shares: Counter[tuple[str, str]] = Counter()
    for offer in publication.offers:
        for gpu_type, amount in offer.gpu_seconds.items():
            shares[offer.group, gpu_type] += amount
    for (group, gpu_type), amount in sorted(shares.items()):
        fund = entry.open(AccountKind.CALL, call, gpu_type)
        share = entry.open(AccountKind.GROUP, group, gpu_type)
        entry.move(TransferCode.RESERVE, fund, share, amount, event=event)
    for offer in publication.offers:
        for gpu_type, amount in sorted(offer.gpu_seconds.items()):
            share = entry.open(AccountKind.GROUP, offer.group, gpu_type)
            award = entry.open(AccountKind.AWARD, offer.award, gpu_type)
            step = TransferStep.PENDING
            entry.move(TransferCode.AWARD, share, award, amount, step=step, event=offer.event)
    entry.keep()


def enter_acceptance(tx: Transaction, act: Act, award: Award, event: Event) -> None:
    """Post what was set aside for an award."""
    entry = Entry(tx, act)
    for account in award_accounts(tx, award.id):
        offer = open_offer(tx, account)
        assert offer is not None, "an offered award has a pending transfer"
        entry.settle(offer, TransferStep.POST, event=event.seq)
    entry.keep()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How GPU-seconds go when an award loses or gets some.

    Attributes:
        account: kind of the account on the other side, of the award's call.
    """

    code: TransferCode
    account: AccountKind


GIVEN_BACK: Final = Route(code=TransferCode.RETURN, account=AccountKind.CALL)
"""By the fellow, to the call."""
TAKEN_BACK: Final = Route(code=TransferCode.RECLAIM, account=AccountKind.RESERVE)
"""Unused, by a rule, to the director's reserve."""
BY_RESERVE: Final = Route(code=TransferCode.MOVE, account=AccountKind.RESERVE)
"""From the director's reserve or to it."""
BY_CALL: Final = Route(code=TransferCode.MOVE, account=AccountKind.CALL)
"""From the call or to it, by a decision that two people took."""


def enter_change(  # noqa: PLR0913 - what changes, where it comes from, who and why
    tx: Transaction,
    act: Act,
    award: Award,
    amounts: Mapping[str, int],
    *,
    route: Route,
    event: int,
) -> None:
    """Enter what an award gets, or loses where the amount is negative.

    An offer that nobody has answered is voided and made anew for what is left of it.

    Args:
        tx: the transaction of the change.
        act: of the change.
        award: whose hours they are.
        amounts: GPU-seconds by GPU type.
        route: where they come from or go to.
        event: position in the log of what caused it.

    Raises:
        BalanceTooSmall: If the account that gives does not hold as much.
    """
    entry, call = Entry(tx, act), call_of(tx, award)
    for gpu_type, amount in sorted(amounts.items()):
        if not amount:
            continue
        other = entry.open(route.account, call, gpu_type)
        own = entry.open(AccountKind.AWARD, award.id, gpu_type)
        offer = open_offer(tx, entry.book.accounts[own])
        holder = own
        if award.state is AwardState.OFFERED:
            holder = _group_account(tx, entry, award, gpu_type)
        if offer is not None:
            entry.settle(offer, TransferStep.VOID, event=event)
        debit, credit = (other, holder) if amount > 0 else (holder, other)
        entry.move(route.code, debit, credit, abs(amount), event=event)
        offered = amount + (0 if offer is None else offer.amount)
        if award.state is AwardState.OFFERED and offered:
            step = TransferStep.PENDING
            entry.move(TransferCode.AWARD, holder, own, offered, step=step, event=event)
    entry.keep()


def enter_whole_return(tx: Transaction, act: Act, award: Award, *, event: int) -> None:
    """Give back to the call all that an award holds and has not used; its offer is voided."""
    entry, call = Entry(tx, act), call_of(tx, award)
    for account in award_accounts(tx, award.id):
        offer = open_offer(tx, account)
        source = entry.open(AccountKind.AWARD, award.id, account.gpu_type)
        amount = max(account.available, 0)
        if offer is not None:
            entry.settle(offer, TransferStep.VOID, event=event)
            source, amount = offer.debit, offer.amount
        if amount:
            fund = entry.open(AccountKind.CALL, call, account.gpu_type)
            entry.move(TransferCode.RETURN, source, fund, amount, event=event)
    entry.keep()


def award_accounts(tx: Transaction, award: str) -> tuple[Account, ...]:
    """Return what an award may use, by GPU type; what it has used stands elsewhere."""
    return tuple(each for each in tx.ledger.of_owner(award) if each.kind is AccountKind.AWARD)


def call_of(tx: Transaction, award: Award) -> str:
    """Return the call that an award was granted in."""
    round_ = tx.rounds.find(award.round)
    assert round_ is not None, "an award belongs to a round"
    return round_.call


def _group_account(tx: Transaction, entry: Entry, award: Award, gpu_type: str) -> str:
    """Return the account that an offered award's hours wait in."""
    waiting = (open_offer(tx, each) for each in award_accounts(tx, award.id))
    group = next((read_account_id(each.debit)[1] for each in waiting if each is not None), None)
    assert group is not None, "an offered award waits in its group's account"
    return entry.open(AccountKind.GROUP, group, gpu_type)


def get_account(tx: Transaction, permit: Permit, id_: str) -> Account:
    """Return an account, if visible."""
    return tx.ledger.get(permit.scope, id_)


def list_accounts(
    tx: Transaction, permit: Permit, slice_: Slice = FIRST, *, where: AccountFilter = ALL_ACCOUNTS
) -> Page[Account]:
    """List visible accounts."""
    return tx.ledger.accounts(permit.scope, slice_, where=where)


def list_transfers(
    tx: Transaction, permit: Permit, slice_: Slice = FIRST, *, account: str | None = None
) -> Page[Transfer]:
    """List the transfers of visible accounts, or of one of them."""
    return tx.ledger.transfers(permit.scope, slice_, account=account)


def check_ledger(tx: Transaction, permit: Permit) -> tuple[TrialBalance, ...]:
    """Return the trial balance of each GPU type, derived from all transfers.

    The sums are the whole center's; wrong accounts are named to who sees everything.
    """
    accounts = everything(lambda part: tx.ledger.accounts(EVERYTHING, part))
    transfers = everything(lambda part: tx.ledger.transfers(EVERYTHING, part))
    found = trial_balances(accounts, transfers)
    if permit.scope.sees_all:
        return found
    return tuple(replace(each, named=()) for each in found)


def open_offer(tx: Transaction, account: Account) -> Transfer | None:
    """Return the pending transfer of an award's account that nobody has answered yet."""
    pending = [each for each in tx.ledger.credited(account.id) if each.step is TransferStep.PENDING]
    settled = tx.ledger.settled(each.id for each in pending)
    return next((each for each in pending if each.id not in settled), None)
