"""The ledger: enter offers, acceptances and returns; list accounts and transfers; check it all."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from scheduler.domain.access import EVERYTHING, Permit
from scheduler.domain.awards import Award
from scheduler.domain.events import Event
from scheduler.domain.ledger import (
    CENTER,
    SECONDS_PER_HOUR,
    Account,
    AccountKind,
    Book,
    Transfer,
    TransferCode,
    TransferStep,
    TrialBalance,
    trial_balances,
)
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
    entry, call, event = _Entry(tx, act), publication.call, publication.event
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
    entry = _Entry(tx, act)
    for account in tx.ledger.of_owner(award.id):
        offer = _open_offer(tx, account)
        assert offer is not None, "an offered award has a pending transfer"
        entry.settle(offer, TransferStep.POST, event=event.seq)
    entry.keep()


def enter_return(tx: Transaction, act: Act, call: str, award: Award, event: Event) -> None:
    """Give back to the call what an award holds no longer.

    GPU-seconds follow the reference hours in proportion, rounded in favour of the fellow; who
    returns everything keeps nothing.

    Args:
        tx: the transaction of the return.
        act: of the return.
        call: that gets the hours.
        award: after the return.
        event: of the return.
    """
    entry = _Entry(tx, act)
    for account in tx.ledger.of_owner(award.id):
        held = -(-_granted(tx, account) * award.held // award.awarded)
        offer = _open_offer(tx, account)
        before = account.balance if offer is None else offer.amount
        if before == held:
            continue
        source = entry.open(AccountKind.AWARD, award.id, account.gpu_type)
        if offer is not None:
            entry.settle(offer, TransferStep.VOID, event=event.seq)
            source = offer.debit
        fund = entry.open(AccountKind.CALL, call, account.gpu_type)
        entry.move(TransferCode.RETURN, source, fund, before - held, event=event.seq)
        if offer is not None and held:
            entry.move(
                TransferCode.AWARD,
                source,
                account.id,
                held,
                event=event.seq,
                step=TransferStep.PENDING,
            )
    entry.keep()


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


@dataclass(slots=True)
class _Entry:
    """Transfers that are entered together or not at all."""

    tx: Transaction
    act: Act
    transfers: list[Transfer] = field(default_factory=list)
    book: Book = field(init=False)

    def __post_init__(self) -> None:
        self.book = Book(find=self.tx.ledger.find)

    def open(self, kind: AccountKind, owner: str, gpu_type: str) -> str:
        """Make an account unless there is one, and return its id."""
        return self.book.open(kind, owner, gpu_type)

    def move(  # noqa: PLR0913 - the fields of a transfer
        self,
        code: TransferCode,
        debit: str,
        credit: str,
        amount: int,
        *,
        event: int,
        step: TransferStep = TransferStep.POSTED,
    ) -> None:
        """Enter a transfer that settles none."""
        self._enter(
            Transfer(
                id=self.act.new("trf"),
                at=self.act.now,
                event=event,
                code=code,
                step=step,
                gpu_type=self.book.accounts[debit].gpu_type,
                debit=debit,
                credit=credit,
                amount=amount,
            )
        )

    def settle(self, pending: Transfer, step: TransferStep, *, event: int) -> None:
        """Post or void a pending transfer whole."""
        transfer = replace(
            pending,
            id=self.act.new("trf"),
            at=self.act.now,
            event=event,
            step=step,
            settles=pending.id,
        )
        self._enter(transfer, pending)

    def keep(self) -> None:
        """Write everything down."""
        self.tx.ledger.enter(self.transfers, self.book.accounts.values())

    def _enter(self, transfer: Transfer, pending: Transfer | None = None) -> None:
        self.book.enter(transfer, pending)
        self.transfers.append(transfer)


def _open_offer(tx: Transaction, account: Account) -> Transfer | None:
    """Return the pending transfer of an award's account that nobody has answered yet."""
    pending = [each for each in tx.ledger.credited(account.id) if each.step is TransferStep.PENDING]
    settled = tx.ledger.settled(each.id for each in pending)
    return next((each for each in pending if each.id not in settled), None)


def _granted(tx: Transaction, account: Account) -> int:
    """Return the GPU-seconds that were first offered on an award's account."""
    return max(each.amount for each in tx.ledger.credited(account.id))
