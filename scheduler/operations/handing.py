"""Hours handed from one award to another of the same group: the very same cells, by two people.

A lead proposes; the fellow whose hours go agrees, or, if that is the lead, the fellow who gets
them. Nobody else can.
"""

from collections import Counter
from dataclasses import dataclass, replace
from math import lcm

from scheduler.domain.access import EVERYTHING
from scheduler.domain.amounts import MILLI
from scheduler.domain.awards import Award, Cell
from scheduler.domain.changes import AwardChangeKind, Holding, negative
from scheduler.domain.errors import InvalidValue, PartyRequired
from scheduler.domain.events import Event, Happening, Json
from scheduler.domain.ledger import SECONDS_PER_HOUR, AccountKind, TransferCode
from scheduler.domain.proposals import Proposal, ProposalKind
from scheduler.operations.entering import Entry
from scheduler.operations.holdings import IN_USE, Kept, holding_of, keep_change, running_slot
from scheduler.operations.ledger import call_of
from scheduler.operations.proposals import Intent, propose
from scheduler.operations.record import record
from scheduler.ports.acts import Act
from scheduler.ports.store import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Handing:
    """GPU-seconds that one award hands to another of the same group."""

    to: str
    gpu_type: str
    gpu_seconds: int
    reason: str


def propose_transfer(
    tx: Transaction, act: Act, award_id: str, handing: Handing
) -> tuple[Proposal, Event]:
    """Propose to hand hours of an award to another award of the same group.

    Raises:
        NotFound: If an award is not visible.
        InvalidValue: If the awards are of two groups or calls or of the proposer alone, one is not
            in use, or there are not as many whole gang-hours of both that the other could use.
    """
    giver, taker = (tx.awards.get(act.scope, id_) for id_ in (award_id, handing.to))
    act.expect("award", award_id, giver.version)
    _refuse_strangers(tx, giver, taker)
    party = _party(giver, taker, act.person)
    if party is None:
        raise InvalidValue(field="/to", value=taker.id, rule="an award of somebody else")
    _handed(holding_of(tx, giver), holding_of(tx, taker), handing, running_slot(tx, act, giver))
    body: dict[str, Json] = {
        "to": taker.id,
        "gpu_type": handing.gpu_type,
        "gpu_seconds": handing.gpu_seconds,
    }
    intent = Intent(
        kind=ProposalKind.TRANSFER,
        subject=giver.id,
        body=body,
        reason=handing.reason,
        party=party,
    )
    return propose(tx, act, intent)


def enter_transfer(tx: Transaction, act: Act, proposal: Proposal, event: Event) -> None:
    """Hand the hours on, now that both parties agree: the latest cells the other can use.

    Raises:
        InvalidValue: If the awards are no longer of one group or in use, or there are not as many
            whole gang-hours by now.
        PartyRequired: If the hours are another fellow's by now.
        BalanceTooSmall: If the award does not hold as much by now.
    """
    del event  # the transfer tells its own
    handing = _read(proposal)
    giver, taker = (tx.awards.get(EVERYTHING, id_) for id_ in (proposal.subject, handing.to))
    _refuse_strangers(tx, giver, taker)
    party = _party(giver, taker, proposal.proposed_by)
    if party != act.person:
        raise PartyRequired(proposal=proposal.id, person=act.person, party=party)
    sides = holding_of(tx, giver), holding_of(tx, taker)
    cells, why = _handed(*sides, handing, running_slot(tx, act, giver)), handing.reason
    body: dict[str, Json] = {"proposal": proposal.id, "reason": why, **proposal.body}
    told = record(tx, act, Happening(kind="award.transferred", subject=giver.id, body=body))
    gone = Kept(kind=AwardChangeKind.HANDED_ON, cells=negative(cells), reason=why, event=told)
    come = Kept(kind=AwardChangeKind.RECEIVED, cells=cells, reason=why, event=told)
    for side, kept in zip(sides, (gone, come), strict=True):
        keep_change(tx, act, side, kept)
    entry = Entry(tx, act)
    own, other = (
        entry.open(AccountKind.AWARD, each.id, handing.gpu_type) for each in (giver, taker)
    )
    entry.move(TransferCode.MOVE, own, other, handing.gpu_seconds, event=told.seq)
    entry.keep()


def _party(giver: Award, taker: Award, proposer: str) -> str | None:
    """Return who is to agree: whose hours go, else who gets them; nobody if both are one."""
    others = (each.fellow for each in (giver, taker) if each.fellow != proposer)
    return next(others, None)


def _read(proposal: Proposal) -> Handing:
    """Return what was proposed."""
    amount = proposal.body["gpu_seconds"]
    assert isinstance(amount, int), "a proposal keeps whole amounts"
    return Handing(
        to=str(proposal.body["to"]),
        gpu_type=str(proposal.body["gpu_type"]),
        gpu_seconds=amount,
        reason=proposal.reason,
    )


def _handed(giver: Holding, taker: Holding, handing: Handing, since: int) -> tuple[Cell, ...]:
    """Return the cells that go over, none of a slot before `since`."""
    hours, rest = divmod(handing.gpu_seconds, SECONDS_PER_HOUR)
    gang = lcm(giver.ask.gang_gpus, taker.ask.gang_gpus)
    usable = replace(
        giver,
        award=replace(giver.award, cells=_usable(giver, taker)),
        ask=replace(giver.ask, gang_gpus=gang),
    )
    cells = usable.take(hours, handing.gpu_type, since=since)
    found = sum(cell.gpu_hours for cell in cells)
    if rest or not hours or found < hours:
        raise InvalidValue(
            field="/gpu_seconds",
            value=handing.gpu_seconds,
            rule=f"whole gang-hours of {gang}, at most {found * SECONDS_PER_HOUR} GPU-seconds "
            "that the other award can use",
        )
    return cells


def _usable(giver: Holding, taker: Holding) -> tuple[Cell, ...]:
    """Return the giver's cells as far as the taker's request can use them besides its own."""
    at_once: Counter[int] = Counter()
    for cell in taker.award.cells:
        at_once[cell.slot] += cell.gpu_hours
    most = None if taker.ask.max_gpus is None else taker.ask.max_gpus * taker.slot_hours // MILLI
    usable = []
    for cell in sorted(giver.award.cells, key=lambda each: (each.slot, each.pool), reverse=True):
        open_ = cell.gpu_hours if most is None else min(cell.gpu_hours, most - at_once[cell.slot])
        if cell.pool in taker.ask.speeds and open_ > 0:
            at_once[cell.slot] += open_
            usable.append(replace(cell, gpu_hours=open_))
    return tuple(usable)


def _refuse_strangers(tx: Transaction, giver: Award, taker: Award) -> None:
    people = [tx.people.find(each.fellow) for each in (giver, taker)]
    groups = {None if person is None else person.group for person in people}
    if len(groups) != 1 or None in groups or giver.id == taker.id:
        raise InvalidValue(field="/to", value=taker.id, rule="another award of the same group")
    if call_of(tx, giver) != call_of(tx, taker):
        raise InvalidValue(field="/to", value=taker.id, rule="an award of the same call")
    for award in (giver, taker):
        if award.state not in IN_USE:
            raise InvalidValue(field="/to", value=award.state, rule="two accepted awards")
