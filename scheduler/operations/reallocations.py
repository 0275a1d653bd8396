"""Reallocations: a published round goes on in mid-round, and what that writes."""

from collections import Counter
from collections.abc import Iterable, Mapping

from scheduler.domain.amounts import MILLI
from scheduler.domain.awards import Award, AwardState, Cell, ReserveEntry
from scheduler.domain.changes import AwardChangeKind, fold_cells, negative
from scheduler.domain.errors import (
    HoldingsChanged,
    InvalidTransition,
    InvalidValue,
    NothingToFreeze,
)
from scheduler.domain.events import Event, Happening, Json
from scheduler.domain.ledger import AccountKind, account_id
from scheduler.domain.names import reason as stated_reason
from scheduler.domain.rounds import Round, RoundState
from scheduler.operations.calls import get_call
from scheduler.operations.continuations import Continuation
from scheduler.operations.evidence import Evidence
from scheduler.operations.holdings import Kept, awards_of_call, holding_of, keep_change
from scheduler.operations.jobs import cancel
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
from scheduler.operations.supplying import enter_gained_supply, enter_lost_supply, top_up
from scheduler.ports.acts import Act
from scheduler.ports.paging import everything
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
    _supersede(tx, act, made)
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

    Hours that awards lose go to the call first, with what the calendar supplies more. What is given
    comes from there, and from the director's reserve where the call has too little. Supply that is
    lost is taken off last: its free part is no longer there for a plan to give, and what of it was
    promised is nobody else's to lose.

    Raises:
        BalanceTooSmall: If somebody gave hours of the call away after the round was frozen.
    """
    call = tx.calls.find(booked.call)
    assert call is not None, "a round belongs to a call"
    types = {pool.id: pool.gpu_type for pool in tx.pools.of(call.terms.pools)}
    kept = [(*_keep(tx, act, award, cells), cells) for award, cells in outcome.changes]
    nets = [(award, event, gpu_seconds(cells, types)) for award, event, cells in kept]
    for award, event, net in nets:
        lost = {each: -_unused(tx, award, each, -net[each]) for each in net if net[each] < 0}
        enter_change(tx, act, award, lost, route=BY_CALL, event=event.seq)
    enter_gained_supply(tx, act, call, event=booked.event)
    wanted: Counter[str] = Counter()
    for _, _, net in nets:
        wanted.update(_only_gained(net))
    for offer in booked.offers:
        wanted.update(offer.gpu_seconds)
    top_up(tx, act, call, wanted, event=booked.event)
    for award, event, net in nets:
        enter_change(tx, act, award, _only_gained(net), route=BY_CALL, event=event.seq)
    offers = Publication(call=booked.call, supply={}, offers=booked.offers, event=booked.event)
    enter_publication(tx, act, offers)
    enter_lost_supply(tx, act, call, event=booked.event)


def _only_gained(net: Mapping[str, int]) -> dict[str, int]:
    return {gpu_type: amount for gpu_type, amount in net.items() if amount > 0}


def _unused(tx: Transaction, award: Award, gpu_type: str, gpu_seconds_: int) -> int:
    """Return how much of what an award loses it has not used yet, ahead of its slots."""
    if award.state is AwardState.OFFERED:
        return gpu_seconds_
    account = tx.ledger.find(account_id(AccountKind.AWARD, award.id, gpu_type))
    return 0 if account is None else min(gpu_seconds_, max(account.available, 0))


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


def _supersede(tx: Transaction, act: Act, made: Round) -> None:
    """Let frozen reallocations that nobody has selected give way, and stop their solves."""
    for each in tx.rounds.of_call(made.call):
        if each.continues and each.state is RoundState.FROZEN:
            superseded, told = each.supersede(made.id)
            tx.rounds.save(superseded)
            record(tx, act, told)
            for job in everything(lambda part, of=each.id: tx.jobs.list(part, subject=of)):  # type: ignore[misc]  # bound early
                if job.is_live:
                    cancel(tx, act, job.id, f"Superseded by {made.id}.")


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


def _cells(rows: Iterable[tuple[str, int, int]]) -> tuple[Cell, ...]:
    return tuple(Cell(pool=pool, slot=slot, gpu_hours=int(hours)) for pool, slot, hours in rows)
