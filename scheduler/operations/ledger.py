"""The ledger: enter offers, acceptances and returns; list accounts and transfers; check it all."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from scheduler.domain.access import EVERYTHING, Permit
from scheduler.domain.awards import Award
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


def gpu_seconds(award: Award, gpu_types: Mapping[str, str]) -> dict[str, int]:
    """Return what an award's cells take, in GPU-seconds by GPU type.

    Args:
        award: as offered.
        gpu_types: GPU type of each pool.
    """
    taken: Counter[str] = Counter()
    for cell in award.cells:
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


def enter_return(tx: Transaction, act: Act, before: Award, award: Award, event: Event) -> None:
    """Give back to the call what an award holds no longer.

    GPU-seconds follow the reference hours in proportion, rounded in favour of the fellow; who
    returns everything gives back all that is not used.

    Args:
        tx: the transaction of the return.
        act: of the return.
        before: the award as it was.
        award: as it is after the return.
        event: of the return.

    Raises:
        BalanceTooSmall: If a part of what is returned is used already.
    """
    entry, call = Entry(tx, act), call_of(tx, award)
    for account in award_accounts(tx, award.id):
        offer = open_offer(tx, account)
        if offer is None:
            amount = _returned(tx, account, before, award)
            source = entry.open(AccountKind.AWARD, award.id, account.gpu_type)
        else:
            amount = offer.amount - _share(_granted(tx, account), award, award.held)
            source = offer.debit
        if not amount:
            continue
        if offer is not None:
            entry.settle(offer, TransferStep.VOID, event=event.seq)
        fund = entry.open(AccountKind.CALL, call, account.gpu_type)
        entry.move(TransferCode.RETURN, source, fund, amount, event=event.seq)
        if offer is not None and offer.amount > amount:
            entry.move(
                TransferCode.AWARD,
                source,
                account.id,
                offer.amount - amount,
                event=event.seq,
                step=TransferStep.PENDING,
            )
    entry.keep()


def award_accounts(tx: Transaction, award: str) -> tuple[Account, ...]:
    """Return what an award may use, by GPU type; what it has used stands elsewhere."""
    return tuple(each for each in tx.ledger.of_owner(award) if each.kind is AccountKind.AWARD)


def call_of(tx: Transaction, award: Award) -> str:
    """Return the call that an award was granted in."""
    round_ = tx.rounds.find(award.round)
    assert round_ is not None, "an award belongs to a round"
    return round_.call


def _returned(tx: Transaction, account: Account, before: Award, award: Award) -> int:
    """Return the GPU-seconds that an accepted award gives back of one GPU type."""
    if not award.held:
        return max(account.available, 0)
    granted = _granted(tx, account)
    return _share(granted, award, before.held) - _share(granted, award, award.held)


def _share(granted: int, award: Award, held: int) -> int:
    """Return the GPU-seconds that stand for reference hours held, rounded up."""
    return -(-granted * held // award.awarded)


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


def _granted(tx: Transaction, account: Account) -> int:
    """Return the GPU-seconds that were first offered on an award's account."""
    offers = (
        each.amount for each in tx.ledger.credited(account.id) if each.code is TransferCode.AWARD
    )
    return max(offers, default=0)
