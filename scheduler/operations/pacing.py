"""Pacing: how many GPUs the awards of a round may hold at once, from what is left of them."""

from datetime import datetime

from scheduler.domain.access import Permit
from scheduler.domain.calls import Call
from scheduler.domain.errors import NotFound
from scheduler.domain.limits import USABLE, AwardLimit
from scheduler.domain.pace import PacedAward, Pacing, paced_awards
from scheduler.operations.limits import award_limits
from scheduler.operations.usage import IMPORTED
from scheduler.ports.paging import AwardFilter
from scheduler.ports.store import Transaction


def pace_round(
    tx: Transaction, permit: Permit, round_id: str, pacing: Pacing, *, now: datetime
) -> tuple[PacedAward, ...]:
    """Return the visible awards of a round that are in use, at the pace of now.

    Raises:
        NotFound: If the round does not exist or is not published.
        InvalidValue: If its calendar has no first day.
    """
    limits = [each for each in round_limits(tx, permit, round_id) if each.state in USABLE]
    groups = tx.groups.of({each.group for each in limits if each.group is not None})
    weights = {each.id: each.weight for each in groups}
    return paced_awards(limits, pacing, now, weights=weights)


def round_limits(tx: Transaction, permit: Permit, round_id: str) -> tuple[AwardLimit, ...]:
    """Return the limits of the visible awards of a published round, also of those that are over.

    Raises:
        NotFound: If the round does not exist or is not published.
    """
    published_call(tx, round_id)
    return award_limits(tx, permit, where=AwardFilter(round=round_id))


def published_call(tx: Transaction, round_id: str) -> Call:
    """Return the call of a published round.

    Raises:
        NotFound: If there is no such round.
    """
    round_ = tx.rounds.find(round_id)
    if round_ is None or not round_.is_public:
        raise NotFound(kind="round", id=round_id)
    call = tx.calls.find(round_.call)
    assert call is not None, "a round belongs to a call"
    return call


def metered_at(tx: Transaction, cluster: str) -> datetime | None:
    """Return when a cluster last reported its use, if it ever did."""
    reports = [each.at for each in tx.events.of(cluster) if each.kind == IMPORTED]
    return max(reports, default=None)
