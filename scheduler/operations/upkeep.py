"""What a center does by itself: offers lapse on the clock, rounds go on; people still decide."""

from datetime import datetime
from typing import Final

from scheduler.domain.access import EVERYTHING, Permit
from scheduler.domain.awards import Award, AwardState
from scheduler.domain.errors import NothingToFreeze
from scheduler.domain.events import Happening, Json
from scheduler.domain.jobs import Job
from scheduler.domain.rounds import RoundState
from scheduler.operations.jobs import Hand
from scheduler.operations.ledger import call_of
from scheduler.operations.offers import expire_offers
from scheduler.operations.reallocations import start_reallocation
from scheduler.operations.record import record
from scheduler.operations.solves import SolveOrder, start_solve
from scheduler.ports.acts import Act
from scheduler.ports.paging import AwardFilter, everything
from scheduler.ports.store import Transaction

BEING_DECIDED: Final = frozenset({RoundState.DECIDING, RoundState.APPROVED})


def act_of(hand: Hand) -> Act:
    """Return a worker as it acts in its own name, for nobody else."""
    permit = Permit(action="upkeep", person=f"worker:{hand.worker}")
    return Act(permit=permit, now=hand.now, ids=hand.ids)


def offers_are_late(tx: Transaction, now: datetime) -> bool:
    """Return whether an offer waits whose time is over: a look that changes nothing."""
    return any(each.is_unanswered(now) for each in _offered(tx))


def lapse_late_offers(tx: Transaction, hand: Hand) -> tuple[Award, ...]:
    """Let all offers lapse that were not answered in time; their hours go down the line."""
    late = [each for each in _offered(tx) if each.is_unanswered(hand.now)]
    calls = sorted({call_of(tx, each) for each in late})
    return tuple(each for call in calls for each in expire_offers(tx, act_of(hand), call))


def go_on(tx: Transaction, hand: Hand, job: Job, order: SolveOrder) -> dict[str, Json]:
    """Freeze the reallocation that a job asks for and queue its solve.

    It takes the place of frozen ones that nobody has selected. While people decide on one, it
    waits for them.

    Returns:
        `round` and `solve`; or `waits_for`, a round that is being decided on; or nothing to do.
    """
    rounds = tx.rounds.of_call(job.subject)
    waiting = [each for each in rounds if each.continues and each.state in BEING_DECIDED]
    if waiting:
        return {"waits_for": waiting[-1].id}
    going = [each for each in rounds if each.may_go_on]
    if not going:
        return {"round": None}
    act = act_of(hand)
    why = f"{job.payload['cause']} ({job.payload['subject']})"
    try:
        made, _ = start_reallocation(tx, act, going[-1].id, why)
    except NothingToFreeze:
        return {"round": None}
    done: dict[str, Json] = {
        "round": made.id,
        "solve": start_solve(tx, act, made.id, order).id,
    }
    body = {**job.payload, "solve": done["solve"], "continues": going[-1].id}
    record(tx, act, Happening(kind="round.continued", subject=made.id, body=body))
    return done


def _offered(tx: Transaction) -> tuple[Award, ...]:
    where = AwardFilter(state=AwardState.OFFERED)
    return tuple(everything(lambda part: tx.awards.list(EVERYTHING, part, where=where)))
