"""What a call draws: requests by state, GPU-hours asked, oversubscription of each pool."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from scheduler.domain.access import Permit
from scheduler.domain.amounts import MILLI
from scheduler.domain.pools import Supply
from scheduler.domain.requests import Ask, RequestState
from scheduler.operations.calls import get_call
from scheduler.operations.pools import supplies
from scheduler.ports.store import Transaction

COUNTED = frozenset(RequestState) - {RequestState.DRAFT, RequestState.WITHDRAWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolDemand:
    """What is asked of a pool against what it supplies, in thousandths of its GPU-hours."""

    pool: str
    requested_gpu_hours: int
    supply_gpu_hours: int

    @property
    def oversubscription(self) -> float | None:
        """How many times the supply is asked; nothing for a pool without supply."""
        if self.supply_gpu_hours == 0:
            return None
        return self.requested_gpu_hours / self.supply_gpu_hours


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStatistics:
    """What a call draws.

    Attributes:
        requested_gpu_hours, minimum_gpu_hours: thousandths of reference GPU-hours of the latest
            submissions that count (neither drafts nor withdrawn).
        pools: an ask that accepts several pools is shared over them in proportion to what each
            could give it, so that the pools add up to the asks.
    """

    call: str
    counts: Mapping[RequestState, int]
    fellows: int
    requested_gpu_hours: int
    minimum_gpu_hours: int
    pools: tuple[PoolDemand, ...]

    @property
    def oversubscription(self) -> float | None:
        """How many times all pools together are asked."""
        supply = sum(pool.supply_gpu_hours for pool in self.pools)
        asked = sum(pool.requested_gpu_hours for pool in self.pools)
        return asked / supply if supply else None


def call_statistics(tx: Transaction, permit: Permit, id_: str) -> CallStatistics:
    """Return what a call draws so far; it names nobody."""
    call = get_call(tx, permit, id_)
    supplied = supplies(tx, call.terms.pools, call.terms.calendar)
    pairs = tx.requests.latest(id_, COUNTED)
    asks = [submission.ask for _, submission in pairs]
    return CallStatistics(
        call=id_,
        counts=tx.requests.counts(id_),
        fellows=len({request.fellow for request, _ in pairs}),
        requested_gpu_hours=sum(ask.gpu_hours or 0 for ask in asks),
        minimum_gpu_hours=sum(ask.minimum_gpu_hours for ask in asks),
        pools=_demand(asks, supplied),
    )


def _demand(asks: Iterable[Ask], supplied: Mapping[str, Supply]) -> tuple[PoolDemand, ...]:
    totals = {id_: sum(supply.gpu_hours) for id_, supply in supplied.items()}
    requested: dict[str, Fraction] = dict.fromkeys(totals, Fraction(0))
    for ask in asks:
        speeds = {pool: speed for pool, speed in ask.speeds.items() if totals.get(pool)}
        reach = sum(totals[pool] * speed for pool, speed in speeds.items())
        for pool in speeds if reach else ():
            requested[pool] += Fraction((ask.gpu_hours or 0) * totals[pool] * MILLI, reach)
    return tuple(
        PoolDemand(
            pool=id_, requested_gpu_hours=round(requested[id_]), supply_gpu_hours=totals[id_]
        )
        for id_ in totals
    )
