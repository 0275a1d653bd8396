"""The ledger: GPU-seconds move between accounts in double entry; nothing is ever overwritten.

Each GPU type has its own accounts. A transfer debits one account and credits another by the same
amount, so what all accounts of a type hold together is always nothing. An offer is a pending
transfer: its amount is set aside, and is then posted when the fellow accepts, or voided. Balances
beside the transfers are caches; `fold` derives them again.

Use is a fact and is always entered: an award may be used beyond what it holds, and then stands
below nothing until hours are moved there. Nothing else overdraws an account.

Source:
    The form of accounts and two-phase transfers follows TigerBeetle's data model.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from itertools import product
from typing import Final

from scheduler.domain.errors import BalanceTooSmall, InvalidValue

SECONDS_PER_HOUR = 3600
CENTER = "center"
"""Who owns the supply accounts, and what was used outside any award."""


class AccountKind(StrEnum):
    """What the GPU-seconds of an account are for."""

    SUPPLY = "supply"
    """What the center's pools give; below nothing."""
    CALL = "call"
    """What a call has to give and has not yet given."""
    GROUP = "group"
    """What a group was given and has not handed on to its fellows."""
    AWARD = "award"
    """What the fellow of an award may use; below nothing when more was used."""
    RESERVE = "reserve"
    """What the director of the center keeps of a call, to give in need."""
    CONSUMED = "consumed"
    """What was used, of an award or outside any."""
    LAPSED = "lapsed"
    """What was not used in time."""


class TransferCode(StrEnum):
    """Why GPU-seconds move."""

    FUND = "fund"
    """Supply of the round's calendar, to the call."""
    LOSE = "lose"
    """Supply that is no longer there, off the call or the director's reserve."""
    RESERVE = "reserve"
    """From the call to a group, for its awards."""
    AWARD = "award"
    """From the group to an award."""
    RETURN = "return"
    """Given back to the call."""
    USE = "use"
    """Used, as the cluster says."""
    REFUND = "refund"
    """Use that is taken off again, by a correction."""
    RECLAIM = "reclaim"
    """Taken back unused, by a rule, to the director's reserve."""
    MOVE = "move"
    """From one holder to another, by two people."""
    EXPIRE = "expire"
    """Lapsed when its time was over."""
    CORRECT = "correct"
    """A mistake is set right, by two people with a reason."""


_HOLDERS: Final = (AccountKind.CALL, AccountKind.GROUP, AccountKind.AWARD, AccountKind.RESERVE)
FLOWS: Final[dict[TransferCode, frozenset[tuple[AccountKind, AccountKind]]]] = {
    TransferCode.FUND: frozenset({(AccountKind.SUPPLY, AccountKind.CALL)}),
    TransferCode.LOSE: frozenset(
        product((AccountKind.CALL, AccountKind.RESERVE), (AccountKind.SUPPLY,))
    ),
    TransferCode.RESERVE: frozenset({(AccountKind.CALL, AccountKind.GROUP)}),
    TransferCode.AWARD: frozenset({(AccountKind.GROUP, AccountKind.AWARD)}),
    TransferCode.RETURN: frozenset(
        product((AccountKind.GROUP, AccountKind.AWARD), (AccountKind.CALL,))
    ),
    TransferCode.USE: frozenset(
        product(
            (AccountKind.AWARD, AccountKind.SUPPLY, AccountKind.LAPSED), (AccountKind.CONSUMED,)
        )
    ),
    TransferCode.REFUND: frozenset(
        product(
            (AccountKind.CONSUMED,), (AccountKind.AWARD, AccountKind.SUPPLY, AccountKind.LAPSED)
        )
    ),
    TransferCode.RECLAIM: frozenset({(AccountKind.AWARD, AccountKind.RESERVE)}),
    TransferCode.MOVE: frozenset(product(_HOLDERS, _HOLDERS)),
    TransferCode.EXPIRE: frozenset(product(_HOLDERS, (AccountKind.LAPSED,))),
    TransferCode.CORRECT: frozenset(product(AccountKind, AccountKind)),
}
"""Between which kinds of account, debited and credited, a code may move GPU-seconds."""
BEYOND: Final = frozenset({(AccountKind.AWARD, AccountKind.CONSUMED)})
"""Use is a fact: an award is debited whether it holds as much or not."""
BELOW_NOTHING: Final = frozenset({AccountKind.SUPPLY, AccountKind.AWARD})
"""Kinds whose accounts may hold less than nothing: what the center gave, and overspent awards."""


class TransferStep(StrEnum):
    """How a transfer counts."""

    POSTED = "posted"
    """At once."""
    PENDING = "pending"
    """Set aside until a later transfer posts or voids it."""
    POST = "post"
    """A pending transfer takes effect."""
    VOID = "void"
    """A pending transfer is undone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """GPU-seconds of one GPU type that one owner holds for one purpose.

    Attributes:
        owner: id of the call, group or award; `CENTER` for supply.
        debits_pending, debits_posted, credits_pending, credits_posted: GPU-seconds so far.
    """

    id: str
    kind: AccountKind
    owner: str
    gpu_type: str
    debits_pending: int = 0
    debits_posted: int = 0
    credits_pending: int = 0
    credits_posted: int = 0
    version: int = 1

    @property
    def balance(self) -> int:
        """GPU-seconds held."""
        return self.credits_posted - self.debits_posted

    @property
    def available(self) -> int:
        """GPU-seconds that can still leave: the balance less what is set aside."""
        return self.balance - self.debits_pending


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """GPU-seconds from the debited to the credited account; never changed.

    Attributes:
        event: position in the log of what caused it.
        settles: the pending transfer that a `POST` or `VOID` ends.
    """

    id: str
    at: datetime
    event: int
    code: TransferCode
    step: TransferStep
    gpu_type: str
    debit: str
    credit: str
    amount: int
    settles: str | None = None

    def __post_init__(self) -> None:
        if self.amount <= 0:
            raise InvalidValue(field="/amount", value=self.amount, rule="more than 0 GPU-seconds")
        if self.debit == self.credit:
            raise InvalidValue(field="/credit", value=self.credit, rule="another account")


def account_id(kind: AccountKind, owner: str, gpu_type: str) -> str:
    """Return the id of an account: it says what the account is."""
    return f"{kind}:{owner}:{gpu_type}"


def parts(account: Account) -> tuple[AccountKind, str, str]:
    """Return kind, owner and GPU type of an account: what its id is made of."""
    return account.kind, account.owner, account.gpu_type


def read_account_id(id_: str) -> tuple[AccountKind, str, str]:
    """Return kind, owner and GPU type that an account's id names.

    Raises:
        InvalidValue: If it names none.
    """
    kind, _, rest = id_.partition(":")
    owner, _, gpu_type = rest.partition(":")
    if kind not in set(AccountKind) or not owner or not gpu_type:
        raise InvalidValue(field="/account", value=id_, rule="KIND:OWNER:GPU-TYPE")
    return AccountKind(kind), owner, gpu_type


@dataclass(slots=True)
class Book:
    """Accounts that are being written on.

    Attributes:
        find: returns a stored account, or nothing.
        accounts: those touched so far, as they are now.
    """

    find: Callable[[str], Account | None]
    accounts: dict[str, Account] = field(default_factory=dict)

    def open(self, kind: AccountKind, owner: str, gpu_type: str) -> str:
        """Make an account unless there is one, and return its id."""
        id_ = account_id(kind, owner, gpu_type)
        if id_ not in self.accounts:
            fresh = Account(id=id_, kind=kind, owner=owner, gpu_type=gpu_type, version=0)
            self.accounts[id_] = self.find(id_) or fresh
        return id_

    def enter(self, transfer: Transfer, pending: Transfer | None = None) -> None:
        """Count a transfer in both its accounts.

        Args:
            transfer: both accounts are open.
            pending: what it settles.

        Raises:
            BalanceTooSmall: If the debited account does not hold as much.
        """
        debited, credited = (self._account(each) for each in (transfer.debit, transfer.credit))
        flow = debited.kind, credited.kind
        assert flow in FLOWS[transfer.code], f"{transfer.code} does not go from {flow}"
        takes = transfer.step in {TransferStep.POSTED, TransferStep.PENDING}
        bounded = debited.kind is not AccountKind.SUPPLY and flow not in BEYOND
        if takes and bounded and transfer.amount > debited.available:
            raise BalanceTooSmall(
                account=debited.id, available=debited.available, amount=transfer.amount
            )
        change = _counted(transfer, pending)
        _add(self.accounts, debited, "debits", change)
        _add(self.accounts, credited, "credits", change)

    def _account(self, id_: str) -> Account:
        account = self.accounts.get(id_) or self.find(id_)
        assert account is not None, "a transfer names open accounts"
        return account


def _counted(transfer: Transfer, pending: Transfer | None) -> tuple[int, int]:
    """Return what a transfer adds to (pending, posted): debits of one, credits of the other."""
    if transfer.step is TransferStep.POSTED:
        return 0, transfer.amount
    if transfer.step is TransferStep.PENDING:
        return transfer.amount, 0
    assert pending is not None, "only a pending transfer can be settled"
    posted = transfer.amount if transfer.step is TransferStep.POST else 0
    return -pending.amount, posted


def fold(accounts: Iterable[Account], transfers: Iterable[Transfer]) -> dict[str, Account]:
    """Return accounts with what the transfers alone make of them.

    Args:
        accounts: whatever they say they hold is forgotten.
        transfers: in any order.
    """
    empty = {
        each.id: replace(
            each, debits_pending=0, debits_posted=0, credits_pending=0, credits_posted=0
        )
        for each in accounts
    }
    entered = tuple(transfers)
    pending = {each.id: each for each in entered if each.step is TransferStep.PENDING}
    for transfer in entered:
        settled = None if transfer.settles is None else pending[transfer.settles]
        change = _counted(transfer, settled)
        _add(empty, empty[transfer.debit], "debits", change)
        _add(empty, empty[transfer.credit], "credits", change)
    return empty


def _add(
    accounts: dict[str, Account], account: Account, side: str, change: tuple[int, int]
) -> None:
    """Add (pending, posted) to one side of an account."""
    names = f"{side}_pending", f"{side}_posted"
    values = {
        name: getattr(account, name) + amount for name, amount in zip(names, change, strict=True)
    }
    accounts[account.id] = replace(account, **values)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalance:
    """What the ledger of one GPU type adds up to, in GPU-seconds.

    Attributes:
        debits, credits: posted, as the accounts say.
        balances: by kind of account, as the transfers make them; they add up to nothing.
        pending: set aside by offers that wait for an answer.
        wrong: how many accounts hold another amount than their transfers make, or too little.
        named: those accounts.
        overdrawn: used beyond what the awards held.
    """

    gpu_type: str
    transfers: int
    debits: int
    credits: int
    pending: int
    balances: dict[AccountKind, int]
    wrong: int
    named: tuple[str, ...]
    overdrawn: int

    @property
    def holds(self) -> bool:
        """Whether both sides agree, every cache is right and nothing is overdrawn."""
        return self.debits == self.credits and not self.wrong


def trial_balances(
    accounts: Iterable[Account], transfers: Iterable[Transfer]
) -> tuple[TrialBalance, ...]:
    """Return a trial balance for each GPU type, derived from the transfers alone."""
    stored, entered = {each.id: each for each in accounts}, tuple(transfers)
    derived = fold(stored.values(), entered)
    types = sorted({each.gpu_type for each in stored.values()})
    return tuple(_trial(gpu_type, stored, derived, entered) for gpu_type in types)


def _trial(
    gpu_type: str,
    stored: dict[str, Account],
    derived: dict[str, Account],
    transfers: tuple[Transfer, ...],
) -> TrialBalance:
    """Return the trial balance of one GPU type."""
    ours = [each for each in derived.values() if each.gpu_type == gpu_type]
    balances = dict.fromkeys(AccountKind, 0)
    for account in ours:
        balances[account.kind] += account.balance
    wrong = [
        each.id
        for each in ours
        if stored[each.id] != each or (each.available < 0 and each.kind not in BELOW_NOTHING)
    ]
    kept = [stored[each.id] for each in ours]
    return TrialBalance(
        gpu_type=gpu_type,
        transfers=sum(each.gpu_type == gpu_type for each in transfers),
        debits=sum(each.debits_posted for each in kept),
        credits=sum(each.credits_posted for each in kept),
        pending=sum(each.debits_pending for each in kept),
        balances=balances,
        wrong=len(wrong),
        named=tuple(sorted(wrong)),
        overdrawn=sum(max(-each.balance, 0) for each in ours if each.kind is AccountKind.AWARD),
    )
