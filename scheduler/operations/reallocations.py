"""Reallocations: a published round goes on in mid-round, and what that writes."""

from collections import Counter
from collections.abc import Iterable, Mapping

from scheduler.domain.amounts import MILLI
from scheduler.domain.awards import Award, Cell, ReserveEntry
from scheduler.domain.calls import Call
from scheduler.domain.changes import AwardChangeKind, fold_cells, negative
from scheduler.domain.errors import (
    HoldingsChanged,
    InvalidTransition,
    InvalidValue,
    NothingToFreeze,
)
from scheduler.domain.events import Event, Happening, Json
from scheduler.domain.ledger import (
    CENTER,
    SECONDS_PER_HOUR,
    AccountKind,
    TransferCode,
)
from scheduler.domain.names import reason as stated_reason
from scheduler.domain.rounds import Round, RoundState
from scheduler.operations.calls import get_call
from scheduler.operations.continuations import Continuation
from scheduler.operations.entering import Entry
from scheduler.operations.evidence import Evidence
from scheduler.operations.holdings import Kept, awards_of_call, holding_of, keep_change
from scheduler.operations.ledger import (
    BY_CALL,
    Publication,
    enter_change,
    enter_publication,
    gpu_seconds,
)
from scheduler.operations.outcomes import Outcome, new_awards
from scheduler.operations.pools import supplies
from scheduler.operations.record import record
from scheduler.operations.rounds import keep_snapshot
from scheduler.ports.acts import Act
from scheduler.ports.store import Transaction

Places = Counter[tuple[int, str]]
"""GPU-hours by slot and pool."""


def start_reallocation(
    tx: Transaction, act: Act, round_id: str, reason: str
) -> tuple[Round, Event]:
    """Go on with a published round: freeze what is held, who is in line and what is to come.

    The new round is frozen at once; solve, select, approve and publish it like any other.

    Raises:
        InvalidTransition: If the round is not published, or is closed.
        InvalidValue: If a later round goes on with it already, or its calendar is over.
        NothingToFreeze: If nothing is held any more and nobody is in line.
    """
    before, why = tx.rounds.get(act.scope, round_id), stated_reason(reason)
    act.expect("round", round_id, before.version)
    call = get_call(tx, act.permit, before.call, with_drafts=True)
    _refuse_unless_last(tx, before)
    since = call.terms.calendar.slot_at(act.now)
    if since >= call.terms.calendar.slots:
        raise InvalidValue(field="/round", value=round_id, rule="a calendar that is not over")
    made = Round(
        id=act.new("rnd"),
        call=call.id,
        title=before.title,
        created_by=act.person,
        created_at=act.now,
        state=RoundState.REVIEW,
        continues=before.id,
        since=since,
    )
    going = Continuation(tx=tx, round=made, before=before, call=call, now=act.now)
    if not going.labels:
        raise NothingToFreeze(call=call.id, round=round_id)
    body: dict[str, Json] = {"call": call.id, "continues": before.id, "reason": why}
    record(tx, act, Happening(kind="round.created", subject=made.id, body=body))
    name = keep_snapshot(tx, going.snapshot())
    frozen, told = made.freeze(snapshot=name, requests=len(going.labels), by=act.person, at=act.now)
    tx.rounds.add(frozen)
    return frozen, record(tx, act, told)


def reallocated(tx: Transaction, act: Act, round_: Round, evidence: Evidence) -> Outcome:
    """Return what the publication of a reallocation writes.

    Raises:
        HoldingsChanged: If an award that would move holds other cells by now, or what is new finds
            no room by now.
    """
    waiting = {
        label: request
        for label, request in tx.requests.labelled(round_.call).items()
        if "draw" in request.allowed
    }
    awards = tuple(new_awards(tx, act, round_, evidence, waiting))
    drawn = {award.request for award in awards}
    labels = {request.id: label for label, request in waiting.items()}
    still = [
        waiting[row["request"]] for row in evidence.plan["reserve"] if row["request"] in waiting
    ]
    changes = tuple(_moves(tx, round_, evidence))
    _refuse_without_room(tx, round_, [*(a.cells for a in awards), *(c for _, c in changes)])
    taken = [-cell.gpu_hours for _, cells in changes for cell in cells if cell.gpu_hours < 0]
    net = [sum(cell.gpu_hours for cell in cells) for _, cells in changes]
    return Outcome(
        awards=awards,
        reserve=tuple(
            ReserveEntry(round=round_.id, request=request.id, rank=rank)
            for rank, request in enumerate(still, start=1)
        ),
        requests=tuple(waiting[labels[each]].draw(act.now) for each in sorted(drawn)),
        changes=changes,
        moved=sum(taken),
        cut=sum(max(-each, 0) for each in net),
    )


def enter_reallocation(tx: Transaction, act: Act, outcome: Outcome, booked: Publication) -> None:
    """Keep what goes on elsewhere, and enter it with what is offered anew.

    Hours that awards lose go to the call first; then the call is funded with what the calendar
    supplies as it is known now. What is given comes from the call, and from the director's reserve
    where the call has too little.

    Raises:
        BalanceTooSmall: If both together do not hold as much.
    """
    kept = [(*_keep(tx, act, award, cells), cells) for award, cells in outcome.changes]
    for award, event, cells in kept:
        lost = [cell for cell in cells if cell.gpu_hours < 0]
        _enter(tx, act, award, lost, event)
    call = tx.calls.find(booked.call)
    assert call is not None, "a round belongs to a call"
    enter_supply(tx, act, call, event=booked.event)
    given = [cell for _, _, cells in kept for cell in cells if cell.gpu_hours > 0]
    wanted = Counter(gpu_seconds(given, _types(tx, call)))
    for offer in booked.offers:
        wanted.update(offer.gpu_seconds)
    _top_up(tx, act, call, wanted, event=booked.event)
    for award, event, cells in kept:
        got = [cell for cell in cells if cell.gpu_hours > 0]
        _enter(tx, act, award, got, event)
    offers = Publication(call=booked.call, supply={}, offers=booked.offers, event=booked.event)
    enter_publication(tx, act, offers)


def enter_supply(tx: Transaction, act: Act, call: Call, *, event: int) -> None:
    """Fund a call with what its calendar supplies by now, or take off what is lost of it."""
    entry = Entry(tx, act)
    supplied: Counter[str] = Counter()
    for each in supplies(tx, call.terms.pools, call.terms.calendar).values():
        supplied[each.pool.gpu_type] += sum(each.gpu_hours) * SECONDS_PER_HOUR // MILLI
    for gpu_type, amount in sorted(supplied.items()):
        source = entry.open(AccountKind.SUPPLY, CENTER, gpu_type)
        fund = entry.open(AccountKind.CALL, call.id, gpu_type)
        reserve = entry.open(AccountKind.RESERVE, call.id, gpu_type)
        missing = amount - _funded(tx, source, (fund, reserve))
        if missing > 0:
            entry.move(TransferCode.FUND, source, fund, missing, event=event)
        for account in (fund, reserve):
            # What past slots lost after it was used is gone without a trace in these accounts.
            gone = min(-missing, entry.book.accounts[account].available)
            if gone > 0:
                entry.move(TransferCode.LOSE, account, source, gone, event=event)
                missing += gone
    entry.keep()


def _funded(tx: Transaction, source: str, accounts: tuple[str, str]) -> int:
    """Return the GPU-seconds that the supply gave to a call, less what was taken off since."""
    fund = accounts[0]
    given = sum(each.amount for each in tx.ledger.credited(fund) if each.debit == source)
    lost = sum(
        each.amount
        for each in tx.ledger.credited(source)
        if each.code is TransferCode.LOSE and each.debit in accounts
    )
    return given - lost


def _top_up(
    tx: Transaction, act: Act, call: Call, wanted: Mapping[str, int], *, event: int
) -> None:
    """Bring a call up to what it gives, out of the director's reserve."""
    entry = Entry(tx, act)
    for gpu_type, amount in sorted(wanted.items()):
        fund = entry.open(AccountKind.CALL, call.id, gpu_type)
        short = amount - entry.book.accounts[fund].available
        if short > 0:
            reserve = entry.open(AccountKind.RESERVE, call.id, gpu_type)
            entry.move(TransferCode.MOVE, reserve, fund, short, event=event)
    entry.keep()


def _moves(
    tx: Transaction, round_: Round, evidence: Evidence
) -> Iterable[tuple[Award, tuple[Cell, ...]]]:
    """Yield the awards whose cells are others under the plan, with what they get and lose."""
    planned = {row["request"]: _cells(row["cells"]) for row in evidence.plan["awards"]}
    labelled = tx.requests.labelled(round_.call)
    changed = []
    for row in evidence.snapshot["previous"]["awards"]:
        before, now = _cells(row["cells"]), planned.get(row["request"], ())
        difference = fold_cells(now, negative(before))
        award = tx.awards.of_request(labelled[row["request"]].id)
        if not difference or award is None or not award.is_live:
            continue
        ahead = fold_cells(cell for cell in award.cells if cell.slot >= round_.since)
        if ahead != fold_cells(before):
            changed.append(award.id)
        yield award, difference
    if changed:
        raise HoldingsChanged(round=round_.id, awards=changed, count=len(changed))


def _refuse_without_room(tx: Transaction, round_: Round, parts: Iterable[tuple[Cell, ...]]) -> None:
    call = tx.calls.find(round_.call)
    assert call is not None, "a round belongs to a call"
    cells = [cell for part in parts for cell in part]
    wanted = {(cell.slot, cell.pool) for cell in cells if cell.gpu_hours > 0}
    taken: Places = Counter()
    for cell in (*cells, *(each for award in awards_of_call(tx, call.id) for each in award.cells)):
        taken[cell.slot, cell.pool] += cell.gpu_hours
    supplied = supplies(tx, call.terms.pools, call.terms.calendar)
    full = sorted(
        {
            pool
            for slot, pool in wanted
            if taken[slot, pool] > supplied[pool].gpu_hours[slot] // MILLI
        }
    )
    if full:
        raise HoldingsChanged(round=round_.id, awards=full, count=len(full))


def _refuse_unless_last(tx: Transaction, round_: Round) -> None:
    if not round_.may_go_on:
        raise InvalidTransition(
            kind="round",
            id=round_.id,
            state=round_.state,
            action="reallocate",
            allowed=[str(each) for each in round_.allowed],
        )
    later = [
        each.id
        for each in tx.rounds.of_call(round_.call)
        if each.continues == round_.id and each.is_public
    ]
    if later:
        rule = f"the last published round of its call, which {later[-1]} goes on from"
        raise InvalidValue(field="/round", value=round_.id, rule=rule)


def _keep(tx: Transaction, act: Act, award: Award, cells: tuple[Cell, ...]) -> tuple[Award, Event]:
    """Keep what an award that goes on gets and loses."""
    holding = holding_of(tx, award)
    # Whole gang-hours of another pool may be worth a little more; what is held does not grow.
    gained = min(holding.gained(cells), 0)
    kind = AwardChangeKind.CUT if gained else AwardChangeKind.MOVED
    body: dict[str, Json] = {
        "gpu_hours": sum(max(-cell.gpu_hours, 0) for cell in cells),
        "left": sum(cell.gpu_hours for cell in fold_cells(award.cells, cells)),
    }
    event = record(tx, act, Happening(kind=f"award.{kind}", subject=award.id, body=body))
    kept = Kept(kind=kind, cells=cells, reason="", event=event, gpu_hours=gained)
    changed, _ = keep_change(tx, act, holding, kept)
    return changed, event


def _enter(tx: Transaction, act: Act, award: Award, cells: Iterable[Cell], event: Event) -> None:
    types = {pool.id: pool.gpu_type for pool in tx.pools.of({cell.pool for cell in award.cells})}
    types |= {pool.id: pool.gpu_type for pool in tx.pools.of({cell.pool for cell in cells})}
    amounts = gpu_seconds(cells, types)
    if amounts:
        enter_change(tx, act, award, amounts, route=BY_CALL, event=event.seq)


def _types(tx: Transaction, call: Call) -> dict[str, str]:
    return {pool.id: pool.gpu_type for pool in tx.pools.of(call.terms.pools)}


def _cells(rows: Iterable[tuple[str, int, int]]) -> tuple[Cell, ...]:
    return tuple(Cell(pool=pool, slot=slot, gpu_hours=int(hours)) for pool, slot, hours in rows)
