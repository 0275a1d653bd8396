"""Hours on the move by two people: corrections, the director's reserve, adjustments; expiry."""

from collections.abc import Mapping
from dataclasses import dataclass

from scheduler.domain.access import EVERYTHING
from scheduler.domain.awards import Award
from scheduler.domain.changes import AwardChangeKind
from scheduler.domain.errors import InvalidValue
from scheduler.domain.events import Event, Json
from scheduler.domain.ledger import (
    SECONDS_PER_HOUR,
    AccountKind,
    TransferCode,
    TransferStep,
    account_id,
    parts,
    read_account_id,
)
from scheduler.domain.proposals import Proposal, ProposalKind
from scheduler.domain.rounds import Round
from scheduler.operations.entering import Entry
from scheduler.operations.holdings import Wanted, give_hours, take_hours
from scheduler.operations.ledger import BY_RESERVE, award_accounts, call_of, open_offer
from scheduler.operations.proposals import Intent, propose
from scheduler.operations.record import record
from scheduler.ports.acts import Act
from scheduler.ports.paging import AwardFilter, everything
from scheduler.ports.store import Transaction

_MOVED = {
    ProposalKind.CORRECTION: TransferCode.CORRECT,
    ProposalKind.MOVE: TransferCode.MOVE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """GPU-seconds that are to go from one account to another, and why."""

    debit: str
    credit: str
    amount: int
    reason: str

    def body(self) -> dict[str, Json]:
        """Return what a second person agrees to."""
        return {"debit": self.debit, "credit": self.credit, "amount": self.amount}


def propose_correction(tx: Transaction, act: Act, movement: Movement) -> tuple[Proposal, Event]:
    """Propose to set a mistake right between two accounts of one GPU type.

    Raises:
        NotFound: If an account does not exist.
        InvalidValue: If nothing would move, or the GPU types differ.
    """
    debit, credit = (tx.ledger.get(act.scope, id_) for id_ in (movement.debit, movement.credit))
    if debit.gpu_type != credit.gpu_type or debit.id == credit.id:
        raise InvalidValue(field="/credit", value=credit.id, rule="another account of its GPU type")
    _refuse_nothing(movement.amount)
    intent = Intent(
        kind=ProposalKind.CORRECTION,
        subject=debit.id,
        body=movement.body(),
        reason=movement.reason,
    )
    return propose(tx, act, intent)


def propose_reserve(
    tx: Transaction, act: Act, account: str, amount: int, reason: str
) -> tuple[Proposal, Event]:
    """Propose to put hours of a call into the director's reserve, or back.

    Args:
        tx: the transaction of the proposal.
        act: of the proposal.
        account: of a call or a reserve; what leaves it goes to the other.
        amount: GPU-seconds.
        reason: why.
    """
    kind, call, gpu_type = parts(tx.ledger.get(act.scope, account))
    other = {AccountKind.CALL: AccountKind.RESERVE, AccountKind.RESERVE: AccountKind.CALL}.get(kind)
    if other is None:
        raise InvalidValue(field="/account", value=account, rule="an account of a call or reserve")
    _refuse_nothing(amount)
    movement = Movement(
        debit=account, credit=account_id(other, call, gpu_type), amount=amount, reason=reason
    )
    intent = Intent(kind=ProposalKind.MOVE, subject=call, body=movement.body(), reason=reason)
    return propose(tx, act, intent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """GPU-seconds that an award gets from the director's reserve, or loses to it if negative.

    They are whole gang-hours: an award holds nothing else.
    """

    gpu_type: str
    gpu_seconds: int
    reason: str


def propose_adjustment(
    tx: Transaction, act: Act, award_id: str, wanted: Adjustment
) -> tuple[Award, Proposal, Event]:
    """Propose to give an award more, or take some of what it has not used."""
    award = tx.awards.get(act.scope, award_id)
    act.expect("award", award_id, award.version)
    _whole_hours(abs(wanted.gpu_seconds))
    own = account_id(AccountKind.AWARD, award.id, wanted.gpu_type)
    reserve = account_id(AccountKind.RESERVE, call_of(tx, award), wanted.gpu_type)
    if wanted.gpu_seconds < 0 and tx.ledger.find(own) is None:
        raise InvalidValue(field="/gpu_type", value=wanted.gpu_type, rule="one that it holds")
    debit, credit = (reserve, own) if wanted.gpu_seconds > 0 else (own, reserve)
    movement = Movement(
        debit=debit, credit=credit, amount=abs(wanted.gpu_seconds), reason=wanted.reason
    )
    intent = Intent(
        kind=ProposalKind.ADJUSTMENT,
        subject=award.id,
        body=movement.body(),
        reason=wanted.reason,
    )
    return award, *propose(tx, act, intent)


def enter_adjustment(tx: Transaction, act: Act, proposal: Proposal, event: Event) -> None:
    """Let an adjustment that two people agreed on take effect, in cells and in the ledger.

    Raises:
        InvalidValue: If as many hours are not free, or not held, by now.
        BalanceTooSmall: If the account that gives does not hold as much by now.
    """
    del event  # the change of the award tells its own
    award = tx.awards.get(EVERYTHING, proposal.subject)
    kind, _, gpu_type = read_account_id(str(proposal.body["credit"]))
    hours = _whole_hours(_whole(proposal.body, "amount"))
    wanted = Wanted(
        kind=AwardChangeKind.ADJUSTED,
        gpu_type=gpu_type,
        gpu_hours=hours,
        least=hours,
        reason=proposal.reason,
    )
    if kind is AccountKind.AWARD:
        give_hours(tx, act, award, wanted)
    else:
        take_hours(tx, act, award, wanted, route=BY_RESERVE)


def enter_movement(tx: Transaction, act: Act, proposal: Proposal, event: Event) -> None:
    """Let a movement that two people agreed on take effect.

    Raises:
        BalanceTooSmall: If the debited account does not hold as much by now.
    """
    body = proposal.body
    entry = Entry(tx, act)
    debit, credit = (_opened(entry, str(body[side])) for side in ("debit", "credit"))
    entry.move(_MOVED[proposal.kind], debit, credit, _whole(body, "amount"), event=event.seq)
    entry.keep()


def expire_round(tx: Transaction, act: Act, round_: Round) -> None:
    """Let what the awards of a closed round have not used lapse; unanswered offers end too."""
    where = AwardFilter(round=round_.id)
    for award in list(everything(lambda part: tx.awards.list(act.scope, part, where=where))):
        if award.is_live:
            expired, told = award.expire()
            tx.awards.save(expired)
            _lapse(tx, act, award, record(tx, act, told))


def _lapse(tx: Transaction, act: Act, award: Award, event: Event) -> None:
    entry = Entry(tx, act)
    for account in award_accounts(tx, award.id):
        lapsed = entry.open(AccountKind.LAPSED, award.id, account.gpu_type)
        offer = open_offer(tx, account)
        if offer is not None:
            group = _opened(entry, offer.debit)
            entry.settle(offer, TransferStep.VOID, event=event.seq)
            entry.move(TransferCode.EXPIRE, group, lapsed, offer.amount, event=event.seq)
        elif account.available > 0:
            own = entry.open(AccountKind.AWARD, award.id, account.gpu_type)
            entry.move(TransferCode.EXPIRE, own, lapsed, account.available, event=event.seq)
    entry.keep()


def _whole_hours(gpu_seconds: int) -> int:
    hours, rest = divmod(gpu_seconds, SECONDS_PER_HOUR)
    if rest or not hours:
        rule = f"a whole number of GPU-hours ({SECONDS_PER_HOUR} GPU-seconds)"
        raise InvalidValue(field="/gpu_seconds", value=gpu_seconds, rule=rule)
    return hours


def _refuse_nothing(amount: int) -> None:
    if amount <= 0:
        raise InvalidValue(field="/gpu_seconds", value=amount, rule="more than 0 GPU-seconds")


def _opened(entry: Entry, id_: str) -> str:
    return entry.open(*read_account_id(id_))


def _whole(body: Mapping[str, Json], name: str) -> int:
    value = body[name]
    assert isinstance(value, int), "a proposal keeps whole amounts"
    return value
