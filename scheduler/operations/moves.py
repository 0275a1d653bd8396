"""People move, and their awards go along, are handed to the group or go back, by a named rule."""

from dataclasses import dataclass, replace

from scheduler.domain.access import EVERYTHING, Permit
from scheduler.domain.awards import Award, AwardState
from scheduler.domain.directory import Person
from scheduler.domain.errors import InvalidValue
from scheduler.domain.events import Event, Happening, Json
from scheduler.domain.ledger import AccountKind, TransferCode, TransferStep, read_account_id
from scheduler.domain.moves import MoveRule, PersonMove, Place
from scheduler.domain.names import reason as stated_reason
from scheduler.operations.awards import return_award
from scheduler.operations.directory import deactivate_person, put_person
from scheduler.operations.entering import Entry
from scheduler.operations.ledger import award_accounts, open_offer
from scheduler.operations.record import record
from scheduler.ports.acts import Act
from scheduler.ports.paging import AwardFilter, everything
from scheduler.ports.store import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """Where somebody moves, and by which rule.

    Attributes:
        group: the new one; nothing when the person leaves.
        institute: their own, where it is not the group's.
        track: in which their awards count from now on; as before if not said.
        heir: another fellow of the old group, to hold what is handed over.
    """

    group: str | None
    rule: MoveRule
    reason: str
    institute: str | None = None
    track: str | None = None
    heir: str | None = None


def move_person(
    tx: Transaction, act: Act, person_id: str, moving: Moving
) -> tuple[Person, PersonMove]:
    """Move a person to another group or institute, or let them leave.

    What happened before stays as it is: transfers, snapshots and statements say the old group.

    Raises:
        InvalidValue: If the rule does not suit the move, or the heir is not of the old group.
        Forbidden: If a coordinator reaches outside the institute.
    """
    before = tx.people.get(act.scope, person_id)
    why, was = stated_reason(moving.reason), place_of(tx, before)
    after = Place(
        group=moving.group,
        institute=moving.institute,
        track=was.track if moving.track is None else moving.track,
    )
    body: dict[str, Json] = {"rule": str(moving.rule), "heir": moving.heir, "reason": why}
    event = record(tx, act, Happening(kind="person.moved", subject=person_id, body=body))
    made = PersonMove(
        id=act.new("mov"),
        person=person_id,
        before=was,
        after=after,
        rule=moving.rule,
        heir=moving.heir,
        reason=why,
        by=act.person,
        at=act.now,
        event=event.seq,
    )
    _refuse_strange_heir(tx, before, moving)
    awards = _live_awards(tx, person_id)
    if moving.rule is MoveRule.GIVE_BACK:
        for award in awards:
            return_award(tx, replace(act, if_version=None), award.id, reason=why)
    if moving.rule is MoveRule.HAND_OVER:
        for award in awards:
            _hand_over(tx, act, award, str(moving.heir), why)
    kept, _ = put_person(tx, act, replace(before, group=moving.group, institute=moving.institute))
    if moving.rule is MoveRule.CARRY and moving.group != before.group:
        for award in awards:
            _carry(tx, act, award, str(moving.group), event)
    tx.people.add_move(made)
    if moving.group is None:
        kept = deactivate_person(tx, replace(act, if_version=None), person_id)
    return kept, made


def list_moves(tx: Transaction, permit: Permit, person_id: str) -> tuple[PersonMove, ...]:
    """Return the moves of a visible person, oldest first."""
    return tuple(tx.people.moves([tx.people.get(permit.scope, person_id).id]))


def place_of(tx: Transaction, person: Person) -> Place:
    """Return where a person belongs today, with the track that a move gave them."""
    moves = tx.people.moves([person.id])
    track = moves[-1].after.track if moves else None
    return Place(group=person.group, institute=person.institute, track=track)


def _live_awards(tx: Transaction, person: str) -> tuple[Award, ...]:
    where = AwardFilter(fellow=person)
    found = everything(lambda part: tx.awards.list(EVERYTHING, part, where=where))
    return tuple(award for award in found if award.is_live)


def _hand_over(tx: Transaction, act: Act, award: Award, heir: str, why: str) -> None:
    handed, told = award.hand_over(heir, why=why)
    tx.awards.save(handed)
    record(tx, act, told)


def _carry(tx: Transaction, act: Act, award: Award, group: str, event: Event) -> None:
    """Let an offer wait in the new group's account; what is accepted is the award's own."""
    if award.state is not AwardState.OFFERED:
        return
    entry = Entry(tx, act)
    for account in award_accounts(tx, award.id):
        offer = open_offer(tx, account)
        if offer is not None:
            old = entry.open(*read_account_id(offer.debit))
            new = entry.open(AccountKind.GROUP, group, account.gpu_type)
            own = entry.open(AccountKind.AWARD, award.id, account.gpu_type)
            entry.settle(offer, TransferStep.VOID, event=event.seq)
            entry.move(TransferCode.MOVE, old, new, offer.amount, event=event.seq)
            entry.move(
                TransferCode.AWARD,
                new,
                own,
                offer.amount,
                event=event.seq,
                step=TransferStep.PENDING,
            )
    entry.keep()


def _refuse_strange_heir(tx: Transaction, person: Person, moving: Moving) -> None:
    if moving.heir is None:
        return
    heir = tx.people.find(moving.heir)
    same = heir is not None and heir.group == person.group and heir.id != person.id
    if heir is None or not same or not heir.active or heir.group is None:
        rule = "another active fellow of the group that is left"
        raise InvalidValue(field="/heir", value=moving.heir, rule=rule)
