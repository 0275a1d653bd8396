"""Round files: a `dure-round/1` document becomes a frozen round with its directory."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from scheduler.document import InvalidRound, parse_document
from scheduler.domain.asks import ask_document
from scheduler.domain.calls import Call, CallState, CallTerms, Track
from scheduler.domain.directory import Group, Institute, Person
from scheduler.domain.errors import InvalidRoundFile
from scheduler.domain.events import Event, Happening, Json
from scheduler.domain.names import SLUG
from scheduler.domain.pools import Calendar, Pool
from scheduler.domain.requests import Ask, AskShape, Request, RequestState, Submission
from scheduler.domain.rounds import Round, RoundState
from scheduler.operations.record import record
from scheduler.ports.acts import Act
from scheduler.ports.store import Transaction
from scheduler.round_file import read_round
from scheduler.snapshot import RoundFellow, RoundGroup, RoundRequest, Snapshot
from solver.canonical import canonical, digest

NO_POLICY = "imported"
"""Stands where an imported call would name its policy."""


@dataclass(frozen=True, slots=True)
class _File:
    """A round file, read."""

    snapshot: Snapshot
    text: str
    digest: str


def import_round(tx: Transaction, act: Act, raw: bytes) -> tuple[Round, Event]:
    """Make institutes, groups, people, pools, a closed call and a frozen round of a file.

    What the directory knows already stays as it is; the snapshot is the file itself, and the
    file's request ids become the labels of the requests.

    Args:
        tx: the transaction.
        act: by an operator.
        raw: JSON, gzipped or not.

    Raises:
        InvalidRoundFile: If the file breaks the format, or an id of it cannot name an object of
            the directory; the rule names the field.
    """
    file = _read(raw)
    _add_directory(tx, file.snapshot)
    call = _add_call(tx, act, file.snapshot)
    told = Happening(kind="round.imported", subject=call.id, body={"snapshot": file.digest})
    event = record(tx, act, told)
    labels = {request.id: act.new("req") for request in file.snapshot.requests}
    tx.requests.add_all(
        _request(act, call, request, labels, event) for request in file.snapshot.requests
    )
    tx.documents.put(file.digest, file.text)
    round_ = Round(
        id=act.new("rnd"),
        call=call.id,
        title=call.terms.title,
        created_by=act.person,
        created_at=act.now,
        state=RoundState.FROZEN,
        snapshot=file.digest,
        requests=len(labels),
        frozen_by=act.person,
        frozen_at=act.now,
    )
    tx.rounds.add(round_)
    body: dict[str, Json] = {"snapshot": file.digest, "requests": len(labels), "call": call.id}
    return round_, record(tx, act, Happening(kind="round.frozen", subject=round_.id, body=body))


def _read(raw: bytes) -> _File:
    try:
        document = parse_document(raw)
        snapshot = read_round(document)
        _refuse_ids(snapshot)
    except InvalidRound as refusal:
        raise InvalidRoundFile(rule=str(refusal)) from refusal
    return _File(snapshot, canonical(document).decode(), digest(document))


def _refuse_ids(snapshot: Snapshot) -> None:
    """Refuse ids under which the directory can keep nothing."""
    kinds = ("groups", "fellows", "tracks", "pools")
    for kind in kinds:
        for index, each in enumerate(getattr(snapshot, kind)):
            if not SLUG.fullmatch(each.id):
                rule = "Must be 1 to 64 letters, digits, dots, underscores or hyphens."
                raise InvalidRound(f"#/{kind}/{index}/id", each.id, rule)


def _institute_of(holder: RoundGroup | RoundFellow) -> str | None:
    """Return under which id the directory keeps an institute; a file may name it by any text."""
    if holder.institute is None or SLUG.fullmatch(holder.institute):
        return holder.institute
    return f"institute-{hashlib.sha256(holder.institute.encode()).hexdigest()[:12]}"


def _add_directory(tx: Transaction, snapshot: Snapshot) -> None:
    holders: list[RoundGroup | RoundFellow] = [*snapshot.groups, *snapshot.fellows]
    named = {_institute_of(each): each.institute for each in holders}
    for id_, name in named.items():
        if id_ is not None and name is not None and tx.institutes.find(id_) is None:
            tx.institutes.add(Institute(id=id_, name=name))
    for group in snapshot.groups:
        if tx.groups.find(group.id) is None:
            tx.groups.add(
                Group(
                    id=group.id,
                    name=group.id,
                    institute=_institute_of(group),
                    weight=group.weight,
                    floor_gpu_hours=group.floor_gpu_hours,
                    cap_gpu_hours=group.cap_gpu_hours,
                )
            )
    for fellow in snapshot.fellows:
        if tx.people.find(fellow.id) is None:
            tx.people.add(
                Person(
                    id=fellow.id,
                    name=fellow.id,
                    group=fellow.group,
                    institute=_institute_of(fellow),
                    weight=fellow.weight,
                    cap_gpu_hours=fellow.cap_gpu_hours,
                )
            )
    for pool in snapshot.pools:
        if tx.pools.find(pool.id) is None:
            tx.pools.add(
                Pool(
                    id=pool.id,
                    gpu_type=pool.gpu_type,
                    nodes=pool.nodes,
                    gpus_per_node=pool.gpus_per_node,
                    su_per_gpu_hour=pool.su_per_gpu_hour,
                )
            )


def _add_call(tx: Transaction, act: Act, snapshot: Snapshot) -> Call:
    calendar = snapshot.calendar
    terms = CallTerms(
        title=snapshot.title or snapshot.id,
        opens_at=act.now - timedelta(seconds=1),
        closes_at=act.now,
        policy=NO_POLICY,
        policy_version=0,
        calendar=Calendar(
            starts_on=calendar.starts_on, slot_hours=calendar.slot_hours, slots=calendar.slots
        ),
        pools=tuple(pool.id for pool in snapshot.pools),
        tracks=tuple(
            Track(
                id=track.id,
                floor_gpu_hours=track.floor_gpu_hours,
                cap_gpu_hours=track.cap_gpu_hours,
            )
            for track in snapshot.tracks
        ),
    )
    call = Call(
        id=act.new("call"),
        terms=terms,
        state=CallState.CLOSED,
        drafted_by=act.person,
        created_at=act.now,
        closed_by=act.person,
        closed_at=act.now,
    )
    tx.calls.add(call)
    return call


def _request(
    act: Act, call: Call, asked: RoundRequest, labels: dict[str, str], event: Event
) -> tuple[Request, Submission]:
    ask = Ask(
        title=asked.id,
        gpu_hours=asked.gpu_hours,
        minimum_gpu_hours=asked.minimum_gpu_hours,
        gang_gpus=asked.gang_gpus,
        max_gpus=asked.max_gpus,
        window=(asked.first, asked.end),
        speeds=dict(asked.speeds),
        shape=AskShape(asked.shape),
        block_slots=asked.block_slots or None,
        single_pool=asked.single_pool,
        after=None if asked.after is None else labels[asked.after],
        track=asked.track,
    )
    request = Request(
        id=labels[asked.id],
        call=call.id,
        fellow=asked.fellow,
        label=asked.id,
        created_by=act.person,
        created_at=act.now,
        updated_at=act.now,
        draft=ask,
        state=RequestState.ELIGIBLE,
        submitted=1,
        edited=False,
    )
    submission = Submission(
        id=act.new("sub"),
        request=request.id,
        number=1,
        ask=ask,
        submitted_by=act.person,
        received_at=act.now,
        deadline=call.deadline,
        digest=digest(ask_document(ask)),
        event=event.seq,
        event_hash=event.hash,
    )
    return request, submission
