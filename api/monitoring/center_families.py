"""What pools hold and jobs wait for, as metric families."""

from collections.abc import Iterator
from datetime import datetime

from prometheus_client.core import Metric

from api.monitoring.families import gauge
from api.monitoring.readings import PoolReading, QueueReading, Readings


def pool_families(readings: Readings) -> Iterator[Metric]:
    """Yield what the pools hold."""
    labels = ("pool", "gpu_type")
    pools = readings.pools
    yield gauge(
        "dure_capacity_gpus",
        "GPUs of a pool.",
        labels,
        {_of(each): float(each.gpus) for each in pools},
    )
    yield gauge(
        "dure_capacity_available_gpus",
        "GPUs of a pool now, after approved capacity changes.",
        labels,
        {_of(each): float(each.available_gpus) for each in pools},
    )
    yield gauge(
        "dure_capacity_committed_gpus",
        "GPUs of a pool that live awards take in the slot that runs.",
        labels,
        {
            _of(each): sum(round_.committed_gpus.get(each.pool, 0.0) for round_ in readings.rounds)
            for each in pools
        },
    )


def _of(pool: PoolReading) -> tuple[str, str]:
    return pool.pool, pool.gpu_type


def queue_families(queue: QueueReading, now: datetime) -> Iterator[Metric]:
    """Yield what waits for a worker."""
    jobs = {(state,): float(count) for state, count in queue.jobs.items()}
    yield gauge("dure_queue_jobs", "Jobs by state.", ("state",), jobs)
    waited = 0.0
    if queue.oldest_queued_at is not None:
        waited = max((now - queue.oldest_queued_at).total_seconds(), 0.0)
    yield gauge(
        "dure_queue_oldest_seconds",
        "How long the oldest queued job waits; 0 when none does.",
        (),
        {(): waited},
    )
