"""The snapshot of a call: what a round decides on, as a `dure-round/1` document."""

from collections.abc import Iterable, Mapping, Sequence

from scheduler.document import Document
from scheduler.domain.amounts import number
from scheduler.domain.calls import Call
from scheduler.domain.directory import Group, Person
from scheduler.domain.events import Json
from scheduler.domain.pools import Supply
from scheduler.domain.requests import AskShape, Request, Submission
from scheduler.domain.reviews import ReviewScore, score_of
from scheduler.domain.rounds import Round
from scheduler.operations.pools import supplies
from scheduler.ports.store import Transaction
from scheduler.round_file import SCHEMA


def call_snapshot(
    tx: Transaction, round_: Round, call: Call, pairs: Sequence[tuple[Request, Submission]]
) -> Document:
    """Return what a round of a call decides on: requests with submissions, scores and supply."""
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
