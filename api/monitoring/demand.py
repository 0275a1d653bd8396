"""Supply and demand of a frozen round, by pool."""

from collections.abc import Iterable, Mapping
from typing import Final

from api.monitoring.readings import DemandReading
from scheduler.snapshot import RoundRequest, Snapshot

SECONDS_PER_MILLIHOUR: Final = 3.6
"""GPU-seconds in a thousandth of a GPU-hour."""


def demand_reading(snapshot: Snapshot) -> DemandReading:
    """Return supply and demand by pool.

    An ask that accepts several pools counts in each by the part of the supply in its window
    that the pool gives, weighed by the speed there; so the pools' demands add up to the ask.
    """
    capacity = {pool.id: sum(pool.supply_gpu_hours) for pool in snapshot.pools}
    supply = {pool.id: pool.supply_gpu_hours for pool in snapshot.pools}
    requested = dict.fromkeys(capacity, 0.0)
    for request in snapshot.requests:
        for pool, hours in spread(request, supply):
            requested[pool] += hours
    return DemandReading(
        capacity_gpu_seconds={
            pool: milli * SECONDS_PER_MILLIHOUR for pool, milli in capacity.items()
        },
        requested_gpu_seconds={
            pool: milli * SECONDS_PER_MILLIHOUR for pool, milli in requested.items()
        },
    )


def spread(
    request: RoundRequest, supply: Mapping[str, tuple[int, ...]]
) -> Iterable[tuple[str, float]]:
    """Return (pool, thousandths of a GPU-hour on the pool) that an ask stands for."""
    weights = {
        pool: speed * sum(supply[pool][request.first : request.end])
        for pool, speed in request.speeds
    }
    total = sum(weights.values())
    for pool, speed in request.speeds:
        part = weights[pool] / total if total else 1 / len(weights)
        yield pool, request.gpu_hours * part * 1000 / speed
