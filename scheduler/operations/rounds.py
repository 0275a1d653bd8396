"""Rounds: create for a call, freeze the snapshot, list, export."""

from collections.abc import Iterable, Mapping, Sequence

from scheduler.domain.access import Permit
from scheduler.domain.amounts import number
from scheduler.domain.calls import Call, CallState
from scheduler.domain.directory import Group, Person
from scheduler.domain.errors import (
    CallStillOpen,
    InvalidTransition,
    NotFound,
    NothingToFreeze,
    SeedMismatch,
    SeedNotSealed,
)
from scheduler.domain.events import Document, Event, Happening, Json
from scheduler.domain.pools import Supply
from scheduler.domain.requests import IN_ROUND, AskShape, Request, Submission
from scheduler.domain.reviews import ReviewScore, score_of
from scheduler.domain.rounds import Decision, Round, RoundState
from scheduler.operations.calls import get_call
from scheduler.operations.movements import expire_round
from scheduler.operations.pools import supplies
from scheduler.operations.record import record
from scheduler.ports.acts import Act
from scheduler.ports.paging import FIRST, Page, Slice
from scheduler.ports.store import Transaction
from scheduler.snapshot import SCHEMA, parse_document, read_round
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
    text = canonical(_snapshot(tx, round_, call, pairs)).decode()
    document = parse_document(text.encode())
    read_round(document)  # our own promise: what we freeze, the solver can read
    name = digest(document)
    tx.documents.put(name, text)
    frozen, told = round_.freeze(snapshot=name, requests=len(pairs), by=act.person, at=act.now)
    tx.rounds.save(frozen)
    return frozen, record(tx, act, told)


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


def _snapshot(
    tx: Transaction, round_: Round, call: Call, pairs: Sequence[tuple[Request, Submission]]
) -> Document:
    # Ordered here, since databases collate text in their own ways and the digest must not.
    people = sorted(
        tx.people.of({request.fellow for request, _ in pairs}), key=lambda person: person.id
    )
    groups = sorted(
        tx.groups.of({person.group for person in people if person.group is not None}),
        key=lambda group: group.id,
    )
    supplied = supplies(tx, call.terms.pools, call.terms.calendar)
    scores = tx.scores.of_call(call.id)
    calendar = call.terms.calendar
    return {
        "schema": SCHEMA,
        "id": round_.id,
        "title": round_.title,
        "calendar": {
            "starts_on": None if calendar.starts_on is None else calendar.starts_on.isoformat(),
            "slot_hours": number(calendar.slot_hours),
            "slots": calendar.slots,
        },
        "groups": [_group(group) for group in groups],
        "fellows": [_fellow(person) for person in people],
        "tracks": [
            _stated(
                {
                    "id": track.id,
                    "floor_gpu_hours": number(track.floor_gpu_hours),
                    "cap_gpu_hours": _amount(track.cap_gpu_hours),
                }
            )
            for track in call.terms.tracks
        ],
        "pools": [_pool(supply) for supply in supplied.values()],
        "requests": _requests(pairs, scores),
    }


def _group(group: Group) -> Document:
    return _stated(
        {
            "id": group.id,
            "weight": number(group.weight),
            "institute": group.institute,
            "floor_gpu_hours": number(group.floor_gpu_hours),
            "cap_gpu_hours": _amount(group.cap_gpu_hours),
        }
    )


def _fellow(person: Person) -> Document:
    return _stated(
        {
            "id": person.id,
            "group": person.group,
            "institute": person.institute,
            "weight": number(person.weight),
            "cap_gpu_hours": _amount(person.cap_gpu_hours),
        }
    )


def _pool(supply: Supply) -> Document:
    pool = supply.pool
    return {
        "id": pool.id,
        "gpu_type": pool.gpu_type,
        "nodes": pool.nodes,
        "gpus_per_node": pool.gpus_per_node,
        "su_per_gpu_hour": number(pool.su_per_gpu_hour),
        "supply_gpu_hours": [number(hours) for hours in supply.gpu_hours],
    }


def _requests(
    pairs: Iterable[tuple[Request, Submission]], scores: Mapping[str, Sequence[ReviewScore]]
) -> list[Json]:
    pairs = list(pairs)
    labels = {request.id: request.label for request, _ in pairs}
    return [
        _request(request, submission, labels, score_of(scores.get(request.id, ())))
        for request, submission in pairs
    ]


def _request(
    request: Request, submission: Submission, labels: Mapping[str, str], score: int | None
) -> Document:
    ask = submission.ask
    assert ask.gpu_hours is not None, "a submission states its amount"
    assert ask.window is not None, "a submission states its window"
    orphan = ask.after is not None and ask.after not in labels
    return _stated(
        {
            "id": request.label,
            "fellow": request.fellow,
            "gpu_hours": number(ask.gpu_hours),
            "minimum_gpu_hours": number(ask.minimum_gpu_hours),
            "gang_gpus": ask.gang_gpus,
            "max_gpus": ask.max_gpus,
            "window": list(ask.window),
            "speeds": {pool: number(speed) for pool, speed in sorted(ask.speeds.items())},
            "shape": str(ask.shape),
            "block_slots": ask.block_slots if ask.shape is AskShape.BLOCK else None,
            "single_pool": ask.single_pool,
            "score": _amount(score),
            "after": None if ask.after is None else labels.get(ask.after),
            "track": ask.track,
            "urgency": None if ask.urgency is None else str(ask.urgency),
            # A request may be funded only after its predecessor; one that is gone never will be.
            "vetoed": True if orphan else None,
        }
    )


def _amount(thousandths: int | None) -> Json:
    return None if thousandths is None else number(thousandths)


def _stated(row: Document) -> Document:
    """Return the row without what is not stated; the format gives those keys their defaults."""
    return {key: value for key, value in row.items() if value is not None}
