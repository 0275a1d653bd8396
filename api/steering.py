"""Steer a Kueue cluster: set each award's quota to the pace of the period that begins now."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Final

from api.kubernetes import Cluster, FieldsOwned, ObjectChanged
from scheduler.domain.limits import AwardLimit
from scheduler.domain.pace import PacedAward, Pacing, Step, exposed, paced_awards, recent
from scheduler.export import kueue
from scheduler.export.queues import Object, award_name, type_name

PLURAL: Final = "clusterqueues"
ATTEMPTS: Final = 3
"""How often a queue is read and set again when somebody else was faster."""


class Outcome(StrEnum):
    """What became of one award's queue."""

    SET = "set"
    """It has another pace now."""
    UNCHANGED = "unchanged"
    """It had that pace already."""
    ABSENT = "absent"
    """It rests and has no queue; none was made."""
    OWNED = "owned"
    """Somebody else owns its fields; nothing was changed."""
    CONTENDED = "contended"
    """Somebody else was faster each time; nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steered:
    """What became of one award.

    Attributes:
        why: who stands in the way, if somebody does.
    """

    award: PacedAward
    outcome: Outcome
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """How a cluster is steered.

    Attributes:
        metered_at: until when the books know its use; from the begin of an award if never.
        clock: gives the instant.
        force: take over fields that another manager owns.
        rehearsal: change nothing.
    """

    pacing: Pacing
    metered_at: datetime | None
    clock: Callable[[], datetime]
    force: bool = False
    rehearsal: bool = False


def steer(cluster: Cluster, limits: Iterable[AwardLimit], steering: Steering) -> Iterator[Steered]:
    """Set the queue of every award to its pace, one after the other.

    Args:
        cluster: where the queues are.
        limits: of the awards of a round.
        steering: how.

    Yields:
        What became of each award.

    Raises:
        ClusterError: If the API server is away, or refuses for another reason than a conflict.
        InvalidValue: If the calendar has no first day.
    """
    live = {_name(each): each for each in cluster.managed(kueue.VERSION, PLURAL)}
    ordered = sorted(limits, key=lambda each: (each.award, each.gpu_type))
    for award, ours in groupby(ordered, key=lambda each: each.award):
        yield _steer_one(cluster, tuple(ours), steering, live.get(award_name(award)))


def _steer_one(
    cluster: Cluster,
    limits: Sequence[AwardLimit],
    steering: Steering,
    queue: Object | None,
) -> Steered:
    for attempt in range(1, ATTEMPTS + 1):
        award, wanted = decide(limits, steering, queue, steering.clock())
        if queue is None and award.rests:
            return Steered(award=award, outcome=Outcome.ABSENT)
        if queue is not None and _says(queue, wanted):
            return Steered(award=award, outcome=Outcome.UNCHANGED)
        if steering.rehearsal:
            return Steered(award=award, outcome=Outcome.SET)
        version = None if queue is None else queue["metadata"]["resourceVersion"]
        try:
            cluster.apply(PLURAL, wanted, resource_version=version, force=steering.force)
        except FieldsOwned as owned:
            return Steered(award=award, outcome=Outcome.OWNED, why=str(owned))
        except ObjectChanged as changed:
            if attempt == ATTEMPTS:
                return Steered(award=award, outcome=Outcome.CONTENDED, why=str(changed))
            queue = cluster.read(kueue.VERSION, PLURAL, _name(wanted))
        else:
            return Steered(award=award, outcome=Outcome.SET)
    raise AssertionError("the last attempt returns")


def decide(
    limits: Sequence[AwardLimit], steering: Steering, queue: Object | None, now: datetime
) -> tuple[PacedAward, Object]:
    """Return one award at its pace, and its queue as it is to be.

    What the queue allowed since use was last known counts as used.

    Args:
        limits: of one award, by GPU type.
        steering: how.
        queue: as it is, if there is one.
        now: the instant of the decision.
    """
    begins_at = min((each.window[0] for each in limits if each.window), default=now)
    known = steering.metered_at or begins_at
    steps = () if queue is None else recent(kueue.steps_of(queue, begins_at), known)
    unmetered = {
        (each.award, each.gpu_type): exposed(steps, type_name(each.gpu_type), known, now)
        for each in limits
    }
    (award,) = paced_awards(limits, steering.pacing, now, unmetered=unmetered)
    gpus = {type_name(gpu_type): pace.most for gpu_type, pace in award.paces.items()}
    if not steps or steps[-1].gpus != gpus:
        steps = (*steps, Step(since=now, gpus=gpus))
    return award, kueue.cluster_queue(award, steps)


def _says(queue: object, wanted: object) -> bool:
    """Say whether everything wanted stands there already, whatever else does."""
    if isinstance(wanted, dict):
        return isinstance(queue, dict) and all(
            name in queue and _says(queue[name], value) for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(queue, list)
            and len(queue) == len(wanted)
            and all(_says(is_, to_be) for is_, to_be in zip(queue, wanted, strict=True))
        )
    return queue == wanted


def _name(queue: Object) -> str:
    name: str = queue["metadata"]["name"]
    return name
