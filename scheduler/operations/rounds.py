"""Rounds: create for a call, freeze the snapshot, list, export."""

from scheduler.document import Document, parse_document
from scheduler.domain.access import Permit
from scheduler.domain.calls import Call, CallState
from scheduler.domain.errors import (
    CallStillOpen,
    InvalidTransition,
    NotFound,
    NothingToFreeze,
    SeedMismatch,
    SeedNotSealed,
)
from scheduler.domain.events import Event, Happening
from scheduler.domain.requests import IN_ROUND
from scheduler.domain.rounds import Decision, Round, RoundState
from scheduler.operations.calls import get_call
from scheduler.operations.deficits import past_document, past_rounds
from scheduler.operations.movements import expire_round
from scheduler.operations.record import record
from scheduler.operations.snapshots import call_snapshot
from scheduler.ports.acts import Act
from scheduler.ports.paging import FIRST, Page, Slice
from scheduler.ports.store import Transaction
from scheduler.round_file import read_round
from solver.canonical import canonical, digest
from solver.draw import seal


def create_round(tx: Transaction, act: Act, call: str, title: str = "") -> Round:
    """Make a round for a call; it follows the call until it is frozen."""
    of_call = get_call(tx, act.permit, call, with_drafts=True)
    round_ = Round(
        id=act.new("rnd"),
        call=call,
        title=title or of_call.terms.title,
        created_by=act.person,
        created_at=act.now,
    )
    tx.rounds.add(round_)
    record(tx, act, Happening(kind="round.created", subject=round_.id, body={"call": call}))
    return follow_call(tx, act, round_, of_call)


def follow_call(tx: Transaction, act: Act, round_: Round, call: Call) -> Round:
    """Bring a round to where its call is now: open, then in review."""
    state = call.state_at(act.now)
    if round_.state is RoundState.DRAFT and state is not CallState.DRAFT:
        round_, told = round_.open()
        tx.rounds.save(round_)
        record(tx, act, told)
    if round_.state is RoundState.OPEN and state is CallState.CLOSED:
        round_, told = round_.review()
        tx.rounds.save(round_)
        record(tx, act, told)
    return round_


def freeze_round(tx: Transaction, act: Act, id_: str) -> tuple[Round, Event]:
    """Take the snapshot that every scenario of the round will be solved on.

    It holds the latest submission of each request that is submitted or eligible, with the mean
    of its unconflicted scores, and the supply after the approved capacity changes.

    Raises:
        CallStillOpen: If the call takes requests.
        InvalidTransition: If the round is frozen already.
        NothingToFreeze: If no valid submission is left.
    """
    round_ = get_round(tx, act.permit, id_)
    act.expect("round", id_, round_.version)
    call = get_call(tx, act.permit, round_.call, with_drafts=True)
    if call.state_at(act.now) is not CallState.CLOSED:
        raise CallStillOpen(call=call.id, closes_at=call.terms.closes_at.isoformat())
    round_ = follow_call(tx, act, round_, call)
    pairs = tx.requests.latest(call.id, IN_ROUND)
    if not pairs:
        raise NothingToFreeze(call=call.id, round=id_)
    past = past_document(past_rounds(tx, act.now, but=call.id))
    snapshot = call_snapshot(tx, round_, call, pairs)
    name = keep_snapshot(tx, {**snapshot, "past": past} if past else snapshot)
    frozen, told = round_.freeze(snapshot=name, requests=len(pairs), by=act.person, at=act.now)
    tx.rounds.save(frozen)
    return frozen, record(tx, act, told)


def keep_snapshot(tx: Transaction, snapshot: Document) -> str:
    """Keep a snapshot and return its digest."""
    text = canonical(snapshot).decode()
    document = parse_document(text.encode())
    read_round(document)  # our own promise: what we freeze, the solver can read
    name = digest(document)
    tx.documents.put(name, text)
    return name


def reveal_seed(tx: Transaction, act: Act, id_: str, seed: int, salt: str) -> tuple[Call, Event]:
    """Tell the seed of a lottery on a frozen round; the round's call keeps it.

    Raises:
        InvalidTransition: If the round is not frozen, or the seed is told already.
        SeedNotSealed: If its call opened without a seal.
        SeedMismatch: If seed and salt do not make the seal.
    """
    round_ = get_round(tx, act.permit, id_)
    act.expect("round", id_, round_.version)
    if not round_.is_solvable:
        raise InvalidTransition(
            kind="round",
            id=id_,
            state=round_.state,
            action="reveal_seed",
            allowed=[str(allowed) for allowed in round_.allowed],
        )
    call = get_call(tx, act.permit, round_.call, with_drafts=True)
    if call.terms.seed_seal is None:
        raise SeedNotSealed(call=call.id, policy=call.terms.policy)
    if seal(seed, salt) != call.terms.seed_seal:
        raise SeedMismatch(round=id_, seed=seed)
    revealed, told = call.reveal_seed(seed, salt, at=act.now)
    tx.calls.save(revealed)
    return revealed, record(tx, act, told)


def activate_round(tx: Transaction, act: Act, id_: str) -> Round:
    """Bring the awards of a published round into use."""
    round_ = get_round(tx, act.permit, id_)
    act.expect("round", id_, round_.version)
    active, told = round_.activate()
    tx.rounds.save(active)
    record(tx, act, told)
    return active


def close_round(tx: Transaction, act: Act, id_: str) -> Round:
    """End an active round; what its awards have not used lapses."""
    round_ = get_round(tx, act.permit, id_)
    act.expect("round", id_, round_.version)
    closed, told = round_.close()
    tx.rounds.save(closed)
    record(tx, act, told)
    expire_round(tx, act, closed)
    return closed


def get_round(tx: Transaction, permit: Permit, id_: str) -> Round:
    """Return a round, if visible."""
    return tx.rounds.get(permit.scope, id_)


def list_rounds(
    tx: Transaction,
    permit: Permit,
    slice_: Slice = FIRST,
    *,
    call: str | None = None,
    state: RoundState | None = None,
) -> Page[Round]:
    """List visible rounds."""
    return tx.rounds.list(permit.scope, slice_, call=call, state=state)


def list_decisions(tx: Transaction, permit: Permit, id_: str) -> tuple[Decision, ...]:
    """Return the signed steps of a visible round, oldest first."""
    tx.rounds.get(permit.scope, id_)
    return tuple(tx.decisions.of(id_))


def export_round(tx: Transaction, permit: Permit, id_: str) -> str:
    """Return the `dure-round/1` document of a frozen round, as canonical JSON text."""
    round_ = get_round(tx, permit, id_)
    if round_.snapshot is None:
        raise NotFound(kind="snapshot of round", id=id_)
    return tx.documents.text(round_.snapshot)
