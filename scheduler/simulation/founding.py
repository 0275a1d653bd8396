"""Found a simulated center: directory, pools, a locked policy; and ask in its calls."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from scheduler.document import Document
from scheduler.domain.calls import Call, CallTerms, Track
from scheduler.domain.directory import Group, Institute, Person
from scheduler.domain.errors import RequestNotReady
from scheduler.domain.events import Json
from scheduler.domain.pools import Calendar, Pool
from scheduler.operations.calls import draft_call, open_call
from scheduler.operations.directory import put_group, put_institute, put_person
from scheduler.operations.policies import draft_policy, lock_policy_version
from scheduler.operations.pools import put_pool
from scheduler.operations.requests import create_request, submit_request
from scheduler.operations.scores import ScoreRow
from scheduler.ports.store import Transaction
from scheduler.simulation.world import ADMIN, APPROVER, OPERATOR, STAFF, World
from scheduler.snapshot import Snapshot

POLICY = "simulated"
REALLOCATION = "simulated-reallocation"
CUT_BY_RANK: Final[dict[str, Json]] = {
    "name": REALLOCATION,
    "select": {"method": "reallocate"},
    "stability": {"cut": "by_rank"},
}
"""What is held stays, unless nodes are lost: then the last in rank are cut first."""
CALL_DAYS = 28
"""How long a call takes requests."""
ASKED = (
    "gpu_hours",
    "minimum_gpu_hours",
    "gang_gpus",
    "max_gpus",
    "window",
    "speeds",
    "shape",
    "block_slots",
    "single_pool",
    "track",
)
"""Keys of a request in a round file that its fellow states."""


def found(tx: Transaction, world: World, round_: Snapshot, now: datetime) -> None:
    """Enter who and what there is, and lock the policy."""
    admin, operator = world.act(ADMIN, now), world.act(OPERATOR, now)
    named = {each.institute for part in (round_.groups, round_.fellows) for each in part}
    for name in sorted(name for name in named if name is not None):
        put_institute(tx, admin, Institute(id=name, name=name))
    for group in round_.groups:
        put_group(
            tx,
            admin,
            Group(
                id=group.id,
                name=group.id,
                institute=group.institute,
                weight=group.weight,
                floor_gpu_hours=group.floor_gpu_hours,
                cap_gpu_hours=group.cap_gpu_hours,
            ),
        )
    for person in STAFF:
        put_person(tx, admin, Person(id=person, name=person))
    for pool in round_.pools:
        put_pool(
            tx,
            operator,
            Pool(
                id=pool.id,
                gpu_type=pool.gpu_type,
                nodes=pool.nodes,
                gpus_per_node=pool.gpus_per_node,
                su_per_gpu_hour=pool.su_per_gpu_hour,
            ),
        )
    approver = world.act(APPROVER, now)
    draft_policy(tx, operator, POLICY, world.course.policy, world.course.content)
    draft_policy(tx, operator, REALLOCATION, "Stable reallocation", CUT_BY_RANK)
    for name in (POLICY, REALLOCATION):
        lock_policy_version(tx, approver, name, 1)


def enrol(tx: Transaction, world: World, round_: Snapshot, now: datetime) -> None:
    """Enter the fellows of a round, or bring what is known of them up to date."""
    for fellow in round_.fellows:
        known = Person(
            id=fellow.id,
            name=fellow.id,
            group=fellow.group,
            institute=fellow.institute,
            weight=fellow.weight,
            cap_gpu_hours=fellow.cap_gpu_hours,
        )
        put_person(tx, world.act(ADMIN, now), known)


def invite(
    tx: Transaction, world: World, document: Document, calendar: Calendar, now: datetime
) -> Call:
    """Open a call for a calendar, drafted by one person and opened by another."""
    terms = CallTerms(
        title=document["title"],
        opens_at=now,
        closes_at=now + timedelta(days=CALL_DAYS),
        policy=POLICY,
        policy_version=1,
        calendar=calendar,
        pools=tuple(pool["id"] for pool in document["pools"]),
        tracks=tuple(Track(id=track["id"]) for track in document.get("tracks") or ()),
    )
    call = draft_call(tx, world.act(OPERATOR, now), terms)
    return open_call(tx, world.act(APPROVER, now), call.id)[0]


def ask(
    tx: Transaction, world: World, call: Call, document: Document, now: datetime
) -> Iterator[ScoreRow]:
    """Submit the requests of a round, and yield the panel's score of each that was accepted."""
    for row in document["requests"]:
        stated = {name: row[name] for name in ASKED if row.get(name) is not None}
        act = world.as_fellow(row["fellow"], now)
        request = create_request(tx, act, call.id, {"title": row["id"], **stated})
        try:
            submit_request(tx, act, request.id)
        except RequestNotReady:
            continue  # a draft whose checks found errors stays a draft, as it would
        yield ScoreRow(request=request.id, score=row["score"])
